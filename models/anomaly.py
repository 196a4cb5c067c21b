"""Contractual postings that leave less than the payer usually allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.tables import Array
from models.forest import Forest

_LOGISTIC = 1.702
"""A logistic curve of this steepness is within .01 of the normal one and, unlike it, has a tail that needs no series."""

COUNT_EDGES = (1.0, 3.0, 6.0, 12.0)
"""A posting's class is how many earlier ones of its payer and procedure are known: below 1, 1-2, 3-5, 6-11, 12 and more."""

DEFAULT_SPREAD = (0.3, 0.2, 0.15, 0.12, 0.1)
"""Spread of log(allowed / usual) among proper postings per class, where too few were seen to learn it."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A conditional median of what a posting leaves against the usual, and how far proper postings stray from it.

    Parameters
    ----------
    trees
        Raw score: median of log(implied / usual) given payer, place and charge; None: 0.
    spread
        Robust spread per class of `COUNT_EDGES`.
    payer_factor
        Spread of a payer against all, by payer code; a code beyond the end has 1.
    """

    trees: Forest | None = None
    spread: tuple[float, ...] = DEFAULT_SPREAD
    payer_factor: tuple[float, ...] = ()

    def score(self, matrix: Floats, log_ratio: Floats, payer: Array, count: Floats) -> Floats:
        """Return -log10 of the chance that a proper posting leaves this little (>= 0).

        Parameters
        ----------
        log_ratio
            log(implied allowed / usual allowed), NaN where nothing usual is known: those score 0.
        payer, count
            Payer code; earlier postings of payer and procedure.
        """
        unknown = np.isnan(log_ratio)
        if unknown.all():
            return np.zeros(len(matrix))
        median = np.zeros(len(matrix))
        if self.trees is not None:
            # Most rows are no contractual ones: the trees are walked for those that are asked about.
            asked = np.flatnonzero(~unknown)
            median[asked] = self.trees.raw(matrix if len(asked) == len(matrix) else matrix[asked])
        known = (payer >= 0) & (payer < len(self.payer_factor))
        factor = np.array([*self.payer_factor, 1.0])[np.where(known, payer, -1)]
        spread = np.array(self.spread)[count_class(count)] * factor
        stray = np.where(unknown, 0.0, (median - log_ratio) / spread)
        tail = np.logaddexp(0.0, _LOGISTIC * stray) / np.log(10.0)
        return np.where(unknown, 0.0, tail)


def count_class(count: Floats) -> NDArray[np.int64]:
    """Return the class of each count, 0 to len(COUNT_EDGES).

    >>> count_class(np.array([0.0, 1.0, 5.0, 40.0])).tolist()
    [0, 1, 2, 4]
    """
    return np.searchsorted(COUNT_EDGES, count, side="right").astype(np.int64)
