"""Fit of what a recovery brings, and of the hours it takes."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.matrix import Layout
from features.pieces import Each
from models.intervals import Range
from models.linear import Linear
from models.prior import believed_owed
from training.amount import fit_amount
from training.effort import fit_effort
from training.examples import Examples, category_extras
from training.splits import time_blocks
from training.trees import LEAST_SPLIT, fit_trees, predict

BLOCKS = 4
BELIEVED_FRACTION, BELIEVED_DOLLARS = 0.7, 200.0
PSEUDO_LEVEL = 20.0
"""What is believed of a mean counts as so many cases."""


@dataclass(frozen=True, slots=True)
class ValueFit:
    """What `models.value.Dollars` and `models.effort.Effort` are made of.

    Parameters
    ----------
    trees
        Text by name: `fraction`, `amount`, `effort`, each where there was enough to learn from.
    fraction_range, amount_range
        10-90 % around fraction and dollars.
    default_fraction, default_dollars
        Means, drawn to what is believed.
    amount
        Level, spread and scale of dollars where amounts are unknown; None where they are known.
    effort
        Weight of the trees for hours, the practice's level, and how far remedies stand apart.
    """

    trees: dict[str, str]
    fraction_range: Range
    amount_range: Range
    default_fraction: float
    default_dollars: float
    amount: tuple[Linear, Linear, float] | None
    effort: tuple[float, float, float]


def fit_value(examples: Examples, layout: Layout, seed: int, each: Each) -> ValueFit:
    """Fit fraction, dollars and hours on decided efforts."""
    trees: dict[str, str] = {}
    won = examples.take(examples.cases.recovered)
    known = won.take(~np.isnan(won.fraction))
    fraction_range = amount_range = Range.fit(np.empty(0), np.empty(0))
    default_fraction = _drawn_mean(np.minimum(known.fraction / believed_owed(known.columns), 1.0), known.weight, BELIEVED_FRACTION)
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
    booster_text, effort = fit_effort(examples, layout, seed)
    trees |= booster_text
    pieces = (amount.level, amount.spread, amount.scale) if amount else None
    return ValueFit(trees, fraction_range, amount_range, default_fraction, default_dollars, pieces, effort)


def _drawn_mean(values: Floats, weight: Floats, believed: float) -> float:
    """Return the mean, drawn to what is believed while cases are few."""
    return float((weight * values).sum() + PSEUDO_LEVEL * believed) / float(weight.sum() + PSEUDO_LEVEL)


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
        return fraction_trees(known, layout, seed).model_to_string(), np.empty(0)
    trees = fraction_trees(known.take(~left_out), layout, seed)
    return trees.model_to_string(), predict(trees, known.matrix[left_out])


def fraction_trees(part: Examples, layout: Layout, seed: int) -> lightgbm.Booster:
    """Fit trees for the mean part of the cap that a recovery brings."""
    return fit_trees(part.matrix, part.fraction, layout, objective="cross_entropy", rounds=150, seed=seed, weight=part.weight)
