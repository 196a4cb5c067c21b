"""What a sentence may name: every field, what it means, which columns it rests on, and how it reads for a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import TypeAlias

from serving.packet.case import Case, Row
from serving.packet.words import dollars, long_day

Known: TypeAlias = dict[str, str]
"""Field name to how it reads; a field that is not known is absent, a flag that is false too."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field made from columns: its name, meaning, the columns it rests on, and how it is read (None: not known)."""

    name: str
    meaning: str
    sources: tuple[str, ...]
    read: Callable[[Case], str | None]


def _adjustment(case: Case) -> str | None:
    row = case.row
    return None if row.carc is None else row.carc if row.group_code is None else f"{row.group_code}-{row.carc}"


def _remarks(case: Case) -> str | None:
    told = [f"remark {code.code} ({code.meaning})" if code.meaning else f"remark {code.code}" for code in case.rarcs]
    return join(told) if told else None


def _service_period(case: Case) -> str | None:
    since, until = case.row.service_date, case.row.service_date_to
    if since is None:
        return None
    return long_day(since) if until is None or until <= since else f"{long_day(since)} to {long_day(until)}"


def _line(case: Case) -> str:
    row = case.row
    if row.procedure_code:
        return f"procedure {row.procedure_code}"
    claim = f"claim {row.claim_id}" if row.claim_id else f"posting {row.writeoff_id}"
    return f"line {row.line_number} of {claim}" if row.line_number else claim


def _service(case: Case) -> str:
    row, when = case.row, _service_period(case)
    if when is None:
        return _line(case)
    what = f"procedure {row.procedure_code}" if row.procedure_code else f"claim line {row.line_number}" if row.line_number else ""
    return f"the service of {when}" + (f" ({what})" if what else "")


def _days_to_submission(case: Case) -> str | None:
    sent, done = case.row.submitted_date, case.row.service_date
    return None if sent is None or done is None or sent < done else str((sent - done).days)


def _first_denial(case: Case) -> str | None:
    first, remit = case.row.initial_denial_date, case.row.remit_date
    return long_day(first) if first is not None and first != remit else None


def _deadline(case: Case) -> str | None:
    due = case.due
    if due is None or due.source in ("default", "none") or due.day < case.score.as_of:
        return None
    return long_day(due.day)


def _overpaid_by_contract(case: Case) -> str | None:
    allowed, contract = case.row.allowed_amount, case.contract
    return dollars(allowed - contract.allowed) if allowed is not None and contract is not None and allowed > contract.allowed else None


def _overpaid_by_charge(case: Case) -> str | None:
    row = case.row
    if row.paid_amount is None or row.other_payer_paid_amount is None or row.billed_amount is None:
        return None
    excess = row.paid_amount + row.other_payer_paid_amount - row.billed_amount
    return dollars(excess) if excess > 0 else None


def _for_payer(case: Case) -> str | None:
    """The next step, where it is said to the payer."""
    step = case.next_step
    start = "Ask the payer for a clerical reopening and correct "
    if not step.startswith(start):
        return None
    return f"Please correct {step.removeprefix(start)}"


DERIVED = (
    Field("payer", "the payer as the practice knows it", ("payer_id",), lambda case: case.row.payer_id),
    Field("adjustment", "group and reason code", ("group_code", "carc"), _adjustment),
    Field("carc_meaning", "the reason code in our words", ("carc",), lambda c: c.carc.meaning or None if c.carc else None),
    Field("remarks", "remark codes in our words", ("rarcs",), _remarks),
    Field("service_period", "day or days of service", ("service_date", "service_date_to"), _service_period),
    Field(
        "service",
        "the line with its days",
        ("procedure_code", "line_number", "claim_id", "writeoff_id", "service_date", "service_date_to"),
        _service,
    ),
    Field("line", "the line, where its days were named before", ("procedure_code", "line_number", "claim_id", "writeoff_id"), _line),
    Field("days_to_submission", "days from service to submission", ("submitted_date", "service_date"), _days_to_submission),
    Field(
        "patient_share",
        "what was left to the patient, where it is something",
        ("patient_responsibility_amount",),
        lambda c: dollars(c.row.patient_responsibility_amount) if c.row.patient_responsibility_amount else None,
    ),
    Field("first_denial_date", "the first denial, where another than this", ("initial_denial_date", "remit_date"), _first_denial),
    Field("deadline_date", "the last day of the remedy, where somebody set it and it is not over", ("deadline_date", "as_of"), _deadline),
    Field(
        "deadline_law",
        "the law that sets it",
        ("deadline_source",),
        lambda c: c.due.citation.removesuffix(" (memory)") or None if c.due is not None and c.due.source == "statute" else None,
    ),
    Field("contract_term", "the contract term in words", ("contract_id",), lambda c: _upper(c.contract.term) if c.contract else None),
    Field("contract_price", "what the contract allows", ("contract_id",), lambda c: dollars(c.contract.allowed) if c.contract else None),
    Field(
        "contract_short",
        "what was allowed too little",
        ("contract_id", "allowed_amount"),
        lambda c: dollars(c.contract.short) if c.contract and c.contract.short else None,
    ),
    Field(
        "usual_allowed_amount",
        "what the payer usually allows",
        ("usual_allowed_amount",),
        lambda c: dollars(c.score.usual_allowed_amount) if c.score.usual_allowed_amount else None,
    ),
    Field("overpaid_by_contract", "allowed above the contract", ("allowed_amount", "contract_id"), _overpaid_by_contract),
    Field("overpaid_by_charge", "paid above the charge", ("paid_amount", "other_payer_paid_amount", "billed_amount"), _overpaid_by_charge),
    Field("next_step", "what to do, in words", ("remedy", "family", "rarcs"), lambda case: case.next_step or None),
    Field("next_step_for_payer", "the next step, said to the payer", ("remedy", "family", "rarcs"), _for_payer),
    Field("why", "why the row is where it is", ("category",), lambda case: case.why or None),
)
TOTALS = (
    Field("claims_count", "claims of a project", ("claim_id", "writeoff_id"), lambda case: None),
    Field("total_writeoff", "written off on all lines of a project", ("writeoff_amount",), lambda case: None),
    Field("total_allowed", "allowed on all lines of a project", ("allowed_amount",), lambda case: None),
    Field("total_contract", "contract price of all lines of a project", ("contract_id",), lambda case: None),
    Field("total_short", "allowed too little on all lines of a project", ("contract_id", "allowed_amount"), lambda case: None),
)
"""Fields of a project; of one case they are not known."""

NO_NAMES: Mapping[str, str] = MappingProxyType({})
COLUMNS = tuple(item.name for item in fields(Row))
NAMES = frozenset((*COLUMNS, *(item.name for item in (*DERIVED, *TOTALS))))
"""Every name that a sentence may use."""
_SOURCES = {item.name: item.sources for item in (*DERIVED, *TOTALS)}


def sources_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that some fields rest on.

    >>> sources_of(["adjustment", "remit_date"])
    ('group_code', 'carc', 'remit_date')
    """
    return tuple(dict.fromkeys(source for name in names for source in _SOURCES.get(name, (name,))))


def read_fields(case: Case, names: Mapping[str, str] = NO_NAMES) -> Known:
    """Return what is known of a case, as it reads; `names` of payers by their id, where the practice gave them.

    >>> from datetime import date
    >>> from serving.packet.case import Score
    >>> score = Score(category="denial", family="coding", remedy="appeal", recoverable_amount=None, underpayment_amount=None,
    ...               usual_allowed_amount=None, expected_recovery=None, as_of=date(2026, 11, 1), model_version="prior")
    >>> row = Row(writeoff_id="W1", payer_id="ACME", group_code="CO", carc="16", billed_amount=12000, records_on_file=False)
    >>> known = read_fields(Case(row=row, score=score))
    >>> known["adjustment"], known["billed_amount"], "records_on_file" in known
    ('CO-16', '$120.00', False)
    """
    known = {name: text for name in COLUMNS if (text := read_cell(name, getattr(case.row, name))) is not None}
    known |= {item.name: text for item in DERIVED if (text := item.read(case)) is not None}
    return known | {"payer": names.get(case.row.payer_id, case.row.payer_id)}


def read_cell(name: str, value: object) -> str | None:
    """Return one column as a letter writes it; None where nothing is known, or a flag is false."""
    if value is None or value is False:
        return None
    if value is True:
        return "yes"
    if isinstance(value, date):
        return long_day(value)
    if isinstance(value, int) and name.endswith("_amount"):
        return dollars(value)
    if name == "specialty":
        return str(value).replace("_", " ")
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_project(cases: Sequence[Case], names: Mapping[str, str] = NO_NAMES) -> Known:
    """Return what all cases of a project have in common, and their totals; a total is known when every part of it is."""
    parts = [read_fields(case, names) for case in cases]
    first = parts[0]
    common = {name: text for name, text in first.items() if all(part.get(name) == text for part in parts[1:])}
    claims = {case.row.claim_id or case.row.writeoff_id for case in cases}
    sums: Mapping[str, list[int | None]] = {
        "total_writeoff": [case.row.writeoff_amount for case in cases],
        "total_allowed": [case.row.allowed_amount for case in cases],
        "total_contract": [case.contract.allowed if case.contract else None for case in cases],
        "total_short": [case.contract.short if case.contract else None for case in cases],
    }
    known = {name: dollars(sum(part for part in parts_ if part is not None)) for name, parts_ in sums.items() if None not in parts_}
    # What one claim says of its own line is not said of all, even where it is the same.
    return {name: common[name] for name in common if name not in _OF_ONE} | known | {"claims_count": str(len(claims))}


_OF_ONE = (
    "service",
    "line",
    "writeoff_amount",
    "billed_amount",
    "allowed_amount",
    "paid_amount",
    "claim_id",
    "payer_claim_number",
    "writeoff_id",
)


def join(texts: Sequence[str]) -> str:
    """Join texts as a sentence does.

    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
