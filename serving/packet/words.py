"""Amounts and days as a letter writes them."""

from __future__ import annotations

from datetime import date

from serving.citation import sources

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def long_day(day: date) -> str:
    """Write a day in full; not by strftime, whose names of months depend on the machine.

    >>> long_day(date(2026, 3, 18))
    'March 18, 2026'
    """
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def short_day(day: date) -> str:
    """Write a day for a table.

    >>> short_day(date(2026, 3, 18))
    '03/18/2026'
    """
    return f"{day.month:02d}/{day.day:02d}/{day.year}"


def cited(sentence: str, citation: str) -> str:
    """Return a sentence with its source; decisions of our own have none that a person could look up.

    >>> cited("Pay.", "42 CFR 2.31"), cited("Pay.", "DOMAIN 3")
    ('Pay. (42 CFR 2.31)', 'Pay.')
    """
    found = sources(citation)
    return f"{sentence} ({found})" if found else sentence
