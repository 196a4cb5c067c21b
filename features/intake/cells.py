"""One cell: the text of a file or request, and the value that it stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Map
from datetime import date, datetime
from math import isfinite

from features.intake.adjustments import carc_word, separated, upper
from features.intake.mapping import Mapping
from features.intake.rejects import Rule
from features.money import PATTERN
from features.tables import GROUP_CODES, Column, Kind

BLANKS = " \t\r\n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\ufeff"
"""What is trimmed: spaces of all widths, tabs, line ends and the byte order mark."""

NO_TEXT = "\x00"
"""What stands for a value that has no text form (a list, a float that is not finite); every parser refuses it."""

EARLIEST = date(1990, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
"""The first day that is a date (DATA.md)."""

MEMORY = 4096
"""So many texts of a column are remembered with their values: codes, dates and round amounts come again and again."""

_EPOCH = date(1970, 1, 1).toordinal()
_MONEY = re.compile(PATTERN)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_COUNT = re.compile(r"[2-6][0-9]{4}(\.[0-9]+)?")
_INT = re.compile(r"(-?[0-9]{1,15})(?:\.0+)?")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED = re.compile("'+[=+\\-@\t\r]")
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


class Unlisted(str):
    """A word that stands for one outside its column's list; `raw` is the word as it came."""

    __slots__ = ("raw",)
    raw: str

    def __new__(cls, read_as: str, raw: str) -> Unlisted:
        """Make one."""
        word = super().__new__(cls, read_as)
        word.raw = raw
        return word


Value = str | int | float | None
"""Text, cents, days, counts; 1 or 0 for booleans; None for null."""


class Cells(dict[str, "Value | Rule"]):
    """The values of one column's texts, looked up as `cells[text]`; a text that breaks a rule gives the `Rule`.

    Both readers, the one for files and the one for records, ask here, so there is one meaning of a cell.

    Parameters
    ----------
    column
        What the texts are.
    mapping
        The practice's own forms and codes.
    escaped
        True for CSV: an apostrophe that `write_table` put before a formula is taken away.

    Examples
    --------
    >>> from features.tables import WRITEOFFS
    >>> Cells(WRITEOFFS.column("writeoff_amount"))["12.5"], Cells(WRITEOFFS.column("carc"))["045"]
    (1250, '45')
    >>> Cells(WRITEOFFS.column("writeoff_amount"))["1e3"]
    <Rule.NOT_AN_AMOUNT: 'not_an_amount'>
    """

    def __init__(self, column: Column, mapping: Mapping | None = None, *, escaped: bool = False) -> None:
        super().__init__()
        self.column = column
        self._parse = _parser(column, mapping or Mapping(), escaped)
        self._room = 0 if column.kind is Kind.ID else MEMORY

    def __missing__(self, text: str) -> Value | Rule:
        """Read a text that is not remembered."""
        value = self._parse(text)
        if len(self) < self._room and len(text) <= 64:
            self[text] = value
        return value


Parse = Callable[[str], "Value | Rule"]


def clean(text: str, longest: int, escaped: bool) -> str | None | Rule:
    """Return text trimmed and in NFC, None where nothing is left, or the rule that it breaks."""
    text = (unescaped(text) if escaped else text).strip(BLANKS)
    if not text:
        return None
    if not (text.isascii() and text.isprintable()):
        if _CONTROL.search(text):
            return Rule.NOT_A_TEXT if text == NO_TEXT else Rule.CONTROL_CHARACTER
        text = unicodedata.normalize("NFC", text)
    return Rule.TOO_LONG if len(text) > longest else text


def unescaped(text: str) -> str:
    """Return a cell without the apostrophe that `write_table` puts before what a spreadsheet would take for a formula.

    >>> unescaped("'=1+1"), unescaped("''=x"), unescaped("'tis")
    ('=1+1', "'=x", "'tis")
    """
    return text[1:] if text[:1] == "'" and _ESCAPED.match(text) else text


def _parser(column: Column, mapping: Mapping, escaped: bool) -> Parse:
    if column.kind is Kind.TEXT or column.kind is Kind.ID:
        return _text_parser(column, mapping, escaped)
    parse: Parse = {
        Kind.MONEY: _money_parser(mapping, flip=column.name == "writeoff_amount" and mapping.sign == "negative_is_writeoff"),
        Kind.DATE: _date_parser(mapping.date_formats),
        Kind.INT: _read_int,
        Kind.NUMBER: _read_number,
        Kind.BOOL: _read_bool,
    }[column.kind]
    return _bounded(column, parse, escaped)


def _bounded(column: Column, parse: Parse, escaped: bool) -> Parse:
    """Return the parser with the column's bounds, and blank as null."""
    scale = 100 if column.kind is Kind.MONEY else 1
    minimum = None if column.minimum is None else column.minimum * scale
    above, maximum = column.above, column.maximum

    def read(text: str) -> Value | Rule:
        text = (unescaped(text) if escaped else text).strip(BLANKS)
        if not text:
            return None
        value = parse(text)
        if isinstance(value, Rule) or value is None or isinstance(value, str):
            return value
        if (minimum is not None and value < minimum) or (above is not None and value <= above):
            return Rule.BELOW_MINIMUM
        return Rule.ABOVE_MAXIMUM if maximum is not None and value > maximum else value

    return read


def _money_parser(mapping: Mapping, flip: bool) -> Parse:
    form = mapping.money
    grouped = re.compile(rf"[0-9]{{1,3}}(?:{re.escape(form.thousands)}[0-9]{{3}})+(?:\.[0-9]{{1,2}})?") if form.thousands else None

    def bare(text: str) -> str:
        return text.removeprefix(form.currency).removesuffix(form.currency).strip(BLANKS)

    def undressed(text: str) -> str:
        text, is_negative = bare(text), False
        if form.parentheses and text[:1] == "(" and text[-1:] == ")":
            is_negative, text = True, bare(text[1:-1])
        elif text == "-":
            # What spreadsheets show of nothing in an accounting form.
            return "0"
        elif text[:1] == "-":
            is_negative, text = True, bare(text[1:])
        elif form.trailing_minus and text[-1:] == "-":
            is_negative, text = True, bare(text[:-1])
        if grouped is not None and grouped.fullmatch(text):
            text = text.replace(form.thousands, "")
        # A second minus stays, and the pattern refuses it.
        return f"-{text}" if is_negative else text

    def read(text: str) -> Value | Rule:
        if not form.is_plain:
            text = undressed(text)
        if not _MONEY.fullmatch(text):
            return Rule.NOT_AN_AMOUNT
        whole, _, part = text.partition(".")
        cents = abs(int(whole)) * 100 + int((part + "00")[:2])
        return -cents if (text[0] == "-") is not flip else cents

    return read


def _date_parser(forms: Sequence[str]) -> Parse:
    def read(text: str) -> Value | Rule:
        day = _iso_day(text) if _DATE.fullmatch(text) else _formed_day(text, forms)
        if day is None:
            return Rule.DAY_COUNT if _DAY_COUNT.fullmatch(text) else Rule.NOT_A_DATE
        return Rule.DATE_OUT_OF_RANGE if day < EARLIEST else day

    return read


def _iso_day(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def _formed_day(text: str, forms: Sequence[str]) -> int | None:
    for form in forms:
        try:
            return datetime.strptime(text, form).toordinal() - _EPOCH
        except ValueError:
            continue
    return None


def _read_int(text: str) -> Value | Rule:
    match = _INT.fullmatch(text)
    return Rule.NOT_A_WHOLE_NUMBER if match is None else int(match[1])


def _read_number(text: str) -> Value | Rule:
    if not _NUMBER.fullmatch(text):
        return Rule.NOT_A_NUMBER
    value = float(text)
    return value if isfinite(value) else Rule.NOT_A_NUMBER


def _read_bool(text: str) -> Value | Rule:
    text = text.lower()
    if text in _TRUE:
        return 1
    return 0 if text in _FALSE else Rule.NOT_A_BOOLEAN


def _text_parser(column: Column, mapping: Mapping, escaped: bool) -> Parse:
    shape = _shape(column, mapping)
    longest = column.longest

    def read(text: str) -> Value | Rule:
        word = clean(text, longest, escaped)
        return word if word is None or isinstance(word, Rule) or shape is None else shape(word)

    return read


Shape = Callable[[str], "str | None | Rule"]


def _shape(column: Column, mapping: Mapping) -> Shape | None:
    """Return what else is done to the column's words, or None."""
    if column.name == "group_code":
        return _group_shape(mapping)
    if column.name == "carc":
        return carc_word
    if column.name in ("rarcs", "modifiers"):
        return separated
    if column.name == "procedure_code":
        return upper
    if column.name in ("payer_id", "next_payer_id") and mapping.payers:
        payers = mapping.payers
        return lambda word: payers.get(word, word)
    # A key of the kinds of payers may be a payer's name, so a kind stays what it is; elsewhere the practice's own word stands.
    kinds, own = mapping.payer_types if column.name == "payer_type" else {}, mapping.words.get(column.name, {})
    return _listed_shape(column, {**kinds, **{word.lower(): word for word in column.allowed}, **own}) if column.allowed else None


def _group_shape(mapping: Mapping) -> Shape:
    def shape(word: str) -> str | None | Rule:
        group = mapping.groups.get(word.upper(), word.upper())
        return group if group in GROUP_CODES else Unlisted("OTHER", word)

    return shape


def _listed_shape(column: Column, listed: Map[str, str]) -> Shape:
    def shape(word: str) -> str | None | Rule:
        known = listed.get(word.lower())
        if known is not None:
            return known
        if column.strict:
            return Rule.NOT_LISTED
        return Unlisted("other" if column.name == "action" else word, word)

    return shape


def latest_day(today: date) -> int:
    """Return the last day that is a date when read today, in days since 1970-01-01: five years ahead.

    >>> date.fromordinal(latest_day(date(2024, 2, 29)) + date(1970, 1, 1).toordinal())
    datetime.date(2029, 2, 28)
    """
    ahead = date(today.year + 5, today.month, 28) if (today.month, today.day) == (2, 29) else today.replace(year=today.year + 5)
    return ahead.toordinal() - _EPOCH
