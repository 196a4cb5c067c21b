"""Typed Parquet columns taken as they are, where every value is plainly good; what is doubtful is read as text, value by value."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.intake.cells import EARLIEST
from features.money import NULL
from features.tables import Array, Column, Kind

_NEAR = 1e-6
"""A float is an amount when it is so near to cents, in dollars."""
_LATEST = 2_932_896
"""9999-12-31, the last day that has a text form."""
_WHOLE, _SMALL = 1e15, 1e-4


def cents_of(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return dollars as whole cents, and where they are: near to cents and of at most thirteen digits.

    >>> cents, is_amount = cents_of(np.array([12.5, 0.005, np.nan]))
    >>> cents[0], is_amount.tolist()
    (np.float64(1250.0), [True, False, False])
    """
    with np.errstate(invalid="ignore", over="ignore"):
        cents = np.rint(values * 100.0)
        return cents, (np.abs(values - cents / 100.0) < _NEAR) & (np.abs(values) < 1e13)


def plain_values(array: pa.Array, column: Column, latest: int | None) -> Array | None:
    """Return a typed column as it is stored, or None where its type or any of its values asks for a closer look.

    Parameters
    ----------
    array
        Of a type that is not text.
    column
        What it holds; a bound that a value breaks asks for a closer look too.
    latest
        The last day that is a date; None: any.

    Examples
    --------
    >>> from features.tables import WRITEOFFS
    >>> plain_values(pa.array([12.5, 7.0]), WRITEOFFS.column("writeoff_amount"), None).tolist()
    [1250, 700]
    >>> plain_values(pa.array([0.005]), WRITEOFFS.column("writeoff_amount"), None) is None
    True
    """
    kind, of = column.kind, array.type
    if kind is Kind.MONEY and pa.types.is_float64(of):
        return _plain_cents(array, column)
    if kind is Kind.DATE and pa.types.is_date32(of):
        return _plain_whole(array.view(pa.int32()), EARLIEST, _LATEST if latest is None else latest)
    if kind is Kind.INT and pa.types.is_signed_integer(of) and _is_free(column):
        return _plain_whole(array, -(10**15) + 1, 10**15 - 1)
    if kind is Kind.NUMBER and pa.types.is_float64(of):
        return _plain_numbers(array, column)
    if kind is Kind.BOOL and pa.types.is_boolean(of):
        flags: Array = np.asarray(array.cast(pa.int8()).fill_null(-1))
        return flags
    return None


def _is_free(column: Column) -> bool:
    return column.minimum is None and column.above is None and column.maximum is None


def _plain_cents(array: pa.Array, column: Column) -> Array | None:
    is_null = np.asarray(array.is_null()) if array.null_count else None
    cents, is_amount = cents_of(np.asarray(array.fill_null(0.0)))
    if not is_amount.all() or (column.minimum is not None and cents.min(initial=0.0) < column.minimum * 100):
        return None
    whole = cents.astype(np.int64)
    if is_null is not None:
        whole[is_null] = NULL
    return whole


def _plain_whole(array: pa.Array, low: int, high: int) -> Array | None:
    if array.null_count < len(array):
        ends = pc.min_max(array)
        if ends["min"].as_py() < low or ends["max"].as_py() > high:
            return None
    whole: Array = np.asarray(array.cast(pa.int64()).fill_null(NULL))
    return whole


def _plain_numbers(array: pa.Array, column: Column) -> Array | None:
    values = np.asarray(array.fill_null(1.0))
    with np.errstate(invalid="ignore"):
        # Very small and very large numbers have many digits or exponents as text: those are looked at closer.
        good = (np.abs(values) < _WHOLE) & ((np.abs(values) > _SMALL) | (values == 0.0))
    for bound, is_good in ((column.minimum, np.greater_equal), (column.above, np.greater), (column.maximum, np.less_equal)):
        if bound is not None:
            good &= is_good(values, bound)
    if not good.all():
        return None
    return np.where(np.asarray(array.is_null()), np.nan, values) if array.null_count else values
