"""Adjustment codes as practices write them: group, CARC and RARCs put in their own columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping as Map
from typing import NamedTuple

_GROUPED = re.compile(r"(CO|PR|OA|PI|CR)[ \-_:/*.]*([A-Z]?[0-9]{1,3})")
_CARC = re.compile(r"([A-Z]?)0*([0-9]+)(?:\.0+)?")
_RARC = re.compile(r"(?:M|MA|N)[0-9]{1,4}")
_BETWEEN = re.compile(r"[\s,;|]+")


class Adjustment(NamedTuple):
    """Why an amount was taken off: group, one CARC, RARCs separated by spaces; None where not said.

    Examples
    --------
    >>> resolve(Adjustment(None, "CO-45", None))
    Adjustment(group_code='CO', carc='45', rarcs=None)
    >>> resolve(Adjustment("PI", "CO45", None))
    Adjustment(group_code='PI', carc='45', rarcs=None)
    >>> resolve(Adjustment("CO", "N30", "MA04"))
    Adjustment(group_code='CO', carc=None, rarcs='MA04 N30')
    """

    group_code: str | None
    carc: str | None
    rarcs: str | None


def upper(text: str) -> str:
    """Return text in upper case, composed again: some letters fall apart in upper case."""
    return text.upper() if text.isascii() else unicodedata.normalize("NFC", text.upper())


def carc_word(word: str) -> str:
    """Return a CARC in upper case without leading zeros; what is no CARC stays, in upper case.

    >>> carc_word("045"), carc_word("b07"), carc_word("45.0"), carc_word("co-45"), carc_word("N30")
    ('45', 'B7', '45', 'CO-45', 'N30')
    """
    word = upper(word)
    if _RARC.fullmatch(word):
        return word
    match = _CARC.fullmatch(word)
    return word if match is None else match[1] + match[2]


def separated(text: str) -> str | None:
    """Return codes in upper case, each once, in the order given, separated by spaces; None where there is none.

    >>> separated("n30, MA04;n30|M12"), separated(" ; ")
    ('N30 MA04 M12', None)
    """
    return " ".join(dict.fromkeys(code for code in _BETWEEN.split(upper(text)) if code)) or None


def is_composite(carc: str) -> bool:
    """Tell whether a CARC cell holds more or something else than a CARC: a group before it, or a RARC."""
    return _RARC.fullmatch(carc) is not None or _GROUPED.fullmatch(carc) is not None


def resolve(given: Adjustment) -> Adjustment:
    """Split `CO-45` into group and CARC (a group column that is filled wins), and move a RARC out of the CARC column.

    Ledgers write M12, MA04 or N30 where a reason is asked for; these are remark codes (DOMAIN 2.4).
    """
    group, carc, rarcs = given
    if carc is None:
        return given
    if _RARC.fullmatch(carc):
        return Adjustment(group, None, separated(f"{rarcs or ''} {carc}"))
    match = _GROUPED.fullmatch(carc)
    if match is None:
        return given
    return Adjustment(group or match[1], carc_word(match[2]), rarcs)


def resolve_with(mapped: Map[str, Adjustment], given: Adjustment, code: str | None) -> Adjustment:
    """Return the adjustment of a row: its own columns, and where they are blank what the mapping says of the practice's own code."""
    found = resolve(given)
    own = mapped.get(code) if code is not None else None
    return found if own is None else Adjustment(found.group_code or own.group_code, found.carc or own.carc, found.rarcs or own.rarcs)
