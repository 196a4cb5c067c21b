"""Files that a command reads and those it writes, kept apart: no input is overwritten, and no output by another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from features.errors import UsageError
from recoup.beside import Beside, Scored, Worked

Files = Path | Sequence[Path] | None
"""What one option names; several paths for files of a folder."""

REJECTS = "the rejects file"


def keep_apart(reads: Mapping[str, Files], writes: Mapping[str, Files]) -> None:
    """Refuse a call that would write over what it reads, or twice to one place; nothing is opened.

    Links are followed. A file that is there and lies in a folder that is read is an input too, and so is all that lies in a folder that is
    replaced. Standard input and output (`-`) are never the same as anything.

    Parameters
    ----------
    reads, writes
        Paths by the words that name them to the caller, such as `--out`; paths of one name are not held against each other.

    Raises
    ------
    UsageError
        When an output is an input or another output; both are named.

    Examples
    --------
    >>> keep_apart({"--writeoffs": Path("a.csv")}, {"--out": Path("b.csv"), "--lines": None})
    >>> keep_apart({"--writeoffs": Path("a.csv")}, {"--out": Path("x/../a.csv")})
    Traceback (most recent call last):
    features.errors.UsageError: --writeoffs and --out name the same file, x/../a.csv: what is read is not overwritten; name another one
    """
    inputs, outputs = list(_named(reads)), list(_named(writes))
    for place, (name, path) in enumerate(outputs):
        for other, read in inputs:
            if _is_same(path, read):
                raise UsageError(f"{other} and {name} name the same file, {path}: what is read is not overwritten; name another one")
            if path.is_file() and _is_below(path, read):
                raise UsageError(f"{name} names a file of the folder that {other} reads, {path}: it is not overwritten; name another one")
            if path.is_dir() and _is_below(read, path):
                raise UsageError(
                    f"{other} names a file of the folder that {name} replaces, {read}: it is not overwritten; name another one"
                )
        for other, written in outputs[:place]:
            if other != name and _is_same(path, written):
                raise UsageError(f"{other} and {name} name the same file, {path}: one would overwrite the other; name another one")


def flags(files: Beside | Worked | Scored) -> dict[str, Files]:
    """Return the files that several options name together, by these options.

    >>> [name for name, path in flags(Beside(payer_rules=Path("rules.csv"))).items() if path]
    ['--payer-rules']
    """
    if isinstance(files, Worked):
        return {"--writeoffs": files.writeoffs, "--outcomes": files.outcomes, "--mapping": files.mapping, **flags(files.beside)}
    if isinstance(files, Scored):
        named = {"--writeoffs": files.writeoffs, "--scores": files.scores, "--remit-lines": files.remit_lines, "--outcomes": files.outcomes}
        return {**named, "--mapping": files.mapping, **flags(files.beside)}
    return {f"--{one.name.replace('_', '-')}": getattr(files, one.name) for one in fields(files)}


def _named(given: Mapping[str, Files]) -> Iterator[tuple[str, Path]]:
    for name, files in given.items():
        for path in [files] if isinstance(files, Path) else files or ():
            if str(path) != "-":
                yield name, path


def _is_same(path: Path, other: Path) -> bool:
    if os.path.realpath(path) == os.path.realpath(other):
        return True
    # Two names of one file, by hard links or on a disk that does not tell capitals from small letters.
    return path.exists() and other.exists() and path.samefile(other)


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(path)).parents
