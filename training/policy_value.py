"""What a queue would have brought, estimated from what was worked: doubly robust, inverse propensity, self-normalised."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from features.batch import Batch
from features.feature import Floats
from features.money import NULL
from features.tables import Array
from models.scores import Scores
from training.labels import resolved_by

LARGEST_WEIGHT = 100.0
"""No worked write-off stands for more than this many: an exploration rate below 1 % is clipped, which takes bias for variance."""

LEAST_ANSWERED = 0.25
"""Write-offs younger than the age by which this share of the recoveries has come are not judged."""

_NORMAL_95 = 1.645
_RIDGE = 0.3
_LEAST_TIMES = 50
_LEAST_PAID = 0.1


@dataclass(frozen=True, slots=True)
class Value:
    """Estimated dollars of a queue.

    Parameters
    ----------
    dr, ips, snips
        Doubly robust, inverse propensity, self-normalised inverse propensity (dollars).
    model
        What the model itself expects (dollars).
    low, high
        90 % interval of `dr` (dollars).
    effective
        Effective sample size: this many equally weighted worked write-offs would say as much.
    """

    dr: float
    ips: float
    snips: float
    model: float
    low: float
    high: float
    effective: float


def policy_value(taken: Floats, weight: Floats, dollars: Floats, expected: Floats) -> Value:
    """Estimate what a queue brings from a log of worked write-offs; all arrays have one entry per write-off (n).

    Parameters
    ----------
    taken
        Part of the write-off that the queue works, 0 to 1.
    weight
        How many write-offs a worked one stands for, 1 / P(worked); 0 where it was not worked.
    dollars
        What came in of a worked one (dollars); not read where the weight is 0.
    expected
        What a model, fitted on other write-offs, expects if it is worked (dollars).

    Notes
    -----
    DR is the model's sum, corrected by the weighted residuals of what was worked: unbiased if either the weights or the model
    are right (Dudik, Langford and Li 2011). SNIPS divides by the estimated instead of the known size of the queue, which
    exchanges a little bias for the variance of the weights (Swaminathan and Joachims 2015). The interval is normal, from the
    influence function over write-offs, weights taken as known: it is for a period like this one and knows no hidden reasons of choice.

    Examples
    --------
    Two of four write-offs were worked by lot; the queue takes three.

    >>> taken, weight = np.array([1.0, 1.0, 1.0, 0.0]), np.array([2.0, 0.0, 0.0, 2.0])
    >>> value = policy_value(taken, weight, np.array([90.0, 0.0, 0.0, 5.0]), np.array([80.0, 50.0, 20.0, 5.0]))
    >>> value.dr, value.ips, value.snips, value.model
    (170.0, 180.0, 270.0, 150.0)
    """
    mass = taken * weight
    money = np.where(mass > 0, dollars, 0.0)
    part = taken * expected + mass * (money - expected)
    dr, size = float(part.sum()), float(mass.sum())
    margin = _NORMAL_95 * float(np.sqrt(((part - part.mean()) ** 2).sum())) if len(part) else 0.0
    return Value(
        dr=dr,
        ips=float(mass @ money),
        snips=float(mass @ money) / size * float(taken.sum()) if size > 0 else 0.0,
        model=float(taken @ expected),
        low=dr - margin,
        high=dr + margin,
        effective=size**2 / float((mass**2).sum()) if size > 0 else 0.0,
    )


def take(order: NDArray[np.int64], hours: Floats, share: float) -> Floats:
    """Return the part of each row that is worked when rows are taken in order until a share of all hours is used.

    >>> take(np.array([1, 0]), np.array([1.0, 1.0]), 0.75)
    array([0.5, 1. ])
    """
    room = share * hours.sum()
    before = np.cumsum(hours[order]) - hours[order]
    found = np.empty(len(order))
    found[order] = np.clip((room - before) / hours[order], 0.0, 1.0)
    return found


@dataclass(frozen=True, slots=True)
class Log:
    """What was done with each write-off and what came of it, as known on a morning: one entry per write-off of a batch.

    Parameters
    ----------
    posted_on, begun_on, paid_on
        Days: of the posting; of the first effort; on which the last payer cash became known. NULL where there was none.
    explored
        The first effort was chosen at random.
    chance
        Logged chance of selection, in (0, 1]; NaN where people chose or nobody worked it.
    dollars
        Payer cash net of take-backs, of all efforts, known by now; 0 where none is. An effort given up brought nothing.
    """

    posted_on: NDArray[np.int64]
    begun_on: NDArray[np.int64]
    paid_on: NDArray[np.int64]
    explored: NDArray[np.bool_]
    chance: Floats
    dollars: Floats

    def __len__(self) -> int:
        return len(self.posted_on)

    @property
    def worked(self) -> NDArray[np.bool_]:
        """Return where an effort was begun."""
        found: NDArray[np.bool_] = self.begun_on != NULL
        return found

    @property
    def by_people(self) -> NDArray[np.bool_]:
        """Return where people chose: worked, and nothing is logged of the chance."""
        return self.worked & ~self.explored & np.isnan(self.chance)

    def take(self, rows: Array) -> Log:
        """Return the write-offs at these positions, or under this mask."""
        return Log(*(getattr(self, name)[rows] for name in self.__slots__))


def read_log(writeoffs: Batch, outcomes: Batch, as_of: int) -> Log:
    """Return the log of these write-offs as known on the morning of `as_of`; efforts on others are passed over."""
    place = {key: i for i, key in enumerate(writeoffs.columns["writeoff_id"].tolist())}
    c = outcomes.columns
    at = np.array([place.get(key, -1) for key in c["writeoff_id"].tolist()], dtype=np.int64)
    known = np.flatnonzero((at >= 0) & (c["worked_date"] < as_of))
    # Latest effort first, so that what is assigned last is the first effort's: it was the decision that a queue makes.
    known = known[np.argsort(-c["worked_date"][known], kind="stable")]
    row, n = at[known], len(writeoffs)
    begun, paid = np.full(n, NULL, dtype=np.int64), np.full(n, NULL, dtype=np.int64)
    explored, chance, cents = np.zeros(n, dtype=np.bool_), np.full(n, np.nan), np.zeros(n)
    begun[row], explored[row], chance[row] = c["worked_date"][known], c["explored"][known] == 1, c["selection_probability"][known]
    ended = known[(c["resolved_date"][known] != NULL) & (c["resolved_date"][known] < as_of)]
    came, back = (np.where(c[name][ended] == NULL, 0, c[name][ended]) for name in ("recovered_amount", "taken_back_amount"))
    np.add.at(cents, at[ended], came - back)
    np.maximum.at(paid, at[ended], np.where(came > back, c["resolved_date"][ended], NULL))
    return Log(writeoffs.columns["writeoff_date"], begun, paid, explored, chance, np.maximum(cents, 0.0) / 100.0)


@dataclass(frozen=True, slots=True)
class Maturity:
    """How much of what will be is there by now: one entry per write-off; chances in (0, 1].

    Parameters
    ----------
    begun
        An effort that will be begun has been begun, by the age of the posting.
    paid
        Cash that will come has come, by the age of the effort; 1 where none was begun.
    old
        The posting is old enough to be judged (bool).
    """

    begun: Floats
    paid: Floats
    old: NDArray[np.bool_]


def mature(log: Log, as_of: int) -> Maturity:
    """Estimate how much of the efforts and of the cash is known by now, from all write-offs that are in the log.

    Cash is aged from the begin of its effort, because large amounts are begun sooner: aged from the posting, their dollars would
    be blown up too much.
    """
    begun_on = np.where(log.worked, log.begun_on, log.posted_on)
    paid = _known_by(begun_on, log.paid_on, as_of)
    delays = (log.paid_on - log.posted_on)[log.paid_on != NULL]
    # A quantile instead of a curve, which knows nothing of ages at which hardly anything has come.
    least = float(np.quantile(delays, LEAST_ANSWERED)) if len(delays) else 0.0
    return Maturity(
        _known_by(log.posted_on, log.begun_on, as_of),
        np.where(log.worked, np.maximum(paid, _LEAST_PAID), 1.0),
        as_of - 1 - log.posted_on >= least,
    )


def _known_by(since: NDArray[np.int64], day: NDArray[np.int64], as_of: int) -> Floats:
    """Return the chance that a delay is over within each age; only delays that are over are seen, each no longer than its age."""
    age = (as_of - 1 - since).astype(np.float64)
    there = (day != NULL) & (day >= since)
    if there.sum() < _LEAST_TIMES:
        return np.ones(len(since))
    found = resolved_by((day - since)[there].astype(np.float64), age[there])
    order = np.argsort(age[there], kind="stable")
    return np.interp(age, age[there][order], found[order])


def stand_for(log: Log, people: Floats, begun: Floats | float = 1.0) -> Floats:
    """Return how many write-offs each worked one stands for, 1 / P(worked by now); 0 where it was not worked.

    Parameters
    ----------
    people
        Estimated chance that people choose the write-off where the lot does not.
    begun
        Chance that the effort on a chosen one has been begun by now.

    Notes
    -----
    What a queue chose with a logged chance e stands for 1 / e. Beside people who choose, a lot of chance e works a write-off with chance
    ``e + (1 - e) people``, whichever of the two drew it: weighting both by the chance of either is the balanced estimator for several
    loggers (Agarwal et al. 2017), which has less variance than the lot alone. Without people it is 1 / e, without a lot 1 / people.
    It believes that the columns hold the reasons of people's choice as far as these bear on the outcome. Weights are clipped.
    """
    lot = log.explored & log.worked
    rate = lot_rates(log)
    queue = ~lot & ~np.isnan(log.chance)
    chance = np.where(queue, log.chance, rate + (1.0 - rate) * people) * begun
    return np.where(log.worked, np.minimum(1.0 / np.maximum(chance, 1e-9), LARGEST_WEIGHT), 0.0)


def stand_for_by_lot(log: Log, begun: Floats | float = 1.0) -> Floats:
    """Return the same for what was drawn by lot alone, 0 elsewhere: it believes nothing about people, and varies more."""
    lot = log.explored & log.worked
    return np.where(lot, np.minimum(1.0 / np.maximum(lot_rates(log) * begun, 1e-9), LARGEST_WEIGHT), 0.0)


def lot_rates(log: Log) -> Floats:
    """Return the chance that the lot draws each write-off: its logged one where it did, the mean of these elsewhere, 0 without a lot.

    A lot whose chance was never written down drew the share that it drew.
    """
    lot = log.explored & log.worked
    if not lot.any():
        return np.zeros(len(log))
    logged = lot & ~np.isnan(log.chance)
    mean = float(log.chance[logged].mean()) if logged.any() else float(lot.mean())
    return np.where(logged, log.chance, mean)


def chosen_by_people(log: Log, codes: Sequence[Array], amount: Floats) -> Floats:
    """Estimate the chance that people choose each write-off where the lot does not, from codes and amount.

    Parameters
    ----------
    codes
        Columns of codes or words, one weight per distinct value.
    amount
        Written-off dollars (>= 0), one weight per step of a factor 2.
    """
    chosen, free = log.by_people, ~log.explored & np.isnan(log.chance)
    if not chosen.any() or chosen[free].all():
        return np.full(len(log), float(chosen.any()))
    size = np.log2(np.maximum(amount, 1.0))
    blocks = [_one_hot(column) for column in (*codes, np.floor(size))] + [sparse.csr_matrix((size / 10.0)[:, None])]
    x = sparse.hstack(blocks).tocsr()
    with warnings.catch_warnings():
        # A ridge fit that stops at 500 steps is close enough for weights.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=_RIDGE, max_iter=500, tol=1e-3).fit(x[free], chosen[free])
    found: Floats = fitted.predict_proba(x)[:, 1]
    return found


def _one_hot(column: Array) -> sparse.csr_matrix:
    distinct, place = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
    return sparse.csr_matrix((np.ones(len(column)), (np.arange(len(column)), place)), shape=(len(column), len(distinct)))


def compare(
    writeoffs: Batch,
    outcomes: Batch,
    rows: NDArray[np.int64],
    scores: Scores,
    orders: Mapping[str, Array],
    as_of: int,
    capacity: Sequence[float],
) -> dict[str, Any] | None:
    """Return the value of several orders of the same write-offs at shares of their expected hours, as JSON can hold it.

    Parameters
    ----------
    writeoffs, outcomes
        All: how long efforts and cash take is learned from them.
    rows, scores
        Places of the write-offs that are ordered (n), and their scores by a model that saw none of their outcomes.
    orders
        Per order a key of each write-off (n), worked from the smallest up.
    as_of
        The morning as of which efforts and cash are known.

    Returns
    -------
    dict or None
        None where no write-off that is old enough was worked.
    """
    log = read_log(writeoffs, outcomes, as_of)
    known = mature(log, as_of)
    old = np.flatnonzero(known.old[rows])
    at = rows[old]
    log, begun, dollars = log.take(at), known.begun[at], log.dollars[at] / known.paid[at]
    if not log.worked.any():
        return None
    c, s = writeoffs.columns, scores.columns
    amount = np.maximum(np.where(c["writeoff_amount"][at] == NULL, 0, c["writeoff_amount"][at]), 0) / 100.0
    codes = (c["payer_id"][at], c["carc"][at], s["category"][old], s["remedy"][old])
    weight = stand_for(log, chosen_by_people(log, codes, amount), begun)
    lot = stand_for_by_lot(log, begun) if (log.explored & log.worked).any() else None
    expected, hours = s["expected_recovery"][old], s["expected_hours"][old]
    found = []
    for share in capacity:
        values = {}
        for name, key in orders.items():
            taken = take(np.argsort(key[old], kind="stable"), hours, share)
            values[name] = _told(policy_value(taken, weight, dollars, expected))
            values[name]["by_lot"] = None if lot is None else _told(policy_value(taken, lot, dollars, expected))
        found.append({"share": share, "hours": round(float(share * hours.sum()), 1), "policies": values})
    return {**_facts(log), "capacity": found}


def _told(value: Value) -> dict[str, Any]:
    return {name: round(number, 2) for name, number in asdict(value).items()}


def _facts(log: Log) -> dict[str, Any]:
    """Return what the estimates rest on."""
    lot, people = log.explored & log.worked, log.by_people
    return {
        "rows": len(log),
        "until": str(np.datetime64(int(log.posted_on.max()), "D")),
        "worked_rows": int(log.worked.sum()),
        "explored_rows": int(lot.sum()),
        "exploration_rate": round(float(lot_rates(log)[lot].mean()), 4) if lot.any() else 0.0,
        "propensity": "logged" if not people.any() else "logged and estimated" if (log.worked & ~people).any() else "estimated",
    }
