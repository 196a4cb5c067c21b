"""X12 elements: decimal amounts as integer cents, dates as ISO text, text without what files must not carry."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

EARLIEST = "1990-01-01"
"""A date before this is no date of a claim (DATA.md); an 835 that old does not exist."""

LONGEST_TEXT = 100
"""Longest identifier that is kept; X12 allows 38 characters in CLP01 and 50 in CLP07."""

_AMOUNT = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


def at(elements: list[str], position: int) -> str:
    """Return an element of a segment without spaces around it, blank where the segment ends before it."""
    return elements[position].strip() if position < len(elements) else ""


@lru_cache(maxsize=1 << 16)
def read_cents(text: str) -> int | None:
    """Read an X12 decimal (type R) as exact cents; None where it is not one or says parts of a cent.

    X12 writes amounts without superfluous zeros: a leading or trailing point, a plus sign and leading zeros are legal. Exponents,
    separators, digits of other scripts and more than 13 digits of dollars are not.

    Examples
    --------
    >>> [read_cents(text) for text in (".5", "5.", "-.00", "+5", "00012.30", "7.2500", "-12.3")]
    [50, 500, 0, 500, 1230, 725, -1230]
    >>> [read_cents(text) for text in ("", ".", "-", "12.3O", "1e3", "1,000", "0.005", "12345678901234")]
    [None, None, None, None, None, None, None, None]
    """
    plain = text[:-3] + text[-2:]
    if text[-3:-2] == "." and len(plain) <= 15 and plain.isdigit() and plain.isascii():
        # nearly every amount: digits and two decimals
        return int(plain)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    sign, whole, part = match[1], match[2].lstrip("0"), (match[3] or "").rstrip("0")
    if not (match[2] or match[3]) or len(whole) > 13 or len(part) > 2:
        return None
    cents = int(whole or "0") * 100 + int((part + "00")[:2])
    return -cents if sign == "-" else cents


@lru_cache(maxsize=1 << 14)
def read_date(text: str) -> str:
    """Read CCYYMMDD, or YYMMDD of the ISA, as ISO text; blank where it is no day from 1990 on.

    Examples
    --------
    >>> read_date("20240229"), read_date("031030"), read_date("20002316"), read_date("18991231")
    ('2024-02-29', '2003-10-30', '', '')
    """
    if not (text.isascii() and text.isdigit()):
        return ""
    if len(text) == 6:
        # ISA09 has no century; an 835 exists since 1991
        text = ("19" if text[:2] >= "90" else "20") + text
    if len(text) != 8:
        return ""
    iso = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        date.fromisoformat(iso)
    except ValueError:
        return ""
    return iso if iso >= EARLIEST else ""


def read_quantity(text: str) -> str:
    """Return a positive number as it was written, without superfluous zeros; blank where it is none.

    >>> read_quantity("1.00"), read_quantity("0"), read_quantity("2.5"), read_quantity("x")
    ('1', '', '2.5', '')
    """
    if not _NUMBER.fullmatch(text):
        return ""
    whole, _, part = text.partition(".")
    part = part.rstrip("0")
    number = (whole.lstrip("0") or "0") + (f".{part}" if part else "")
    return "" if number == "0" else number


def clean_text(text: str) -> str:
    """Return text in NFC, trimmed, without control characters (DATA.md).

    >>> clean_text("  A\\x00B 1 ")
    'AB 1'
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = "".join(mark for mark in text if unicodedata.category(mark)[0] != "C")
    return unicodedata.normalize("NFC", kept).strip()


clean_code = lru_cache(maxsize=1 << 12)(clean_text)
"""`clean_text` for what comes again and again: groups, reasons, remarks."""
