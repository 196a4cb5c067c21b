"""Fit the line from out-of-fold log odds to what came in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from models.calibration import Calibration, probability

_PSEUDO_CASES = 50.0
_EXPLORED_INFORMATION = 30.0
"""The explored shift is drawn to 0 as if this much information (sum of p(1-p)) spoke for 0."""


def calibrate(
    logits: Floats, recovered: NDArray[np.bool_], weight: Floats, explored: NDArray[np.bool_]
) -> tuple[Calibration, dict[str, Any]]:
    """Fit slope and shift on all cases, then one more shift on those chosen at random.

    Parameters
    ----------
    logits
        Out of fold by block of time.
    recovered, weight, explored
        Of the same cases.

    Returns
    -------
    Calibration, dict
        And what was found: Brier score out of fold, explored cases.
    """
    slope, shift = _line(logits, recovered, weight)
    line = Calibration(slope, shift)
    extra = _shift(line.apply(logits)[explored], recovered[explored], weight[explored]) if explored.any() else 0.0
    found = Calibration(slope, shift, extra)
    p = probability(found.apply(logits))
    brier = float(np.average((p - recovered) ** 2, weights=weight))
    return found, {"brier_out_of_fold": round(brier, 5), "slope": round(slope, 4), "shift": round(shift, 4), "explored_shift": round(extra, 4)}


def _line(logits: Floats, recovered: NDArray[np.bool_], weight: Floats) -> tuple[float, float]:
    """Logistic regression on one score by Newton's steps, drawn to the identity by a few pseudo-cases."""
    theta = np.array([1.0, 0.0])
    x = np.stack([logits, np.ones(len(logits))], axis=1)
    pull = np.array([_PSEUDO_CASES, 1.0])
    for _ in range(30):
        p = probability(x @ theta)
        gradient = x.T @ (weight * (recovered - p)) - pull * (theta - np.array([1.0, 0.0]))
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        theta = theta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    return float(theta[0]), float(theta[1])


def _shift(logits: Floats, recovered: NDArray[np.bool_], weight: Floats) -> float:
    shift = 0.0
    for _ in range(50):
        p = probability(logits + shift)
        curvature = float((weight * p * (1 - p)).sum()) + _EXPLORED_INFORMATION
        step = (float((weight * (recovered - p)).sum()) - _EXPLORED_INFORMATION * shift) / curvature
        shift += max(-1.0, min(1.0, step))
        if abs(step) < 1e-10:
            break
    return shift
