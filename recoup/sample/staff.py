"""The staff: whom they choose to work, how long it takes, and when the answer comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Floats, Ints, stream
from recoup.sample.ledger import Ledger
from recoup.sample.recovery import Truth

WORKED_SHARE = 0.17
STATUSES = tuple("recovered partially_recovered denied upheld_next_level_open settled abandoned expired pending".split())
RECOVERED, PART, DENIED, NEXT_LEVEL, SETTLED, ABANDONED, EXPIRED, PENDING = range(8)


@dataclass(frozen=True)
class Efforts:
    """One entry per effort, in the order of write-offs and levels; days since 1970-01-01, money in cents.

    `back_day` is the day on which the payer took money back: `back` is known only from then on.
    """

    row: Ints
    level: Ints
    action: Ints
    worked: Ints
    resolved: Ints
    status: Ints
    recovered: Ints
    back: Ints
    back_day: Ints
    hours: Floats
    is_explored: Bools

    def __len__(self) -> int:
        return len(self.row)


def work(seed: int, ledger: Ledger, truth: Truth, explore: float) -> Efforts:
    """Work about 18 % of the write-offs: some by lot, the others by dollars, habit and what staff see."""
    rng = stream(seed, "staff")
    can_be_drawn = _is_workable(ledger, truth)
    is_explored = can_be_drawn & (rng.random(len(ledger)) < explore)
    chosen = _chosen(seed, rng, ledger, truth, can_be_drawn & ~is_explored, is_explored)
    row = np.flatnonzero(is_explored | chosen)
    keen = np.clip(np.log(np.maximum(ledger.amount[row], 100) / 30_000.0), -2.0, 2.0)
    worked = ledger.day[row] + 1 + rng.gamma(1.2, 11.0 * np.exp(-0.2 * keen)).astype(np.int64)
    return _with_levels(rng, _answer(rng, ledger, truth, row, worked, is_explored[row]), truth)


def _is_workable(ledger: Ledger, truth: Truth) -> Bools:
    """Leave out what nobody could collect from a payer: waits, undone postings, other payers' and patients' parts."""
    no = np.isin(truth.code, [codes.SEQUESTRATION, codes.PRIOR_PAYER, codes.CAPITATION, codes.CHARITY, codes.SMALL_BALANCE])
    result: Bools = ~(no | codes.IS_PATIENT[truth.code] | truth.is_hopeless) & (ledger.amount > 0)
    return result


def _chosen(seed: int, rng: np.random.Generator, ledger: Ledger, truth: Truth, is_free: Bools, is_explored: Bools) -> Bools:
    """Choose by a score in each fortnight of postings, as many as hands are left."""
    habit = stream(seed, "habit")
    letter = np.array([{"high": 1.0, "medium": 0.5, "low": -0.4}.get(c.letter, -2.6) for c in codes.ALL])
    score = 0.75 * np.log(np.maximum(ledger.amount, 100)) + letter[truth.code]
    score = score + habit.normal(0.0, 0.6, 60)[truth.payer] + habit.normal(0.0, 0.5, len(codes.FAMILIES))[truth.family]
    score = score + 0.8 * truth.hidden + 0.6 * truth.is_misposted + rng.gumbel(0.0, 0.9, len(ledger))
    score = np.where(is_free, score, -np.inf)
    period = ledger.day // 14
    order = np.lexsort((-score, period))
    begins = np.searchsorted(period[order], period[order], side="left")
    place = np.arange(len(order)) - begins
    size = np.bincount(period - period[0])[period[order] - period[0]]
    taken = np.bincount(period - period[0], weights=is_explored)[period[order] - period[0]]
    chosen = np.zeros(len(order), dtype=np.bool_)
    chosen[order] = (place < WORKED_SHARE * size - taken) & np.isfinite(score[order])
    return chosen


def _answer(rng: np.random.Generator, ledger: Ledger, truth: Truth, row: Ints, worked: Ints, is_explored: Bools) -> Efforts:
    """Let the payer answer: a recovery comes sooner than a refusal."""
    n = len(row)
    is_won = truth.luck[row] < truth.chance(worked, row)
    status = np.where(is_won, RECOVERED, np.array([DENIED, ABANDONED, EXPIRED])[np.searchsorted([0.80, 0.92], rng.random(n))])
    part = is_won & (truth.won[row] < 0.75 * truth.cap[row])
    status = np.where(part, np.where(rng.random(n) < 0.15, SETTLED, PART), status)
    mean = np.array([45.0, 50.0, 78.0, 78.0, 55.0, 65.0, 120.0, 0.0])[status]
    resolved = worked + 3 + rng.gamma(2.2, (mean - 3.0) / 2.2).astype(np.int64)
    recovered = np.where(is_won, truth.won[row], 0)
    is_back = is_won & truth.is_takeback[row]
    return Efforts(
        row=row,
        level=np.ones(n, dtype=np.int64),
        action=truth.remedy[row],
        worked=worked,
        resolved=resolved,
        status=status,
        recovered=recovered,
        back=np.where(is_back, recovered, 0),
        back_day=np.where(is_back, resolved + rng.integers(40, 200, n), 0),
        hours=np.maximum(0.05, truth.hours[row] * np.exp(rng.normal(-0.045, 0.30, n))).round(2),
        is_explored=is_explored,
    )


def _with_levels(rng: np.random.Generator, first: Efforts, truth: Truth) -> Efforts:
    """Split one appeal in twelve into two levels: upheld, then the answer that counts."""
    appealed = truth.remedy[first.row] == codes.REMEDIES.index("appeal")
    two = np.flatnonzero(appealed & (rng.random(len(first)) < 1 / 12) & (first.resolved - first.worked > 20))
    all_ = {name: getattr(first, name).copy() for name in Efforts.__dataclass_fields__}
    second = {name: column[two].copy() for name, column in all_.items()}
    middle = (first.worked[two] + first.resolved[two]) // 2
    second["level"][:] = 2
    second["worked"] = middle + rng.integers(1, 8, len(two))
    second["resolved"] = np.maximum(second["resolved"], second["worked"] + 2)
    all_["resolved"][two] = middle
    all_["status"][two] = NEXT_LEVEL
    for name in ("recovered", "back", "back_day"):
        all_[name][two] = 0
    joined = {name: np.concatenate([all_[name], second[name]]) for name in all_}
    order = np.lexsort((joined["level"], joined["row"]))
    return Efforts(**{name: column[order] for name, column in joined.items()})
