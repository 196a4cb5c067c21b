"""From a score's log odds to a probability that means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Floats
from features.rowwise import least, most, where

LOW = -1.0
"""Log odds (a chance of 27 %) below which explored rows may stretch the scale."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A shift of the log odds, and what randomly chosen rows say of the others: rows that staff chose overstate the rest.

    Parameters
    ----------
    shift
        Fitted on out-of-fold scores by time block; 0 where there was too little to fit.
    explored_shift
        What randomly chosen rows add, drawn to 0 while they are few.
    low_stretch
        What they add to the slope below `LOW` (> -1): of write-offs that are mostly proper, staff choose those that are not, so that
        a low chance is lower than that of the like that was worked.

    Examples
    --------
    >>> Calibration(0.5, -0.2, 0.1).apply(np.array([1.0, -2.5])).round(2).tolist()
    [1.3, -2.3]
    """

    shift: float = 0.0
    explored_shift: float = 0.0
    low_stretch: float = 0.0

    def apply(self, logits: Floats) -> Floats:
        """Return calibrated log odds of rows that nobody chose."""
        chosen = logits + self.shift
        return chosen + self.explored_shift + self.low_stretch * least(chosen - LOW, 0.0)

    def as_chosen(self, calibrated: Floats) -> Floats:
        """Return the log odds that a row would have had if staff had chosen it, from what `apply` returned."""
        chosen = calibrated - self.explored_shift
        return np.where(chosen >= LOW, chosen, LOW + (chosen - LOW) / (1.0 + self.low_stretch))


def probability(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)).

    >>> probability(np.array([0.0, 800.0, -800.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    small = np.exp(-abs(logits))
    return where(logits >= 0, 1.0, small) / (1.0 + small)


def log_odds(probabilities: Floats) -> Floats:
    """Return log(p / (1 - p)), p kept within 0.001 and 0.999.

    >>> float(log_odds(np.array([0.5]))[0])
    0.0
    """
    p = least(most(probabilities, 0.001), 0.999)
    return np.log(p) - np.log(1.0 - p)
