"""Columns of the tables that the sample writes, and the writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from features.intake.output import replace_file
from recoup.sample.arrays import Bools, Ints


def text(pool: Sequence[str], index: Ints, known: Bools | None = None) -> pa.Array:
    """Spell positions in a pool of texts; the empty text and what is not known are null.

    Examples
    --------
    >>> text(("a", ""), np.array([0, 1])).to_pylist()
    ['a', None]
    """
    spelled = pa.array([word or None for word in pool], pa.string())
    return spelled.take(pa.array(index, mask=None if known is None else ~known))


def numbered(prefix: str, number: Ints, width: int) -> pa.Array:
    """Spell identifiers: a prefix and a number with leading zeros.

    Examples
    --------
    >>> numbered("W", np.array([7]), 3).to_pylist()
    ['W007']
    """
    padded = pc.utf8_lpad(pa.array(number).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), padded, "")


def money(cents: Ints, known: Bools | None = None) -> pa.Array:
    """Hold cents as decimal dollars.

    Examples
    --------
    >>> money(np.array([1250, -7])).cast(pa.string()).to_pylist()
    ['12.50', '-0.07']
    """
    halves = np.stack([cents, cents >> 63], axis=1).astype("<i8")
    whole = pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(halves.tobytes())])
    return whole if known is None else pc.if_else(pa.array(known), whole, pa.scalar(None, whole.type))


def dates(day: Ints, known: Bools | None = None) -> pa.Array:
    """Hold days since 1970-01-01 as dates.

    Examples
    --------
    >>> dates(np.array([31])).cast(pa.string()).to_pylist()
    ['1970-02-01']
    """
    return pa.array(day.astype(np.int32), pa.int32(), mask=None if known is None else ~known).cast(pa.date32())


def flags(value: Bools, known: Bools) -> pa.Array:
    """Hold yes or no, null where not known."""
    return pa.array(value, pa.bool_(), mask=~known)


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a table as CSV; no text of the sample holds a comma or a quote."""
    header = ",".join(table.column_names) + "\n"
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    # Decimals as text: the writer's own form of them drops to exponents when small.
    plain = pa.table({name: _plain(table[name]) for name in table.column_names})

    def write(file: BinaryIO) -> None:
        file.write(header.encode())
        pyarrow.csv.write_csv(plain, file, options)

    _replace(path, write)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet."""
    _replace(path, lambda file: pyarrow.parquet.write_table(table, file, compression="snappy"))


def write_text(text_: str, path: Path) -> None:
    """Write an ASCII text."""
    _replace(path, lambda file: file.write(text_.encode("ascii")))


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hundreds of files that can be made again: the disk is not waited for.
    replace_file(path, write, is_lasting=False)


def drop_stale(folder: Path, kept: Iterable[str]) -> None:
    """Remove the remits of an earlier sample in the same folder; files with names of other forms are somebody's own.

    A remit that belongs to no write-off of the ledger would be read as one that was never posted.
    """
    names = frozenset(kept)
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-*.835")):
        if path.name not in names:
            path.unlink()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column
