"""What efforts came to, effort by effort and row by row of the ledger, and what was to be expected of them when they began."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.feature import Floats
from features.money import NULL
from features.usual import in_fees
from features.view import View, Viewer
from models.scorer import Scorer
from serving.findings.case import Case, Flags, rows_of_efforts

ENDED = frozenset(("recovered", "partially_recovered", "denied", "settled", "abandoned", "expired"))
"""Statuses that say how an effort ended; a pending or open one says nothing yet.

One that was given up brought nothing, and a chance says so: without those more comes in for each dollar predicted than is true."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Efforts on rows of the ledger that ended before the morning: one entry per effort.

    Parameters
    ----------
    row
        The row of the ledger.
    resolved_on
        The day it ended.
    came
        Dollars that came less those taken back, not below zero.
    expected
        Dollars expected of it on the day it began.
    """

    row: NDArray[np.int64]
    resolved_on: NDArray[np.int64]
    came: Floats
    expected: Floats

    def __len__(self) -> int:
        return len(self.row)


def expected_then(ledger: Batch, efforts: Batch, scorer: Scorer, *, as_of: int) -> Floats:
    """Return the dollars expected of each effort on the day it began; 0 for one on no row of the ledger, or begun later.

    Of a row its age and last days are those of that day, and it stands alone: a claim's other rows were often posted later. What
    payers usually allow and how they answered before is what the scorer knows today.

    Parameters
    ----------
    ledger, efforts
        Rows of `WRITEOFFS` and `OUTCOMES`.
    scorer
        Knows what was known on the morning; it is left as it is.
    as_of
        The morning, as days since 1970-01-01.
    """
    row, begun = rows_of_efforts(ledger, efforts), efforts.columns["worked_date"]
    at = np.flatnonzero((row >= 0) & (begun != NULL) & (begun < as_of))
    expected = np.zeros(len(row))
    if len(at):
        batch = ledger.take(row[at])
        batch.columns["claim_id"] = np.full(len(at), None, dtype=object)
        then = copy(scorer)
        then.viewer = _Then(scorer.viewer, np.maximum(batch.columns["writeoff_date"], begun[at]))
        expected[at] = then.judge(batch, as_of=as_of)[1]["expected_recovery"]
    return expected


class _Then(Viewer):
    """Looks at rows with the eyes of another viewer, at each on its own day."""

    def __init__(self, viewer: Viewer, days: NDArray[np.int64]) -> None:
        super().__init__(viewer.practice, viewer.usual, viewer.history, viewer.shares)
        self.days = days

    def sort(self, batch: Batch, as_of: int) -> View:
        """View rows without history, each on its day."""
        usual = self.usual.read(self.usual.find(batch.columns), in_fees(batch)["units"])
        return self._sort(batch, self.days, usual, self.shares)


def ended_efforts(case: Case) -> Ended:
    """Return the efforts that ended."""
    if case.efforts is None:
        none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return Ended(none, none, nothing, nothing)
    c, row = case.efforts.columns, case.effort_rows
    over = np.array([word in ENDED for word in case.efforts.words("status")], dtype=np.bool_)
    at = np.flatnonzero(over & (row >= 0) & (c["resolved_date"] != NULL) & (c["resolved_date"] < case.as_of))
    cents = np.maximum(np.maximum(c["recovered_amount"][at], 0) - np.maximum(c["taken_back_amount"][at], 0), 0)
    return Ended(row[at], c["resolved_date"][at], cents / 100, case.expected_then[at])


def decided_rows(case: Case) -> tuple[Flags, Flags]:
    """Return the rows whose efforts brought money, and those whose efforts ended."""
    efforts = ended_efforts(case)
    won, ended = np.zeros(len(case), dtype=np.bool_), np.zeros(len(case), dtype=np.bool_)
    ended[efforts.row] = True
    won[efforts.row[efforts.came > 0]] = True
    return won, ended
