"""Small statistics of the audit: tails of counts, many tests at once, and intervals of shares; without SciPy, for the request path."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from features.feature import Floats

LEAST = 11
"""Cells below this many say nothing (the size under which the Centers for Medicare and Medicaid Services suppress cells)."""


def poisson_tail(count: Floats, expected: Floats) -> Floats:
    """Return the chance of at least so many events when so many are expected.

    The chance is that of a gamma variable to lie below the expectation; its cube root is nearly normal (Wilson and Hilferty 1931).

    Examples
    --------
    Exact values are .0137 and .5421:

    >>> poisson_tail(np.array([8.0, 10.0]), np.array([3.0, 10.0])).round(3).tolist()
    [0.012, 0.542]
    """
    n = np.maximum(count, 1e-9)
    z = (np.cbrt(np.maximum(expected, 0.0) / n) - (1.0 - 1.0 / (9.0 * n))) * 3.0 * np.sqrt(n)
    below = 0.5 * np.array([math.erfc(-value / math.sqrt(2.0)) for value in np.atleast_1d(z).tolist()])
    return np.where(count <= 0, 1.0, below)


def adjusted(p: Floats) -> Floats:
    """Return p-values adjusted for how many were looked at: the false discovery rate of Benjamini and Hochberg 1995.

    >>> adjusted(np.array([0.01, 0.04, 0.5])).round(3).tolist()
    [0.03, 0.06, 0.5]
    """
    n = len(p)
    if not n:
        return p
    order = np.argsort(p, kind="stable")
    ranked = p[order] * n / np.arange(1, n + 1)
    out = np.empty(n)
    out[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    return out


def share_interval(part: int, whole: int, nominal: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share; (0, 1) of nothing.

    >>> [round(end, 3) for end in share_interval(27, 30)]
    [0.744, 0.965]
    """
    if not whole:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + nominal / 2)
    share, spread = part / whole, z * z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return max(0.0, middle - half), min(1.0, middle + half)
