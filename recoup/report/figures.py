"""How a report writes numbers: dollars, shares and counts as the pages do, and what only reports have."""

from __future__ import annotations

import math

from serving.numbers import count, dollars, percent

__all__ = ["count", "decimal", "dollars", "measure", "percent", "short_dollars"]


def short_dollars(value: float) -> str:
    """Write dollars for an axis.

    >>> short_dollars(950), short_dollars(12_000), short_dollars(-2_500_000), short_dollars(0)
    ('$950', '$12k', '-$2.5M', '$0')
    """
    if value < 0:
        return f"-{short_dollars(-value)}"
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"${value / size:.1f}".removesuffix(".0") + unit
    return f"${value:.0f}"


def decimal(value: float | None, digits: int = 3) -> str:
    """Write a plain number; null is a dash.

    >>> decimal(0.71239), decimal(None)
    ('0.712', '–')
    """
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def measure(value: float | None) -> str:
    """Write any number with four digits that count; null is "not known".

    >>> measure(0.123456), measure(12345.0), measure(3), measure(None)
    ('0.1235', '12,345', '3', 'not known')
    """
    if value is None or not math.isfinite(value):
        return "not known"
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.4g}"
