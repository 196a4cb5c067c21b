"""How a method, a rate and a share of a contract are written, in a sentence and in the papers of a dispute alike."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from features.money import exact_dollars

METHODS: Mapping[str, str] = {
    "fee_schedule": "fee schedule",
    "percent_of_charges": "percent of charges",
    "percent_of_reference": "percent of a reference schedule",
    "case_rate": "case rate",
    "per_diem": "per diem",
    "capitated": "capitation",
    "not_covered": "not covered",
}
"""By `method` of contract_rates, its name in a sentence."""


def rate(cents: Fraction) -> str:
    """Write cents as dollars, with more decimals where they have them.

    >>> rate(Fraction(120000)), rate(Fraction(215321, 100))
    ('$1,200.00', '$21.5321')
    """
    return exact_dollars(int(cents)) if cents.denominator == 1 else f"${float(cents / 100):g}"


def percent(share: Fraction) -> str:
    """Write a share as percent, with as many decimals as it has.

    >>> percent(Fraction(5, 8)), percent(Fraction(1))
    ('62.5 %', '100 %')
    """
    return f"{float(share * 100):g} %"
