"""Rows of many claims, set down bucket by bucket and merged in the order of their claims; never more than a few in memory."""

from __future__ import annotations

import heapq
import marshal
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from features.intake.remits.candidates import TextColumns

RUN_CLAIMS = 16
"""Claims of a bucket that are in memory while all buckets are merged."""

BLOCK_ROWS = 1 << 14

Order: TypeAlias = tuple[Any, ...]
"""What orders claims; see `netting.Adjudication.order`."""

Rows: TypeAlias = Iterator[Map[str, pa.Array]]
"""Blocks of rows, as `features.intake.output.write_blocks` takes them."""


def merged_blocks(names: Sequence[str], paths: Sequence[Path]) -> Rows:
    """Merge the rows of all buckets by the order of their claims, in blocks."""
    block: list[tuple[str, ...]] = []
    is_first = True
    for _, rows in heapq.merge(*map(_run, paths), key=itemgetter(0)):
        block += rows
        if len(block) >= BLOCK_ROWS:
            yield _columns(names, block)
            block, is_first = [], False
    if block or is_first:
        yield _columns(names, block)


class Run:
    """Writes the rows of claims, a few claims at a time: all buckets are merged at once, each with as many in memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._held: list[tuple[Order, tuple[tuple[str, ...], ...]]] = []

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def add(self, rows: tuple[Order, tuple[tuple[str, ...], ...]]) -> None:
        """Write the rows of the next claim."""
        self._held.append(rows)
        if len(self._held) >= RUN_CLAIMS:
            self._flush()

    def _flush(self) -> None:
        data = marshal.dumps(self._held)
        self._file.write(len(data).to_bytes(8, "little"))
        self._file.write(data)
        self._held.clear()


def blocks_of(columns: TextColumns) -> Rows:
    """Yield rows that are held as columns, in blocks."""
    for start in range(0, max(len(next(iter(columns.values()), [])), 1), BLOCK_ROWS):
        yield {name: pa.array(values[start : start + BLOCK_ROWS], pa.string()) for name, values in columns.items()}


def _run(path: Path) -> Iterator[tuple[Order, tuple[tuple[str, ...], ...]]]:
    """Yield what `Run` wrote."""
    with path.open("rb") as file:
        while length := file.read(8):
            yield from marshal.loads(file.read(int.from_bytes(length, "little")))


def _columns(names: Sequence[str], rows: list[tuple[str, ...]]) -> Map[str, pa.Array]:
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: pa.array(column, pa.string()) for name, column in zip(names, values, strict=True)}
