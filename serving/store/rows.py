"""Rows of the store from the arrays that files are read into, and back: the same values in another dress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.batch import Batch, empty_columns
from features.money import NULL
from features.tables import Array, Kind, Table
from features.vocabulary import Vocabulary

EPOCH = date(1970, 1, 1)


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    """Return the rows of a batch as the store holds them: days as dates, money as cents, null as None.

    >>> from features.intake.records import read_records
    >>> from features.tables import WRITEOFFS
    >>> given = {"writeoff_id": "W1", "writeoff_date": "2026-01-05", "payer_id": "P", "writeoff_amount": "80.50", "qmb": "no"}
    >>> row = rows_of(read_records([given], WRITEOFFS, vocabulary=Vocabulary()).batch)[0]
    >>> row["writeoff_date"], row["writeoff_amount"], row["qmb"], row["carc"]
    (datetime.date(2026, 1, 5), 8050, False, None)
    """
    told = [_values(batch, column.name, column.kind) for column in batch.table.columns]
    names = batch.table.names
    return [dict(zip(names, row, strict=True)) for row in zip(*told, strict=True)]


def batch_of(rows: Sequence[Mapping[str, Any]], table: Table, vocabulary: Vocabulary) -> Batch:
    """Return rows of the store as a batch; columns that a row lacks are null."""
    columns = empty_columns(table, len(rows))
    for column in table.columns:
        values = [row.get(column.name) for row in rows]
        if any(value is not None for value in values):
            columns[column.name] = _array(column.name, column.kind, values, vocabulary)
    return Batch(table, columns, vocabulary)


def _values(batch: Batch, name: str, kind: Kind) -> Iterable[Any]:
    values = batch.columns[name]
    if kind in (Kind.ID, Kind.TEXT):
        return batch.words(name)
    if kind is Kind.DATE:
        return [None if day == NULL else EPOCH + timedelta(days=day) for day in values.tolist()]
    if kind is Kind.BOOL:
        return [None if flag < 0 else bool(flag) for flag in values.tolist()]
    if kind is Kind.NUMBER:
        return [None if np.isnan(number) else number for number in values.tolist()]
    return [None if number == NULL else number for number in values.tolist()]


def _array(name: str, kind: Kind, values: Sequence[Any], vocabulary: Vocabulary) -> Array:
    if kind is Kind.ID:
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found
    if kind is Kind.TEXT:
        return vocabulary.encode(name, values)
    if kind is Kind.DATE:
        return np.array([NULL if day is None else (day - EPOCH).days for day in values], dtype=np.int64)
    if kind is Kind.BOOL:
        return np.array([-1 if flag is None else int(flag) for flag in values], dtype=np.int8)
    if kind is Kind.NUMBER:
        return np.array([np.nan if number is None else number for number in values], dtype=np.float64)
    return np.array([NULL if number is None else number for number in values], dtype=np.int64)
