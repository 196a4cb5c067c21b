"""How far sums of expected dollars are off: learned from forecasts of the past, told for any grouping, and held against what came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.tables import Array, Batch
from models.calibration import Calibration, log_odds, probability
from models.scorer import Scorer
from models.scores import Scores
from models.sums import NOMINAL, Sums, days_late, row_leverage, row_variance
from training.labels import Cases
from training.maturity import class_shares

Question = tuple[NDArray[np.int64], int, NDArray[np.int64]]
"""Positions of the cases known before a day, the day, positions to predict."""

Forecast = Callable[[Sequence[Question]], Sequence[tuple[Floats, Floats]]]
"""Questions -> probability and dollars if recovered of what each one asks for."""

START = 0.4
"""Share of the cases that must lie behind the first forecast."""

QUARTERS = 3
LEAST_PAST = 100
"""Fewer known cases teach no forecast."""

PRIOR_PAYER_SD, PRIOR_FAMILY_SD, PRIOR_COMMON_SD = 0.25, 0.15, 0.1
PRIOR_PAYER_GROUPS, PRIOR_FAMILY_GROUPS, PRIOR_COMMON_GROUPS = 40.0, 20.0, 6.0
"""What is believed of the shared errors, as if this many past groups had said so. Past groups hold only rows that staff chose; what
nobody works is predicted worse, so the belief about payers is the larger and is not soon forgotten."""

_DROWNED = 0.6
"""Relative error of a group's rows alone beyond which the group teaches nothing."""

PRIOR_ROWS = 200.0
NO_EXPLORATION_SD = 0.3
"""Log odds that selection by staff may hide. Without exploration sums came out 6-22 % high (MODEL.md): two such errors at most."""

PRIOR_INFORMATION = 10.0
LEAST_USE, LEAST_ROWS = 30, 11
"""Known results that a calibration needs, and write-offs below which a group's worked share stays untold (cells under 11, as the
Centers for Medicare and Medicaid Services suppress them)."""


@dataclass(frozen=True, slots=True)
class Past:
    """Forecasts beside what came in: one entry per decided effort, predicted as of a day before it was begun.

    Parameters
    ----------
    expected, variance, dollars
        Dollars, squared dollars, dollars that came in.
    weight
        How many efforts of its age each one stands for.
    payer, family, quarter
        Codes; quarter is the number of the forecast.
    """

    expected: Floats
    variance: Floats
    dollars: Floats
    weight: Floats
    payer: NDArray[np.int64]
    family: NDArray[np.int64]
    quarter: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.expected)


def forecast_past(cases: Cases, weight: Floats, payer: Array, family: Array, spread: Floats, forecast: Forecast) -> Past:
    """Predict past efforts quarter by quarter, each from what was known on its first morning.

    Out of fold in both directions a payer's later cases tell of its earlier ones, which no forecast can know: the error that the
    rows of a payer share would come out too small.

    Parameters
    ----------
    cases, weight, payer, family
        Decided efforts (n).
    spread
        10-90 % range of each case's dollars over its dollars if recovered (n); NaN leaves the case out.
    forecast
        Fits and predicts.
    """
    day = cases.worked_on
    edges = [int(e) for e in np.quantile(day, np.linspace(START, 1.0, QUARTERS + 1)[:-1])] if len(day) else []
    questions: list[Question] = []
    quarters: list[int] = []
    for quarter, start in enumerate(edges):
        end = edges[quarter + 1] if quarter + 1 < len(edges) else np.iinfo(np.int64).max
        known = np.flatnonzero(cases.resolved_on < start)
        asked = np.flatnonzero((day >= start) & (day < end) & ~np.isnan(spread))
        won = int(cases.recovered[known].sum())
        if len(known) >= LEAST_PAST and min(won, len(known) - won) >= LEAST_PAST // 5 and len(asked):
            questions.append((known, start, asked))
            quarters.append(quarter)
    if not questions:
        nobody = np.empty(0, dtype=np.int64)
        return Past(np.empty(0), np.empty(0), np.empty(0), np.empty(0), nobody, nobody, nobody)
    rows = np.concatenate([asked for _, _, asked in questions])
    p, amount = (np.concatenate(told) for told in zip(*forecast(questions), strict=True))
    half = 0.5 * spread[rows] * amount
    return Past(
        p * amount,
        row_variance(p, amount, amount - half, amount + half),
        cases.cents[rows] / 100.0,
        weight[rows],
        payer[rows].astype(np.int64),
        family[rows].astype(np.int64),
        np.repeat(quarters, [len(asked) for _, _, asked in questions]),
    )


def fit_sums(
    past: Past,
    *,
    payer_labels: Sequence[int],
    family_labels: Mapping[str, int],
    code_labels: Mapping[str, int] | None = None,
    days_late: NDArray[np.int64] | None = None,
    information: float,
    explored_information: float,
) -> Sums:
    """Learn what rows share from past forecasts, drawn to what is believed where these are few.

    Parameters
    ----------
    past
        May be empty.
    payer_labels, family_labels, code_labels
        Decided efforts by payer code, family name and reason code.
    days_late
        Days past the last day on which each decided effort was begun; 0 for one in time.
    information, explored_information
        Sum of weight x p (1 - p) over all decided efforts, and over those chosen at random.
    """
    level, common = _levels(past)
    expected = past.expected * level
    rows = float(past.variance.sum())
    noise = float(((past.dollars - expected) ** 2).sum()) / rows if rows > 0 else 1.0
    # What staff chose varied less than stated; what nobody works is not known to, so that nothing is taken off what rows state.
    noise = max((len(past) * noise + PRIOR_ROWS) / (len(past) + PRIOR_ROWS), 1.0)
    payers = shared_sd(past, expected, past.payer, noise, prior=PRIOR_PAYER_SD, groups=PRIOR_PAYER_GROUPS)
    families = shared_sd(past, expected, past.family, noise, prior=PRIOR_FAMILY_SD, groups=PRIOR_FAMILY_GROUPS)
    shift = 1.0 / (explored_information + NO_EXPLORATION_SD**-2) + 1.0 / (information + PRIOR_INFORMATION)
    return Sums(
        noise=round(noise, 6),
        payer_sd=round(payers, 6),
        family_sd=round(families, 6),
        common_sd=round(common, 6),
        shift_sd=round(float(np.sqrt(shift)), 6),
        payer_labels=tuple(payer_labels),
        family_labels=dict(family_labels),
        code_labels=None if code_labels is None else dict(code_labels),
        reach_days=None if days_late is None else _reach(days_late),
    )


def _reach(days_late: NDArray[np.int64]) -> float:
    """Return how late efforts were begun of which there are enough: no fewer than ten were begun as late or later.

    >>> _reach(np.arange(100)), _reach(np.array([300] * 9))
    (90.0, 0.0)
    """
    enough = int(Sums().enough)
    return float(np.sort(days_late)[-enough]) if len(days_late) >= enough else 0.0


def _levels(past: Past) -> tuple[Floats, float]:
    """Return the level of each entry's quarter, and the error that whole quarters had, drawn to what is believed.

    Levels compare decided efforts with each other, so each stands for those of its age that are still open.
    """
    quarters, place = np.unique(past.quarter, return_inverse=True)
    paid, told = (np.bincount(place, past.weight * v, len(quarters)) for v in (past.dollars, past.expected))
    ratio = paid / np.maximum(told, 1e-9)
    squares = PRIOR_COMMON_GROUPS * PRIOR_COMMON_SD**2 + float(((ratio - 1.0) ** 2).sum())
    plain = np.bincount(place, past.dollars, len(quarters)) / np.maximum(np.bincount(place, past.expected, len(quarters)), 1e-9)
    return plain[place], float(np.sqrt(squares / (PRIOR_COMMON_GROUPS + len(quarters))))


def shared_sd(past: Past, expected: Floats, key: NDArray[np.int64], noise: float, *, prior: float, groups: float) -> float:
    """Return the relative error that rows of one key share in a quarter: of highest normal likelihood, drawn to the prior.

    Parameters
    ----------
    past, expected
        Forecasts; their expected dollars at the level of their quarter.
    key
        Payer or family of each entry.
    noise
        Factor of the stated row variance.
    prior, groups
        Relative error believed, and the number of groups that the belief is worth.
    """
    if not len(past):
        return prior
    _, place = np.unique(np.stack([key, past.quarter]), axis=1, return_inverse=True)
    place = place.reshape(-1)
    mean, paid = np.bincount(place, expected), np.bincount(place, past.dollars)
    alone = noise * np.bincount(place, past.variance)
    # A group of few rows has a skewed sum, which a normal likelihood takes for a huge error; of the shared one it says nothing.
    told = (mean > 0) & (alone < (_DROWNED * mean) ** 2)
    mean, paid, alone = mean[told], paid[told], np.maximum(alone[told], 1e-9)
    tried = np.linspace(0.0, 1.0, 201)
    spread = alone + np.square(tried)[:, None] * mean**2
    likelihood = -0.5 * (np.log(spread) + (paid - mean) ** 2 / spread).sum(axis=1)
    best = float(tried[np.argmax(likelihood)])
    # A group counts as far as its rows would not drown the error believed.
    believed = (prior * mean) ** 2
    telling = float((believed / (believed + alone)).sum())
    return float(np.sqrt((telling * best**2 + groups * prior**2) / (telling + groups)))


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
