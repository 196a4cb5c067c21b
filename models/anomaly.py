"""Contractual postings that leave less than the payer usually allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Floats
from features.tables import Array
from models.forest import Forest

_LOGISTIC = 1.702
"""A logistic curve of this steepness is within .01 of the normal one and, unlike it, has a tail that needs no series."""

DEFAULT_SPREAD = 0.12
"""Spread of log(allowed / usual) among proper postings where too few were seen to learn it."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A conditional median of what a posting leaves against the usual, and how far proper postings stray from it.

    Parameters
    ----------
    trees
        Raw score: median of log(implied / usual) given payer, procedure and charge; None: 0.
    spread
        Robust spread by payer code, drawn to `default_spread` while few were seen.
    """

    trees: Forest | None = None
    spread: Floats | None = None
    default_spread: float = DEFAULT_SPREAD

    def score(self, matrix: Floats, log_ratio: Floats, payer: Array) -> Floats:
        """Return -log10 of the chance that a proper posting leaves this little (>= 0, six significant digits).

        `log_ratio` is log(implied allowed / usual allowed), NaN where nothing usual is known: those score 0.
        """
        median = self.trees.raw(matrix) if self.trees is not None else np.zeros(len(matrix))
        spread = np.full(len(matrix), self.default_spread)
        if self.spread is not None and len(self.spread):
            known = (payer >= 0) & (payer < len(self.spread))
            spread = np.where(known, self.spread[np.where(known, payer, 0)], self.default_spread)
        stray = np.where(np.isnan(log_ratio), 0.0, (median - log_ratio) / spread)
        tail = np.logaddexp(0.0, _LOGISTIC * stray) / np.log(10.0)
        return np.where(np.isnan(log_ratio), 0.0, significant(tail))


def significant(values: Floats, digits: int = 6) -> Floats:
    """Round to significant digits.

    >>> significant(np.array([123456.7, 0.0001234567, 0.0])).tolist()
    [123457.0, 0.000123457, 0.0]
    """
    size = np.where(values == 0, 1.0, np.abs(values))
    places = digits - 1 - np.floor(np.log10(size))
    factor = np.power(10.0, np.abs(places))
    up = np.rint(values * factor) / factor
    down = np.rint(values / factor) * factor
    rounded: Floats = np.where(places >= 0, up, down)
    return rounded
