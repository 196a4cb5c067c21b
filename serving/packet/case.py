"""What a packet is written from: one write-off with all that is known of it, typed; money in cents, None where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from features.guards import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The columns of the write-off that a packet may name, as in the data dictionary; amounts in cents."""

    writeoff_id: str
    payer_id: str
    writeoff_date: date | None = None
    client_id: str | None = None
    payer_type: str | None = None
    plan_id: str | None = None
    contract_id: str | None = None
    network_status: str | None = None
    claim_id: str | None = None
    line_number: int | None = None
    payer_claim_number: str | None = None
    original_payer_claim_number: str | None = None
    claim_frequency: str | None = None
    patient_id: str | None = None
    claim_type: str | None = None
    type_of_bill: str | None = None
    drg_code: str | None = None
    place_of_service: str | None = None
    procedure_code: str | None = None
    modifiers: str | None = None
    revenue_code: str | None = None
    diagnosis_code: str | None = None
    units: float | None = None
    provider_id: str | None = None
    facility_id: str | None = None
    specialty: str | None = None
    service_date: date | None = None
    service_date_to: date | None = None
    submitted_date: date | None = None
    remit_date: date | None = None
    initial_denial_date: date | None = None
    billed_amount: int | None = None
    allowed_amount: int | None = None
    paid_amount: int | None = None
    patient_responsibility_amount: int | None = None
    expected_allowed_amount: int | None = None
    other_payer_paid_amount: int | None = None
    writeoff_amount: int | None = None
    next_payer_id: str | None = None
    group_code: str | None = None
    carc: str | None = None
    rarcs: str | None = None
    denial_count: int | None = None
    authorization_on_file: bool | None = None
    referral_on_file: bool | None = None
    records_on_file: bool | None = None
    timely_proof_on_file: bool | None = None
    other_coverage_on_file: bool | None = None
    appeal_consent_on_file: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the ranking says of the row: where it is routed, and the amounts that a worksheet shows; amounts in cents."""

    category: str
    family: str
    remedy: str
    recoverable_amount: int | None
    underpayment_amount: int | None
    usual_allowed_amount: int | None
    expected_recovery: int | None
    as_of: date
    model_version: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its meaning in our words; the meaning is empty where no table has the code.

    `what` is the element of the claim that a remark says is missing or wrong; empty: it names none.
    """

    code: str
    meaning: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A level of appeal above the first (2 or more), and the day of the decision of the level below, which it contests."""

    level: int
    decided_on: date | None


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of the remedy, who set it (`features.deadlines.SOURCES`), and the rule in words with its citation.

    Where another remedy came first and has lapsed, `lapsed_remedy` and `lapsed_day` name it; empty: none has. `needs_cause`: what is open
    asks for good cause, as the second reopening in Medicare does (42 CFR 405.980(c)(2)).
    """

    day: date
    source: str
    rule: str
    citation: str
    lapsed_remedy: str = ""
    lapsed_day: date | None = None
    needs_cause: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a computation: what it is, how it is written, and its value in cents (None: a factor, or no amount)."""

    label: str
    text: str
    cents: int | None = None


@dataclass(frozen=True, slots=True)
class Computation:
    """What the contract allows for the line and how it comes about.

    Parameters
    ----------
    contract_id
        The contract; without an id the payer.
    term
        The term in words that find it on paper: contract, method, service, span.
    place
        Row of the table of contract rates that holds it, counted from 1.
    steps
        From the rate to the price, in order.
    allowed
        The price in cents.
    short
        How much less the payer allowed, in cents; None where nothing was allowed or that is not known.
    span_days
        The first and last day of the term, where it has them.
    """

    contract_id: str
    term: str
    place: int
    steps: tuple[Step, ...]
    allowed: int
    short: int | None
    span_days: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that a letter may quote, from the table of citations."""

    title: str
    section: str | None = None
    url: str | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Remit:
    """One adjustment as a remittance said it; the amount in cents."""

    remit_date: date | None
    group_code: str | None
    carc: str | None
    rarcs: str | None
    amount: int | None
    paid_amount: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that a packet may say.

    Parameters
    ----------
    row, score
        The write-off, and what the ranking says of it.
    next_step
        What to do, in words.
    why
        Why the row is where it is, in words.
    carc, rarcs
        Its codes with their meanings.
    due
        The last day of the remedy; None: no date is known.
    guards
        What must not be done, and what must be asked before.
    contract
        The contract's price; None: no contract was given, or it prices the line not (then `unpriced` may say why).
    citations, remits
        Passages that fit, and adjustments of the line as remittances said them.
    stage
        The level of appeal that is drafted; None: the first.
    is_named_alone
        The reason leaves it to the remarks to say what is wrong, and each of them that says something names an element of the claim.
    """

    row: Row
    score: Score
    next_step: str = ""
    why: str = ""
    carc: Code | None = None
    rarcs: tuple[Code, ...] = ()
    due: Due | None = None
    guards: tuple[Refusal, ...] = ()
    contract: Computation | None = None
    unpriced: str = ""
    citations: tuple[Citation, ...] = ()
    remits: tuple[Remit, ...] = field(default=())
    stage: Stage | None = None
    is_named_alone: bool = False

    @property
    def level(self) -> int:
        """The level of appeal that is drafted."""
        return self.stage.level if self.stage is not None else 1

    @property
    def day(self) -> date:
        """The day it is written on: that of its score, but not before the decision that it contests."""
        decided = self.stage.decided_on if self.stage is not None else None
        return self.score.as_of if decided is None else max(self.score.as_of, decided)

    @property
    def claim(self) -> str:
        """What tells its claim apart from others; a posting without one stands alone."""
        return f"claim {self.row.claim_id}" if self.row.claim_id else f"posting {self.row.writeoff_id}"


def lines_of(cases: Sequence[Case]) -> list[Case]:
    """Return the first case of each line of a claim: several postings may be of one line, whose charge counts once."""
    found: dict[object, Case] = {}
    for case in cases:
        row = case.row
        found.setdefault((case.claim, row.line_number) if row.line_number is not None else row.writeoff_id, case)
    return list(found.values())
