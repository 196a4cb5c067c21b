"""Judge a ranking by what came in: discrimination, calibration, and dollars captured at a share of the hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.tables import PRIOR_RATES, Codes
from features.errors import UsageError
from features.feature import Floats
from features.money import NULL
from features.unworked import NO_LOT, blind_spots, never_worked, worked_before
from models.anomaly import FLAGGED
from models.rarity import Rarity
from models.scorer import Scorer
from models.scores import Scores
from training.bands import judge_bands, judge_use
from training.labels import Cases, cases_as_of
from training.maturity import maturity
from training.policy_value import compare

Truth = Mapping[str, Floats]
"""`writeoff_id` (object), `p_recover ev e_hours pot_recovered mispost`: a synthetic world's hidden truth, one entry per write-off."""

METHODS = ("model", "oldest_first", "dollars_first", "dollars_per_hour", "static_rule")
CAPACITY = (0.05, 0.1, 0.2)
CONTRACTUAL_CARC, TOP_UNUSUAL = "45", 0.03
"""Reason under which contractual amounts are posted, and the part of such rows whose first ranks by unusualness are looked at."""

MOST_ODD = 10_000
"""So many proper postings, at most, are asked for their codes."""

_CURVE_POINTS = 41
_BINS = 10


def evaluate(
    writeoffs: Batch,
    outcomes: Batch,
    *,
    scorer: Scorer,
    as_of: int,
    start: int,
    end: int,
    capacity: Sequence[float] = CAPACITY,
    truth: Truth | None = None,
) -> dict[str, Any]:
    """Judge a scorer on the write-offs posted from `start` to before `end`, by the outcomes known on the morning of `as_of`.

    Every row is scored as of `start`, on its own day if it was posted later, with the history of `start`. Shares are of the dollars
    that the worked rows brought, at a share of the hours they took: which rows were worked was chosen by people, so the shares
    compare orders of worked rows and say nothing of the rest.

    Parameters
    ----------
    writeoffs, outcomes
        Coded by the scorer's vocabulary or an overlay of it.
    scorer
        Its cut must not be after `start`; efforts begun before it count as what the model learned from.
    capacity
        Shares of all hours.
    truth
        Adds what only a synthetic world knows.

    Raises
    ------
    UsageError
        When the model saw what it is judged on, or no row is in the window.
    """
    if scorer.cut is not None and scorer.cut > start:
        raise UsageError(f"the model knows what came until {_iso(scorer.cut)}: it cannot be judged on rows from {_iso(start)}")
    posted = writeoffs.columns["writeoff_date"]
    rows = np.flatnonzero((posted >= start) & (posted < end) & (posted < as_of))
    window = writeoffs.take(rows)
    if not len(window):
        raise UsageError(f"no write-off was posted from {_iso(start)} to before {_iso(min(end, as_of))}")
    scores = scorer.score(window, as_of=start, reasons=0)
    cases, _ = cases_as_of(window, outcomes, as_of)
    first = first_efforts(cases)
    decided = first.take(first.decided)
    judged = _judged(window, scores, decided)
    value = compare(writeoffs, outcomes, rows, scores, policy_orders(window, scores), as_of, capacity)
    learned_until = start if scorer.cut is None else scorer.cut
    unknown = never_worked(writeoffs, worked_before(writeoffs, outcomes, learned_until), rows[scores.columns["in_scope"]])
    everything, _ = cases_as_of(writeoffs, outcomes, as_of)
    would_bring = None if truth is None or "pot_amount" not in truth else _in_order(window, truth, "pot_amount")
    result: dict[str, Any] = {
        "model_version": scorer.version,
        "bundle_hash": scorer.bundle_hash,
        "as_of": _iso(as_of),
        "from": _iso(start),
        "to": _iso(end),
        "rows": len(window),
        "worked_rows": len(first),
        "resolved_rows": len(decided),
        "matured_share": round(len(decided) / max(len(first), 1), 4),
        "recovered_rows": int(decided.recovered.sum()),
        **_discrimination(judged),
        "predicted_dollars": round(float(judged["expected"].sum()), 2),
        "actual_dollars": round(float(judged["dollars"].sum()), 2),
        "capacity": [{"share": share, **{m: _captured(judged, m, share) for m in METHODS}} for share in capacity],
        "curve": _curve(judged),
        "reliability": reliability_bins(judged["p"], judged["won"]),
        "months": _groups(judged, "month"),
        "payers": sorted(_groups(judged, "payer"), key=lambda g: -g["actual_dollars"])[:20],
        "bands": judge_bands(scorer, window, scores, decided, everything, as_of, would_bring),
        "maturity": maturity(writeoffs, everything, as_of),
        "use": judge_use(scorer, window, scores, first, decided, everything, as_of),
        "importance": _importance(scorer, window, scores, start),
        "policy_value": value,
        "never_worked": unknown,
        "warnings": [*_warnings(first, decided), *_value_warnings(value), *blind_spots(unknown, learned_until)],
        "truth": None if truth is None else _against_truth(scorer.models.rarity, window, scores, truth, capacity),
    }
    return result


def first_efforts(cases: Cases) -> Cases:
    """Keep the first effort on each write-off: the decision that a ranking would have made."""
    order = np.argsort(cases.worked_on, kind="stable")
    _, first = np.unique(cases.row[order], return_index=True)
    return cases.take(np.sort(order[first]))


def _judged(window: Batch, scores: Scores, decided: Cases) -> dict[str, NDArray[Any]]:
    """Return what is judged, one entry per decided write-off."""
    row, c, s = decided.row, window.columns, scores.columns
    amount = np.where(c["writeoff_amount"][row] == NULL, 0, c["writeoff_amount"][row]) / 100.0
    hours = np.where(decided.hours > 0, decided.hours, s["expected_hours"][row])
    months = c["writeoff_date"][row].astype("datetime64[D]").astype("datetime64[M]").astype(str)
    payers = np.array(window.vocabulary.decode("payer_id", c["payer_id"][row]), dtype=object)
    carcs = window.vocabulary.decode("carc", c["carc"][row])
    return {
        "p": s["recovery_probability"][row],
        "expected": s["expected_recovery"][row],
        "won": decided.recovered,
        "dollars": decided.cents / 100.0,
        "hours": np.maximum(hours, 0.01),
        "month": months,
        "payer": payers,
        "model": s["rank"][row].astype(float),
        "oldest_first": c["writeoff_date"][row].astype(float),
        "dollars_first": -amount,
        "dollars_per_hour": -amount / np.maximum(hours, 0.01),
        "static_rule": -amount * static_rates(carcs) / np.maximum(hours, 0.01),
    }


def static_rates(carcs: Sequence[str | None]) -> Floats:
    """Return the expert's rate of each CARC by its letter: high .65, medium .375, low .15, none .02, others 0."""
    codes = Codes.load()
    known = {carc: codes.carc(carc) for carc in set(carcs) if carc is not None}
    rate = {carc: PRIOR_RATES[found.recoverability] if found is not None else 0.0 for carc, found in known.items()}
    return np.array([rate.get(carc, 0.0) if carc is not None else 0.0 for carc in carcs])


def captured(order: NDArray[np.int64], dollars: Floats, hours: Floats, share: float) -> float:
    """Return the dollars of the rows that fit a share of all hours, taken in order, the last one in part.

    >>> captured(np.array([1, 0]), np.array([10.0, 30.0]), np.array([1.0, 1.0]), 0.75)
    35.0
    """
    room, taken = share * hours.sum(), np.cumsum(hours[order])
    whole = int(np.searchsorted(taken, room, side="right"))
    before = taken[whole - 1] if whole else 0.0
    value = dollars[order]
    part = (room - before) / hours[order][whole] * value[whole] if whole < len(order) else 0.0
    return float(value[:whole].sum() + part)


def _captured(judged: Mapping[str, NDArray[Any]], method: str, share: float) -> float:
    total = float(judged["dollars"].sum())
    order = np.argsort(judged[method], kind="stable")
    return round(captured(order, judged["dollars"], judged["hours"], share) / total, 4) if total > 0 else 0.0


def _curve(judged: Mapping[str, NDArray[Any]]) -> dict[str, list[float]]:
    shares = np.linspace(0, 1, _CURVE_POINTS)
    return {"hours_share": [round(float(s), 4) for s in shares], **{m: [_captured(judged, m, float(s)) for s in shares] for m in METHODS}}


def _discrimination(judged: Mapping[str, NDArray[Any]]) -> dict[str, float | None]:
    p, won, dollars = judged["p"], judged["won"], judged["dollars"]
    brier = float(np.mean((p - won) ** 2)) if len(p) else None
    return {
        "auc": _rounded(auc(p, won)),
        "brier": _rounded(brier),
        "ece": _rounded(expected_calibration_error(p, won)),
        "gini": _rounded(gini(judged["expected"], dollars)),
    }


def auc(score: Floats, won: NDArray[np.bool_]) -> float | None:
    """Return the chance that a recovered row scores above another; None where all ended alike.

    >>> auc(np.array([.1, .4, .4, .9]), np.array([False, False, True, True]))
    0.875
    """
    wins, losses = int(won.sum()), int((~won).sum())
    if not wins or not losses:
        return None
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2.0
    return float((middle[place][won].sum() - wins * (wins + 1) / 2.0) / (wins * losses))


def gini(score: Floats, dollars: Floats) -> float | None:
    """Return the area between the dollars taken in order of score and in any order, over that of the best order; None without dollars."""
    if dollars.sum() <= 0:
        return None

    def area(order: NDArray[np.int64]) -> float:
        return float((np.cumsum(dollars[order]) / dollars.sum()).mean() - 0.5)

    return area(np.argsort(-score, kind="stable")) / area(np.argsort(-dollars, kind="stable"))


def expected_calibration_error(p: Floats, won: NDArray[np.bool_]) -> float | None:
    """Return the mean distance of predicted and observed over ten bins of probability, by rows."""
    bins = reliability_bins(p, won)
    return sum(b["rows"] * abs(b["predicted"] - b["observed"]) for b in bins) / len(p) if len(p) else None


def reliability_bins(p: Floats, won: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return predicted and seen recoveries over ten bins of probability, those that hold rows."""
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    found = []
    for b in np.unique(place).tolist():
        there = place == b
        found.append(
            {
                "low": b / _BINS,
                "high": (b + 1) / _BINS,
                "rows": int(there.sum()),
                "predicted": round(float(p[there].mean()), 4),
                "observed": round(float(won[there].mean()), 4),
            }
        )
    return found


def _groups(judged: Mapping[str, NDArray[Any]], by: str) -> list[dict[str, Any]]:
    found = []
    for key in sorted(set(judged[by].tolist())):
        there = judged[by] == key
        found.append(
            {
                by: key,
                "rows": int(there.sum()),
                "predicted_dollars": round(float(judged["expected"][there].sum()), 2),
                "actual_dollars": round(float(judged["dollars"][there].sum()), 2),
            }
        )
    return found


def _importance(scorer: Scorer, window: Batch, scores: Scores, start: int) -> list[dict[str, Any]]:
    """Return each concept's share of the mean absolute contribution over the first ranks."""
    rows = np.flatnonzero(scores.columns["rank"] <= 2000)
    found = scorer.contributions(window.take(rows), as_of=start)
    size = {concept: float(np.abs(values).mean()) for concept, values in found.items()}
    total = sum(size.values())
    return [{"concept": c, "share": round(v / total, 4)} for c, v in sorted(size.items(), key=lambda item: -item[1]) if total > 0 and v > 0]


def _warnings(efforts: Cases, decided: Cases) -> list[str]:
    found = []
    if not efforts.explored.any():
        found.append(NO_LOT)
    if len(decided) < 100:
        found.append(f"Only {len(decided)} efforts in the window are resolved: every figure here is uncertain.")
    if len(decided) < 0.8 * len(efforts):
        still = 1 - len(decided) / max(len(efforts), 1)
        found.append(f"{still:.0%} of the efforts in the window are still open; refusals come later than recoveries.")
    return found


def policy_orders(window: Batch, scores: Scores) -> dict[str, Floats]:
    """Return the orders of work whose value is compared: a key per row, the smallest first."""
    c, s = window.columns, scores.columns
    per_hour = np.where(c["writeoff_amount"] == NULL, 0, c["writeoff_amount"]) / 100.0 / s["expected_hours"]
    return {
        "model": s["rank"].astype(float),
        "static_rule": -per_hour * static_rates(window.vocabulary.decode("carc", c["carc"])),
        "dollars_per_hour": -per_hour,
        "oldest_first": c["writeoff_date"].astype(float),
    }


def _value_warnings(value: Mapping[str, Any] | None) -> list[str]:
    if value is None:
        return ["No write-off that is old enough was worked: the value of an order of work cannot be estimated."]
    if value["propensity"] == "logged":
        return []
    if value["explored_rows"]:
        return ["People chose part of the work: the value of an order uses an estimated chance of their choice beside the logged ones."]
    return ["Nothing was worked by lot: the value of an order leans on the model and on an estimated chance of being chosen by people."]


def _in_order(window: Batch, truth: Truth, name: str) -> Floats:
    """Return a hidden truth in the order of the window."""
    found: Floats = truth[name][_places_in(truth, window)]
    return found


def _places_in(truth: Truth, window: Batch) -> NDArray[np.int64]:
    place = {key: i for i, key in enumerate(truth["writeoff_id"].tolist())}
    ids = window.columns["writeoff_id"].tolist()
    if lacking := sum(key not in place for key in ids):
        raise UsageError(f"the truth says nothing of {lacking} of the {len(ids)} write-offs to judge; it is that of another ledger")
    return np.array([place[key] for key in ids], dtype=np.int64)


def _against_truth(rarity: Rarity, window: Batch, scores: Scores, truth: Truth, capacity: Sequence[float]) -> dict[str, Any]:
    """Return the share of the oracle's expected dollars, on every row, worked or not."""
    at = _places_in(truth, window)
    ev, hours, won = truth["ev"][at], truth["e_hours"][at], truth["pot_recovered"][at].astype(bool)
    amount = np.where(window.columns["writeoff_amount"] == NULL, 0, window.columns["writeoff_amount"]) / 100.0
    rates = static_rates(window.vocabulary.decode("carc", window.columns["carc"]))
    orders = {
        "model": scores.columns["rank"].astype(float),
        "oldest_first": window.columns["writeoff_date"].astype(float),
        "dollars_first": -amount,
        "dollars_per_hour": -amount / hours,
        "static_rule": -amount * rates / hours,
    }
    best = np.argsort(-ev / hours, kind="stable")
    p, expected = scores.columns["recovery_probability"], scores.columns["expected_recovery"]
    return {
        "capacity": [
            {
                "share": share,
                **{
                    m: round(captured(np.argsort(o, kind="stable"), ev, hours, share) / captured(best, ev, hours, share), 4)
                    for m, o in orders.items()
                },
            }
            for share in capacity
        ],
        "auc": _rounded(auc(p, won)),
        "brier": _rounded(float(np.mean((p - won) ** 2))),
        "ece": _rounded(expected_calibration_error(p, won)),
        "predicted_over_true_dollars": _rounded(float(expected.sum() / ev.sum())),
        **(judge_unusual(window, scores, truth["mispost"][at].astype(bool)) if "mispost" in truth else {}),
        **(judge_odd(rarity, window, truth["mispost"][at].astype(bool)) if "mispost" in truth else {}),
    }


def judge_odd(rarity: Rarity, window: Batch, misposted: NDArray[np.bool_]) -> dict[str, float | None]:
    """Return how often a proper posting, of any reason, is told for two codes that hardly ever come together."""
    proper = np.flatnonzero(~misposted)
    # Spread evenly over the window: each is looked at by itself.
    some = proper[:: max(1, len(proper) // MOST_ODD)]
    odd = [rarity.look(window.columns, row) is not None for row in some.tolist()]
    return {"odd_false_alarm_share": _rounded(float(np.mean(odd)) if odd else None)}


def judge_unusual(window: Batch, scores: Scores, misposted: NDArray[np.bool_]) -> dict[str, float | None]:
    """Return how well unusually low postings are told among those of reason 45, and how often a proper one is called unusual."""
    rows = np.flatnonzero(np.array(window.words("carc"), dtype=object) == CONTRACTUAL_CARC)
    score, bad = scores.columns["anomaly_score"][rows], misposted[rows]
    flagged, top = score >= FLAGGED, np.argsort(-score, kind="stable")[: max(1, int(TOP_UNUSUAL * len(rows)))]
    return {
        "anomaly_average_precision": _rounded(average_precision(score, bad)),
        "anomaly_top_precision": _rounded(float(bad[top].mean()) if len(rows) else None),
        "anomaly_caught_share": _rounded(float(flagged[bad].mean()) if bad.any() else None),
        "anomaly_false_alarm_share": _rounded(float(flagged[~bad].mean()) if (~bad).any() else None),
    }


def average_precision(score: Floats, hit: NDArray[np.bool_]) -> float | None:
    """Return the mean, over the hits, of the share of hits among what scores as high; None where nothing was to be found.

    >>> average_precision(np.array([.9, .8, .7, .7]), np.array([True, False, True, False]))
    0.75
    """
    if not hit.any():
        return None
    order = np.argsort(-score, kind="stable")
    # Rows of one score come together: each hit among them counts with the share at their end.
    last = np.searchsorted(-score[order], -score[order], side="right")
    found = np.cumsum(hit[order])[last - 1] / last
    return float(found[hit[order]].mean())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))
