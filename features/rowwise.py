"""The words in which a rule is written once for a column of many rows and for the plain values of a single one (`features.batch.Single`).

What compares, adds and joins flags is Python's own for both; what is not stands here. Of plain values an answer takes some hundredths of a
microsecond, of an array of one it takes one or two whole ones, and a write-off is asked hundreds of such questions. So the type is looked
at and not `isinstance` asked, which takes ten times as long to say no; an array is never of a type derived from NumPy's.

Examples
--------
>>> from features.money import NULL
>>> days = np.array([10, NULL, 30])
>>> [where(begun == NULL, 0, begun + 5) for begun in (days, 10, NULL)]
[array([15,  0, 35]), 15, 0]
>>> is_any(days > 20), is_any(10 > 20)
(True, False)
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from features.tables import Array

Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Value: TypeAlias = Array | float


def is_plain(values: object) -> TypeGuard[Any]:
    """Return whether this is the plain value of a single row, which type checkers know as an array."""
    return type(values) is not ndarray


def single(value: Any) -> Array:
    """Return the plain value of a single row, which type checkers are to know as an array."""
    column: Array = value
    return column


def where(is_so: Flags, this: Value, other: Value) -> Array:
    """Return this where it is so, else the other."""
    if type(is_so) is ndarray:
        return np.where(is_so, this, other)
    return this if is_so else other  # type: ignore[return-value]


def least(one: Value, other: Value) -> Array:
    """Return the smaller of both; of no NaN."""
    if type(one) is ndarray or type(other) is ndarray:
        return np.minimum(one, other)
    return one if one <= other else other  # type: ignore[return-value]


def most(one: Value, other: Value) -> Array:
    """Return the larger of both; of no NaN."""
    if type(one) is ndarray or type(other) is ndarray:
        return np.maximum(one, other)
    return one if one >= other else other  # type: ignore[return-value]


def is_not(flags: Flags) -> Flags:
    """Return where it is not so."""
    return ~flags if type(flags) is ndarray else not flags  # type: ignore[return-value]


def is_any(values: Array) -> bool:
    """Return whether anything is true, or not zero."""
    return bool(np.count_nonzero(values)) if type(values) is ndarray else bool(values)


def full(like: Array, value: float | str | None) -> Array:
    """Return a number, a flag, a text or None for as many rows."""
    if type(like) is not ndarray:
        return value  # type: ignore[return-value]
    return np.full(len(like), value, dtype=object if value is None or isinstance(value, str) else None)


def take(table: NDArray[Any], places: Array) -> Array:
    """Return what a table has at each place; places below 0 count from its end."""
    return table[places] if type(places) is ndarray else table.item(places)


def rounded(values: Floats) -> NDArray[np.int64]:
    """Return the nearest whole numbers, of two the even one; of no NaN."""
    return np.rint(values).astype(np.int64) if type(values) is ndarray else round(values)  # type: ignore[call-overload]


def as_type(values: Array | int, dtype: type[np.generic]) -> Array:
    """Return the values in a narrower or wider type; a plain one has none."""
    return values.astype(dtype) if type(values) is ndarray else values  # type: ignore[return-value]


def rows_where(is_so: Flags) -> NDArray[np.intp]:
    """Return the rows where it is so, for `pick` and `put`; of a single row it must be so."""
    return np.flatnonzero(is_so) if type(is_so) is ndarray else _THE_ROW


def pick(values: Array | int, rows: NDArray[np.intp]) -> Array:
    """Return the values of some rows."""
    return values[rows] if type(values) is ndarray else values  # type: ignore[return-value]


def put(values: Array, rows: NDArray[np.intp], new: Array) -> Array:
    """Return the values with new ones in some rows."""
    if type(values) is not ndarray:
        return new
    changed = values.copy()
    changed[rows] = new
    return changed


_THE_ROW = np.zeros(1, dtype=np.intp)


def as_plain(value: Any) -> Any:
    """Return NumPy's own kind of a number as Python's: they are rounded differently."""
    return value.item() if isinstance(value, np.generic) else value


def as_arrays(plain: dict[str, Any]) -> dict[str, Array]:
    """Return plain values by name as arrays of one row each: those of one type are slices of one array, which is soonest made."""
    names: dict[type, list[str]] = {}
    for name, value in plain.items():
        names.setdefault(value.__class__ if value.__class__ in (int, float, bool) else object, []).append(name)
    arrays: dict[str, Array] = {}
    for kind, of_kind in names.items():
        together: Array = np.empty(len(of_kind), dtype=kind)
        for place, name in enumerate(of_kind):
            together[place], arrays[name] = plain[name], together[place : place + 1]
    return arrays
