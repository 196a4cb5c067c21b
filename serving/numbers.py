"""How pages and reports write numbers: dollars, shares and counts, the same everywhere; null is a dash."""

from __future__ import annotations

import math


def dollars(value: float | None) -> str:
    """Write dollars without cents.

    >>> dollars(1234.5), dollars(-7), dollars(0.4), dollars(-0.2), dollars(None)
    ('$1,234', '-$7', '$0', '$0', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{'-' if round(value) < 0 else ''}${abs(value):,.0f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share as percent.

    >>> percent(0.4567), percent(-0.0123, 1), percent(None)
    ('46 %', '-1.2 %', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.{digits}f} %"


def count(value: int | None) -> str:
    """Write a count with separators.

    >>> count(61234), count(None)
    ('61,234', '–')
    """
    return "–" if value is None else f"{value:,}"
