"""What a sentence may name: every field, what it means, which columns it rests on, and how it reads for a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import TypeAlias

from features.money import exact_dollars
from serving.packet.case import Case, Row, lines_of
from serving.packet.levels import ORDINALS, reviewer_of
from serving.packet.words import long_day

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
    if due is None or due.source in ("default", "none") or due.day < case.day:
        return None
    return long_day(due.day)


def _prior_decision(case: Case) -> str | None:
    decided = case.stage.decided_on if case.stage is not None else None
    return long_day(decided) if decided is not None else None


def _good_cause(case: Case) -> str | None:
    """The day until which only good cause opens the decision again (level 2 of a reopening in `features.law`)."""
    due = case.due
    if due is None or case.score.remedy not in ("reopening", "verify_duplicate"):
        return None
    if case.level > 1:
        return long_day(due.day) if due.source == "statute" else None
    return long_day(due.day) if due.needs_cause else None


def _exception_law(case: Case) -> str | None:
    """The law by which Medicare may take a claim that it refused as late; the refusal itself is no determination (42 CFR 405.926(n))."""
    is_late = case.row.payer_type == "medicare" and case.score.family == "timely_filing" and case.score.remedy == "reopening"
    return "42 CFR 424.44(b)" if is_late else None


def _overpaid_by_contract(case: Case) -> str | None:
    allowed, contract = case.row.allowed_amount, case.contract
    if allowed is None or contract is None or allowed <= contract.allowed:
        return None
    return exact_dollars(allowed - contract.allowed)


def _overpaid_by_charge(case: Case) -> str | None:
    row = case.row
    if row.paid_amount is None or row.other_payer_paid_amount is None or row.billed_amount is None:
        return None
    excess = row.paid_amount + row.other_payer_paid_amount - row.billed_amount
    return exact_dollars(excess) if excess > 0 else None


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
        lambda c: exact_dollars(c.row.patient_responsibility_amount) if c.row.patient_responsibility_amount else None,
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
    Field(
        "contract_price",
        "what the contract allows",
        ("contract_id",),
        lambda c: exact_dollars(c.contract.allowed) if c.contract else None,
    ),
    Field(
        "contract_short",
        "what was allowed too little",
        ("contract_id", "allowed_amount"),
        lambda c: exact_dollars(c.contract.short) if c.contract and c.contract.short else None,
    ),
    Field(
        "usual_allowed_amount",
        "what the payer usually allows",
        ("usual_allowed_amount",),
        lambda c: exact_dollars(c.score.usual_allowed_amount) if c.score.usual_allowed_amount else None,
    ),
    Field("overpaid_by_contract", "allowed above the contract", ("allowed_amount", "contract_id"), _overpaid_by_contract),
    Field("overpaid_by_charge", "paid above the charge", ("paid_amount", "other_payer_paid_amount", "billed_amount"), _overpaid_by_charge),
    Field("next_step", "what to do, in words", ("remedy", "family", "rarcs"), lambda case: case.next_step or None),
    Field("next_step_for_payer", "the next step, said to the payer", ("remedy", "family", "rarcs"), _for_payer),
    Field("level", "the level of appeal, where it is above the first", ("level",), lambda c: ORDINALS[c.level] if c.level > 1 else None),
    Field("level_below", "the level that was decided", ("level",), lambda c: ORDINALS[c.level - 1] if c.level > 1 else None),
    Field("prior_decision_date", "the decision of the level below", ("decided_on",), _prior_decision),
    Field("reviewer", "who decides at the level, where it is not the payer", ("payer_type", "level"), reviewer_of),
    Field("good_cause_until", "until when good cause opens a decision again", ("deadline_date",), _good_cause),
    Field(
        "exception_law",
        "the law of exceptions to the filing limit, where Medicare refused the claim as late",
        ("payer_type", "family", "remedy"),
        _exception_law,
    ),
    Field("next_payer", "the next payer as the practice knows it", ("next_payer_id",), lambda case: case.row.next_payer_id),
    Field("why", "why the row is where it is", ("category",), lambda case: case.why or None),
)
TOTALS = (
    Field("claims_count", "claims of a project", ("claim_id", "writeoff_id"), lambda case: None),
    Field("total_writeoff", "written off on all lines of a project", ("writeoff_amount",), lambda case: None),
    Field("total_allowed", "allowed on all lines of a project", ("allowed_amount",), lambda case: None),
    Field("total_contract", "contract price of all lines of a project", ("contract_id",), lambda case: None),
    Field("total_short", "allowed too little on all lines of a project", ("contract_id", "allowed_amount"), lambda case: None),
    Field("reasons", "the reasons with their lines, where they differ", ("group_code", "carc", "line_number"), lambda case: None),
)
"""Fields of several postings; of one case they are not known."""

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
    for name, payer in (("payer", case.row.payer_id), ("next_payer", case.row.next_payer_id)):
        known |= {name: names.get(payer, payer)} if payer is not None else {}
    return known


def read_cell(name: str, value: object) -> str | None:
    """Return one column as a letter writes it; None where nothing is known, or a flag is false."""
    if value is None or value is False:
        return None
    if value is True:
        return "yes"
    if isinstance(value, date):
        return long_day(value)
    if isinstance(value, int) and name.endswith("_amount"):
        return exact_dollars(value)
    if name == "specialty":
        return str(value).replace("_", " ")
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_project(cases: Sequence[Case], names: Mapping[str, str] = NO_NAMES, *, is_part: bool = False) -> Known:
    """Return what all of several postings have in common, and their totals; a total is known when every part of it is.

    Postings of one claim are told as its lines, those of several claims as a project; `is_part`: they are some of a claim's lines.
    """
    parts = [read_fields(case, names) for case in cases]
    first, lines = parts[0], lines_of(cases)
    common = {name: text for name, text in first.items() if all(part.get(name) == text for part in parts[1:])}
    # Several postings may be of one line: what was allowed on it counts once, what was written off each time.
    sums: Mapping[str, list[int | None]] = {
        "total_writeoff": [case.row.writeoff_amount for case in cases],
        "total_allowed": [case.row.allowed_amount for case in lines],
        "total_contract": [case.contract.allowed if case.contract else None for case in lines],
        "total_short": [case.contract.short if case.contract else None for case in lines],
    }
    totals = {name: exact_dollars(sum(part for part in parts_ if part is not None)) for name, parts_ in sums.items() if None not in parts_}
    # What one claim says of its own line is not said of all, even where it is the same.
    known = {name: common[name] for name in common if name not in _OF_ONE} | totals
    claims = {case.claim for case in cases}
    if len(claims) > 1:
        return known | {"claims_count": str(len(claims))}
    # What is to be done on the lines of a claim is done together.
    for name in ("next_step", "next_step_for_payer"):
        if steps := list(dict.fromkeys(part[name] for part in parts if name in part)):
            known[name] = " ".join(steps)
    if reasons := _reasons(cases, is_one_line=len(lines) == 1):
        known["reasons"] = reasons
    known |= {name: common[name] for name in ("claim_id", "payer_claim_number") if name in common}
    if len(lines) == 1:
        return known | {
            name: common[name] for name in ("service", "line", "billed_amount", "allowed_amount", "paid_amount") if name in common
        }
    which = f"lines {join([_line_of(case) for case in lines])}" if is_part else f"{len(lines)} lines in the schedule below"
    when = f" (service of {common['service_period']})" if "service_period" in common else ""
    return known | {"service": f"each of the {which}{when}", "line": f"each of the {which}"}


def _reasons(cases: Sequence[Case], *, is_one_line: bool) -> str | None:
    """Say which lines have which reason, where reasons differ; of one line the reasons alone."""
    found: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        meaning = case.carc.meaning if case.carc is not None else ""
        found.setdefault((_adjustment(case) or "no reason", meaning), []).append(_line_of(case))
    if len(found) < 2:
        return None
    told = []
    for (reason, meaning), lines in found.items():
        said = f"{reason} ({meaning})" if meaning else reason
        lines = list(dict.fromkeys(lines))
        told.append(said if is_one_line else f"{said} on {'line' if len(lines) == 1 else 'lines'} {join(lines)}")
    return join(told)


def _line_of(case: Case) -> str:
    """A line in a list of lines of a claim."""
    number, code = case.row.line_number, case.row.procedure_code
    if number is None:
        return code or f"of posting {case.row.writeoff_id}"
    return f"{number} ({code})" if code else str(number)


_OF_ONE = (
    "service",
    "line",
    "writeoff_amount",
    "billed_amount",
    "allowed_amount",
    "paid_amount",
    "patient_responsibility_amount",
    "patient_share",
    "contract_price",
    "contract_short",
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
