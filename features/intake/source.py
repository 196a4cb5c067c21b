"""What a table's rows come from, whatever its format: blocks of text columns, with what was broken or blank between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Block: TypeAlias = tuple[int, Mapping[int, pa.Array]]
"""Rows of a block, and the columns wanted by their place in the header; a file of a folder may lack one."""


class Source(Protocol):
    """Rows of one table.

    Parameters
    ----------
    name
        For messages.
    header
        Column names as they stand.
    first_row
        Number of the first row: that behind a CSV header, else 1.
    is_text
        True for CSV, where a formula may stand behind an apostrophe.
    broken
        After reading: numbers of the rows with more or fewer fields than the header.
    blank
        After reading: numbers of the rows of a CSV file that say nothing: blank lines, and rows without a value in any column that is read.
        They are passed over; a spreadsheet counts them.
    """

    name: str
    header: list[str]
    first_row: int
    is_text: bool
    broken: list[int]
    blank: list[int]

    def blocks(self, wanted: Sequence[int], coded: Collection[int] = ()) -> Iterator[Block]:
        """Yield the rows; once. Texts of the columns at `coded` may come as codes of words, where the file holds them so."""
        ...

    def stretches(self, rows: int) -> Iterable[Source] | None:
        """Return sources of about so many rows each, in order and with the same header, that others may read; None where it is one stream.

        A stretch numbers its own rows from its own `first_row`.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def numbers_of(positions: NDArray[np.int64], first_row: int, *others: Sequence[int]) -> NDArray[np.int64]:
    """Return the numbers of rows, by their positions among the rows that came; `others` have numbers and did not come.

    Examples
    --------
    >>> numbers_of(np.arange(4), 2, [3], [5, 6]).tolist()
    [2, 4, 7, 8]
    """
    away = np.sort(np.concatenate([np.array(numbers, dtype=np.int64) for numbers in others]))
    # A row comes behind as many others as there are with fewer rows before them than it has.
    return positions + first_row + np.searchsorted(away - np.arange(len(away)) - first_row, positions, side="right")
