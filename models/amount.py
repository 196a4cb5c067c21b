"""Dollars of a recovery where the ledger does not know the amount at stake: learned from history, on the scale of dollars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.column import Columns
from features.feature import Floats
from models.forest import Forest
from models.linear import Linear

TREES_SHARE = 0.3
"""Recoveries are few and codes many: one weight per code, drawn to the mean, says more than trees do."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Mean dollars given recovery.

    Parameters
    ----------
    trees, level
        Two opinions of the mean of log dollars; `TREES_SHARE` weighs them.
    spread
        Variance of log dollars around it.
    scale
        Brings the sum over past recoveries to what they brought.

    Notes
    -----
    Dollars are heavy-tailed: the mean lies above exp(mean of the log) by half the variance (Duan 1983 gives the general form), and
    more so where amounts vary more, which moves the order and not only the sum.
    """

    trees: Forest
    level: Linear
    spread: Linear
    scale: float

    def dollars(self, matrix: Floats, columns: Columns) -> Floats:
        """Return the mean dollars of each row if it recovers."""
        level = TREES_SHARE * self.trees.raw(matrix) + (1.0 - TREES_SHARE) * self.level.raw(self.level.terms(matrix, columns))
        spread = np.clip(self.spread.raw(self.spread.terms(matrix, columns)), 0.0, 6.0)
        return np.exp(np.clip(level + 0.5 * spread, -5.0, 18.0)) * self.scale
