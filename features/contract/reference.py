"""Fees of reference schedules, such as Medicare's, as the user loaded them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from features.batch import Batch
from features.money import NULL

FACILITY_PLACES = frozenset("02 19 21 22 23 24 26 31 34 41 42 51 52 53 56 61".split())
"""Places of service that Medicare pays at the facility rate (Pub. 100-04 ch. 12 20.4.2)."""
OTHER_PLACES = frozenset("01 03 04 09 10 11 12 13 14 15 16 17 18 20 25 27 32 33 49 50 54 55 57 58 60 62 65 66 71 72 81 99".split())
"""Places that it pays at the non-facility rate."""


class Fee(NamedTuple):
    """One row of the schedule; `is_facility` None is either setting, an empty modifier none."""

    locality: str | None
    modifier: str
    is_facility: bool | None
    cents: int


class Found(NamedTuple):
    """A fee, the modifier that it names (empty: none), and else why there is none."""

    cents: int
    schedule: str
    modifier: str
    reason: str


class ReferenceFees:
    """Reference fees, ready to look up.

    Parameters
    ----------
    fees
        Rows of `REFERENCE_FEES`; None: none are loaded.

    Examples
    --------
    >>> ReferenceFees(None).find("99213", 2026, (), "11").reason
    'no_reference_fee'
    """

    def __init__(self, fees: Batch | None) -> None:
        self.schedules: dict[str, str] = {}
        self.years: frozenset[int] = frozenset()
        self.modifiers: frozenset[str] = frozenset()
        self.procedures: frozenset[str] = frozenset()
        self._localities: dict[str, set[str]] = {}
        self._fees: dict[tuple[str, int, str], list[Fee]] = {}
        if fees is not None:
            self._file(fees)

    def _file(self, fees: Batch) -> None:
        years, facility, cents = (fees.columns[name].tolist() for name in ("year", "facility", "amount"))
        words = (fees.words(name) for name in ("schedule", "locality", "procedure_code", "modifier"))
        for schedule, locality, procedure, modifier, year, setting, amount in zip(*words, years, facility, cents, strict=True):
            if schedule is None or procedure is None or amount == NULL:
                continue
            name = self.schedules.setdefault(schedule.lower(), schedule)
            self._localities.setdefault(name, set())
            if locality is not None:
                self._localities[name].add(locality)
            fee = Fee(locality, (modifier or "").upper(), None if setting < 0 else setting == 1, amount)
            self._fees.setdefault((name, year, procedure), []).append(fee)
        self.years = frozenset(year for _, year, _ in self._fees if year != NULL)
        self.procedures = frozenset(procedure for _, _, procedure in self._fees)
        self.modifiers = frozenset(fee.modifier for fees in self._fees.values() for fee in fees) - {""}

    def find(
        self,
        procedure: str | None,
        year: int | None,
        modifiers: Sequence[str],
        place: str | None,
        *,
        schedule: str | None = None,
        locality: str | None = None,
    ) -> Found:
        """Return the fee of a service.

        Parameters
        ----------
        year
            Of the service; a fee of another year is none.
        place
            Place of service, which decides between the facility's and the other price.
        schedule, locality
            As the contract's term names them; None: the only one that is loaded. Localities: rows without one hold everywhere.
        """
        name = self.schedules.get(schedule.lower()) if schedule is not None else next(iter(self.schedules.values()), None)
        if schedule is None and len(self.schedules) > 1:
            return Found(0, "", "", "reference_ambiguous")
        if name is None or procedure is None or year is None:
            return Found(0, "", "", "no_reference_fee")
        fees = self._fees.get((name, year, procedure), [])
        named = next((modifier for modifier in modifiers if any(fee.modifier == modifier for fee in fees)), "")
        fees = [fee for fee in fees if fee.modifier == named]
        if fees:
            fees = self._in_locality(name, fees, locality)
            if not fees:
                return Found(0, name, named, "no_reference_fee" if locality is not None else "reference_ambiguous")
        cents, reason = _in_setting(fees, place)
        return Found(cents, name, named, reason)

    def _in_locality(self, schedule: str, fees: list[Fee], locality: str | None) -> list[Fee]:
        """Return the fees of the locality, else those that hold everywhere; no locality named: these, else the only one's."""
        everywhere = [fee for fee in fees if fee.locality is None]
        if locality is not None:
            return [fee for fee in fees if fee.locality == locality] or everywhere
        return everywhere or (fees if len(self._localities[schedule]) == 1 else [])


def _in_setting(fees: list[Fee], place: str | None) -> tuple[int, str]:
    """Return the fee for the place of service, or why there is none."""
    setting = True if place in FACILITY_PLACES else False if place in OTHER_PLACES else None
    own = [fee for fee in fees if fee.is_facility == setting and setting is not None]
    either = [fee for fee in fees if fee.is_facility is None]
    amounts = {fee.cents for fee in own or either}
    if not amounts and setting is None:
        # Both prices alike need no place.
        amounts = {fee.cents for fee in fees}
        if len({fee.is_facility for fee in fees}) < 2 or len(amounts) > 1:
            return (0, "no_place_of_service") if fees else (0, "no_reference_fee")
    if len(amounts) > 1:
        return 0, "terms_overlap"
    return (amounts.pop(), "") if amounts else (0, "no_reference_fee")
