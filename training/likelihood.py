"""Fit of how likely a write-off recovers if it is worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.matrix import BY_NAME, Layout
from features.pieces import Each
from models.calibration import Calibration, log_odds, probability
from models.linear import Linear
from models.prior import prior_logits
from models.say import Say
from training.calibrate import calibrate, level_of
from training.evaluate import auc, expected_calibration_error
from training.examples import Examples, category_extras
from training.linear import fit_linear, learn_pulls
from training.recipe import FIXED, Recipe
from training.splits import time_blocks
from training.trees import fit_trees, predict

BLOCKS = 4


def chance_names(layout: Layout) -> list[str]:
    """Return the features that say how likely, not how much."""
    return [name for name in layout.names if name not in BY_NAME or not BY_NAME[name].of_value]


@dataclass(frozen=True, slots=True)
class LikelihoodFit:
    """What `models.likelihood.Likelihood` is made of.

    Parameters
    ----------
    trees, linear
        Text of the trees by name, and the linear score; none where results tell no rows apart.
    say, calibration
        Weight of the learned score against the prior; of the blend.
    facts
        What was found, for the bundle.
    information
        Sum of weight x p (1 - p) over all decided efforts, and over those chosen at random.
    pulls
        Ridge of each group of weights of the linear score.
    """

    trees: dict[str, str]
    linear: Linear | None
    say: Say
    calibration: Calibration
    facts: dict[str, Any]
    information: tuple[float, float] = (0.0, 0.0)
    pulls: Mapping[str, float] = field(default_factory=dict)


def fit_likelihood(examples: Examples, layout: Layout, seed: int, recipe: Recipe, each: Each) -> LikelihoodFit:
    """Fit trees, linear score and calibration on decided efforts."""
    won = examples.cases.recovered
    if not len(examples):
        return LikelihoodFit({}, None, Say(), Calibration(), {})
    if won.all() or not won.any():
        # One-sided results tell no rows apart, but they tell the level.
        level = level_of(prior_logits(examples.columns), won * examples.kept, examples.weight)
        return LikelihoodFit({}, None, Say(), level, {})
    block = time_blocks(examples.cases.worked_on, BLOCKS)
    say = Say.learned(examples.columns, recipe.pseudo_labels)
    # Some thirty spreads, learned from all cases: what a block left out says of them is next to nothing.
    pulls = pulls_of(examples, layout)
    out_of_fold = log_odds(np.full(len(examples), won.mean()))
    left_out = [there for b in np.unique(block).tolist() if len(np.unique(won[~(there := block == b)])) == 2]
    nothing = np.zeros(len(examples), dtype=bool)
    # The fit on everything stands first: it takes longest.
    (trees, linear, _), *folds = each(
        _fit_beside, (examples, layout, seed, pulls, recipe, say), [(there,) for there in (nothing, *left_out)]
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
    return LikelihoodFit({"likelihood": trees}, linear, say, calibration, facts, information, pulls)


_Blended = tuple[Examples, Layout, int, Mapping[str, float], Recipe, Say]


def _fit_beside(shared: _Blended, left_out: NDArray[np.bool_]) -> tuple[str, Linear, Floats]:
    """Fit both halves on the rest, and score what was left out."""
    examples, layout, seed, pulls, recipe, say = shared
    if not left_out.any():
        trees, linear = fit_blend(examples, layout, seed, pulls, recipe)
        return trees.model_to_string(), linear, np.empty(0)
    trees, linear = fit_blend(examples.take(~left_out), layout, seed, pulls, recipe)
    return trees.model_to_string(), linear, blend(trees, linear, examples.take(left_out), say, recipe.trees_share)


def pulls_of(examples: Examples, layout: Layout) -> dict[str, float]:
    """Return how strongly each group of weights of the linear score is drawn to zero."""
    won, extras = examples.cases.recovered, category_extras(layout)
    return learn_pulls(examples.matrix, examples.columns, won, layout, weight=np.ones(len(examples)), extras=extras, words=examples.words)


def fit_blend(
    part: Examples, layout: Layout, seed: int, pulls: Mapping[str, float], recipe: Recipe = FIXED
) -> tuple[lightgbm.Booster, Linear]:
    """Fit the two halves of the likelihood, trees and linear score.

    Every case counts once. What order rows have is told best so, on practices and on real recoveries; their level is told by the
    calibration, where each case stands for as many as had its age and result.
    """
    y, names, once = part.cases.recovered, chance_names(layout), np.ones(len(part))
    trees = fit_trees(
        part.matrix,
        y,
        layout,
        objective="binary",
        rounds=recipe.rounds,
        seed=seed,
        weight=once,
        monotone=True,
        names=names,
        **recipe.trees,
    )
    linear = fit_linear(
        part.matrix,
        part.columns,
        y,
        layout,
        weight=once,
        pulls=pulls,
        freedom=recipe.linear_freedom,
        extras=category_extras(layout),
        words=part.words,
    )
    return trees, linear


def blend(trees: lightgbm.Booster, linear: Linear, examples: Examples, say: Say, trees_share: float) -> Floats:
    """Return the uncalibrated log odds that the served likelihood would give."""
    straight = linear.raw(linear.terms(examples.matrix, examples.columns))
    learned = trees_share * predict(trees, examples.matrix, raw=True) + (1.0 - trees_share) * straight
    weight = say.of(examples.columns)
    blended: Floats = weight * learned + (1.0 - weight) * prior_logits(examples.columns)
    return blended
