"""Why a write-off stands where it stands, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.batch import Batch
from features.codes.tables import FAMILIES, Codes
from features.fallback import CLERICAL, needs_cause
from features.feature import Floats
from features.learned import PLACE_OF_KEY
from features.matrix import BY_NAME
from features.money import NULL
from features.record import LEAST, Record
from features.tables import REMEDIES, Columns
from models.linear import Linear
from models.rarity import PAIRED, Odd, Rarity, tell

CONCEPTS = (
    "payer",
    "payer behaviour",
    "code",
    "code history",
    "amount",
    "contract",
    "usual allowed",
    "deadline",
    "timing",
    "documentation",
    "provider history",
    "your own columns",
)
"""What reasons are summed by."""

_FIELD_CONCEPT: dict[tuple[str, ...], str] = {
    ("payer_id",): "payer behaviour",
    ("plan_id",): "payer behaviour",
    ("payer_type",): "payer behaviour",
    ("family",): "code",
    ("carc",): "code",
    ("rarcs",): "code",
    ("adjustment_code",): "code",
    ("remedy",): "code",
    ("category",): "code",
    ("procedure_code",): "code history",
    ("provider_id",): "provider history",
    ("facility_id",): "provider history",
}

SHOWN = 3
"""Reasons shown each way."""

_LEAST_POINTS = 0.005


PRIOR_GROUPS = (CONCEPTS.index("code"), CONCEPTS.index("documentation"), CONCEPTS.index("deadline"))
"""Concepts of what an expert believes: the rate of the code, the proof that answers it, a deadline that has passed."""


def matrix_groups(names: tuple[str, ...]) -> list[int]:
    """Return the concept of each matrix column, as its place in `CONCEPTS`."""
    return [CONCEPTS.index(BY_NAME[n].concept if n in BY_NAME else "your own columns") for n in names]


def linear_groups(linear: Linear | None) -> list[int]:
    """Return the concept of each term of a linear score."""
    if linear is None:
        return []
    fields = [CONCEPTS.index(_field_concept(field.columns)) for field in linear.fields]
    return matrix_groups(linear.numbers.names) + fields


def _field_concept(columns: tuple[str, ...]) -> str:
    if any(name.startswith("x_") for name in columns):
        return "your own columns"
    if columns[-1].endswith("_on_file"):
        return "documentation"
    if len(columns) > 1:
        return "payer behaviour" if columns[0] in ("payer_id", "plan_id", "payer_type") else "code history"
    return _FIELD_CONCEPT[columns]


def points(contributions: Floats, base: float, probability: Floats) -> Floats:
    """Return contributions in probability, summing to the row's probability less the base probability.

    Parameters
    ----------
    contributions
        Log odds per concept (n x concepts).
    base
        Log odds that they are measured from.
    probability
        Of each row.
    """
    total = contributions.sum(axis=1)
    moved = probability - 1.0 / (1.0 + np.exp(-base))
    # Where the log odds hardly move, the slope of the curve at the base stands in for the chord.
    flat = np.abs(total) < 1e-9
    slope = np.where(flat, 0.25, moved / np.where(flat, 1.0, total))
    return contributions * slope[:, None]


class Teller:
    """Writes the reasons of one row.

    Parameters
    ----------
    batch, columns
        The rows as read, and as viewed, by plain values (`features.view.Listed`).
    codes
        What CARCs and RARCs mean.
    cite
        What the contract says of a row and by which term; blank where no contract is known.
    rarity
        Which codes came together so far.
    record
        What became of the last year's efforts.
    """

    def __init__(self, batch: Batch, columns: Columns, codes: Codes, cite: Callable[[int], str], rarity: Rarity, record: Record) -> None:
        self._batch, self._columns, self._codes, self._cite, self._rarity, self._record = batch, columns, codes, cite, rarity, record
        self._odd: dict[tuple[int, ...], Odd | None] = {}

    def tell(self, row: int, point: Sequence[float]) -> list[dict[str, Any]]:
        """Return up to three reasons each way, the strongest first; a line paid below its contract always names the term.

        What is odd about the codes comes last: it moves no chance and asks for a look.
        """
        order = sorted(range(len(point)), key=lambda i: -abs(point[i]))
        found: list[dict[str, Any]] = []
        count = {"up": 0, "down": 0}
        for i in order:
            if abs(point[i]) < _LEAST_POINTS:
                break
            way = "up" if point[i] > 0 else "down"
            if count[way] < SHOWN:
                count[way] += 1
                text = self._text(CONCEPTS[i], row, up=point[i] > 0)
                found.append({"concept": CONCEPTS[i], "direction": way, "points": round(point[i] * 100, 1), "text": text})
        if self._columns["underpayment_cents"][row] > 0 and not any(reason["concept"] == "contract" for reason in found):
            # Whatever moved the chance: who is to dispute a price must be told the term.
            found.append({"concept": "contract", "direction": "up", "points": 0.0, "text": self._contract(row)})
        odd = self._oddest(row)
        if odd is not None:
            words = [self._batch.vocabulary.word(name, code) or "" for name, code in zip(odd.pair, odd.codes, strict=True)]
            found.append({"concept": "combination", "direction": "down", "points": 0.0, "text": tell(odd, words)})
        return found

    def _oddest(self, row: int) -> Odd | None:
        """Return the oddest combination of codes of a row; many rows have the same codes."""
        codes = tuple([self._columns[name][row] for name in PAIRED])
        if codes not in self._odd:
            self._odd[codes] = self._rarity.look(self._columns, row)
        return self._odd[codes]

    def _text(self, concept: str, row: int, *, up: bool) -> str:
        if concept in _EVIDENCE:
            return self._evidence(concept, row, up=up)
        writer = getattr(self, "_" + concept.replace(" ", "_"))
        text: str = writer(row)
        return text or f"{_PLAIN[concept]} {'speaks for it' if up else 'speaks against it'}"

    def _evidence(self, concept: str, row: int, *, up: bool) -> str:
        """Return the earlier efforts that speak the most in the reason's direction."""
        told = []
        for key, what in _EVIDENCE[concept]:
            efforts = float(self._columns[f"{key}_efforts"][row])
            if efforts >= _LEAST_EFFORTS:
                told.append((float(self._columns[f"{key}_recovery_rate"][row]), efforts, key, what))
        if not told:
            return (
                f"{self._word('payer_id', row) or 'this payer'} is little known yet"
                if concept == "payer behaviour"
                else "little is known of the like yet"
            )
        _, efforts, key, what = max(told) if up else min(told)
        won, days = (float(self._columns[f"{key}_{name}"][row]) for name in ("recoveries", "days"))
        payer = self._word("payer_id", row) or "this payer"
        family = FAMILIES[int(self._columns["family"][row])].replace("_", " ")
        text = what.format(payer=payer, family=family)
        counted = self._record.look(PLACE_OF_KEY[key], self._columns, row)
        if counted is not None:
            text = f"{text} in {counted.recoveries} of {counted.efforts} efforts since {_month(counted.since)}"
            return text + (f", after {_days(counted.days)} in the median" if counted.recoveries >= LEAST else "")
        text = f"{text} in {won:.0f} of about {efforts:.0f} recent efforts"
        return text + (f", after {days:.0f} days on average" if won >= _LEAST_EFFORTS else "")

    def _word(self, name: str, row: int) -> str:
        return self._batch.vocabulary.word(name, int(self._columns[name][row])) or ""

    def _payer(self, row: int) -> str:
        kind = self._word("payer_type", row).replace("_", " ")
        return f"the payer is {kind}" if kind else ""

    def _code(self, row: int) -> str:
        carc = self._word("carc", row)
        known = self._codes.carc(carc) if carc else None
        if known is not None:
            group = self._word("group_code", row)
            return f"{group + '-' if group else ''}{carc}: {known.meaning}"
        told = self._word("adjustment_code", row) or carc
        return f"reason {told}" if told else "no reason is given"

    def _amount(self, row: int) -> str:
        writeoff, billed = int(self._columns["writeoff_amount"][row]), int(self._columns["billed_amount"][row])
        if writeoff == NULL:
            return ""
        share = int(self._columns["patient_share_cents"][row])
        told = f"{_money(writeoff)} written off" + (f" of {_money(billed)} charged" if billed != NULL else "")
        return told + (f"; about {_money(share)} of it is usually the patient's" if share > 0 else "")

    def _contract(self, row: int) -> str:
        if told := self._cite(row):
            return told.removesuffix(".")
        short, expected = int(self._columns["underpayment_cents"][row]), int(self._columns["expected_allowed_cents"][row])
        if expected == NULL:
            return ""
        return f"the expected allowed amount is {_money(expected)}" + (f", {_money(short)} more than was allowed" if short > 0 else "")

    def _usual_allowed(self, row: int) -> str:
        median, count = int(self._columns["usual_median_cents"][row]), float(self._columns["usual_count"][row])
        if median == NULL:
            return ""
        low, high = int(self._columns["usual_low_cents"][row]), int(self._columns["usual_high_cents"][row])
        text = usual_words(median, low, high, count)
        billed, writeoff = int(self._columns["billed_amount"][row]), int(self._columns["writeoff_amount"][row])
        return text + (
            f"; this posting leaves {_money(billed - writeoff)}" if NULL not in (billed, writeoff) and billed >= writeoff else ""
        )

    def _deadline(self, row: int) -> str:
        day = int(self._columns["deadline_day"][row])
        if day == NULL:
            return ""
        today, own_day = int(self._columns["row_day"][row]), int(self._columns["own_day"][row])
        left = day - today
        if own_day != day:
            own, now = (self._codes.remedies[REMEDIES[int(self._columns[name][row])]].meaning for name in ("own_remedy", "remedy"))
            level, family = self._columns["level"][row], self._columns["family"][row]
            ground = "good cause" if needs_cause(level, family) else "an error of data" if FAMILIES[family] in CLERICAL else "an exception"
            ground = f" for {ground}" if level > 1 else ""
            return f"{_days(today - own_day)} too late to {own}, but {_days(left)} left to {now}{ground}"
        return f"{_days(left)} left to act" if left >= 0 else f"the deadline passed {_days(-left)} ago"

    def _timing(self, row: int) -> str:
        return f"posted {_days(int(self._columns['row_day'][row]) - int(self._columns['writeoff_date'][row]))} ago"

    def _documentation(self, row: int) -> str:
        flags = ("authorization", "referral", "records", "timely_proof", "other_coverage")
        held = [name.replace("_", " ") for name in flags if self._columns[f"{name}_on_file"][row] == 1]
        missing = [name.replace("_", " ") for name in flags if self._columns[f"{name}_on_file"][row] == 0]
        parts = ([f"on file: {', '.join(held)}"] if held else []) + ([f"not on file: {', '.join(missing)}"] if missing else [])
        return "; ".join(parts)

    def _your_own_columns(self, row: int) -> str:
        told = [
            f"{name.removeprefix('x_').replace('_', ' ')} {values[row]}"
            for name, values in self._batch.extras.items()
            if values[row] is not None
        ]
        return ", ".join(told)


_LEAST_EFFORTS = 1.5

_EVIDENCE: dict[str, tuple[tuple[str, str], ...]] = {
    "payer behaviour": (
        ("payer_x_carc", "{payer} overturned this reason code"),
        ("payer_x_adjustment", "{payer} reversed this adjustment"),
        ("payer_x_family", "{payer} paid after all on {family}"),
        ("payer_x_procedure", "{payer} paid this procedure after all"),
        ("payer_x_remedy", "this remedy worked with {payer}"),
        ("plan", "this plan paid after all"),
        ("payer", "{payer} paid after all"),
    ),
    "code history": (
        ("carc", "this reason code was overturned"),
        ("adjustment", "this adjustment was reversed"),
        ("procedure", "this procedure was paid after all"),
        ("family", "{family} was overturned"),
    ),
    "provider history": (
        ("provider", "this provider's write-offs were recovered"),
        ("facility", "this facility's write-offs were recovered"),
    ),
}
"""Per concept: keys of the history, and the sentence that each begins."""

_PLAIN = {
    "payer": "who pays, and by which plan,",
    "code": "the reason given",
    "amount": "the amount",
    "contract": "the contract",
    "usual allowed": "what is usually allowed",
    "deadline": "the time left",
    "timing": "the timing",
    "documentation": "what is on file",
    "your own columns": "what your own columns say",
}
"""What speaks where a concept has no fact of the row to show."""


FEW_POSTINGS = 8
"""Below so many postings a range says little, and what is usual is a guess."""


def usual_words(median: int, low: int, high: int, count: float) -> str:
    """Say what a payer usually allows, in words that fit how much is known of it; in cents, of about so many postings.

    >>> usual_words(7_500, 6_800, 8_125, 40.2)
    'this payer usually allows $75 for this procedure (8 of 10 postings lately lie between $68 and $81.25; there were about 40)'
    >>> usual_words(7_500, 7_500, 7_500, 40.2)
    'this payer nearly always allows $75 for this procedure (about 40 postings lately)'
    >>> usual_words(7_500, 6_800, 8_125, 2.3)
    'this payer allowed about $75 ($68 to $81.25) for this procedure before, but that rests on 2 postings only'
    >>> usual_words(7_500, 7_500, 7_500, 0.8)
    'this payer allowed $75 for this procedure before, but that rests on one posting only'
    """
    usual, is_point = _money(median), low == high
    if count < FEW_POSTINGS:
        known = "one posting" if count < 1.5 else f"{count:.0f} postings"
        told = usual if is_point else f"about {usual} ({_money(low)} to {_money(high)})"
        return f"this payer allowed {told} for this procedure before, but that rests on {known} only"
    if is_point:
        return f"this payer nearly always allows {usual} for this procedure (about {count:.0f} postings lately)"
    span = f"8 of 10 postings lately lie between {_money(low)} and {_money(high)}"
    return f"this payer usually allows {usual} for this procedure ({span}; there were about {count:.0f})"


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _month(day: int) -> str:
    """Return the month of a day in words.

    >>> _month(20_540)
    'March 2026'
    """
    told = date(1970, 1, 1) + timedelta(days=day)
    return f"{_MONTHS[told.month - 1]} {told.year}"


_MONTHS = "January February March April May June July August September October November December".split()


def _money(cents: int) -> str:
    return f"${cents / 100:,.0f}" if cents % 100 == 0 else f"${cents / 100:,.2f}"
