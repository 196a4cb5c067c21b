"""How far sums of expected dollars are off: learned from forecasts of the past, told for any grouping, and held against what came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.feature import Floats
from models.calibration import Calibration, log_odds, probability
from models.scorer import Scorer
from models.scores import Scores
from models.sums import NOMINAL, Sums, days_late, row_leverage, row_variance
from training.labels import Cases
from training.maturity import class_shares

LEAST_USE, LEAST_ROWS = 30, 11
"""Known results that a calibration needs, and write-offs below which a group's worked share stays untold (cells under 11, as the
Centers for Medicare and Medicaid Services suppress them)."""


_NEARLY_SURE = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class Rows:
    """What a band needs of write-offs: one entry per row."""

    expected: Floats
    variance: Floats
    leverage: Floats
    payer: NDArray[np.int64]
    family: NDArray[np.object_]
    code: NDArray[np.object_]
    days_late: NDArray[np.int64]
    nothing: Floats

    def band(self, sums: Sums, group: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the low and high end of each group's sum."""
        return sums.band(
            self.expected,
            self.variance,
            self.payer,
            family=self.family,
            code=self.code,
            days_late=self.days_late,
            leverage=self.leverage,
            nothing=self.nothing,
            group=group,
        )


def scored_rows(window: Batch, scores: Scores, at: NDArray[np.int64] | None = None, p: Floats | None = None) -> Rows:
    """Return scored write-offs, all or those at some positions, with their own or another probability (of these positions)."""
    rows = np.arange(len(window)) if at is None else at
    c = {name: scores.columns[f"{name}"][rows] for name in ("amount_if_recovered", "amount_if_recovered_low", "amount_if_recovered_high")}
    chance = scores.columns["recovery_probability"][rows] if p is None else p
    amount, low, high = c.values()
    return Rows(
        chance * amount,
        row_variance(chance, amount, low, high),
        row_leverage(chance, amount),
        window.columns["payer_id"][rows].astype(np.int64),
        scores.columns["family"][rows],
        np.array([word or "" for word in window.vocabulary.decode("carc", window.columns["carc"][rows])], dtype=object),
        days_late(scores.columns["days_left"][rows]),
        np.log1p(-np.minimum(chance, _NEARLY_SURE)),
    )


def chance_given_ended(p: Floats, explored: NDArray[np.bool_], calibration: Calibration, won_by: Floats, lost_by: Floats) -> Floats:
    """Return the probability of recovery of efforts that staff chose and that have ended: what they must be compared with.

    Parameters
    ----------
    p
        As served: of a write-off that nobody chose.
    explored, calibration
        Whether chance chose it; what explored rows took off is given back to those that staff chose.
    won_by, lost_by
        Share of recoveries, and of refusals, that are known at the effort's age.

    Examples
    --------
    When refusals are known half as often, even odds among all are two to one among those that have ended.

    >>> chance_given_ended(np.array([0.5]), np.array([True]), Calibration(), np.array([1.0]), np.array([0.5])).round(3).tolist()
    [0.667]
    """
    served = log_odds(p)
    chosen = np.where(p > 0, probability(np.where(explored, served, calibration.as_chosen(served))), 0.0)
    won, lost = chosen * won_by, (1.0 - chosen) * lost_by
    return won / np.maximum(won + lost, 1e-12)


def judge_bands(
    scorer: Scorer, window: Batch, scores: Scores, decided: Cases, everything: Cases, as_of: int, truth: Floats | None = None
) -> dict[str, Any]:
    """Return bands around sums beside what came in: the window, months, payer-quarters and families.

    Parameters
    ----------
    window, scores
        Write-offs judged, scored.
    decided
        First efforts on them that have ended.
    everything
        All efforts known, from which the speed of recoveries and refusals is read.
    truth
        Dollars that each row of the window would bring, where a synthetic world knows.
    """
    sums = scorer.models.sums
    groups = _groupings(window, scores, decided.row)
    judged = _ended(scorer, window, scores, decided, everything, as_of)
    dollars = decided.cents / 100.0
    told = {name: _banded(sums, judged, keys, dollars) for name, keys in groups.items()}
    return {
        "nominal": NOMINAL,
        "shared": {k: v for k, v in sums.as_json().items() if k.endswith("_sd") or k == "noise"},
        "window": told["all"][0] if told["all"] else None,
        "months": told["month"],
        "payer_quarters": sorted(told["payer_quarter"], key=lambda g: (-g["expected_dollars"], g["group"])),
        "families": sorted(told["family"], key=lambda g: (-g["expected_dollars"], g["group"])),
        "coverage": {name: _share_inside(told[name]) for name in ("month", "payer_quarter", "family")},
        "in_scope_if_all_were_worked": _whole(sums, scored_rows(window, scores, np.flatnonzero(scores.columns["in_scope"]))),
        "truth": None if truth is None else back_test(sums, window, scores, truth),
    }


def _whole(sums: Sums, rows: Rows) -> dict[str, Any] | None:
    if not len(rows.expected):
        return None
    low, high = rows.band(sums, np.zeros(len(rows.expected), dtype=np.int64))
    ends = {"expected_dollars": rows.expected.sum(), "low": low[0], "high": high[0]}
    return {"rows": len(rows.expected), **{name: round(float(value), 2) for name, value in ends.items()}}


def back_test(sums: Sums, window: Batch, scores: Scores, truth: Floats) -> dict[str, Any]:
    """Return how many bands hold what all rows of the window, worked or not, would have brought.

    Parameters
    ----------
    truth
        Dollars of each row, known only in a synthetic world.
    """
    rows, found = scored_rows(window, scores), {}
    for name, keys in _groupings(window, scores, np.arange(len(window))).items():
        _, group = np.unique(keys, return_inverse=True)
        some, paid = np.bincount(group, rows.expected) > 0, np.bincount(group, truth)
        bands = {"shared": rows.band(sums, group), "alone": sums.alone(rows.expected, rows.variance, group=group)}
        held = {kind: ((low <= paid) & (paid <= high))[some] for kind, (low, high) in bands.items()}
        found[name] = {"groups": int(some.sum()), **{kind: round(float(inside.mean()), 4) for kind, inside in held.items() if some.any()}}
    return found


def judge_use(
    scorer: Scorer, window: Batch, scores: Scores, efforts: Cases, decided: Cases, everything: Cases, as_of: int
) -> dict[str, list[dict[str, Any]]]:
    """Return worked share, dollars and calibration by kind of payer and by facility; groups too small to tell say nothing.

    Parameters
    ----------
    efforts, decided
        First efforts on the window's write-offs, and those of them that have ended.
    """
    judged = _ended(scorer, window, scores, decided, everything, as_of)
    return {
        by: _used(by, window, scores, efforts, decided, judged, scorer.models.sums) for by in ("payer_type", "facility_id") if len(window)
    }


def _used(by: str, window: Batch, scores: Scores, efforts: Cases, decided: Cases, judged: Rows, sums: Sums) -> list[dict[str, Any]]:
    words = np.array([word if word is not None else "not given" for word in window.words(by)], dtype=object)
    in_scope, found = scores.columns["in_scope"], []
    ended = {g[by]: g for g in _banded(sums, judged, words[decided.row], decided.cents / 100.0, name=by)}
    for word in sorted(set(words.tolist())):
        rows = int((in_scope & (words == word)).sum())
        worked = int((in_scope & (words == word))[efforts.row].sum())
        known = ended.get(word)
        few = known is None or known["rows"] < LEAST_USE
        blank = dict.fromkeys(("expected_dollars", "low", "high", "inside"))
        found.append(
            {
                by: word,
                "in_scope_rows": rows,
                "worked_share": round(worked / rows, 4) if rows >= LEAST_ROWS else None,
                "resolved_rows": known["rows"] if known else 0,
                "captured_dollars": known["actual_dollars"] if known else 0.0,
                **(blank if few or known is None else {name: known[name] for name in blank}),
            }
        )
    return sorted(found, key=lambda g: (-g["in_scope_rows"], g[by]))


def _ended(scorer: Scorer, window: Batch, scores: Scores, decided: Cases, everything: Cases, as_of: int) -> Rows:
    """Return decided efforts with the chance of those that staff chose and that have ended."""
    age = (as_of - 1 - decided.worked_on).astype(np.float64)
    lost_by, won_by = class_shares(everything, as_of, age)
    calibration = scorer.models.likelihood.calibration
    p = chance_given_ended(scores.columns["recovery_probability"][decided.row], decided.explored, calibration, won_by, lost_by)
    return scored_rows(window, scores, decided.row, p)


def _groupings(window: Batch, scores: Scores, at: NDArray[np.int64]) -> dict[str, NDArray[np.object_]]:
    """Return the name of each row's group, by grouping."""
    day = window.columns["writeoff_date"][at].astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    quarter = [f"{m.year} Q{(m.month + 2) // 3}" for m in month.astype(object).tolist()]
    payer = window.vocabulary.decode("payer_id", window.columns["payer_id"][at])
    return {
        "all": np.full(len(at), "all", dtype=object),
        "month": month.astype(str).astype(object),
        "payer_quarter": np.array([f"{name} {q}" for name, q in zip(payer, quarter, strict=True)], dtype=object),
        "family": scores.columns["family"][at],
    }


def _banded(sums: Sums, rows: Rows, keys: NDArray[np.object_], dollars: Floats, *, name: str | None = None) -> list[dict[str, Any]]:
    if not len(keys):
        return []
    names, group = np.unique(keys.astype(str), return_inverse=True)
    low, high = rows.band(sums, group)
    count, mean, paid = np.bincount(group), np.bincount(group, rows.expected), np.bincount(group, dollars)
    return [
        {
            "group" if name is None else name: str(key),
            "rows": int(count[i]),
            "expected_dollars": round(float(mean[i]), 2),
            "low": round(float(low[i]), 2),
            "high": round(float(high[i]), 2),
            "actual_dollars": round(float(paid[i]), 2),
            "inside": bool(low[i] <= paid[i] <= high[i]),
        }
        for i, key in enumerate(names.tolist())
    ]


def _share_inside(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"groups": len(told), "inside": round(sum(g["inside"] for g in told) / len(told), 4) if told else None}
