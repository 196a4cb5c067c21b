"""Scores: one row per write-off, in the columns that users and other programs depend on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from features.column import Array, Columns
from features.money import NULL, format_cents
from features.rowwise import as_arrays, is_plain

SCORE_COLUMNS = (
    "writeoff_id",
    "rank",
    "in_scope",
    "category",
    "family",
    "remedy",
    "recovery_probability",
    "recoverable_amount",
    "amount_if_recovered",
    "amount_if_recovered_low",
    "amount_if_recovered_high",
    "expected_recovery",
    "expected_hours",
    "expected_net_recovery",
    "value_per_hour",
    "anomaly_score",
    "usual_allowed_amount",
    "underpayment_amount",
    "deadline_date",
    "days_left",
    "deadline_source",
    "work_item_id",
    "reasons",
    "model_version",
    "as_of",
)

CENTS = ("recoverable_amount", "usual_allowed_amount", "underpayment_amount")
DOLLARS = (
    "amount_if_recovered",
    "amount_if_recovered_low",
    "amount_if_recovered_high",
    "expected_recovery",
    "expected_net_recovery",
    "value_per_hour",
)
"""Columns of money: whole cents; dollars with parts of a cent."""
_DATES = ("deadline_date", "as_of")


class Scores:
    """Scores of a batch of write-offs: one row per write-off.

    Parameters
    ----------
    columns
        Those of `SCORE_COLUMNS`: amounts as int64 cents (`recoverable_amount usual_allowed_amount underpayment_amount`, NULL where
        unknown) or float64 dollars, dates as days since 1970-01-01, `reasons` as lists of reasons, the rest as their names say. A single
        row may come as plain values; it becomes arrays when somebody asks for them.
    """

    __slots__ = ("_columns",)

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    @property
    def columns(self) -> Columns:
        """The columns as arrays."""
        if is_plain(self._columns["rank"]):
            self._columns = as_arrays(self._columns)
        return self._columns

    def __len__(self) -> int:
        return len(self.columns["writeoff_id"])

    def ranked(self) -> Scores:
        """Return the rows in rank order."""
        order = np.argsort(self.columns["rank"], kind="stable")
        return Scores({name: values[order] for name, values in self.columns.items()})

    def records(self) -> list[dict[str, Any]]:
        """Return one dictionary per row, as JSON can hold it; null is None, money is a number of dollars with two decimals."""
        if is_plain(self._columns["rank"]):
            row: dict[str, Any] = self._columns
            return [{name: row[name] if read is None else read(row[name]) for name, read in _READ.items()}]
        told = [_read(name, self._columns[name]) for name in SCORE_COLUMNS]
        return [dict(zip(SCORE_COLUMNS, row, strict=True)) for row in zip(*told, strict=True)]

    def table(self) -> dict[str, Sequence[Any]]:
        """Return the columns as a file holds them: money as text with two decimals, dates as ISO text, reasons as JSON text."""
        return {name: _texts(name, self.columns[name]) for name in SCORE_COLUMNS}


def _cents(value: int) -> float | None:
    return None if value == NULL else value / 100


def _dollars(value: float) -> float:
    return round(value, 2) + 0.0


def _date(value: int) -> str | None:
    return None if value == NULL else _iso(value)


def _count(value: int) -> int | None:
    return None if value == NULL else value


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


_READ: dict[str, Callable[[Any], Any] | None] = {
    **dict.fromkeys(SCORE_COLUMNS),
    **dict.fromkeys(CENTS, _cents),
    **dict.fromkeys(DOLLARS, _dollars),
    **dict.fromkeys(_DATES, _date),
    "days_left": _count,
    "anomaly_score": _six_digits,
}
"""How a stored value of each column becomes that of a record; None: it is as it is."""


def _read(name: str, values: Array) -> list[Any]:
    read = _READ[name]
    return values.tolist() if read is None else list(map(read, values.tolist()))


def _texts(name: str, values: Array) -> Sequence[Any]:
    if name in CENTS:
        return [format_cents(v) for v in values.tolist()]
    if name in DOLLARS:
        return [f"{round(v, 2) + 0.0:.2f}" for v in values.tolist()]
    if name == "reasons":
        return [json.dumps(v, ensure_ascii=False, separators=(",", ":")) if v else "[]" for v in values.tolist()]
    return _read(name, values)


_ISO: dict[int, str] = {}


def _iso(day: int) -> str:
    # The few thousand days that scores ever name are written once each.
    text = _ISO.get(day)
    if text is None:
        text = _ISO[day] = str(np.datetime64(day, "D"))
    return text
