"""Fit the shift from out-of-fold log odds to what came in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from models.calibration import Calibration, probability

_PSEUDO_INFORMATION = 10.0
_EXPLORED_INFORMATION = 30.0
"""Randomly chosen cases are few: their shift waits for more of them."""


def calibrate(
    logits: Floats, recovered: NDArray[np.bool_], weight: Floats, explored: NDArray[np.bool_]
) -> tuple[Calibration, dict[str, Any]]:
    """Fit one shift on all cases, then one more on those chosen at random.

    Parameters
    ----------
    logits
        Out of fold by block of time. Only their level is mended: their slope is that of models fitted on less, which is flatter
        in later months than the slope of the model that serves (measured on real recoveries).
    recovered, weight, explored
        Of the same cases.

    Returns
    -------
    Calibration, dict
        And what was found: Brier score out of fold, shifts.
    """
    shift = _shift(logits, recovered, weight, pull=_PSEUDO_INFORMATION)
    rows = Calibration(shift).apply(logits)[explored]
    extra = _shift(rows, recovered[explored], weight[explored], pull=_EXPLORED_INFORMATION) if explored.any() else 0.0
    found = Calibration(shift, extra)
    brier = float(np.average((probability(found.apply(logits)) - recovered) ** 2, weights=weight))
    return found, {"brier_out_of_fold": round(brier, 5), "shift": round(shift, 4), "explored_shift": round(extra, 4)}


def _shift(logits: Floats, recovered: NDArray[np.bool_], weight: Floats, *, pull: float) -> float:
    """Return the shift of highest likelihood, drawn to 0 as if `pull` information (sum of p (1 - p)) spoke for 0."""
    shift = 0.0
    for _ in range(50):
        p = probability(logits + shift)
        step = (float((weight * (recovered - p)).sum()) - pull * shift) / (float((weight * p * (1 - p)).sum()) + pull)
        shift += max(-1.0, min(1.0, step))
        if abs(step) < 1e-10:
            break
    return shift
