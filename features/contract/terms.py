"""The terms of the contracts: what each asks for, when it holds, and which one holds for a line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.money import NULL

PLACES = (
    "contract_id",
    "plan_id",
    "product",
    "facility_id",
    "provider_class",
    "modifier",
    "procedure_code",
    "drg_code",
    "revenue_code",
    "place_of_service",
    "claim_type",
)
"""Columns a term may ask for beside the payer, the weightiest first where two terms ask for equally many."""
UNKNOWN = ("product", "provider_class")
"""A write-off does not carry these: a term that asks for one is the right one or not, nobody knows."""
SERVICES = ("procedure_code", "revenue_code")
"""A term that asks for one of these names a service; where it prices lines it is a carve-out from what prices claims."""

CLAIM_PRICED = ("case_rate", "per_diem", "capitated")
"""Methods that price the claim: its lines carry no recovery of their own (DOMAIN 3)."""
BY_UNIT = (None, "unit", "units", "service", "services", "each")
BY_LINE = ("line", "visit")
BASE = "base"
"""A `percent_of_reference` with this unit basis and a modifier is a share: percent of what the contract pays without it."""


@dataclass(frozen=True, slots=True)
class Term:
    """One row of contract_rates.

    Parameters
    ----------
    row
        In the table.
    method, value
        How it prices; dollars or percent, to four decimals, None where the row has none.
    basis, schedule, locality, year
        What `unit_basis` says: what one unit is, and for `percent_of_reference` whose fees, of which year (None: of the service).
    since, until
        Days of service that it covers; None: open.
    is_lesser, is_sequestered, is_multiple
        Its flags; `is_multiple` None: it does not say.
    asked
        What it asks for, the payer apart.
    """

    row: int
    method: str
    value: Fraction | None
    basis: str | None
    schedule: str | None
    locality: str | None
    year: int | None
    since: int | None
    until: int | None
    is_lesser: bool
    is_sequestered: bool
    is_multiple: bool | None
    asked: Mapping[str, str]

    @property
    def prices_claim(self) -> bool:
        """Whether it prices the claim; a price for a diagnosis related group always does."""
        return self.method in CLAIM_PRICED or "drg_code" in self.asked

    @property
    def names_service(self) -> bool:
        """Whether it is for a service, not for all there are."""
        return any(name in self.asked for name in SERVICES)

    @property
    def is_share(self) -> bool:
        """Whether it says the share that a modifier takes, and no price of its own."""
        return self.method == "percent_of_reference" and self.basis == BASE and "modifier" in self.asked

    @property
    def effect(self) -> tuple[object, ...]:
        """What it does: two terms with the same effect do not contradict each other."""
        where = (self.basis, self.schedule, self.locality, self.year)
        return (self.method, self.value, *where, self.is_lesser, self.is_sequestered, self.is_multiple)


class Found(NamedTuple):
    """The term that holds, else why there is none."""

    term: Term | None
    reason: str


class Terms:
    """The terms of all contracts, filed by what they ask for.

    Parameters
    ----------
    batch
        Rows of `CONTRACT_RATES`.
    schedules
        Names of the reference schedules that are loaded, lower case to as written: a unit basis may be one of them.
    years
        In which reference fees are loaded: they change on the first of January.
    """

    def __init__(self, batch: Batch, schedules: Mapping[str, str], years: Sequence[int]) -> None:
        self._words = {name: batch.words(name) for name in ("payer_id", *PLACES, "method", "unit_basis")}
        self._words["modifier"] = [word.upper() if word is not None else None for word in self._words["modifier"]]
        self._numbers = {name: batch.columns[name].tolist() for name in ("effective_from", "effective_to", "value", *_FLAGS)}
        bases = set(zip(self._words["unit_basis"], self._words["method"], strict=True))
        self._bases = {asked: _read_basis(*asked, schedules) for asked in bases}
        self._size = len(batch)
        self._prices, self._shares = _Drawers(), _Drawers()
        self._file(batch)
        self._starts = self._changes(years)

    def __len__(self) -> int:
        return self._size

    def term(self, row: int) -> Term:
        """Return one row of the table."""
        words, numbers = self._words, self._numbers
        value, since, until = numbers["value"][row], numbers["effective_from"][row], numbers["effective_to"][row]
        basis, schedule, locality, year = self._bases[words["unit_basis"][row], words["method"][row]]
        multiple = numbers["multiple_procedure"][row]
        return Term(
            row=row,
            method=words["method"][row] or "",
            # Four decimals are exact: 62.5 %, or an anaesthesia factor of 21.5321 dollars.
            value=Fraction(round(value * 10_000), 10_000) if abs(value) < 1e15 else None,
            basis=basis,
            schedule=schedule,
            locality=locality,
            year=year,
            since=None if since == NULL else since,
            until=None if until == NULL else until,
            is_lesser=numbers["lesser_of_charges"][row] == 1,
            is_sequestered=numbers["sequestration_applies"][row] == 1,
            is_multiple=None if multiple < 0 else multiple == 1,
            asked={name: word for name in PLACES if (word := words[name][row]) is not None},
        )

    def payer(self, row: int) -> str | None:
        """Return whose term it is."""
        return self._words["payer_id"][row]

    def _file(self, batch: Batch) -> None:
        """File the terms under what they ask for, shares of modifiers apart."""
        words, shared = self._words, set()
        payers = [payer or "" for payer in words["payer_id"]]
        shape = sum((batch.columns[name] >= 0).astype(np.int64) << place for place, name in enumerate(PLACES))
        for kind in np.unique(shape).tolist():
            asked = tuple(name for place, name in enumerate(PLACES) if kind >> place & 1)
            rows = np.flatnonzero(shape == kind).tolist()
            parts: list[Sequence[str | None]] = [payers, *(words[name] for name in asked if name not in UNKNOWN)]
            for row, key in zip(rows, zip(*(map(part.__getitem__, rows) for part in parts), strict=True), strict=True):
                may_be_share = "modifier" in asked and words["method"][row] == "percent_of_reference"
                if may_be_share and self.term(row).is_share:
                    shared.add(str(words["modifier"][row]))
                    self._shares.add(asked, key, row)
                else:
                    self._prices.add(asked, key, row)
        self._shares.sort()
        self._prices.sort()
        self.shared = frozenset(shared)
        self.asked = frozenset(name for drawers in (self._prices, self._shares) for asked in drawers.shapes for name in asked)
        self.named = {name: frozenset(word for word in words[name] if word is not None) for name in ("payer_id", *PLACES)}

    def _changes(self, years: Sequence[int]) -> list[int]:
        """Return the days on which a price may change, in order."""
        since, until = self._numbers["effective_from"], self._numbers["effective_to"]
        days = {day for day in since if day != NULL} | {day + 1 for day in until if day != NULL}
        turns = {year + step for year in years for step in (0, 1) if 1 <= year + step <= 9999}
        days |= {(date(year, 1, 1) - date(1970, 1, 1)).days for year in turns}
        return sorted(days)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first days of the segments of time in which every price stands still; segment 0 is before the first."""
        return np.array(self._starts, dtype=np.int64)

    def segment(self, day: int) -> int:
        """Return the segment of a day of service; -1 without a day."""
        return -1 if day == NULL else bisect_right(self._starts, day)

    def day_in(self, segment: int) -> int | None:
        """Return a day of a segment."""
        if segment < 0:
            return None
        return self._starts[segment - 1] if segment else min(self._starts, default=0) - 1

    def find(self, row: Mapping[str, str | None], modifiers: Sequence[str], day: int | None) -> Found:
        """Return the term that holds: a carve-out before what prices claims, then the most specific."""
        reason = "no_term" if row["payer_id"] in self.named["payer_id"] else "no_contract"
        best: Found | None = None
        for rivals in self._prices.rivals(row, modifiers):
            holding = [self.term(number) for number in rivals if self._holds(number, day)]
            if not holding:
                reason = "no_term_on_day" if day is not None else "no_service_day"
                continue
            first = holding[0]
            is_carved = first.names_service and not first.prices_claim
            if is_carved or (best is None and (first.names_service or not first.prices_claim)):
                return _settle(holding)
            best = best or _settle(holding)
        return best or Found(None, reason)

    def share(self, row: Mapping[str, str | None], modifier: str, day: int | None) -> Term | None:
        """Return the term that says what share of the contract's own price a modifier takes; None: the table's holds."""
        for rivals in self._shares.rivals(row, (modifier,)):
            for number in rivals:
                if self._holds(number, day) and all(self._words[name][number] is None for name in UNKNOWN):
                    return self.term(number)
        return None

    def _holds(self, row: int, day: int | None) -> bool:
        """Whether a term covers a day of service; without a day only one without a span is known to."""
        since, until = self._numbers["effective_from"][row], self._numbers["effective_to"][row]
        if day is None:
            return bool(since == NULL and until == NULL)
        # NULL is the least number.
        return bool(since <= day and (until == NULL or day <= until))


class _Drawers:
    """Rows of the table under what they ask for: one drawer for each set of columns, the most specific first."""

    def __init__(self) -> None:
        self.shapes: list[tuple[str, ...]] = []
        self._rows: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}

    def add(self, asked: tuple[str, ...], key: tuple[str, ...], row: int) -> None:
        self._rows.setdefault(asked, {}).setdefault(key, []).append(row)

    def sort(self) -> None:
        order = {name: place for place, name in enumerate(PLACES)}
        self.shapes = sorted(self._rows, key=lambda asked: (-len(asked), [order[name] for name in asked]))

    def rivals(self, row: Mapping[str, str | None], modifiers: Sequence[str]) -> Iterator[list[int]]:
        """Give the rows of each key that fits, whatever their day, the most specific first."""
        payer = row["payer_id"]
        if payer is None:
            return
        for asked in self.shapes:
            drawer = self._rows[asked]
            for key in product([payer], *(_choices(name, row, modifiers) for name in asked if name not in UNKNOWN)):
                rows = drawer.get(key)
                if rows:
                    yield rows


_FLAGS = ("lesser_of_charges", "sequestration_applies", "multiple_procedure")


def _choices(name: str, row: Mapping[str, str | None], modifiers: Sequence[str]) -> Sequence[str]:
    """Return the words of a row under which a drawer may hold terms: each modifier where it asks for one."""
    if name == "modifier":
        return modifiers
    word = row[name]
    return () if word is None else (word,)


def _settle(holding: list[Term]) -> Found:
    """Return the one term of a key, if nothing speaks against it."""
    first = holding[0]
    if any(name in first.asked for name in UNKNOWN):
        return Found(None, "product_unknown")
    if any(term.effect != first.effect for term in holding[1:]):
        return Found(None, "terms_overlap")
    return Found(first, "")


def _read_basis(
    text: str | None, method: str | None, schedules: Mapping[str, str]
) -> tuple[str | None, str | None, str | None, int | None]:
    """Return unit, schedule, locality and year of a unit basis such as `unit schedule=MPFS locality=05 year=2021`.

    >>> _read_basis("Unit", "fee_schedule", {}), _read_basis("MPFS", "percent_of_reference", {"mpfs": "MPFS"})
    (('unit', None, None, None), (None, 'MPFS', None, None))
    >>> _read_basis("schedule=MPFS locality=05 year=2021", "percent_of_reference", {})
    (None, 'MPFS', '05', 2021)
    """
    if text is None:
        return None, None, None, None
    if method == "percent_of_reference" and text.lower() in schedules:
        return None, schedules[text.lower()], None, None
    parts = text.split()
    told = dict(part.split("=", 1) for part in parts if "=" in part)
    year = told.get("year", "")
    # What is not understood stays in the unit, so that it is priced by nobody.
    is_known = set(told) <= {"schedule", "locality", "year"} and (not year or year.isdecimal())
    unit = " ".join(part for part in parts if "=" not in part or not is_known).lower()
    return unit or None, told.get("schedule"), told.get("locality"), int(year) if year.isdecimal() else None
