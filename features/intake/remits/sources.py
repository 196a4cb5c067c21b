"""835 files where they lie: which there are, and what one holds, read to its end in small pieces."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import BinaryIO, NamedTuple

from features.errors import StorageFailed
from features.intake.remits.candidates import LONGEST_CELL
from features.intake.remits.issues import IssueLog
from features.intake.remits.records import Transaction
from features.intake.remits.segments import read_segments
from features.intake.remits.summary import Tally
from features.intake.remits.transaction import read_transactions

CHUNK = 1 << 18
"""Bytes read at a time."""


class RemitReject(NamedTuple):
    """A claim, or a row of the ledger, that could not be used: ids, and no other value.

    `row` is the segment in an 835 and the row in a ledger, `id` CLP01 or the write-off's id.
    """

    file: str
    row: int
    id: str
    column: str
    rule: str


class Source(NamedTuple):
    """A file to read; `stream` is given for standard input, which is not closed."""

    path: Path
    name: str
    size: int
    stream: BinaryIO | None = None

    def open(self) -> AbstractContextManager[BinaryIO]:
        return self.path.open("rb") if self.stream is None else nullcontext(self.stream)


def read_file(source: Source, log: IssueLog, tally: Tally, latest: str, seen: Callable[[int], None] | None = None) -> Iterator[Transaction]:
    """Yield the transactions of a file to its end, or as far as the disk gives it.

    Parameters
    ----------
    log, tally
        Receive what is wrong, and what is counted.
    latest
        ISO day; a later date is not believed.
    seen
        Is told the bytes of each chunk.
    """
    digest = hashlib.sha256()
    for remit in read_transactions(read_segments(digested(source, log, digest.update, seen), log), log, latest=latest):
        tally.add(remit)
        yield remit
    tally.sha256 = digest.hexdigest()


def digested(source: Source, log: IssueLog, digest: Callable[[bytes], None], seen: Callable[[int], None] | None) -> Iterator[bytes]:
    """Yield the bytes of a file, each chunk shown to `digest` first and told to `seen` after."""
    for chunk in _read(source, log):
        digest(chunk)
        yield chunk
        if seen is not None:
            seen(len(chunk))


def close_file(log: IssueLog, tally: Tally) -> None:
    """Say that a file that was read holds no 835, where it holds none."""
    if not tally.transactions and not any(issue.code == "file_unreadable" for issue in log.issues):
        log.only("no_835")


def under_mapping(remit: Transaction, payers: Mapping[str, str]) -> Transaction:
    """Return a transaction with its payer under the practice's name, found by its id or name in the 835."""
    payer = payers.get(remit.payer_id) or payers.get(remit.payer_name)
    return replace(remit, payer_id=payer) if payer else remit


def refused(remit: Transaction, log: IssueLog) -> Iterator[RemitReject]:
    """Yield the claims of a transaction that cannot be used; the log is told what it does not know yet."""
    for claim in remit.claims:
        rule = claim.fault
        if not rule and not remit.remit_date:
            rule = "claim_undated"
            log.add(rule, claim.segment, "CLP")
        if rule:
            yield RemitReject(remit.file, claim.fault_segment, claim.claim_id, "", rule)
        elif claim.is_predetermination:
            log.add("predetermination", claim.segment, "CLP")


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the cycle collector: records hold no cycles, and walking all of them again and again takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def latest_day(today: date) -> str:
    """Return the last day that is believed, ISO: five years on."""
    is_leap_day = (today.month, today.day) == (2, 29)
    return today.replace(year=today.year + 5, day=28 if is_leap_day else today.day).isoformat()


def _read(source: Source, log: IssueLog) -> Iterator[bytes]:
    """Yield the bytes of a file as far as the disk gives them."""
    try:
        with source.open() as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError:
        log.add("file_unreadable")


def list_sources(paths: Sequence[Path], stdin: BinaryIO | None, but: Collection[Path] = ()) -> list[Source]:
    """List the files, each once, named by what follows the folder that was asked for; order of the arguments, then of names.

    Of a folder, the files of `but` are none of it.
    """
    found: dict[Path, Source] = {}
    others = {path.resolve() for path in but}
    for path in paths:
        if str(path) == "-":
            found.setdefault(path, Source(path, "-", 0, stdin if stdin is not None else sys.stdin.buffer))
        elif path.is_dir():
            for file in _files_below(path):
                if file.resolve() in others:
                    continue
                size = file.stat().st_size if file.exists() else 0
                found.setdefault(file.resolve(), Source(file, file.relative_to(path).as_posix()[-LONGEST_CELL:], size))
        else:
            try:
                size = path.stat().st_size
            except OSError as error:
                raise StorageFailed.reading(path, error) from error
            found.setdefault(path.resolve(), Source(path, path.name[-LONGEST_CELL:], size))
    return list(found.values())


def _files_below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        for name in sorted(names):
            file = Path(root, name)
            # a pipe or device would never end; a link to nothing is a file that cannot be opened
            if file.is_file() or not file.exists():
                yield file


def _refuse(error: OSError) -> None:
    raise StorageFailed(f"{error.filename}: cannot be listed: {error.strerror}") from error
