"""Hours of staff time that a remedy takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.column import Columns
from features.feature import Floats
from features.rowwise import least, most
from models.forest import Forest
from models.prior import believed_hours

_LEAST, _MOST_LOG = 0.05, 4.0


@dataclass(frozen=True, slots=True)
class Effort:
    """Hours per write-off: what was logged, drawn to what is believed (`models.prior`) while little was.

    Parameters
    ----------
    trees
        Raw score: log hours; None: the defaults, at the practice's level.
    weight
        Of the trees against the defaults, on the log: logged efforts / (logged efforts + pseudo-efforts).
    level
        Log of what the practice takes against the defaults.
    slope
        How far the defaults of remedies stand apart, on the log: 1 as believed, 0 all alike.

    Examples
    --------
    A clinical appeal is believed to take 4.3 times as long as a corrected claim; at half the slope it is twice as long.

    >>> from features.codes.tables import FAMILIES
    >>> remedy, family = np.array([0, 1]), np.array([FAMILIES.index("medical_necessity")] * 2)
    >>> columns = {"remedy": remedy, "own_remedy": remedy, "family": family}
    >>> [Effort(slope=slope).hours(np.empty((2, 0)), columns).round(2).tolist() for slope in (1.0, 0.5)]
    [[2.17, 0.5], [1.47, 0.71]]
    """

    trees: Forest | None = None
    weight: float = 0.0
    level: float = 0.0
    slope: float = 1.0

    def hours(self, matrix: Floats, columns: Columns) -> Floats:
        """Return hours (> 0) of each row."""
        usual = believed_hours(columns)
        if self.trees is None and not self.level and self.slope == 1.0:
            return usual
        log = self.slope * np.log(usual) + self.level
        if self.trees is not None:
            log = self.weight * self.trees.raw(matrix) + (1.0 - self.weight) * log
        return most(np.exp(least(log, _MOST_LOG)), _LEAST)
