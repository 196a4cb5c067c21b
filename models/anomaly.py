"""Contractual postings that leave less than was agreed, or than the payer usually allows."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.column import Array
from features.feature import Floats
from features.rowwise import full, is_any, is_not, is_plain, most, put, rows_where, single, take, where
from models.forest import Forest

LOGISTIC = 1.702
"""A logistic curve of this steepness is within .01 of the normal one and, unlike it, has a tail that needs no series."""

COUNT_EDGES = (1.0, 3.0, 6.0, 12.0)
"""A posting's class is how many earlier ones of its payer and procedure are known: below 1, 1-2, 3-5, 6-11, 12 and more."""

AGREED = len(COUNT_EDGES) + 1
"""The class of a posting whose price is agreed."""

DEFAULT_SPREAD = (0.3, 0.2, 0.15, 0.12, 0.1, 0.05)
"""Spread of log(left / proper) among proper postings per class, where too few were seen to learn it."""

FLAGGED = 3.0
"""A score from which on a posting is called unusual: one proper posting in a thousand would be, if strays were normal."""

NARROWEST = 0.01
"""Cents are rounded and codes reduce by a little: nothing is so exact that a hundredth off is unusual."""


_LOG_10 = np.log(10.0)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What a posting leaves against what is agreed, or against a median of the usual, and how far proper postings stray from it.

    Parameters
    ----------
    trees
        Raw score: median of log(left / usual) given payer, place and charge, where nothing is agreed; None: 0.
    spread
        Robust spread per class of `COUNT_EDGES`, and of `AGREED`.
    payer_factor
        Spread of a payer against all, by payer code; a code beyond the end has 1.
    """

    trees: Forest | None = None
    spread: tuple[float, ...] = DEFAULT_SPREAD
    payer_factor: tuple[float, ...] = ()
    _spreads: Floats = field(init=False, repr=False, compare=False)
    _factors: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_spreads", np.array(self.spread))
        # The last is that of a payer beyond the end.
        object.__setattr__(self, "_factors", np.array([*self.payer_factor, 1.0]))

    def score(self, matrix: Floats, log_ratio: Floats, agreed: NDArray[np.bool_], payer: Array, count: Floats) -> Floats:
        """Return -log10 of the chance that a proper posting leaves this little (>= 0).

        Parameters
        ----------
        log_ratio, agreed
            log(left / proper), NaN where nothing proper is known: those score 0; and where what is proper is agreed.
        payer, count
            Payer code; earlier postings of payer and procedure.
        """
        is_known, median = log_ratio == log_ratio, full(log_ratio, 0.0)
        if not is_any(is_known):
            return median
        is_asked = is_known & is_not(agreed)
        if self.trees is not None and is_any(is_asked):
            # Most rows are no contractual ones: the trees are walked for those that are asked about.
            rows = rows_where(is_asked)
            median = put(median, rows, self.trees.raw(matrix, rows))
        is_payer_known = (payer >= 0) & (payer < len(self.payer_factor))
        factor = take(self._factors, where(is_payer_known, payer, -1))
        spread = take(self._spreads, where(agreed, AGREED, count_class(count))) * factor
        stray = where(is_known, (median - log_ratio) / most(spread, NARROWEST), 0.0)
        tail = np.logaddexp(0.0, LOGISTIC * stray) / _LOG_10
        return where(is_known, tail, 0.0)


def count_class(count: Floats) -> NDArray[np.int64]:
    """Return the class of each count, 0 to len(COUNT_EDGES).

    >>> count_class(np.array([0.0, 1.0, 5.0, 40.0])).tolist()
    [0, 1, 2, 4]
    """
    if is_plain(count):
        return single(bisect_right(COUNT_EDGES, count))
    return np.searchsorted(COUNT_EDGES, count, side="right").astype(np.int64)
