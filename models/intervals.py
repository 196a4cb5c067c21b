"""The range of what a recovery may bring: 10-90 % given that something is recovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Floats
from features.rowwise import take


@dataclass(frozen=True, slots=True)
class Range:
    """Quantiles of what came in over what was predicted, by size of the prediction.

    Parameters
    ----------
    edges
        Ascending; bin i holds edges[i - 1] < prediction <= edges[i], the last all above.
    low, high
        10 % and 90 % quantile of the ratio per bin (one more than edges).
    """

    edges: Floats
    low: Floats
    high: Floats

    def around(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Return the low and high end for each prediction, in its unit."""
        place = self.edges.searchsorted(predicted)
        return predicted * take(self.low, place), predicted * take(self.high, place)

    @classmethod
    def fit(cls, predicted: Floats, actual: Floats, bins: int = 5) -> Range:
        """Learn the ratios from predictions on rows that were not in the fit; with fewer than 50 rows the range is wide and fixed."""
        if len(predicted) < 50:
            return cls(np.empty(0), np.array([0.3]), np.array([1.5]))
        edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1]))
        place = np.searchsorted(edges, predicted)
        ratio = actual / np.maximum(predicted, 1e-9)
        whole = np.quantile(ratio, [0.1, 0.9])
        ends = [np.quantile(ratio[place == i], [0.1, 0.9]) if (place == i).sum() >= 10 else whole for i in range(len(edges) + 1)]
        return cls(edges, np.array([e[0] for e in ends]), np.array([e[1] for e in ends]))
