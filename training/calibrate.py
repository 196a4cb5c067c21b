"""Fit the calibration from out-of-fold log odds to what came in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from models.calibration import LOW, Calibration, probability

_PSEUDO_INFORMATION = 10.0
_EXPLORED_INFORMATION = np.array([50.0, 10.0])
"""Randomly chosen cases are few: the shift and the stretch that they speak for wait for more of them."""

_FLATTEST = -0.5
_STEPS = 60


def calibrate(logits: Floats, recovered: Floats, weight: Floats, explored: NDArray[np.bool_]) -> tuple[Calibration, dict[str, Any]]:
    """Fit one shift on all cases, then one more, and a stretch of low chances, on those chosen at random.

    Parameters
    ----------
    logits
        Out of fold by block of time. Of all cases only their level is mended: their slope is that of models fitted on less, which is
        flatter in later months than the slope of the model that serves (measured on real recoveries).
    recovered
        Chance that payer cash came and will stay, 0 to 1 (`training.labels.kept_chance`).
    weight, explored
        Of the same cases.

    Returns
    -------
    Calibration, dict
        And what was found: Brier score out of fold, shifts.
    """
    shift = float(_fit(logits, np.ones((len(logits), 1)), recovered, weight, np.array([_PSEUDO_INFORMATION]))[0])
    extra = stretch = 0.0
    if explored.any():
        rows = Calibration(shift).apply(logits)[explored]
        design = np.stack([np.ones(len(rows)), np.minimum(rows - LOW, 0.0)], axis=1)
        extra, stretch = _fit(rows, design, recovered[explored], weight[explored], _EXPLORED_INFORMATION).tolist()
    found = Calibration(shift, extra, max(stretch, _FLATTEST))
    brier = float(np.average((probability(found.apply(logits)) - recovered) ** 2, weights=weight))
    told = {"brier_out_of_fold": brier, "shift": shift, "explored_shift": extra, "low_stretch": found.low_stretch}
    return found, {name: round(value, 5) for name, value in told.items()}


def _fit(logits: Floats, design: Floats, target: Floats, weight: Floats, pull: Floats) -> Floats:
    """Return the coefficients beside the offset `logits` of highest likelihood, each drawn to 0 as if `pull` information spoke for 0."""
    found = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        p = probability(logits + design @ found)
        slope = design.T @ (weight * (target - p)) - pull * found
        bend = (design * (weight * p * (1.0 - p))[:, None]).T @ design + np.diag(pull)
        step = np.clip(np.linalg.solve(bend, slope), -1.0, 1.0)
        found += step
        if np.abs(step).max() < 1e-10:
            break
    return found
