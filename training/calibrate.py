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


def level_of(logits: Floats, recovered: Floats, weight: Floats) -> Calibration:
    """Return the calibration of beliefs by results that are all alike: they tell the level, and no row from another.

    A shift keeps ratios of odds. Where all was lost that would set apart what is believed to be near, .65 from .375 by 3.1 in place of
    1.7 times: the log odds are bent as far as keeps the ratios of what was believed, with the same mean.

    Examples
    --------
    >>> believed = np.log(np.array([0.65, 0.375, 0.15] * 200) / np.array([0.35, 0.625, 0.85] * 200))
    >>> level = level_of(believed, np.zeros(600), np.ones(600))
    >>> low = probability(level.apply(believed[:3]))
    >>> (low / low[2]).round(1).tolist()
    [4.1, 2.1, 1.0]
    """
    # Those chosen by lot ended like the others: they say nothing that these do not.
    found, _ = calibrate(logits, recovered, weight, np.zeros(len(logits), dtype=bool))
    low = np.minimum(found.apply(logits) - LOW, 0.0)
    if recovered.any() or not np.ptp(low) > 0:
        return found
    ratio = np.log(probability(logits))
    off = low - np.average(low, weights=weight)
    slope = float((weight * off) @ (ratio - ratio.mean()) / ((weight * off) @ off))
    stretch = max(min(slope, 1.0) - 1.0, _FLATTEST)
    return Calibration(found.shift, -stretch * float(np.average(low, weights=weight)), stretch)


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
