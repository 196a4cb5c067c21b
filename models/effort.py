"""Hours of staff time that a remedy takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Floats
from features.tables import Columns
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
    """

    trees: Forest | None = None
    weight: float = 0.0
    level: float = 0.0

    def hours(self, matrix: Floats, columns: Columns) -> Floats:
        """Return hours (> 0) of each row."""
        usual = believed_hours(columns)
        if self.trees is None and not self.level:
            return usual
        log = np.log(usual) + self.level
        if self.trees is not None:
            log = self.weight * self.trees.raw(matrix) + (1.0 - self.weight) * log
        return np.maximum(np.exp(np.minimum(log, _MOST_LOG)), _LEAST)
