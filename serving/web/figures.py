"""How pages write numbers and sentences."""

from __future__ import annotations


def dollars(value: float | None) -> str:
    """Write dollars without cents; null is a dash.

    >>> dollars(1234.5), dollars(None), dollars(0.4)
    ('$1,234', '–', '$0')
    """
    if value is None:
        return "–"
    return f"{'-' if round(value) < 0 else ''}${abs(value):,.0f}"


def count(value: int) -> str:
    """Write a count with separators.

    >>> count(61234)
    '61,234'
    """
    return f"{value:,}"


def hours(value: float) -> str:
    """Write hours of work as a person would say them.

    >>> hours(0.4), hours(1.0), hours(2.26), hours(31.7)
    ('25 minutes', '1 hour', '2.3 hours', '32 hours')
    """
    if value < 0.95:
        return f"{max(5, round(value * 12) * 5)} minutes"
    words = f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    return f"{words} hour" if words == "1" else f"{words} hours"


def sentence(text: str) -> str:
    """Begin with a capital letter.

    >>> sentence("no authorization")
    'No authorization'
    """
    return text[:1].upper() + text[1:]
