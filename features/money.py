"""Money as integer cents, and its text form."""

from __future__ import annotations

import re

from features.errors import BadData

NULL = -(2**63)
"""The null of every int64 column: cents, days since 1970-01-01, counts. It is also NumPy's NaT."""

PATTERN = r"-?[0-9]{1,13}(\.[0-9]{1,2})?"
"""The one text form of money that is read: no exponent, no sign but minus, no separators, at most two decimals."""

_MONEY = re.compile(PATTERN)


def parse_cents(text: str) -> int:
    """Read decimal dollars as exact cents.

    Raises
    ------
    BadData
        When the text is not of the one allowed form.

    Examples
    --------
    >>> parse_cents("12.5"), parse_cents("-0.07"), parse_cents("80")
    (1250, -7, 8000)
    >>> parse_cents("1e3")
    Traceback (most recent call last):
    features.errors.BadData: not an amount: digits with at most two decimals are allowed, like 1234.50
    """
    if not _MONEY.fullmatch(text):
        raise BadData("not an amount: digits with at most two decimals are allowed, like 1234.50")
    whole, _, part = text.partition(".")
    cents = abs(int(whole)) * 100 + int((part + "00")[:2])
    return -cents if text[0] == "-" else cents


def format_cents(cents: int) -> str:
    """Write cents as dollars with two decimals; null is blank.

    >>> format_cents(-7), format_cents(125000), format_cents(NULL)
    ('-0.07', '1250.00', '')
    """
    if cents == NULL:
        return ""
    sign, size = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{size // 100}.{size % 100:02d}"


def exact_dollars(cents: int) -> str:
    """Write cents as a sentence shows them; null is said.

    >>> exact_dollars(123456), exact_dollars(-7), exact_dollars(NULL)
    ('$1,234.56', '-$0.07', 'an unknown amount')
    """
    if cents == NULL:
        return "an unknown amount"
    sign, size = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}${size // 100:,}.{size % 100:02d}"
