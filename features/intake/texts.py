"""Typed values as the text that they would be in a CSV file, so that every format has one meaning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import BadData
from features.intake.cells import NO_TEXT
from features.intake.output import decimal_from_cents
from features.intake.typed import cents_of
from features.tables import Kind

_EXACT = 2.0**53
"""Up to here a float is a whole number without doubt."""


def text_of(value: object, kind: Kind) -> str | None:
    """Return a JSON or Python value as text; None stays None, and what has no text form is `NO_TEXT`.

    >>> text_of(12.5, Kind.MONEY), text_of(45.0, Kind.TEXT), text_of(True, Kind.BOOL), text_of(date(2024, 1, 5), Kind.DATE)
    ('12.5', '45', 'true', '2024-01-05')
    """
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(value) if -(10**18) < value < 10**18 else NO_TEXT
    if isinstance(value, float | np.floating):
        return _float_text(float(value), kind)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() and value.adjusted() < 20 else NO_TEXT
    if isinstance(value, datetime):
        return value.date().isoformat() if kind is Kind.DATE or value.timetz() == time(0) else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) else NO_TEXT


def _float_text(value: float, kind: Kind) -> str:
    if not isfinite(value):
        return NO_TEXT
    if kind in (Kind.ID, Kind.TEXT) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return repr(value)


def texts_of(array: pa.Array, kind: Kind, where: str) -> pa.Array:
    """Return a Parquet column as strings.

    Raises
    ------
    BadData
        When its type has no text form: lists, structures, bytes.
    """
    kind_of = array.type
    if pa.types.is_dictionary(kind_of):
        array = array.dictionary_decode()
        kind_of = array.type
    if pa.types.is_string(kind_of):
        return array
    for is_type, convert in _CONVERSIONS:
        if is_type(kind_of):
            return convert(array, kind)
    raise BadData(f"{where}: values of type {kind_of} cannot be read; text, numbers, dates and booleans can")


def _cast(array: pa.Array, kind: Kind) -> pa.Array:
    return array.cast(pa.string())


def _boolean_texts(array: pa.Array, kind: Kind) -> pa.Array:
    return pc.if_else(array, "true", "false")


def _date_texts(array: pa.Array, kind: Kind) -> pa.Array:
    return array.cast(pa.date32()).cast(pa.string())


def _timestamp_texts(array: pa.Array, kind: Kind) -> pa.Array:
    if array.type.tz is not None:
        array = pc.local_timestamp(array)
    days = pc.floor_temporal(array, unit="day")
    told = days.cast(pa.date32()).cast(pa.string())
    # A column of days has no use for the time; elsewhere it is part of what is told.
    return told if kind is Kind.DATE else pc.if_else(pc.equal(days, array), told, pc.strftime(array, "%Y-%m-%dT%H:%M:%S"))


def _decimal_texts(array: pa.Array, kind: Kind) -> pa.Array:
    if array.type.scale > 2:
        try:
            return array.cast(pa.decimal128(38, 2)).cast(pa.string())
        except pa.ArrowInvalid:
            pass
    # Negative scales print as exponents, so each value is written out.
    return pa.array([None if value is None else _trimmed(value) for value in array.to_pylist()], pa.string())


def _trimmed(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _float_texts(array: pa.Array, kind: Kind) -> pa.Array:
    is_null = np.asarray(array.is_null())
    values = np.asarray(array.cast(pa.float64()).fill_null(0.0))
    if kind is Kind.MONEY:
        return _money_texts(values, is_null)
    pairs = zip(values.tolist(), is_null.tolist(), strict=True)
    return pa.array([None if null else _float_text(value, kind) for value, null in pairs], pa.string())


def _money_texts(values: NDArray[np.float64], is_null: NDArray[np.bool_]) -> pa.Array:
    cents, is_amount = cents_of(values)
    texts = decimal_from_cents(np.where(is_amount, cents, 0).astype(np.int64), is_null).cast(pa.string())
    return texts if is_amount.all() else pc.if_else(pa.array(is_amount | is_null), texts, NO_TEXT)


_CONVERSIONS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array, Kind], pa.Array]], ...] = (
    (pa.types.is_null, _cast),
    (pa.types.is_large_string, _cast),
    (pa.types.is_string_view, _cast),
    (pa.types.is_integer, _cast),
    (pa.types.is_boolean, _boolean_texts),
    (pa.types.is_date, _date_texts),
    (pa.types.is_timestamp, _timestamp_texts),
    (pa.types.is_decimal, _decimal_texts),
    (pa.types.is_floating, _float_texts),
)
