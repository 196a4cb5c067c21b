"""From a score's log odds to a probability that means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """A shift of the log odds.

    Parameters
    ----------
    shift
        Fitted on out-of-fold scores by time block; 0 where there was too little to fit.
    explored_shift
        What randomly chosen rows add, drawn to 0 while they are few: rows that staff chose overstate the rest.
    """

    shift: float = 0.0
    explored_shift: float = 0.0

    def apply(self, logits: Floats) -> Floats:
        """Return calibrated log odds."""
        return logits + (self.shift + self.explored_shift)


def probability(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)).

    >>> probability(np.array([0.0, 800.0, -800.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)


def log_odds(probabilities: Floats) -> Floats:
    """Return log(p / (1 - p)), p kept within 0.001 and 0.999.

    >>> float(log_odds(np.array([0.5]))[0])
    0.0
    """
    p = np.minimum(np.maximum(probabilities, 0.001), 0.999)
    return np.log(p) - np.log(1.0 - p)
