"""Fit of the hours that an effort takes."""

from __future__ import annotations

import numpy as np

from features.feature import Floats
from features.matrix import Layout
from models.prior import BELIEVED_SLOPE, believed_hours
from training.examples import Examples
from training.trees import LEAST_SPLIT, fit_trees

PSEUDO_HOURS, PSEUDO_LEVEL, PSEUDO_SLOPE = 150.0, 20.0, 5.0
"""The defaults count as so many efforts against the trees, against the practice's level, and against how far they stand apart."""

UNTOLD_SLOPE = 1.0 / 3.0
"""Slope that stands where efforts end and nobody logs their hours. In worlds in which true hours follow remedies, payers, amounts or
nothing, a third of the believed differences ranked better than all of them, or than none."""

_SPREAD = 0.25
"""Variance of the log of believed hours over a usual mix of remedies."""


def fit_effort(examples: Examples, layout: Layout, seed: int) -> tuple[dict[str, str], tuple[float, float, float]]:
    """Fit hours where they were logged.

    Returns
    -------
    trees, (weight, level, slope)
        Of `models.effort.Effort`.
    """
    believed = np.log(believed_hours(examples.columns))
    is_logged = examples.cases.hours > 0
    logged = examples.take(is_logged)
    untold = float((~is_logged).sum())
    slope = (PSEUDO_SLOPE * BELIEVED_SLOPE + untold * UNTOLD_SLOPE) / (PSEUDO_SLOPE + untold)
    slope = slope_of(believed[is_logged], np.log(logged.cases.hours), slope)
    # Whatever the slope, all efforts together are believed to take what the defaults say.
    level = float(np.log(np.exp(believed).sum() / np.exp(slope * believed).sum())) if len(examples) else 0.0
    if not len(logged):
        return {}, (0.0, level, slope)
    told = float(np.log(logged.cases.hours.sum() / np.exp(slope * believed[is_logged]).sum()))
    level += (told - level) * len(logged) / (len(logged) + PSEUDO_LEVEL)
    if len(logged) < LEAST_SPLIT:
        return {}, (0.0, level, slope)
    trees = fit_trees(logged.matrix, logged.cases.hours, layout, objective="gamma", rounds=150, seed=seed)
    return {"effort": trees.model_to_string()}, (len(logged) / (len(logged) + PSEUDO_HOURS), level, slope)


def slope_of(believed: Floats, taken: Floats, drawn_to: float) -> float:
    """Return by how much the log of what was taken rises with the log of what was believed, 0 to 1, drawn to a slope by five efforts.

    >>> believed = np.log(np.array([0.5, 2.0] * 400))
    >>> [round(slope_of(believed[:n], 0.3 * believed[:n], 1.0), 2) for n in (0, 20, 800)]
    [1.0, 0.38, 0.3]
    """
    if not len(believed):
        return drawn_to
    off = believed - believed.mean()
    pull = PSEUDO_SLOPE * _SPREAD
    return float(np.clip((off @ (taken - taken.mean()) + pull * drawn_to) / (off @ off + pull), 0.0, 1.0))
