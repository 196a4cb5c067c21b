"""How a report writes numbers: dollars, shares and counts, the same everywhere."""

from __future__ import annotations

import math


def dollars(value: float | None) -> str:
    """Write dollars without cents; null is a dash.

    >>> dollars(1234.5), dollars(-7), dollars(None)
    ('$1,234', '-$7', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{'-' if round(value) < 0 else ''}${abs(value):,.0f}"


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


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share as percent; null is a dash.

    >>> percent(0.4567), percent(0.4567, 1), percent(None)
    ('46 %', '45.7 %', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.{digits}f} %"


def decimal(value: float | None, digits: int = 3) -> str:
    """Write a plain number; null is a dash.

    >>> decimal(0.71239), decimal(None)
    ('0.712', '–')
    """
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def count(value: int | None) -> str:
    """Write a count with separators; null is a dash.

    >>> count(61234), count(None)
    ('61,234', '–')
    """
    return "–" if value is None else f"{value:,}"


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
