"""How pages write numbers and sentences."""

from __future__ import annotations

from features.money import exact_dollars
from serving.numbers import count, dollars, percent


def hours(value: float) -> str:
    """Write hours of work as a person would say them.

    >>> hours(0.4), hours(1.0), hours(2.26), hours(31.7)
    ('25 minutes', '1 hour', '2.3 hours', '32 hours')
    """
    if value < 0.95:
        return f"{max(5, round(value * 12) * 5)} minutes"
    words = f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    return f"{words} hour" if words == "1" else f"{words} hours"


def sentence(text: str) -> str:
    """Begin with a capital letter.

    >>> sentence("no authorization")
    'No authorization'
    """
    return text[:1].upper() + text[1:]


def cents(value: int | None) -> str:
    """Write cents as dollars without cents; null is a dash.

    >>> cents(123_450), cents(None)
    ('$1,234', '–')
    """
    return dollars(None if value is None else value / 100)


def figure(value: float | None, unit: str) -> str:
    """Write a key figure; `unit` is one of `serving.findings.figures`.

    >>> figure(12.4, "days"), figure(0.25, "share"), figure(41.5, "dollars"), figure(1.016, "times"), figure(1200.0, "count")
    ('12 days', '25.0 %', '$42', '1.02', '1,200')
    >>> figure(None, "days")
    '–'
    """
    if value is None:
        return "–"
    if unit == "days":
        return f"{value:.0f} days"
    if unit == "dollars":
        return dollars(value)
    if unit == "count":
        return count(round(value))
    return f"{value:.2f}" if unit == "times" else percent(value, 1)


def exact(value: int | None) -> str:
    """Write cents as dollars and cents; null is a dash.

    >>> exact(123_450), exact(-5), exact(None)
    ('$1,234.50', '-$0.05', '–')
    """
    return "–" if value is None else exact_dollars(value)
