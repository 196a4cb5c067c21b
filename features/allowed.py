"""What payers usually allow for each row's procedure, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class UsualAllowed:
    """Usual allowed amount of each row; `NULL` (count 0) where nothing is known.

    `median_cents` is for the row as billed (units included); `low_cents` and `high_cents` hold 80 % of past amounts;
    `count` is the number of postings behind them. `smoothed_cents` (float) is the median drawn to what payer and procedure,
    each alone, make one expect: it is known for new pairs too, and NaN only where the procedure is new.
    """

    median_cents: NDArray[np.int64]
    low_cents: NDArray[np.int64]
    high_cents: NDArray[np.int64]
    count: NDArray[np.float64]
    smoothed_cents: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> UsualAllowed:
        """Return the rows at these positions."""
        return UsualAllowed(*(getattr(self, name)[rows] for name in self.__slots__))
