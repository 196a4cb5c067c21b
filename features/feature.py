"""A feature: one function from columns to one array, with what a person must know of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.money import NULL
from features.rowwise import as_type, is_plain, where
from features.tables import Array, Columns

Floats: TypeAlias = NDArray[np.float64]


class Form(StrEnum):
    """How a feature comes from its inputs; the matrix makes all features of a form but the last in one step."""

    COPY = "copy"
    """The input as it is; a negative code or flag is null."""
    RATIO = "ratio"
    """First input over the second; null unless the second is positive."""
    DAYS = "days"
    """Whole days from the first date to the second."""
    COMPUTED = "computed"
    """By its own function."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a write-off as it was known on the row's day.

    Parameters
    ----------
    name
        `<what>_<unit>` or `<what>_<unit>_<window>`.
    compute
        From columns to float64 of the same length; null is NaN. Elementwise: a row's value does not depend on other rows.
    meaning
        What it is, for the data dictionary.
    unit, null
        What it is measured in; what a null means.
    concept
        What a person would call the subject; reasons are summed by it.
    phrase
        The words of a reason about it.
    monotone
        1: more of it never lowers the chance; -1: never raises it; 0: free.
    form, inputs
        How it is made, and of which columns.
    category
        The vocabulary column whose codes it returns, for category features; None for numbers.
    of_value
        It says how much or how long, not how likely: the likelihood does not read it.
    """

    name: str
    compute: Callable[[Columns], Floats]
    meaning: str
    unit: str
    null: str
    concept: str
    phrase: str
    monotone: int = 0
    form: Form = Form.COMPUTED
    inputs: tuple[str, ...] = ()
    category: str | None = None
    of_value: bool = False


NOT_GIVEN = "not given"


def feature(
    *, unit: str, concept: str, phrase: str, null: str = NOT_GIVEN, monotone: int = 0
) -> Callable[[Callable[[Columns], Floats]], Feature]:
    """Declare the decorated function as the feature of its own name; its docstring is the meaning."""

    def declare(compute: Callable[[Columns], Floats]) -> Feature:
        meaning = (compute.__doc__ or "").strip().splitlines()[0].removesuffix(".")
        return Feature(compute.__name__, compute, meaning, unit, null, concept, phrase, monotone)

    return declare


def category(column: str, *, concept: str, phrase: str) -> Feature:
    """Declare a coded text column as a category feature."""
    name, null = f"{column}_code", "not given or unknown at fit"
    meaning = f"Code of `{column}`"
    return Feature(name, lambda c: coded(c[column]), meaning, "code", null, concept, phrase, 0, Form.COPY, (column,), category=column)


def flag(column: str, *, concept: str, phrase: str, monotone: int = 0) -> Feature:
    """Declare a boolean column as a feature: 1, 0, or null for unknown."""
    meaning = f"`{column}`"
    return Feature(column, lambda c: coded(c[column]), meaning, "0 or 1", "unknown", concept, phrase, monotone, Form.COPY, (column,))


def place(name: str, column: str, meaning: str, *, concept: str, phrase: str) -> Feature:
    """Declare the place of a word in a fixed list as a feature."""
    return Feature(name, lambda c: coded(c[column]), meaning, "code", "never null", concept, phrase, 0, Form.COPY, (column,))


def count(name: str, column: str, meaning: str, *, concept: str, phrase: str) -> Feature:
    """Declare a column of small counts as a feature."""
    return Feature(name, lambda c: coded(c[column]), meaning, "count", NOT_GIVEN, concept, phrase, 0, Form.COPY, (column,))


def copied(
    name: str,
    column: str,
    meaning: str,
    *,
    unit: str,
    concept: str,
    phrase: str,
    null: str = NOT_GIVEN,
    monotone: int = 0,
    of_value: bool = False,
) -> Feature:
    """Declare a column of floats as a feature."""
    return Feature(name, lambda c: c[column], meaning, unit, null, concept, phrase, monotone, Form.COPY, (column,), of_value=of_value)


def amount(name: str, column: str, meaning: str, *, concept: str, phrase: str, null: str = NOT_GIVEN) -> Feature:
    """Declare a column of `MONEY` as a feature in dollars."""
    return copied(name, in_dollars(column), meaning, unit="dollars", concept=concept, phrase=phrase, null=null)


def share(name: str, part: str, whole: str, meaning: str, *, concept: str, phrase: str, null: str = NOT_GIVEN) -> Feature:
    """Declare one amount as a part of another."""
    one, other = in_dollars(part), in_dollars(whole)
    return Feature(name, lambda c: ratio(c[one], c[other]), meaning, "share", null, concept, phrase, 0, Form.RATIO, (one, other))


def days(
    name: str, earlier: str, later: str, meaning: str, *, concept: str, phrase: str, null: str = NOT_GIVEN, monotone: int = 0
) -> Feature:
    """Declare the whole days from one date to another."""
    inputs = (earlier, later)
    return Feature(name, lambda c: days_between(c[earlier], c[later]), meaning, "days", null, concept, phrase, monotone, Form.DAYS, inputs)


def in_dollars(column: str) -> str:
    """Return the name under which `add_dollars` puts a column of cents in dollars."""
    return f"{column} in dollars"


def coded(values: Array) -> Floats:
    """Codes, flags or small counts as floats; a negative one is null."""
    floats = as_type(values, np.float64)
    return where(floats < 0, np.nan, floats)


MONEY = (
    "writeoff_amount",
    "billed_amount",
    "allowed_amount",
    "paid_amount",
    "patient_responsibility_amount",
    "cap_cents",
    "expected_allowed_cents",
    "underpayment_cents",
    "implied_allowed_cents",
    "usual_median_cents",
    "usual_low_cents",
)
"""Columns of cents that features read as dollars."""

_IN_DOLLARS = tuple((name, in_dollars(name)) for name in MONEY)
_FEW = 64


def add_dollars(columns: Columns) -> None:
    """Add every column of `MONEY` in dollars, as `dollars` reads it."""
    if is_plain(columns[MONEY[0]]):
        row: dict[str, Any] = columns
        row.update({dollars: math.nan if row[name] == NULL else row[name] / 100.0 for name, dollars in _IN_DOLLARS})
        return
    if len(columns[MONEY[0]]) > _FEW:
        for name in MONEY:
            amount = columns[name]
            found = columns[in_dollars(name)] = amount / 100.0
            found[amount == NULL] = np.nan
        return
    # Few rows take longer to be asked for than to be worked out: all columns at once.
    cents = np.concatenate([columns[name] for name in MONEY]).reshape(len(MONEY), -1)
    for name, values in zip(MONEY, np.where(cents == NULL, np.nan, cents / 100.0), strict=True):
        columns[in_dollars(name)] = values


def dollars(columns: Columns, name: str) -> Floats:
    """Return a column of cents as dollars; null is NaN.

    >>> c: Columns = {name: np.array([1250, NULL]) for name in MONEY}
    >>> add_dollars(c)
    >>> dollars(c, "billed_amount")
    array([12.5,  nan])
    """
    found: Floats = columns[in_dollars(name)]
    return found


def days_between(earlier: Array, later: Array) -> Floats:
    """Whole days from one date to another; NaN if either is null.

    >>> days_between(np.array([10, NULL]), np.array([15, 3]))
    array([ 5., nan])
    """
    if is_plain(earlier):
        return math.nan if earlier == NULL or later == NULL else float(later - earlier)  # type: ignore[return-value]
    return np.where((earlier == NULL) | (later == NULL), np.nan, later.astype(np.float64) - earlier.astype(np.float64))


def ratio(part: Floats, whole: Floats) -> Floats:
    """Part of a whole; NaN where either is null or the whole is not positive."""
    if is_plain(whole):
        return part / whole if whole > 0 else math.nan  # type: ignore[return-value]
    good = whole > 0
    return np.where(good, part / np.where(good, whole, 1.0), np.nan)
