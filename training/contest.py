"""A contest of orders of work on the newest efforts whose results are in: dollars at a share of the hours, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.errors import CheckFailed
from features.feature import Floats
from features.money import NULL
from models.reference import stability_index
from models.scorer import Scorer
from training.cut import Ledger, recode
from training.evaluate import auc, expected_calibration_error, first_efforts, reliability_bins, static_rates
from training.labels import Cases, cases_as_of, delay_weights
from training.maturity import class_shares

MATURE_SHARE = 0.7
"""The window ends where efforts are old enough that this share of recoveries and of refusals is known."""

YOUNGEST_DAYS, OLDEST_DAYS = 30, 180
SHORTEST_DAYS, LONGEST_DAYS, ENOUGH = 90, 270, 600
"""The window is this long at least, and longer, to a bound, until it holds enough decided efforts."""

DRAWS = 1000
CAPACITY = (0.05, 0.1, 0.2)
_LEAST_GROUP = 40
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """First efforts begun from `start` to before `end` that are decided: what the contest is about.

    Parameters
    ----------
    start, end
        Days since 1970-01-01. All contestants know what came before `start` and nothing later.
    mature_days
        Age of the youngest effort in it.
    begun
        Efforts in it, decided or not.
    batch
        Their write-offs, one row each (n).
    cases
        What came of them, in the order of the batch.
    weight
        How many efforts of its age and result each stands for.
    """

    start: int
    end: int
    mature_days: int
    begun: int
    batch: Batch
    cases: Cases
    weight: Floats

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def dollars(self) -> Floats:
        """Payer cash net of take-backs."""
        return self.cases.cents / 100.0

    def as_json(self) -> dict[str, Any]:
        """Return what it is, for the report."""
        return {
            "from": _iso(self.start),
            "to": _iso(self.end - 1),
            "mature_days": self.mature_days,
            "begun": self.begun,
            "decided": len(self),
            "recovered": int(self.cases.recovered.sum()),
            "explored": int(self.cases.explored.sum()),
            "dollars": round(float(self.dollars.sum()), 2),
        }


def newest_mature(ledger: Ledger, as_of: int) -> Window:
    """Return the newest window whose efforts are mature on the morning of `as_of`.

    Raises
    ------
    CheckFailed
        When no effort is that old.
    """
    everything, _ = cases_as_of(ledger.writeoffs, ledger.outcomes, as_of)
    cases = first_efforts(everything)
    ages = np.arange(YOUNGEST_DAYS, OLDEST_DAYS + 1, dtype=np.float64)
    lost, won = class_shares(everything, as_of, ages)
    ripe = np.flatnonzero((lost >= MATURE_SHARE) & (won >= MATURE_SHARE))
    days = int(ages[ripe[0]]) if len(ripe) else OLDEST_DAYS
    end = as_of - days
    ended = np.sort(cases.worked_on[cases.decided & (cases.worked_on < end)])
    if not len(ended):
        raise CheckFailed(f"no effort is decided and {days} days old: there is nothing to judge a model on yet")
    start = int(np.clip(ended[max(len(ended) - ENOUGH, 0)], end - LONGEST_DAYS, end - SHORTEST_DAYS))
    inside = cases.take((cases.worked_on >= start) & (cases.worked_on < end))
    decided = inside.take(inside.decided)
    if not len(decided):
        raise CheckFailed(f"no effort begun from {_iso(start)} to {_iso(end - 1)} is decided: there is nothing to judge a model on yet")
    weight = delay_weights(decided, as_of)
    return Window(start, end, days, len(inside), ledger.writeoffs.take(decided.row), decided, weight)


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant on a window: one value per decided effort (n).

    Parameters
    ----------
    name
        For people.
    key
        Order of work, the smallest first.
    p, expected
        Chance of recovery and expected dollars as of the window's first morning, or the posting if later.
    """

    name: str
    key: Floats
    p: Floats
    expected: Floats


def enter(name: str, scorer: Scorer, window: Window) -> Entry:
    """Let a model score the window's write-offs, each alone: what is posted later on its claim may already be an answer."""
    batch = recode(window.batch, scorer.vocabulary.overlay())
    batch.columns["claim_id"] = np.full(len(batch), None, dtype=object)
    found = scorer.score(batch, as_of=window.start, reasons=0).columns
    return Entry(name, found["rank"].astype(float), found["recovery_probability"], found["expected_recovery"])


def enter_static(window: Window) -> Entry:
    """Enter the static rule: the expert's rate of each CARC times the dollars written off, over the usual hours of the remedy."""
    scorer = Scorer.prior()
    batch = recode(window.batch, scorer.vocabulary)
    batch.columns["claim_id"] = np.full(len(batch), None, dtype=object)
    hours = scorer.score(batch, as_of=window.start, reasons=0).columns["expected_hours"]
    amount = np.where(batch.columns["writeoff_amount"] == NULL, 0, batch.columns["writeoff_amount"]) / 100.0
    rate = static_rates(batch.words("carc"))
    return Entry("static rule", -rate * amount / hours, rate, rate * amount)


def compare(window: Window, entries: Sequence[Entry], capacity: Sequence[float] = CAPACITY, seed: int = 0) -> list[dict[str, Any]]:
    """Return the dollars that each order brings at each capacity, and how much more the first brings than each other.

    Efforts are drawn again with replacement, the same draw for all orders: intervals of 90 % are of the paired difference.
    """
    hours = np.maximum(np.where(window.cases.hours > 0, window.cases.hours, 1.0), 0.01)
    found = []
    for share in capacity:
        drawn = {entry.name: drawn_dollars(entry.key, window.dollars, hours, window.weight, share, seed) for entry in entries}
        first = drawn[entries[0].name]
        rows = {}
        for entry in entries:
            gain = first - drawn[entry.name]
            low, high = np.quantile(gain[1:], [0.05, 0.95])
            rows[entry.name] = {
                "dollars": round(float(drawn[entry.name][0]), 2),
                "gain": round(float(gain[0]), 2),
                "gain_low": round(float(low), 2),
                "gain_high": round(float(high), 2),
            }
        found.append({"share": share, "hours": round(float(share * (hours * window.weight).sum()), 1), "entries": rows})
    return found


def drawn_dollars(key: Floats, dollars: Floats, hours: Floats, weight: Floats, share: float, seed: int, draws: int = DRAWS) -> Floats:
    """Return the dollars within a share of the hours: first as seen, then for each draw of the efforts with replacement.

    Examples
    --------
    >>> drawn_dollars(np.array([2.0, 1.0]), np.array([10.0, 30.0]), np.ones(2), np.ones(2), 0.75, seed=1, draws=0).tolist()
    [35.0]
    """
    n = len(key)
    order = np.argsort(key, kind="stable")
    rng = np.random.default_rng(seed)
    found = [_within(np.ones((1, n)), order, dollars, hours, weight, share)]
    step = max(1, _AT_ONCE // max(n, 1))
    for start in range(0, draws, step):
        # Of n draws from n efforts, how often each came: the same numbers for every order, because the seed is the same.
        counts = rng.multinomial(n, np.full(n, 1.0 / n), size=min(step, draws - start)).astype(np.float64)
        found.append(_within(counts, order, dollars, hours, weight, share))
    return np.concatenate(found)


def _within(counts: Floats, order: NDArray[np.int64], dollars: Floats, hours: Floats, weight: Floats, share: float) -> Floats:
    times = (counts * weight)[:, order]
    used = times * hours[order]
    before = np.cumsum(used, axis=1) - used
    room = share * used.sum(axis=1, keepdims=True)
    part = np.clip((room - before) / np.where(used > 0, used, 1.0), 0.0, 1.0)
    taken: Floats = (part * times * dollars[order]).sum(axis=1)
    return taken


def describe(window: Window, entry: Entry) -> dict[str, float | None]:
    """Return discrimination and calibration of one entry."""
    won, w = window.cases.recovered, window.weight
    came = float((w * window.dollars).sum())
    return {
        "auc": _rounded(auc(entry.p, won)),
        "brier": _rounded(float(np.average((entry.p - won) ** 2, weights=w))),
        "ece": _rounded(expected_calibration_error(entry.p, won)),
        "predicted_dollars": round(float((w * entry.expected).sum()), 2),
        "dollars": round(came, 2),
        "dollars_ratio": _rounded(float((w * entry.expected).sum()) / came) if came > 0 else None,
        "chance_ratio": _rounded(float((w * entry.p).sum()) / max(float((w * won).sum()), 1e-9)),
    }


def reliability(window: Window, entry: Entry) -> list[dict[str, Any]]:
    """Return predicted and seen recoveries over ten bins of chance."""
    return reliability_bins(entry.p, window.cases.recovered)


def subgroups(window: Window, first: Entry, other: Entry) -> list[dict[str, Any]]:
    """Return, for kinds of payer, facilities and families of codes with enough efforts, how much worse the first's chances are.

    `loss` is the rise of the squared error over the other's, with the standard error of the paired difference; `z` the one over the other.
    """
    won = window.cases.recovered.astype(np.float64)
    rise = window.weight * ((first.p - won) ** 2 - (other.p - won) ** 2)
    found = []
    for column in ("payer_type", "facility_id", "claim_type"):
        words = np.array([word or "" for word in window.batch.words(column)])
        for word in sorted(set(words.tolist()) - {""}):
            there = words == word
            n = int(there.sum())
            if n >= _LEAST_GROUP:
                error = float(rise[there].std(ddof=1)) / np.sqrt(n)
                mean = float(rise[there].mean())
                found.append(
                    {
                        "by": column,
                        "group": word,
                        "rows": n,
                        "first_ratio": _ratio(first, window, there),
                        "other_ratio": _ratio(other, window, there),
                        "loss": round(mean, 5),
                        "z": round(float(mean / error), 2) if error > 0 else 0.0,
                    }
                )
    return found


def population_shift(before: Floats, after: Floats, bins: int = 10) -> float:
    """Return the population stability index of two samples by quantiles of the first: below .1 calm, above .25 a shift.

    >>> population_shift(np.arange(100.0), np.arange(100.0))
    0.0
    """
    edges = np.unique(np.quantile(before, np.linspace(0, 1, bins + 1)[1:-1]))
    return stability_index(
        np.bincount(np.searchsorted(edges, before, side="left"), minlength=len(edges) + 1),
        np.bincount(np.searchsorted(edges, after, side="left"), minlength=len(edges) + 1),
    )


def worst(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest z among subgroups; 0 where there are none."""
    return max((float(row["z"]) for row in rows), default=0.0)


def _ratio(entry: Entry, window: Window, there: NDArray[np.bool_]) -> float | None:
    came = float((window.weight * window.dollars)[there].sum())
    return _rounded(float((window.weight * entry.expected)[there].sum()) / came) if came > 0 else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))
