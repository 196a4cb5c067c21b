"""An import's tables as files: CSV, packed CSV or Parquet by ending, whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np

from features.intake.output import replace_file, write_table
from features.intake.remits.candidates import TextColumns
from features.intake.remits.issues import Issue
from features.intake.remits.sources import RemitReject
from features.money import NULL, parse_cents
from features.tables import REMIT_LINES, WRITEOFFS, Array, Kind, Table

_EPOCH = date(1970, 1, 1).toordinal()


def write_candidates(path: Path | str, candidates: TextColumns, *, stdout: BinaryIO | None = None) -> None:
    """Write write-off rows; the file is valid input of `score`.

    Raises
    ------
    StorageFailed
        When the disk is full or the place cannot be written; nothing is left behind.
    UsageError
        When the ending names no known format.
    """
    _write(path, candidates, WRITEOFFS, stdout)


def write_lines(path: Path | str, lines: TextColumns, *, stdout: BinaryIO | None = None) -> None:
    """Write `remit_lines`; raises as `write_candidates`."""
    _write(path, lines, REMIT_LINES, stdout)


def write_rejects(path: Path | str, rejects: Sequence[RemitReject]) -> None:
    """Write what was left out: file, row or segment, id, column, rule; raises as `write_candidates`."""
    names = ("file", "row", "id", "column", "rule")
    columns = list(zip(*rejects, strict=True)) or [()] * len(names)
    write_table(path, {name: list(values) for name, values in zip(names, columns, strict=True)})


def write_issues(path: Path | str, issues: Sequence[Issue], *, stdout: BinaryIO | None = None) -> None:
    """Write issues as JSON lines `{file, segment, tag, code, severity, message}`, `-` to standard output.

    Raises
    ------
    StorageFailed
        When the disk is full or the place cannot be written; nothing is left behind.

    Examples
    --------
    >>> import io
    >>> out = io.BytesIO()
    >>> write_issues("-", [Issue.of("no_835", "a.zip")], stdout=out)
    >>> json.loads(out.getvalue())["code"]
    'no_835'
    """
    data = "".join(json.dumps(asdict(issue)) + "\n" for issue in issues).encode()
    if str(path) == "-":
        (stdout if stdout is not None else sys.stdout.buffer).write(data)
        return

    def write(file: BinaryIO) -> None:
        file.write(data)

    replace_file(Path(path), write)


def _write(path: Path | str, columns: TextColumns, table: Table, stdout: BinaryIO | None) -> None:
    kinds = {column.name: column.kind for column in table.columns}
    if not str(path).endswith(".parquet"):
        # the text is what the file is to hold; typing it would only print it again
        write_table(path, {name: [value or None for value in values] for name, values in columns.items()}, stdout=stdout)
        return
    typed = {name: _typed(values, kinds.get(name, Kind.TEXT)) for name, values in columns.items()}
    is_array = {name: kind for name, kind in kinds.items() if kind in (Kind.MONEY, Kind.DATE, Kind.INT, Kind.BOOL)}
    write_table(path, typed, kinds=is_array)


def _typed(values: list[str], kind: Kind) -> Array | list[str | None] | list[float | None]:
    if kind is Kind.MONEY:
        return np.array([parse_cents(value) if value else NULL for value in values], dtype=np.int64)
    if kind is Kind.DATE:
        return np.array([date.fromisoformat(value).toordinal() - _EPOCH if value else NULL for value in values], dtype=np.int64)
    if kind is Kind.INT:
        return np.array([int(value) if value else NULL for value in values], dtype=np.int64)
    if kind is Kind.BOOL:
        return np.array([{"true": 1, "false": 0}.get(value, -1) for value in values], dtype=np.int8)
    if kind is Kind.NUMBER:
        return [float(value) if value else None for value in values]
    return [value or None for value in values]
