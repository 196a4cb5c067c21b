"""Fit of the hours that an effort takes."""

from __future__ import annotations

import numpy as np

from features.matrix import Layout
from models.prior import believed_hours
from training.examples import Examples
from training.trees import LEAST_SPLIT, fit_trees

PSEUDO_HOURS, PSEUDO_LEVEL = 150.0, 20.0
"""The defaults count as so many logged efforts against the trees, and as so many against the practice's level."""


def fit_effort(examples: Examples, layout: Layout, seed: int) -> tuple[dict[str, str], float, float]:
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
