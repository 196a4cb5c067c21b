"""How far sums of expected dollars are off, learned from forecasts of the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES
from features.feature import Floats
from features.matrix import Layout
from features.money import NULL
from features.pieces import Each
from features.tables import Array
from features.vocabulary import Vocabulary
from models.calibration import probability
from models.prior import believed_owed
from models.say import Say
from models.sums import Sums, days_late, row_variance
from training.examples import Examples
from training.labels import Cases, delay_weights
from training.likelihood import LikelihoodFit, blend, fit_blend
from training.recipe import Recipe
from training.trees import LEAST_SPLIT, predict
from training.value import ValueFit, fraction_trees

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

_Shared = tuple[Examples, Layout, int, Mapping[str, float], Recipe, float]


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


def learn_sums(
    examples: Examples,
    layout: Layout,
    seed: int,
    recipe: Recipe,
    likelihood: LikelihoodFit,
    value: ValueFit,
    vocabulary: Vocabulary,
    each: Each,
) -> Sums:
    """Fit what sums need to know: how far forecasts of past quarters were off, and what stands behind each payer and family."""

    def forecast(questions: Sequence[Question]) -> list[tuple[Floats, Floats]]:
        return list(each(_forecast, (examples, layout, seed, likelihood.pulls, recipe, value.default_fraction), questions))

    columns, cap = examples.columns, examples.columns["cap_cents"]
    low, high = value.fraction_range.around(np.full(len(examples), value.default_fraction))
    # Where no amount is at stake in the ledger, dollars are another model's: such rows say nothing of the fraction's errors.
    spread = np.where((cap != NULL) & (cap > 0), (high - low) / value.default_fraction, np.nan)
    past = forecast_past(examples.cases, examples.weight, columns["payer_id"], columns["family"], spread, forecast)
    known, count = np.unique(columns["family"], return_counts=True)
    words = vocabulary.words("carc")
    codes, efforts = np.unique(columns["carc"], return_counts=True)
    left = np.where(columns["deadline_day"] == NULL, NULL, columns["deadline_day"] - columns["row_day"])
    return fit_sums(
        past,
        payer_labels=np.bincount(columns["payer_id"][columns["payer_id"] >= 0], minlength=vocabulary.size("payer_id")).tolist(),
        family_labels={FAMILIES[family]: n for family, n in zip(known.tolist(), count.tolist(), strict=True)},
        # A ledger without codes has efforts behind rows without one.
        code_labels={words[code] if code >= 0 else "": n for code, n in zip(codes.tolist(), efforts.tolist(), strict=True)},
        days_late=days_late(left),
        information=likelihood.information[0],
        explored_information=likelihood.information[1],
    )


def _forecast(shared: _Shared, known: NDArray[np.int64], day: int, asked: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Fit on what was known before a day, and return probability and dollars if recovered of what is asked for."""
    examples, layout, seed, pulls, recipe, default_fraction = shared
    past = examples.take(known)
    past = replace(past, weight=delay_weights(past.cases, day))
    test, won = examples.take(asked), past.take(past.cases.recovered & ~np.isnan(past.fraction))
    say = Say.learned(past.columns, recipe.pseudo_labels)
    p = probability(blend(*fit_blend(past, layout, seed, pulls, recipe), test, say, recipe.trees_share))
    share = np.minimum(default_fraction * believed_owed(test.columns), 1.0)
    if len(won) >= LEAST_SPLIT:
        share = predict(fraction_trees(won, layout, seed), test.matrix)
    return p, share * test.columns["cap_cents"] / 100.0
