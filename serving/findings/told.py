"""What the remittances in hand say of each row of a ledger: its line, and every adjustment on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.intake.remits.candidates import Posting
from features.intake.remits.issues import IssueLog
from features.intake.remits.ledger_join import FILLED, Joiner, account_of
from features.money import NULL, format_cents, parse_cents
from features.tables import WRITEOFFS, Kind
from serving.findings.remits import Remits

_ASKED = (
    "claim_id", "payer_id", "payer_claim_number", "payer_sequence", "modifiers", "line_number", "procedure_code", "service_date", "carc",
    "group_code", "writeoff_amount", "writeoff_date",
)  # fmt: skip
"""Columns by which a row is found in the remittances."""

_WORTH_FILLING = (
    "payer_type", "billed_amount", "remit_date", "allowed_amount", "paid_amount", "patient_responsibility_amount", "group_code", "carc",
    "claim_status", "filing_indicator", "remit_file", "remit_segment", "balanced",
)  # fmt: skip
"""Columns whose blank makes a row worth asking about; the others of `FILLED` are mostly blank for good."""


_REASON = frozenset(("group_code", "carc", "rarcs", "remit_segment"))


class Adjusted(NamedTuple):
    """One group and reason code on a line, with its cents and segment."""

    group: str
    carc: str
    cents: int
    segment: int


class Line(NamedTuple):
    """One line (or a whole claim) as it stood in the remittance that was current when the row was posted."""

    file: str
    segment: int
    claim_id: str
    number: str
    remit_date: str
    paid: int
    adjusted: tuple[Adjusted, ...]
    key: tuple[int, int]

    def of(self, group: str | None, carc: str | None) -> list[Adjusted]:
        """Return the adjustments of a reason, of the row's group where any has it."""
        alike = [one for one in self.adjusted if one.carc == carc]
        return [one for one in alike if one.group == group] or alike

    def owed(self, *groups: str) -> int:
        """Return the cents under these groups."""
        return sum(one.cents for one in self.adjusted if one.group in groups)


UNKNOWN_CLAIM, NO_LINE, SEVERAL = -1, -2, -3
"""Why a row has no line: no claim of that number; the claim, but no such line by the day of posting; more than one may be meant."""


@dataclass(slots=True)
class Told:
    """What the remittances say of each row.

    Parameters
    ----------
    line
        Number in `lines`; `UNKNOWN_CLAIM`, `NO_LINE` or `SEVERAL` where there is none.
    lines
        The lines that rows stand on.
    filled
        Cells of the ledger that a remittance filled.
    """

    line: NDArray[np.int64]
    lines: list[Line] = field(default_factory=list)
    filled: int = 0

    def of(self, row: int) -> Line | None:
        """Return the line of a row, or None."""
        place = int(self.line[row])
        return self.lines[place] if place >= 0 else None

    def first_rows(self) -> dict[tuple[int, int], int]:
        """Return the first row of the ledger on each line, by `Line.key`."""
        found: dict[tuple[int, int], int] = {}
        for row in np.flatnonzero(self.line >= 0).tolist():
            found.setdefault(self.lines[int(self.line[row])].key, row)
        return found


def tell(ledger: Batch, remits: Remits, *, own: NDArray[np.bool_]) -> Told:
    """Find each row of a ledger in the remittances and fill its blanks from there, in place; what the ledger says stays.

    A row is read against the adjudication that was current on its own day, never a later one.

    Parameters
    ----------
    own
        Rows that the practice posted by a policy of its own: the payer's reason is not their reason, so none is filled in.
    """
    accounts = {account_of(chain.adjudications[0].claim.claim_id) for chain in remits.chains}
    told = Told(np.full(len(ledger), UNKNOWN_CLAIM, dtype=np.int64))
    claims = ledger.columns["claim_id"].tolist()
    rows = np.array([row for row, claim in enumerate(claims) if claim is not None and account_of(claim) in accounts], dtype=np.int64)
    if not len(rows):
        return told
    # Claim by claim, so that no more than one claim's postings are spelled out at a time.
    rows = rows[np.argsort(ledger.claims[rows], kind="stable")]
    part = ledger.take(rows)
    is_blank = np.zeros(len(rows), dtype=np.bool_)
    for name in _WORTH_FILLING:
        is_blank |= _is_null(part, name)
    for name in (*FILLED, "line_number"):
        # Arrays that came out of a file may not be written.
        ledger.columns[name] = ledger.columns[name].copy()
    joiner = Joiner(remits.chains, remits.groups, IssueLog(""))
    known: dict[tuple[int, int], int] = {}
    account = ""
    for place, (row, asked, ask_more) in enumerate(zip(rows.tolist(), asked_of(part), is_blank.tolist(), strict=True)):
        if account != (account := account_of(asked["claim_id"])):
            joiner.forget()
        told.line[row] = _line(joiner.places(asked), asked, told.lines, known)
        line = told.of(row)
        if line is not None and line.number.isdigit() and part.columns["line_number"][place] == NULL:
            # Without it nobody sees that two postings are of one line.
            ledger.columns["line_number"][row] = int(line.number)
            told.filled += 1
        if ask_more:
            facts = joiner.facts(asked, row)
            told.filled += _fill(ledger, row, part, place, {k: v for k, v in facts.items() if k not in _REASON} if own[row] else facts)
    return told


def asked_of(part: Batch) -> Iterator[dict[str, str]]:
    """Yield the columns by which rows are found, as the text that an 835 would have."""
    texts: list[list[str]] = []
    for name in _ASKED:
        kind = WRITEOFFS.column(name).kind
        values = part.columns[name]
        if kind in (Kind.ID, Kind.TEXT):
            texts.append([word or "" for word in part.words(name)])
        elif kind is Kind.DATE:
            days, place = np.unique(values, return_inverse=True)
            words = ["" if day == NULL else str(np.datetime64(day, "D")) for day in days.tolist()]
            texts.append([words[i] for i in place.tolist()])
        elif kind is Kind.MONEY:
            texts.append([format_cents(value) if value != NULL else "" for value in values.tolist()])
        else:
            texts.append(["" if value == NULL else str(value) for value in values.tolist()])
    for row in zip(*texts, strict=True):
        yield dict(zip(_ASKED, row, strict=True))


def _line(options: list[Posting], asked: dict[str, str], lines: list[Line], known: dict[tuple[int, int], int]) -> int:
    """Return the number of the line that the postings stand on; of several the one that has the row's amount."""
    keys = {_key(one) for one in options}
    if len(keys) > 1 and asked["writeoff_amount"]:
        cents = abs(parse_cents(asked["writeoff_amount"]))
        fitting = [one for one in options if one.bucket is not None and one.bucket.cents == cents]
        if len({_key(one) for one in fitting}) == 1:
            options = [one for one in options if _key(one) == _key(fitting[0])]
            keys = {_key(fitting[0])}
    if len(keys) != 1:
        return NO_LINE if not keys else SEVERAL
    [key] = keys
    if key not in known:
        known[key] = len(lines)
        lines.append(_as_line(options, key))
    return known[key]


def _key(one: Posting) -> tuple[int, int]:
    return id(one.adjudication.claim), one.line.number if one.line is not None else 0


def _as_line(options: list[Posting], key: tuple[int, int]) -> Line:
    first = options[0]
    claim, line = first.adjudication.claim, first.line
    adjusted = tuple(
        Adjusted(one.group, one.carc, one.bucket.cents, one.bucket.segment)
        for one in options
        if one.bucket is not None and _key(one) == key
    )
    paid = (claim.paid if line is None else line.paid) or 0
    segment = claim.segment if line is None else line.segment
    return Line(
        first.adjudication.remit.file, segment, claim.claim_id, first.number, first.adjudication.remit.remit_date, paid, adjusted, key
    )


def _is_null(part: Batch, name: str) -> NDArray[np.bool_]:
    values, kind = part.columns[name], WRITEOFFS.column(name).kind
    if kind is Kind.ID:
        return np.array([value is None for value in values.tolist()], dtype=np.bool_)
    mask: NDArray[np.bool_] = values < 0 if kind in (Kind.TEXT, Kind.BOOL) else values == NULL
    return mask


def _fill(ledger: Batch, row: int, part: Batch, place: int, facts: dict[str, str]) -> int:
    """Write what the remittance says into the blanks of one row; return how many cells it filled."""
    count = 0
    for name, text in facts.items():
        if name not in FILLED or not _is_blank(part, name, place):
            continue
        kind = WRITEOFFS.column(name).kind
        ledger.columns[name][row] = _VALUES[kind](text) if kind in _VALUES else ledger.vocabulary.add(name, text)
        count += 1
    return count


def _is_blank(part: Batch, name: str, place: int) -> bool:
    value, kind = part.columns[name][place], WRITEOFFS.column(name).kind
    if kind is Kind.ID:
        return value is None
    return bool(value < 0) if kind in (Kind.TEXT, Kind.BOOL) else bool(value == NULL)


def _day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(np.int64))


_VALUES: dict[Kind, Callable[[str], object]] = {
    Kind.ID: lambda text: text,
    Kind.MONEY: parse_cents,
    Kind.DATE: _day,
    Kind.INT: int,
    Kind.BOOL: lambda text: 1 if text == "true" else 0,
}
