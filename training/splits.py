"""Blocks of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def time_blocks(days: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the block of each row, 0 to count - 1: consecutive spans with about equally many rows; a day is never split.

    >>> time_blocks(np.array([1, 9, 2, 8]), 2).tolist()
    [0, 1, 0, 1]
    """
    edges = np.quantile(days, np.linspace(0, 1, count + 1)[1:-1]) if len(days) else np.zeros(count - 1)
    return np.searchsorted(edges, days, side="left").astype(np.int64)
