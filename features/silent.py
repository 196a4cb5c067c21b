"""A practice's own adjustment codes that stand alone and say nothing known: what was written off under them, nobody can tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.batch import Batch
from features.money import NULL
from features.tables import CATEGORIES, Array

MUCH = 0.03
"""From this share of the dollars on, what is unclassified may hold all of a kind that looks rare."""

LAST_DIGIT = 0.0005
"""A share that is told in tenths of a percent shows nothing smaller."""


class Silent(NamedTuple):
    """A code that says nothing: its word, the rows that have it and no reason code, and what they add up to."""

    code: str
    rows: int
    cents: int


def silent_codes(batch: Batch, category: Array) -> list[Silent]:
    """Return the codes under which write-offs are unclassified, those of most dollars first.

    Parameters
    ----------
    batch
        Rows of `WRITEOFFS`.
    category
        Of each row, its place in `CATEGORIES`.

    Examples
    --------
    >>> from features.batch import empty_columns
    >>> from features.tables import WRITEOFFS
    >>> from features.vocabulary import Vocabulary
    >>> columns = empty_columns(WRITEOFFS, 3) | {"adjustment_code": np.array([0, 1, 1]), "writeoff_amount": np.array([500, 800, NULL])}
    >>> rows = Batch(WRITEOFFS, columns, Vocabulary({"adjustment_code": ["Z1", "Z2"]}))
    >>> silent_codes(rows, np.full(3, CATEGORIES.index("unclassified")))
    [Silent(code='Z2', rows=2, cents=800), Silent(code='Z1', rows=1, cents=500)]
    """
    codes = batch.columns["adjustment_code"]
    at = np.flatnonzero((category == CATEGORIES.index("unclassified")) & (codes >= 0) & (batch.columns["carc"] < 0))
    amount = batch.columns["writeoff_amount"][at]
    rows = np.bincount(codes[at])
    cents = np.zeros(len(rows), dtype=np.int64)
    np.add.at(cents, codes[at], np.where(amount == NULL, 0, amount))
    found = [
        Silent(word or "", int(rows[code]), int(cents[code]))
        for code, word in zip(np.flatnonzero(rows).tolist(), batch.vocabulary.decode("adjustment_code", np.flatnonzero(rows)), strict=True)
    ]
    return sorted(found, key=lambda one: (-one.cents, one.code))
