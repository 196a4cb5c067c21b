"""A table's columns written as text again, the way they would stand in a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from features.batch import Batch
from features.money import NULL, format_cents
from features.tables import Kind

_EPOCH = date(1970, 1, 1).toordinal()


def as_text(batch: Batch) -> dict[str, list[str]]:
    """Return the columns of a table as text, blank where null; nullable columns without any value are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from features.batch import empty_columns
    >>> from features.tables import REMIT_LINES
    >>> from features.vocabulary import Vocabulary
    >>> columns = empty_columns(REMIT_LINES, 1) | {"amount": np.array([1250]), "remit_date": np.array([0])}
    >>> written = as_text(Batch(REMIT_LINES, columns, Vocabulary()))
    >>> written["amount"], written["remit_date"], "units" in written
    (['12.50'], ['1970-01-01'], False)
    """
    columns: dict[str, list[str]] = {}
    for column in batch.table.columns:
        values = batch.columns[column.name]
        if column.kind in (Kind.ID, Kind.TEXT):
            texts = [value or "" for value in batch.words(column.name)]
        else:
            texts = list(map(_TEXTS[column.kind], values.tolist()))
        if not column.nullable or any(texts):
            columns[column.name] = texts
    for name, values in batch.extras.items():
        columns[name] = ["" if value is None else str(value) for value in values]
    return columns


def _day_text(value: int | float) -> str:
    return "" if value == NULL else date.fromordinal(int(value) + _EPOCH).isoformat()


def _number_text(value: int | float) -> str:
    return "" if value != value else f"{value:.12g}"


_TEXTS: dict[Kind, Callable[[int | float], str]] = {
    Kind.MONEY: lambda value: format_cents(int(value)),
    Kind.DATE: _day_text,
    Kind.INT: lambda value: "" if value == NULL else str(int(value)),
    Kind.NUMBER: _number_text,
    Kind.BOOL: lambda value: {1: "true", 0: "false"}.get(int(value), ""),
}
