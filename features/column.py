"""Kinds of columns: what one holds, how it is stored as an array, and which values are good in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.money import NULL

Array: TypeAlias = NDArray[Any]
Columns: TypeAlias = dict[str, Array]
"""Column name to a one-dimensional array; all arrays of one mapping are equally long."""


class Kind(StrEnum):
    """What a column holds, how it is stored in an array and how null is written there."""

    ID = "id"
    """Text that names one thing (object array of str; None)."""
    TEXT = "text"
    """Text with few values, coded by the vocabulary (int32; -1)."""
    MONEY = "money"
    """Cents (int64; NULL)."""
    DATE = "date"
    """Days since 1970-01-01 (int64; NULL)."""
    INT = "int"
    """int64; NULL."""
    NUMBER = "number"
    """float64; NaN."""
    BOOL = "bool"
    """int8: 1 true, 0 false, -1 null."""

    def nulls(self, rows: int) -> Array:
        """Return an array of `rows` nulls of this kind."""
        if self is Kind.ID:
            return np.full(rows, None, dtype=object)
        if self is Kind.TEXT:
            return np.full(rows, -1, dtype=np.int32)
        if self is Kind.NUMBER:
            return np.full(rows, np.nan)
        if self is Kind.BOOL:
            return np.full(rows, -1, dtype=np.int8)
        return np.full(rows, NULL, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name, kind, meaning
        As in the file, what it holds, and one line for the data dictionary.
    nullable
        False: a file must have the column and every row a value.
    allowed
        The listed values, lower case (upper for codes); empty where any value is good. A value outside is kept raw, read as
        unknown and named once as an issue.
    strict
        A value outside `allowed` rejects the row.
    minimum
        For money and numbers: the least value that is good; a smaller one rejects the row.
    above, maximum
        For numbers: values must be greater than `above` and at most `maximum`; another one rejects the row.
    longest
        Most characters of a text; a longer one rejects the row.
    """

    name: str
    kind: Kind
    meaning: str
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    strict: bool = False
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    longest: int = 200
