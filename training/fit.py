"""From a ledger and its outcomes to a bundle: the fixed recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES
from features.errors import BadData
from features.feature import Floats
from features.matrix import BY_NAME, Layout
from features.money import NULL
from features.pieces import Each, one_by_one
from features.tables import Batch
from features.unworked import NO_LOT, blind_spots, never_worked
from features.vocabulary import Vocabulary
from models.bundle import Bundle
from models.calibration import Calibration, log_odds, probability
from models.intervals import Range
from models.linear import Linear
from models.prior import believed_hours, prior_logits
from models.reference import histograms
from models.sums import Sums, days_late
from training.amount import fit_amount
from training.anomaly import fit_anomaly
from training.bands import Question, fit_sums, forecast_past
from training.calibrate import calibrate
from training.cut import cut_ledger
from training.evaluate import auc, expected_calibration_error
from training.examples import Examples, Replayed, category_extras, replay, see_postings
from training.labels import delay_weights
from training.linear import fit_linear, learn_pulls
from training.rarity import fit_rarity
from training.recipe import Recipe
from training.splits import time_blocks
from training.trees import fit_trees, predict

Progress = Callable[[str, int, int], None]

SEED = 7
LEAST_SPLIT = 40
"""Trees of twenty rows a leaf say one number below this: a mean, which is then taken from what is believed as far as cases are few."""

PSEUDO_HOURS = 150.0
PSEUDO_LEVEL = 20.0
"""The defaults count as so many logged efforts against the trees, and the belief in a mean as so many cases."""

BELIEVED_FRACTION, BELIEVED_DOLLARS = 0.7, 200.0

FIXED = Recipe()
"""The recipe of `recoup train`, which tunes nothing."""

REFERENCE_DAYS = 180
"""Write-offs posted in the last so many days are what later ones are held against."""

BLOCKS = 4


def train(
    writeoffs: Batch,
    outcomes: Batch,
    *,
    tables: Mapping[str, Batch] | None = None,
    as_of: int,
    seed: int = SEED,
    recipe: Recipe = FIXED,
    progress: Progress | None = None,
    each: Each = one_by_one,
) -> Bundle:
    """Fit a recipe on what was known on the morning of a day.

    Parameters
    ----------
    writeoffs, outcomes
        Tables as read; what is later than `as_of` is cut away first.
    tables
        `contracts`, `payer_rules`, `policies`, `reference_fees`, `citations`.
    as_of
        Data cut (days since 1970-01-01).
    recipe
        Settings of the likelihood; kept in the bundle's facts.
    progress
        Called with the step's name, its number and how many there are.
    each
        Does the pieces: past months of rows viewed, fits beside what is left out. The bundle does not depend on who does them.

    Raises
    ------
    BadData
        When no write-off was posted before the day.
    """
    say = progress or (lambda step, done, total: None)
    say("cut", 0, 5)
    ledger = cut_ledger(writeoffs, outcomes, tables or {}, as_of)
    if not len(ledger.writeoffs):
        raise BadData(f"no write-off was posted before {np.datetime64(as_of, 'D')}")
    say("replay", 1, 5)
    return fit(replay(ledger, as_of, each), seed=seed, recipe=recipe, progress=progress, each=each)


def fit(
    replayed: Replayed, *, seed: int = SEED, recipe: Recipe = FIXED, progress: Progress | None = None, each: Each = one_by_one
) -> Bundle:
    """Fit a recipe on a ledger that was replayed; see `train`."""
    say = progress or (lambda step, done, total: None)
    ledger, as_of, layout, examples = replayed.ledger, replayed.as_of, replayed.layout, replayed.examples
    viewer, cases = replayed.viewer, replayed.begun
    say("likelihood", 2, 5)
    likelihood = _fit_likelihood(examples, layout, seed, recipe, each)
    say("dollars and hours", 3, 5)
    value = _fit_value(examples, layout, seed, each)
    sums = _fit_sums(examples, layout, seed, recipe, likelihood, value, ledger.vocabulary, each)
    say("anomaly", 4, 5)
    rows, postings = see_postings(replayed, each)
    anomaly = fit_anomaly(postings.matrix, postings.columns, layout, seed)
    rarity, odd = fit_rarity(ledger.writeoffs.columns)
    recent = ledger.writeoffs.columns["writeoff_date"][rows] >= as_of - REFERENCE_DAYS
    reference = histograms(postings.matrix[recent], layout.names, layout.category_sizes)
    say("done", 5, 5)
    won = examples.cases.recovered
    unknown = never_worked(ledger.writeoffs, np.unique(cases.row), rows[recent & postings.columns["in_scope"].astype(bool)])
    facts = {
        "writeoffs": len(ledger.writeoffs),
        "efforts": len(cases),
        "labels": len(examples),
        "recovered": int(won.sum()),
        "explored": int(examples.cases.explored.sum()),
        "efforts_without_writeoff": replayed.unmatched,
        "recipe": recipe.as_dict(),
        "first_effort": str(np.datetime64(int(cases.worked_on.min()), "D")) if len(cases) else "",
        "last_effort": str(np.datetime64(int(cases.worked_on.max()), "D")) if len(cases) else "",
        **likelihood.facts,
        **anomaly.facts,
        "odd_share": odd,
        "warnings": [*([] if examples.cases.explored.any() else [NO_LOT]), *blind_spots(unknown, as_of)],
    }
    return Bundle(
        cut=as_of,
        seed=seed,
        layout=layout,
        extra_codes=replayed.extra_codes,
        trees={**likelihood.trees, **value.trees, **anomaly.trees},
        linear=likelihood.linear,
        weight=likelihood.weight,
        calibration=likelihood.calibration,
        fraction_range=value.fraction_range,
        amount_range=value.amount_range,
        default_fraction=value.default_fraction,
        default_dollars=value.default_dollars,
        amount=value.amount,
        spread=anomaly.spread,
        payer_factor=anomaly.payer_factor,
        vocabulary=ledger.vocabulary,
        history=viewer.history,
        usual=viewer.usual,
        shares=viewer.shares,
        tables=dict(ledger.tables),
        facts=facts,
        sums=sums,
        reference=reference,
        effort=value.effort,
        rarity=rarity,
        trees_share=recipe.trees_share,
    )


def chance_names(layout: Layout) -> list[str]:
    """Return the features that say how likely, not how much."""
    return [name for name in layout.names if name not in BY_NAME or not BY_NAME[name].of_value]


@dataclass(frozen=True, slots=True)
class _LikelihoodFit:
    trees: dict[str, str]
    linear: Linear | None
    weight: float
    calibration: Calibration
    facts: dict[str, Any]
    information: tuple[float, float] = (0.0, 0.0)
    pulls: Mapping[str, float] = field(default_factory=dict)


def _fit_likelihood(examples: Examples, layout: Layout, seed: int, recipe: Recipe, each: Each) -> _LikelihoodFit:
    won = examples.cases.recovered
    if not len(examples):
        return _LikelihoodFit({}, None, 0.0, Calibration(), {})
    if won.all() or not won.any():
        # One-sided results tell no rows apart, but they tell the level.
        believed = prior_logits(examples.columns)
        level, _ = calibrate(believed, won * examples.kept, examples.weight, examples.cases.explored)
        return _LikelihoodFit({}, None, 0.0, level, {})
    block = time_blocks(examples.cases.worked_on, BLOCKS)
    weight = len(examples) / (len(examples) + recipe.pseudo_labels)
    # Some thirty spreads, learned from all cases: what a block left out says of them is next to nothing.
    pulls = pulls_of(examples, layout)
    out_of_fold = log_odds(np.full(len(examples), won.mean()))
    left_out = [there for b in np.unique(block).tolist() if len(np.unique(won[~(there := block == b)])) == 2]
    nothing = np.zeros(len(examples), dtype=bool)
    # The fit on everything stands first: it takes longest.
    (trees, linear, _), *folds = each(
        _fit_beside, (examples, layout, seed, pulls, recipe, weight), [(there,) for there in (nothing, *left_out)]
    )  # fmt: skip
    for there, (_, _, scored) in zip(left_out, folds, strict=True):
        out_of_fold[there] = scored
    calibration, facts = calibrate(out_of_fold, won * examples.kept, examples.weight, examples.cases.explored)
    p = probability(calibration.apply(out_of_fold))
    as_chosen = probability(calibration.as_chosen(calibration.apply(out_of_fold)))
    facts["auc_out_of_fold"] = round(auc(p, won) or 0.5, 4)
    facts["ece_out_of_fold"] = round(expected_calibration_error(as_chosen, won) or 0.0, 4)
    speaks = examples.weight * p * (1.0 - p)
    information = float(speaks.sum()), float(speaks[examples.cases.explored].sum())
    return _LikelihoodFit({"likelihood": trees}, linear, weight, calibration, facts, information, pulls)


_Blended = tuple[Examples, Layout, int, Mapping[str, float], Recipe, float]


def _fit_beside(shared: _Blended, left_out: NDArray[np.bool_]) -> tuple[str, Linear, Floats]:
    """Fit both halves on the rest, and score what was left out."""
    examples, layout, seed, pulls, recipe, weight = shared
    if not left_out.any():
        trees, linear = fit_blend(examples, layout, seed, pulls, recipe)
        return trees.model_to_string(), linear, np.empty(0)
    trees, linear = fit_blend(examples.take(~left_out), layout, seed, pulls, recipe)
    return trees.model_to_string(), linear, blend(trees, linear, examples.take(left_out), weight, recipe.trees_share)


def pulls_of(examples: Examples, layout: Layout) -> dict[str, float]:
    """Return how strongly each group of weights of the linear score is drawn to zero."""
    won, extras = examples.cases.recovered, category_extras(layout)
    return learn_pulls(examples.matrix, examples.columns, won, layout, weight=examples.weight, extras=extras)


def fit_blend(
    part: Examples, layout: Layout, seed: int, pulls: Mapping[str, float], recipe: Recipe = FIXED
) -> tuple[lightgbm.Booster, Linear]:
    """Fit the two halves of the likelihood, trees and linear score."""
    y, names = part.cases.recovered, chance_names(layout)
    trees = fit_trees(
        part.matrix,
        y,
        layout,
        objective="binary",
        rounds=recipe.rounds,
        seed=seed,
        weight=part.weight,
        monotone=True,
        names=names,
        **recipe.trees,
    )
    linear = fit_linear(
        part.matrix,
        part.columns,
        y,
        layout,
        weight=part.weight,
        pulls=pulls,
        freedom=recipe.linear_freedom,
        extras=category_extras(layout),
    )
    return trees, linear


def blend(trees: lightgbm.Booster, linear: Linear, examples: Examples, weight: float, trees_share: float) -> Floats:
    """Return the uncalibrated log odds that the served likelihood would give."""
    straight = linear.raw(linear.terms(examples.matrix, examples.columns))
    learned = trees_share * predict(trees, examples.matrix, raw=True) + (1.0 - trees_share) * straight
    blended: Floats = weight * learned + (1.0 - weight) * prior_logits(examples.columns)
    return blended


@dataclass(frozen=True, slots=True)
class _ValueFit:
    trees: dict[str, str]
    fraction_range: Range
    amount_range: Range
    default_fraction: float
    default_dollars: float
    amount: tuple[Linear, Linear, float] | None
    effort: tuple[float, float]


def _fit_value(examples: Examples, layout: Layout, seed: int, each: Each) -> _ValueFit:
    trees: dict[str, str] = {}
    won = examples.take(examples.cases.recovered)
    known = won.take(~np.isnan(won.fraction))
    fraction_range = amount_range = Range.fit(np.empty(0), np.empty(0))
    default_fraction = _drawn_mean(known.fraction, known.weight, BELIEVED_FRACTION)
    default_dollars = _drawn_mean(won.cases.cents / 100.0, won.weight, BELIEVED_DOLLARS)
    if len(known) >= LEAST_SPLIT:
        trees["fraction"], fraction_range = _fit_fraction(known, layout, seed, each)
    # Dollars are learned where amounts are unknown to the ledger, not as a second opinion.
    amount = None
    if len(won) >= LEAST_SPLIT and len(known) < 0.5 * len(won):
        c = won.cases
        amount = fit_amount(
            won.matrix, won.columns, c.cents / 100.0, c.worked_on, layout, weight=won.weight, extras=category_extras(layout), seed=seed
        )
        trees["amount"], amount_range = amount.trees, amount.range
    booster_text, weight, level = _fit_effort(examples, layout, seed)
    trees |= booster_text
    pieces = (amount.level, amount.spread, amount.scale) if amount else None
    return _ValueFit(trees, fraction_range, amount_range, default_fraction, default_dollars, pieces, (weight, level))


def _drawn_mean(values: Floats, weight: Floats, believed: float) -> float:
    """Return the mean, drawn to what is believed while cases are few."""
    return float((weight * values).sum() + PSEUDO_LEVEL * believed) / float(weight.sum() + PSEUDO_LEVEL)


def _fit_effort(examples: Examples, layout: Layout, seed: int) -> tuple[dict[str, str], float, float]:
    """Fit hours where they were logged: trees, their weight, and the practice's level against the defaults."""
    logged = examples.take(examples.cases.hours > 0)
    if not len(logged):
        return {}, 0.0, 0.0
    taken, usual = logged.cases.hours, believed_hours(logged.columns)
    level = float(np.log(taken.sum() / usual.sum())) * len(logged) / (len(logged) + PSEUDO_LEVEL)
    if len(logged) < LEAST_SPLIT:
        return {}, 0.0, level
    trees = fit_trees(logged.matrix, taken, layout, objective="gamma", rounds=150, seed=seed)
    return {"effort": trees.model_to_string()}, len(logged) / (len(logged) + PSEUDO_HOURS), level


def _fit_fraction(known: Examples, layout: Layout, seed: int, each: Each) -> tuple[str, Range]:
    """Fit trees for the mean fraction, and the 10-90 % range around it from blocks of time left out."""
    block = time_blocks(known.cases.worked_on, BLOCKS)
    left_out = [there for b in np.unique(block).tolist() if (~(there := block == b)).sum() >= LEAST_SPLIT // 2]
    nothing = np.zeros(len(known), dtype=bool)
    (trees, _), *folds = each(_fit_fraction_beside, (known, layout, seed), [(there,) for there in (nothing, *left_out)])
    predicted = np.full(len(known), np.nan)
    for there, (_, told) in zip(left_out, folds, strict=True):
        predicted[there] = told
    there = ~np.isnan(predicted)
    return trees, Range.fit(predicted[there], known.fraction[there])


def _fit_fraction_beside(shared: tuple[Examples, Layout, int], left_out: NDArray[np.bool_]) -> tuple[str, Floats]:
    known, layout, seed = shared
    if not left_out.any():
        return _fraction_trees(known, layout, seed).model_to_string(), np.empty(0)
    trees = _fraction_trees(known.take(~left_out), layout, seed)
    return trees.model_to_string(), predict(trees, known.matrix[left_out])


def _fraction_trees(part: Examples, layout: Layout, seed: int) -> lightgbm.Booster:
    return fit_trees(part.matrix, part.fraction, layout, objective="cross_entropy", rounds=150, seed=seed, weight=part.weight)


def _fit_sums(
    examples: Examples,
    layout: Layout,
    seed: int,
    recipe: Recipe,
    likelihood: _LikelihoodFit,
    value: _ValueFit,
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
        code_labels={words[code]: n for code, n in zip(codes.tolist(), efforts.tolist(), strict=True) if code >= 0},
        days_late=days_late(left),
        information=likelihood.information[0],
        explored_information=likelihood.information[1],
    )


def _forecast(shared: _Blended, known: NDArray[np.int64], day: int, asked: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Fit on what was known before a day, and return probability and dollars if recovered of what is asked for."""
    examples, layout, seed, pulls, recipe, default_fraction = shared
    past = examples.take(known)
    past = replace(past, weight=delay_weights(past.cases, day))
    test, won = examples.take(asked), past.take(past.cases.recovered & ~np.isnan(past.fraction))
    say = len(past) / (len(past) + recipe.pseudo_labels)
    p = probability(blend(*fit_blend(past, layout, seed, pulls, recipe), test, say, recipe.trees_share))
    share = np.full(len(test), default_fraction)
    if len(won) >= LEAST_SPLIT:
        share = predict(_fraction_trees(won, layout, seed), test.matrix)
    return p, share * test.columns["cap_cents"] / 100.0
