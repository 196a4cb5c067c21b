"""A feature: one function from columns to one array, with what a person must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.money import NULL
from features.tables import Array, Columns

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a write-off as it was known on the row's day.

    Parameters
    ----------
    name
        `<what>_<unit>` or `<what>_<unit>_<window>`.
    compute
        From columns to float64 of the same length; null is NaN. Elementwise: a row's value does not depend on other rows.
    unit, null
        What it is measured in; what a null means.
    concept
        What a person would call the subject; reasons are summed by it.
    phrase
        The words of a reason about it.
    monotone
        1: more of it never lowers the chance; -1: never raises it; 0: free.
    category
        The vocabulary column whose codes it returns, for category features; None for numbers.
    of_value
        It says how much or how long, not how likely: the likelihood does not read it.
    source
        The column that it copies, where it is no more than that: the matrix copies all such columns at once.
    """

    name: str
    compute: Callable[[Columns], Floats]
    unit: str
    null: str
    concept: str
    phrase: str
    monotone: int = 0
    category: str | None = None
    of_value: bool = False
    source: str | None = None


def feature(
    *, unit: str, concept: str, phrase: str, null: str = "not given", monotone: int = 0
) -> Callable[[Callable[[Columns], Floats]], Feature]:
    """Declare the decorated function as the feature of its own name."""

    def declare(compute: Callable[[Columns], Floats]) -> Feature:
        return Feature(compute.__name__, compute, unit, null, concept, phrase, monotone)

    return declare


def category(column: str, *, concept: str, phrase: str) -> Feature:
    """Declare a coded text column as a category feature."""
    return Feature(
        f"{column}_code", lambda c: coded(c[column]), "code", "not given or unknown at fit", concept, phrase, 0, column, source=column
    )


def flag(column: str, *, concept: str, phrase: str, monotone: int = 0) -> Feature:
    """Declare a boolean column as a feature: 1, 0, or null for unknown."""
    return Feature(column, lambda c: coded(c[column]), "0 or 1", "unknown", concept, phrase, monotone, source=column)


def coded(values: Array) -> Floats:
    """Codes, flags or small counts as floats; a negative one is null."""
    floats = values.astype(np.float64)
    return np.where(floats < 0, np.nan, floats)


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


def add_dollars(columns: Columns) -> None:
    """Add every column of `MONEY` in dollars, all at once, as `dollars` reads it."""
    cents = np.concatenate([columns[name] for name in MONEY]).reshape(len(MONEY), -1)
    for name, values in zip(MONEY, np.where(cents == NULL, np.nan, cents / 100.0), strict=True):
        columns[f"{name} in dollars"] = values


def dollars(columns: Columns, name: str) -> Floats:
    """Return a column of cents as dollars; null is NaN.

    >>> c: Columns = {name: np.array([1250, NULL]) for name in MONEY}
    >>> add_dollars(c)
    >>> dollars(c, "billed_amount")
    array([12.5,  nan])
    """
    return columns[f"{name} in dollars"]


def days_between(earlier: Array, later: Array) -> Floats:
    """Whole days from one date to another; NaN if either is null.

    >>> days_between(np.array([10, NULL]), np.array([15, 3]))
    array([ 5., nan])
    """
    gap = later.astype(np.float64) - earlier.astype(np.float64)
    return np.where((earlier == NULL) | (later == NULL), np.nan, gap)


def ratio(part: Floats, whole: Floats) -> Floats:
    """Part of a whole; NaN where either is null or the whole is not positive."""
    good = whole > 0
    return np.where(good, part / np.where(good, whole, 1.0), np.nan)
