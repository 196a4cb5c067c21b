"""How a kind of line is priced on a day: its term, the shares of its modifiers, and what is counted; exact, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, IntFlag
from fractions import Fraction
from typing import NamedTuple

from features.contract.modifiers import modifier_table, smallest_by_group, split_modifiers
from features.contract.reasons import REASON
from features.contract.reference import ReferenceFees
from features.contract.terms import BY_LINE, BY_UNIT, Term, Terms

UNITS = 10_000
"""Units are read to four decimals."""
_LARGEST = 2**61


class Counted(IntEnum):
    """What the rate is multiplied by."""

    ONCE = 0
    UNITS = 1
    CHARGE = 2
    DAYS = 3


class Flag(IntFlag):
    """What else must be done to a price."""

    LESSER = 1
    """Never above the charge."""
    SEQUESTERED = 2
    """2 % is taken off the payment."""
    RANKED = 4
    """Its share depends on its place among the procedures of its claim and day."""
    NEVER_FIRST = 8
    """It said itself that it is not the first of them."""
    CLAIM = 16
    """The claim is priced, not the line."""
    SERVICE = 32
    """The term names a service."""


@dataclass(frozen=True, slots=True)
class Worked:
    """How a price comes about, for people.

    Parameters
    ----------
    term
        That holds; None: none does.
    reason
        Why there is no price; empty: there is one.
    counted, rate
        What is multiplied by what: cents each, or the share of the charge; shares of modifiers not yet in it.
    shares
        Modifiers with the share that each takes.
    schedule
        Reference schedule that the rate comes from; empty: none.
    flags
        What else must be done.
    """

    term: Term | None
    reason: str = ""
    counted: Counted = Counted.ONCE
    rate: Fraction = Fraction(0)
    shares: tuple[tuple[str, Fraction], ...] = ()
    schedule: str = ""
    flags: Flag = Flag(0)


class Plan(NamedTuple):
    """The same as whole numbers: price = `numerator` x what is counted / `denominator`, in cents."""

    term: int
    numerator: int
    denominator: int
    counted: int
    flags: int
    reason: int


NO_PLAN = Plan(-1, 0, 1, 0, 0, REASON["no_contract"])


def pack(worked: Worked) -> Plan:
    """Return a plan as whole numbers.

    >>> pack(Worked(None, "no_term"))
    Plan(term=-1, numerator=0, denominator=1, counted=0, flags=0, reason=2)
    """
    rate = worked.rate
    for _, share in worked.shares:
        rate *= share
    row = worked.term.row if worked.term is not None else -1
    # A term takes sequestration whether the line is priced or not.
    flags = int(worked.flags | _flags(worked.term)) if worked.term is not None and worked.reason else int(worked.flags)
    if rate.numerator >= _LARGEST or rate.denominator * UNITS >= _LARGEST // 4:
        return Plan(row, 0, 1, 0, flags, REASON["too_large"])
    # Units come as ten-thousandths.
    denominator = rate.denominator * (UNITS if worked.counted is Counted.UNITS else 1)
    return Plan(row, rate.numerator, denominator, int(worked.counted), flags, REASON[worked.reason])


class Planner:
    """Works plans out.

    Parameters
    ----------
    terms, fees
        Contract terms and reference fees.
    """

    def __init__(self, terms: Terms, fees: ReferenceFees) -> None:
        self._terms, self._fees = terms, fees

    def work(self, row: Mapping[str, str | None], segment: int) -> Worked:
        """Work out how a line with these words is priced in a segment of time."""
        day = self._terms.day_in(segment)
        modifiers = split_modifiers(row["modifiers"])
        term, reason = self._terms.find(row, modifiers, day)
        if term is None:
            return Worked(None, reason)
        if term.prices_claim:
            return _work_claim(term)
        if term.method == "not_covered":
            return Worked(term, flags=_flags(term) & ~Flag.LESSER)
        if term.value is None:
            return Worked(term, "no_value")
        if term.method == "percent_of_charges":
            return self._work_charges(term, modifiers)
        return self._work_fee(term, row, modifiers, day)

    def _work_charges(self, term: Term, modifiers: tuple[str, ...]) -> Worked:
        """Take a percentage of the charge: the biller has put a component into it, but a share only perhaps."""
        assert term.value is not None
        flags, table = _flags(term), modifier_table()
        for code in modifiers:
            known = table.get(code)
            if known is None or code == term.asked.get("modifier") or known.effect == "named":
                continue
            if known.effect != "rank" or term.is_multiple is None:
                return Worked(term, known.reason or "charge_with_modifier")
        return Worked(term, "", Counted.CHARGE, term.value / 100, flags=flags | _rank(term, modifiers))

    def _work_fee(self, term: Term, row: Mapping[str, str | None], modifiers: tuple[str, ...], day: int | None) -> Worked:
        """Take a fee, the contract's or a share of a reference schedule's, and the shares of the modifiers."""
        assert term.value is not None
        named, schedule, rate = term.asked.get("modifier", ""), "", term.value * 100
        if term.basis not in BY_UNIT and term.basis not in BY_LINE:
            return Worked(term, "unit_unknown")
        if term.method == "percent_of_reference":
            year = term.year
            if year is None and day is not None:
                year = (date(1970, 1, 1) + timedelta(days=day)).year
            others = [code for code in modifiers if code != named]
            fee = self._fees.find(
                row.get("procedure_code"), year, others, row.get("place_of_service"), schedule=term.schedule, locality=term.locality
            )
            if fee.reason:
                return Worked(term, fee.reason)
            rate, schedule, named = term.value / 100 * fee.cents, fee.schedule, f"{named} {fee.modifier}"
        left = tuple(code for code in modifiers if code not in named.split())
        shares, reason = self._shares(row, left, day)
        if reason:
            return Worked(term, reason)
        counted = Counted.ONCE if term.basis in BY_LINE else Counted.UNITS
        return Worked(term, "", counted, rate, shares, schedule, _flags(term) | _rank(term, left))

    def _shares(
        self, row: Mapping[str, str | None], modifiers: tuple[str, ...], day: int | None
    ) -> tuple[tuple[tuple[str, Fraction], ...], str]:
        """Return the shares of modifiers that no fee names: the contract's before the table's."""
        shares: list[tuple[str, Fraction]] = []
        for code in modifiers:
            own = self._terms.share(row, code, day) if code in self._terms.shared else None
            known = modifier_table().get(code)
            if own is not None and own.value is not None:
                shares.append((code, own.value / 100))
            elif known is not None and known.share is not None:
                shares.append((code, known.share))
            elif known is not None and known.reason:
                return (), known.reason
        return smallest_by_group(shares), ""


def _work_claim(term: Term) -> Worked:
    """Price the claim: once, by the day, or as a share of its charge."""
    flags = _flags(term) | Flag.CLAIM
    if term.method == "not_covered":
        return Worked(term, flags=flags & ~Flag.LESSER)
    if term.method == "capitated":
        return Worked(term, "capitated", flags=flags)
    if term.value is None:
        return Worked(term, "no_value", flags=flags)
    if term.method == "percent_of_reference":
        return Worked(term, "no_reference_fee", flags=flags)
    if term.method == "percent_of_charges":
        return Worked(term, "", Counted.CHARGE, term.value / 100, flags=flags)
    counted = Counted.DAYS if term.method == "per_diem" else Counted.ONCE
    return Worked(term, "", counted, term.value * 100, flags=flags)


def _flags(term: Term) -> Flag:
    flags = Flag.LESSER if term.is_lesser else Flag(0)
    if term.is_sequestered:
        flags |= Flag.SEQUESTERED
    return flags | Flag.SERVICE if term.names_service else flags


def _rank(term: Term, modifiers: tuple[str, ...]) -> Flag:
    """Whether a line is ranked: the term says so, or says nothing and the line has 51."""
    says = "51" in modifiers
    if term.is_multiple is False or (term.is_multiple is None and not says):
        return Flag(0)
    return Flag.RANKED | Flag.NEVER_FIRST if says else Flag.RANKED
