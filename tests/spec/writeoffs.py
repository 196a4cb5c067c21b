"""Write-offs written by hand: one dictionary a row, money in dollars, dates as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from features.batch import Batch, empty_columns
from features.money import NULL, parse_cents
from features.tables import WRITEOFFS, Column, Kind, Table
from features.vocabulary import Vocabulary

Row = Mapping[str, object]

POSTED = "2026-06-01"
"""When a row is posted that does not say so."""


def day(text: str) -> int:
    """Return a date as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(np.int64))


def table(kind: Table, rows: Sequence[Row], vocabulary: Vocabulary | None = None) -> Batch:
    """Return rows of any table; what a row does not say is null."""
    words = Vocabulary() if vocabulary is None else vocabulary
    columns = empty_columns(kind, len(rows))
    for number, row in enumerate(rows):
        for name, value in row.items():
            if value is not None:
                columns[name][number] = _cell(kind.column(name), value, words)
    return Batch(kind, columns, words)


def writeoffs(*rows: Row, vocabulary: Vocabulary | None = None) -> Batch:
    """Return write-offs; each has an id, a day of posting and a payer."""
    plain = [{"writeoff_id": f"W{i}", "writeoff_date": POSTED, "payer_id": "ACME"} | dict(row) for i, row in enumerate(rows)]
    return table(WRITEOFFS, plain, vocabulary)


def _cell(column: Column, value: object, words: Vocabulary) -> object:
    if column.kind is Kind.TEXT:
        return words.add(column.name, str(value))
    if column.kind is Kind.MONEY:
        return parse_cents(str(value))
    if column.kind is Kind.DATE:
        return day(str(value)) if isinstance(value, str) else value
    if column.kind is Kind.BOOL:
        return {"yes": 1, "no": 0}[str(value)]
    return value if column.kind in (Kind.ID, Kind.NUMBER) else int(str(value))


def cents(text: str) -> int:
    """Return dollars as cents; `-` is NULL."""
    return NULL if text == "-" else parse_cents(text)
