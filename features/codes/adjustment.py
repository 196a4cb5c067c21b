"""A practice's own adjustment codes: what their words say, read conservatively."""

from __future__ import annotations

import re
from functools import cache

from features.codes.tables import AdjustmentPhrase, Codes

_WITH_GROUP = re.compile(r"(CO|PR|OA|PI|CR)[ \-_:]*([A-Z]{0,2}\d{1,3}|[A-Z]\d)")
_PLAIN = re.compile(r"0*([1-9]\d{0,2})")
_SAFE_INSIDE = 7
"""A phrase this long is believed inside a run of letters (`SMALLBALANCE`); a shorter one must stand alone.
One with `=` must be the whole code."""


def split_group(group: str | None, code: str | None, codes: Codes, *, must_have_group: bool = False) -> tuple[str | None, str | None]:
    """Return group and CARC as the tables write them, also from `CO-45`, `co45` or `045`.

    Examples
    --------
    >>> codes = Codes.load()
    >>> split_group(None, "CO-45", codes), split_group("CO", "045", codes), split_group(None, "45", codes, must_have_group=True)
    (('CO', '45'), ('CO', '45'), (None, None))
    """
    group = group.upper() if group else None
    if code is None:
        return group, None
    text = code.strip().upper()
    if not must_have_group:
        if text in codes.carcs:
            return group, text
        plain = _PLAIN.fullmatch(text)
        if plain is not None:
            return group, plain.group(1)
    joined = _WITH_GROUP.fullmatch(text)
    if joined is not None and joined.group(2).lstrip("0") in codes.carcs:
        return group or joined.group(1), joined.group(2).lstrip("0")
    return group, None if must_have_group else text


def spoken(adjustment_code: str | None, codes: Codes) -> AdjustmentPhrase | None:
    """Return the first phrase of `adjustment.csv` that the code says, or None.

    Examples
    --------
    >>> codes = Codes.load()
    >>> spoken("SMALLBALANCE WO", codes).category, spoken("W/O No-Auth", codes).family, spoken("ADJ7", codes)
    ('policy', 'authorization', None)
    """
    if adjustment_code is None:
        return None
    text = " ".join(re.findall(r"[a-z]+", adjustment_code.lower()))
    return _spoken(text, codes) if text else None


@cache
def _phrases(codes: Codes) -> tuple[tuple[str, str, AdjustmentPhrase], ...]:
    return tuple((f" {phrase.phrase} ", phrase.phrase.replace(" ", ""), phrase) for phrase in codes.phrases)


def _spoken(text: str, codes: Codes) -> AdjustmentPhrase | None:
    spaced, run = f" {text} ", text.replace(" ", "")
    for phrase, together, meaning in _phrases(codes):
        if phrase[1] == "=":
            if text == phrase[2:-1]:
                return meaning
        elif phrase in spaced or run == together or (len(together) >= _SAFE_INSIDE and together in run):
            return meaning
    return None
