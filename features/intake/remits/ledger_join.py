"""What 835 files say of the rows of a practice's ledger: REF*6R first, then claim, procedure and service date.

A row is joined to the adjudication that was current on its own posting day, never to a later one: what the payer said afterwards was not
known when the write-off was posted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

from features.intake.mapping import Mapping as Words
from features.intake.pseudonyms import Pseudonyms
from features.intake.rejects import Reject
from features.intake.remits.candidates import CANDIDATE_COLUMNS, PAYER_SEQUENCES, Posting, Shared, TextColumns, line_number, postings
from features.intake.remits.issues import WARNING, Issue, IssueLog
from features.intake.remits.netting import Chain
from features.intake.table_file import read_table
from features.intake.written import as_text
from features.money import parse_cents
from features.reversals import undo
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary

CONTROL_NUMBER = "x_line_control_number"
"""A ledger column of the practice's own that holds what its claims send as REF*6R."""

FILLED = (
    "payer_claim_number", "original_payer_claim_number", "claim_frequency", "payer_type", "payer_sequence", "type_of_bill", "drg_code",
    "billed_amount", "remit_date", "allowed_amount", "paid_amount", "patient_responsibility_amount", "group_code", "carc", "rarcs",
    "claim_status", "filing_indicator", "remit_file", "remit_segment", "balanced",
)  # fmt: skip
"""Columns that a matching 835 fills where the ledger has none; what the ledger says stays."""

_Respect: TypeAlias = Callable[[Posting, Mapping[str, str]], bool]

_REASON = frozenset(("group_code", "carc", "rarcs", "remit_segment"))


@dataclass(frozen=True, slots=True)
class LedgerJoin:
    """The ledger's rows, what could not be joined or read, and how many rows were matched.

    `is_reversed` says of each row whether it is a reversal or another row reverses it.
    """

    columns: TextColumns
    is_reversed: list[bool]
    issues: list[Issue]
    rejects: list[Reject]
    matched: int


def join_ledger(
    path: Path, chains: Sequence[Chain], *, mapping: Words | None = None, identity: Pseudonyms | None = None, latest: str = "2099-12-31"
) -> LedgerJoin:
    """Return the rows of a ledger with what the 835 says of them.

    Parameters
    ----------
    path
        A `writeoffs` table.
    chains
        As `netting.chains` returns them.
    mapping, identity, latest
        As `features.intake.table_file.read_table` takes them; `latest` as ISO text.

    Raises
    ------
    BadData
        When the ledger cannot be read; see `read_table`.
    """
    ledger = read_ledger(path, mapping=mapping, identity=identity, latest=latest)
    joiner = Joiner(chains, mapping.groups if mapping else {}, IssueLog(path.name))
    for place, number in enumerate(ledger.numbers):
        ledger.fill(place, joiner.facts(ledger.row(place), number))
    return LedgerJoin(ledger.ordered(), ledger.is_reversed, ledger.issues + joiner.log.issues, ledger.rejects, joiner.matched)


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """A ledger as text, to be filled from 835s.

    Parameters
    ----------
    columns
        Blank where null.
    numbers, is_reversed
        Of each row, as issues name it; and whether it is a reversal or another row reverses it.
    issues, rejects
        Of reading it.
    """

    columns: TextColumns
    numbers: list[int]
    is_reversed: list[bool]
    issues: list[Issue]
    rejects: list[Reject]

    def row(self, place: int) -> dict[str, str]:
        """Return a row."""
        return {name: values[place] for name, values in self.columns.items()}

    def fill(self, place: int, facts: Mapping[str, str]) -> None:
        """Set what a row does not say itself."""
        for name, value in facts.items():
            values = self.columns.get(name)
            if values is None:
                values = self.columns[name] = [""] * len(self.numbers)
            values[place] = values[place] or value

    def ordered(self) -> TextColumns:
        """Return the columns in the order of the table, the user's own last."""
        return _ordered(self.columns)


def read_ledger(path: Path, *, mapping: Words | None = None, identity: Pseudonyms | None = None, latest: str = "2099-12-31") -> LedgerRows:
    """Read a ledger to be joined; see `join_ledger`."""
    read = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), mapping=mapping, identity=identity, latest=_days(latest))
    issues = [Issue(path.name, None, "", issue.code, WARNING, issue.message) for issue in read.issues]
    undone = undo(read.batch)
    is_reversed = [False] * len(read.batch) if undone is None else undone.is_reversed.tolist()
    return LedgerRows(as_text(read.batch), [int(number) for number in read.row_numbers], is_reversed, issues, read.rejects)


class Joiner:
    """Finds the 835 postings of one ledger row after the other; with `only`, of rows on the accounts of these chains."""

    def __init__(self, chains: Sequence[Chain], groups: Mapping[str, str], log: IssueLog, *, only: Sequence[Chain] | None = None) -> None:
        self.log = log
        self.matched = 0
        self._groups = groups
        self._chains: defaultdict[str, list[Chain]] = defaultdict(list)
        accounts = None if only is None else {account_of(chain.adjudications[0].claim.claim_id) for chain in only}
        for chain in chains:
            account = account_of(chain.adjudications[0].claim.claim_id)
            if accounts is None or account in accounts:
                self._chains[account].append(chain)
        self._known: dict[tuple[int, int], list[Posting]] = {}
        self._last: tuple[Mapping[str, str], list[Posting]] | None = None

    def facts(self, row: Mapping[str, str], number: int) -> dict[str, str]:
        """Return the columns that the matching postings agree on; none where nothing fits."""
        options = _narrowed(row, self._fitting(row))
        if not options:
            self.log.add("ledger_unmatched", number)
            return {}
        self.matched += 1
        if len(options) > 1:
            self.log.add("ledger_ambiguous", number)
        facts = _agreed(options)
        differs = _differs(row, options)
        if differs:
            self.log.add(differs, number)
            return {name: value for name, value in facts.items() if name not in _REASON}
        return facts

    def places(self, row: Mapping[str, str]) -> list[Posting]:
        """Return the postings on the line that a row is about, whatever their reasons; of several lines where it may be any of them."""
        return _narrowed(row, self._fitting(row), _PLACE)

    def forget(self) -> None:
        """Let go of the postings of the claims that were asked for: of use where rows come claim by claim."""
        self._known.clear()

    def _fitting(self, row: Mapping[str, str]) -> list[Posting]:
        """Return the postings that a row may be about; of the row that was asked for last they are at hand."""
        if self._last is None or self._last[0] is not row:
            self._last = row, self._fit(row)
        return self._last[1]

    def _fit(self, row: Mapping[str, str]) -> list[Posting]:
        options = [posting for chain in self._chains.get(account_of(row.get("claim_id", "")), ()) for posting in self._current(chain, row)]
        by_control = [one for one in options if _is_control_number(one, row)]
        if by_control:
            return by_control
        if row.get("procedure_code"):
            return [one for one in options if _has_procedure(one, row) and _has_day(one, row)]
        if row.get("line_number"):
            return [one for one in options if one.number == row["line_number"] and _has_day(one, row)]
        return [one for one in options if one.line is None] or options

    def _current(self, chain: Chain, row: Mapping[str, str]) -> list[Posting]:
        posted = row["writeoff_date"]
        # days nest, so their number says which adjudications they are
        known = sum(one.remit.sent_date <= posted for one in chain.adjudications)
        key = id(chain), known
        if key not in self._known:
            self._known[key] = list(postings(chain.current(posted), self._groups)) if known else []
        return self._known[key]


def _differs(row: Mapping[str, str], options: Sequence[Posting]) -> str:
    """Return the issue of a row that is about something else than the adjustments of its line, blank for one that is not.

    A small balance or charity posting stands on a line that the payer adjusted too; the payer's reason is not its reason.
    """
    adjusted = [one for one in options if one.bucket is not None]
    if row.get("carc"):
        return "" if any(one.carc == row["carc"] for one in adjusted) else "ledger_reason_differs"
    if not adjusted or not row.get("writeoff_amount") or any(_has_amount(one, row) for one in adjusted):
        return ""
    return "ledger_amount_differs"


def account_of(claim_id: str) -> str:
    """Return a claim number as spreadsheets leave it: without leading zeros, in one case."""
    return claim_id.upper().lstrip("0")


def _is_control_number(one: Posting, row: Mapping[str, str]) -> bool:
    control = "" if one.line is None else one.line.control_number
    if not control:
        return False
    if row.get(CONTROL_NUMBER):
        return control == row[CONTROL_NUMBER]
    return bool(row.get("line_number")) and line_number(control, one.adjudication.claim.claim_id) == row["line_number"]


def _has_procedure(one: Posting, row: Mapping[str, str]) -> bool:
    # the ledger has the code that was billed, SVC01 the one that was adjudicated
    return one.line is not None and row["procedure_code"] in (one.line.procedure, one.line.original_procedure)


def _has_day(one: Posting, row: Mapping[str, str]) -> bool:
    day = row.get("service_date", "")
    if not day or one.line is None or not one.line.service_from:
        return True
    return one.line.service_from <= day <= max(one.line.service_to, one.line.service_from)


def _narrowed(row: Mapping[str, str], options: list[Posting], respects: Sequence[_Respect] | None = None) -> list[Posting]:
    """Keep what agrees with the row in one respect after the other, as long as something does."""
    for agrees in (*_PLACE, *_REASONS) if respects is None else respects:
        if len(options) < 2:
            break
        options = [one for one in options if agrees(one, row)] or options
    return options


def _same(column: str, value: Callable[[Posting], str]) -> _Respect:
    return lambda one, row: bool(row.get(column)) and row[column] == value(one)


def _has_modifiers(one: Posting, row: Mapping[str, str]) -> bool:
    return one.line is not None and row.get("modifiers", "").split() == list(one.line.modifiers)


def _has_amount(one: Posting, row: Mapping[str, str]) -> bool:
    text = row.get("writeoff_amount", "")
    return bool(text) and one.bucket is not None and one.bucket.cents == abs(parse_cents(text))


def _is_writeoff(one: Posting, row: Mapping[str, str]) -> bool:
    # a provider writes off its own share, not the patient's
    return one.bucket is not None and one.bucket.cents > 0 and one.group != "PR"


_PLACE: tuple[_Respect, ...] = (
    _same("claim_id", lambda one: one.adjudication.claim.claim_id),
    _same("payer_id", lambda one: one.adjudication.remit.payer_id),
    _same("payer_claim_number", lambda one: one.adjudication.claim.icn),
    _same("payer_sequence", lambda one: PAYER_SEQUENCES.get(one.adjudication.claim.status, "")),
    _has_modifiers,
    _same("line_number", lambda one: one.number),
)

_REASONS: tuple[_Respect, ...] = (
    _same("carc", lambda one: one.carc),
    _same("group_code", lambda one: one.group),
    _has_amount,
    _is_writeoff,
)


def _agreed(options: Sequence[Posting]) -> dict[str, str]:
    rows = [dict(zip(CANDIDATE_COLUMNS, Shared(one.adjudication).row(one, ""), strict=True)) for one in options]
    return {name: rows[0][name] for name in FILLED if rows[0][name] and all(row[name] == rows[0][name] for row in rows)}


def _days(iso: str) -> int:
    return (date.fromisoformat(iso) - date(1970, 1, 1)).days


def _ordered(columns: TextColumns) -> TextColumns:
    names = [name for name in WRITEOFFS.names if name in columns]
    return {name: columns[name] for name in [*names, *(name for name in columns if name not in set(names))]}
