"""What is known of each effort as of a day, and how much a resolved one stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.feature import Floats
from features.money import NULL
from features.tables import Array

DECIDED = ("recovered", "partially_recovered", "denied", "settled", "abandoned", "expired")
"""Statuses that say how an effort ended. Pending and open at the next level say nothing yet and are no labels.

An effort that was given up brought nothing, and those are given up that look lost: without them every chance came out 4-8 % high."""

_LARGEST_WEIGHT = 5.0

LEAST_TAKEN_BACK = 20
"""Recoveries taken back whole that tell how many will be."""

_AGES = 4


@dataclass(frozen=True, slots=True)
class Cases:
    """Efforts begun before a day, with what was known of them that morning: one entry per effort.

    Parameters
    ----------
    row
        Position of the write-off in its batch.
    worked_on, resolved_on
        Days; `resolved_on` is NULL where nothing was known yet.
    decided
        The effort ended in a way that says whether it recovered something.
    cents
        Payer cash net of take-backs (>= 0); 0 unless decided.
    hours
        Staff hours; NaN where not logged.
    explored
        Chosen at random.
    taken_back
        Payer cash that had come and was taken back (cents, >= 0); 0 unless decided.
    """

    row: NDArray[np.int64]
    worked_on: NDArray[np.int64]
    resolved_on: NDArray[np.int64]
    decided: NDArray[np.bool_]
    cents: NDArray[np.int64]
    hours: Floats
    explored: NDArray[np.bool_]
    taken_back: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def recovered(self) -> NDArray[np.bool_]:
        """Return where net payer cash came in."""
        return self.cents > 0

    def take(self, rows: Array) -> Cases:
        """Return the cases at these positions, or under this mask."""
        return Cases(*(getattr(self, name)[rows] for name in self.__slots__))


def cases_as_of(writeoffs: Batch, outcomes: Batch, as_of: int) -> tuple[Cases, int]:
    """Return the efforts on these write-offs as they stood on the morning of `as_of`.

    Efforts begun on or after the day are not there; those resolved on or after it are pending.

    Returns
    -------
    Cases, int
        In order of the outcomes; and how many efforts name a write-off that is not in the batch.
    """
    place = {key: i for i, key in enumerate(writeoffs.columns["writeoff_id"].tolist())}
    c = outcomes.columns
    begun = c["worked_date"] < as_of
    row = np.array([place.get(key, -1) for key in c["writeoff_id"].tolist()], dtype=np.int64).reshape(len(outcomes))
    kept = begun & (row >= 0)
    decided_codes = [outcomes.vocabulary.find("status", status) for status in DECIDED]
    known = (c["resolved_date"] != NULL) & (c["resolved_date"] < as_of)
    decided = known & np.isin(c["status"], decided_codes)
    recovered, taken = (np.where(c[name] == NULL, 0, c[name]) for name in ("recovered_amount", "taken_back_amount"))
    cases = Cases(
        row,
        c["worked_date"],
        np.where(known, c["resolved_date"], NULL),
        decided,
        np.where(decided, np.maximum(recovered - taken, 0), 0),
        np.where(known, c["hours_spent"], np.nan),
        c["explored"] == 1,
        np.where(decided, np.minimum(taken, recovered), 0),
    )
    return cases.take(kept), int((begun & (row < 0)).sum())


def delay_weights(cases: Cases, as_of: int) -> Floats:
    """Return 1 / P(known by now | recovered or not) of each decided case, at most five, with mean 1.

    Recoveries and refusals become known at different speeds, so that the resolved ones of a young month are not like the month.
    Only resolved cases are seen, each with a delay that had to be shorter than its age: the curve of each class is the
    product-limit estimate for such right-truncated delays (Lynden-Bell 1971, run backwards in time). At an age at which one class
    would weigh more than the most, both weigh less by the same factor: to clip the one alone would leave too much of the other.
    """
    delay = (cases.resolved_on - cases.worked_on).astype(np.float64)
    age = (as_of - 1 - cases.worked_on).astype(np.float64)
    known = np.ones((2, len(cases)))
    for kind in (0, 1):
        of = cases.recovered == kind
        if of.sum() >= 50:
            known[kind] = resolved_by(delay[of], age[of], age)
    own = known[cases.recovered.astype(np.int64), np.arange(len(cases))]
    weights: Floats = np.minimum(known.min(axis=0) * _LARGEST_WEIGHT, 1.0) / own
    return weights / weights.mean() if len(weights) else weights


def kept_chance(cases: Cases, as_of: int) -> Floats:
    """Return the chance that what a recovered case holds today is still held once take-backs have had their time; 1 elsewhere.

    When a take-back came is not told, only that it did: the share of recoveries lost whole, by how long ago they came, rises to that
    of the oldest. A recovery of an age at which a share s is lost, of finally S, keeps its cash with chance (1 - S) / (1 - s).
    """
    kept = np.ones(len(cases))
    paid = np.flatnonzero(cases.decided & (cases.cents + cases.taken_back > 0))
    lost = cases.cents[paid] == 0
    if lost.sum() < LEAST_TAKEN_BACK:
        return kept
    age = as_of - 1 - cases.resolved_on[paid]
    block = np.searchsorted(np.quantile(age, np.linspace(0, 1, _AGES + 1)[1:-1]), age, side="left")
    share = np.maximum.accumulate(np.bincount(block, lost, _AGES) / np.maximum(np.bincount(block, minlength=_AGES), 1))
    kept[paid] = np.where(lost, 1.0, ((1.0 - share[-1]) / (1.0 - np.minimum(share, 0.99)))[block])
    return kept


def resolved_by(delay: Floats, age: Floats, at: Floats | None = None, *, least_at_risk: int = 25) -> Floats:
    """Return the estimated chance that a case is resolved within its age, from cases that all were.

    Parameters
    ----------
    delay, age
        Days, delay <= age.
    at
        Ages to tell the chance for; None: those of the cases.
    least_at_risk
        Cases that must speak for a time of the curve.

    Examples
    --------
    Old cases say that half take ten days; a case of age five that is resolved stands for more than itself.

    >>> resolved_by(np.array([2., 10., 2., 10., 2.]), np.array([90., 90., 90., 90., 5.]), least_at_risk=1).round(2).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.5]
    """
    times = np.unique(delay)
    events = np.array([(delay == t).sum() for t in times], dtype=np.float64)
    # At risk at t, looking backwards: delay no longer than t, and old enough that a delay of t could have been seen.
    by_delay, by_age = np.sort(delay), np.sort(age)
    at_risk = np.searchsorted(by_delay, times, side="right") - np.searchsorted(by_age, times, side="left")
    # Where few are at risk one late case would halve the whole curve: such times are taken as past its end.
    keep = np.where(at_risk >= least_at_risk, 1.0 - events / np.maximum(at_risk, 1), 1.0)
    # F(t) is the product over later times of "did not happen exactly then".
    later = np.append(np.cumprod(np.where(keep > 0, keep, 1.0)[::-1])[::-1][1:], 1.0)
    found: Floats = later[np.maximum(np.searchsorted(times, age if at is None else at, side="right") - 1, 0)]
    return np.clip(found, 0.01, 1.0)
