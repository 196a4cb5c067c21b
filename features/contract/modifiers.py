"""What a modifier does to a price: a table, with the rule cited."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from math import prod

from features.contract.reasons import REASON

EFFECTS = ("share", "rank", "named", "unpriced")
"""Takes a share of the fee; ranks among the procedures of the day; needs a fee that names it; cannot be priced without one."""

RANK_PERCENTS = (100, 50, 50, 25)
"""Shares of the procedures of one claim and day by falling price; the last one holds for all that follow (practice norm)."""


@dataclass(frozen=True, slots=True)
class Modifier:
    """One modifier that changes a price.

    Parameters
    ----------
    code, meaning, citation
        The modifier, what it says in our words, and where the rule stands.
    effect
        One of `EFFECTS`.
    share
        Of the fee, for effect `share`; None otherwise.
    group
        Of modifiers in one group on a line the smallest share alone counts: an assistant is one person.
    reason
        Why a line is not priced, for effects `named` and `unpriced`.
    """

    code: str
    effect: str
    share: Fraction | None
    group: str
    reason: str
    meaning: str
    citation: str


@cache
def modifier_table() -> Mapping[str, Modifier]:
    """Return every modifier that changes a price.

    Examples
    --------
    >>> modifier_table()["62"].share, modifier_table()["26"].reason, "25" in modifier_table()
    (Fraction(5, 8), 'component_not_named', False)
    """
    with files("features.contract").joinpath("modifiers.csv").open("r", encoding="utf-8") as file:
        return {row["modifier"]: _modifier(row) for row in csv.DictReader(file)}


def _modifier(row: dict[str, str]) -> Modifier:
    share = Fraction(row["percent"]) / 100 if row["percent"] else None
    assert row["effect"] in EFFECTS and (share is not None) == (row["effect"] == "share")
    assert (row["reason"] in REASON and row["reason"] != "") == (row["effect"] in ("named", "unpriced"))
    return Modifier(row["modifier"], row["effect"], share, row["group"], row["reason"], row["meaning"], row["citation"])


def split_modifiers(text: str | None) -> tuple[str, ...]:
    """Return the modifiers of a line in their order, each once.

    >>> split_modifiers("lt 50 50"), split_modifiers(None)
    (('LT', '50'), ())
    """
    return tuple(dict.fromkeys(text.upper().split())) if text else ()


@cache
def fee_share(text: str | None) -> float:
    """Return what a line's modifiers leave of the fee, by the table; one that needs a fee or a report of its own changes nothing here.

    >>> fee_share("59 52"), fee_share("51"), fee_share("26"), fee_share(None)
    (0.5, 0.5, 1.0, 1.0)
    """
    known = [modifier_table()[code] for code in split_modifiers(text) if code in modifier_table()]
    shares = [(m.code, m.share) for m in known if m.share is not None]
    shares += [(m.code, Fraction(RANK_PERCENTS[1], 100)) for m in known if m.effect == "rank"]
    return float(prod(share for _, share in smallest_by_group(shares)))


def smallest_by_group(shares: Sequence[tuple[str, Fraction]]) -> tuple[tuple[str, Fraction], ...]:
    """Return of each group of modifiers the one with the smallest share, in the order of the line.

    >>> smallest_by_group([("80", Fraction(16, 100)), ("50", Fraction(3, 2)), ("AS", Fraction(136, 1000))])
    (('50', Fraction(3, 2)), ('AS', Fraction(17, 125)))
    """
    least: dict[str, tuple[str, Fraction]] = {}
    for code, share in shares:
        known = modifier_table().get(code)
        group = known.group if known else code
        if group not in least or share < least[group][1]:
            least[group] = (code, share)
    kept = set(least.values())
    return tuple(pair for pair in shares if pair in kept)
