"""What goes over the wire of the queue: requests and answers of `/v1`, apart from what is stored. Money is dollars there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from features.errors import BadData
from features.money import parse_cents
from serving.store.outcomes import Recorded
from serving.worklist.desk import SKIP_REASONS, Offer
from serving.worklist.detail import Detail, Line
from serving.worklist.item import Item
from serving.worklist.listing import MOST_ROWS, Page, Query, Sort, Totals, Which

LONGEST_ID, LONGEST_WORDS, LONGEST_TEXT = 200, 200, 4_000
MOST_OUTCOMES = 1_000
_PLAIN = r"^[^\x00-\x1f\x7f]+$"
_LINES = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"


def _day(value: object) -> date:
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value)
    raise ValueError("a day like 2026-11-01")


def _cents(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("dollars with at most two decimals")
    try:
        return parse_cents(str(value))
    except BadData as error:
        raise ValueError(str(error)) from None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a number")
    return float(value)


def _reason(value: str) -> str:
    if value not in SKIP_REASONS:
        raise ValueError("one of the reasons")
    return value


_MONEY_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string"}], "description": "dollars with at most two decimals"}

Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=_PLAIN)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_WORDS, pattern=_PLAIN)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=_LINES)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Cents = Annotated[int, BeforeValidator(_cents), Field(ge=0, le=10**13), WithJsonSchema(_MONEY_SCHEMA)]
Hours = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1000), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1000})]
Version = Annotated[int, Field(ge=0, le=2**53, description="the version of the item that was seen; another one is 409")]
Reason = Annotated[str, AfterValidator(_reason), WithJsonSchema({"type": "string", "enum": list(SKIP_REASONS)})]


class Asked(BaseModel):
    """Something that is asked for; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(extra="ignore")


# ---- lists -----------------------------------------------------------------------------------------------------------


class QueueAsked(BaseModel):
    """Which items a list shows, and in which order."""

    model_config = ConfigDict(extra="forbid")

    which: Which = Which.READY
    sort: Sort | None = None
    payer_id: Words | None = None
    carc: Words | None = None
    family: Words | None = None
    category: Words | None = None
    remedy: Words | None = None
    assigned_to: Words | None = None
    facility_id: Words | None = None
    project_id: Words | None = None
    due_before: Day | None = None
    least_expected: Cents | None = None
    size: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50
    after: Annotated[str, StringConstraints(max_length=400, pattern=_PLAIN)] | None = None
    totals: Annotated[bool, Field(description="whether to sum the whole list, not only its page")] = False

    def query(self) -> Query:
        """Return it as the worklist takes it."""
        return Query(**self.model_dump(exclude={"totals"}))


class WireItem(Told):
    """A work item: a claim and the remedy it needs; dollars, and days as text."""

    item_id: str
    version: int
    state: str
    remedy: str
    level: int
    payer_id: str
    claim_id: str | None
    facility_id: str | None
    carc: str | None
    family: str | None
    category: str | None
    writeoffs: int
    written_off: float
    recoverable: float
    expected_recovery: float
    expected_net_recovery: float
    recovery_probability: float
    expected_hours: float
    value_per_hour: float
    deadline_date: date | None
    deadline_source: str | None
    assigned_to: str | None
    leased_to: str | None
    leased_until: datetime | None
    snoozed_until: date | None
    sent_date: date | None
    follow_up_date: date | None
    decided_date: date | None
    reason: str | None
    project_id: str | None
    is_sample_check: bool
    as_of: date
    model_version: str

    @classmethod
    def of(cls, item: Item) -> Self:
        """Return an item as it is told."""
        worth = item.worth
        same = ("payer_id", "claim_id", "facility_id", "carc", "family", "category", "writeoffs", "as_of", "model_version")
        return cls(
            **{name: getattr(worth, name) for name in same},
            **{name: getattr(item, name) for name in _SAME_OF_ITEM},
            state=item.state.value,
            written_off=worth.written_off / 100,
            recoverable=worth.recoverable / 100,
            expected_recovery=worth.expected / 100,
            expected_net_recovery=worth.net / 100,
            recovery_probability=worth.probability,
            expected_hours=worth.hours,
            value_per_hour=worth.value_per_hour / 100,
            deadline_date=item.due_on,
            deadline_source=item.due_source,
            sent_date=item.sent_on,
            follow_up_date=item.follow_up_on,
            decided_date=item.decided_on,
            is_sample_check=item.in_lot,
        )


_SAME_OF_ITEM = (
    "item_id",
    "version",
    "remedy",
    "level",
    "assigned_to",
    "leased_to",
    "leased_until",
    "snoozed_until",
    "reason",
    "project_id",
)


class WireTotals(Told):
    """Sums over a whole list, in dollars and hours."""

    items: int
    written_off: float
    expected_recovery: float
    expected_net_recovery: float
    expected_hours: float

    @classmethod
    def of(cls, sums: Totals) -> Self:
        """Return sums as they are told."""
        return cls(
            items=sums.items,
            written_off=sums.written_off / 100,
            expected_recovery=sums.expected / 100,
            expected_net_recovery=sums.net / 100,
            expected_hours=sums.hours,
        )


class QueueTold(Told):
    """A page of a list; `next` is the cursor of the next one."""

    items: list[WireItem]
    next: str | None
    totals: WireTotals | None = None

    @classmethod
    def of(cls, page: Page, totals: Totals | None) -> Self:
        """Return a page as it is told."""
        sums = None if totals is None else WireTotals.of(totals)
        return cls(items=[WireItem.of(item) for item in page.items], next=page.next, totals=sums)


# ---- turns and acts --------------------------------------------------------------------------------------------------


class NextAsked(Asked):
    """Take the item to work next, or a batch of one payer; nobody else is offered what was taken while the lease lasts."""

    payer_id: Words | None = None
    carc: Words | None = None
    remedy: Words | None = None
    project_id: Words | None = None
    batch: Annotated[int, Field(ge=10, le=25, description="so many items of one payer at once; payer_id names it")] | None = None
    same_reason: Annotated[bool, Field(description="of a batch: only items with the reason code of the best")] = False


class Taken(Told):
    """An item that was taken: `chosen` is greedy, lot (a sample check) or person; `chance` is what the policy gave it at this turn."""

    item: WireItem
    chosen: str
    chance: float | None

    @classmethod
    def of(cls, offer: Offer) -> Self:
        """Return what was taken as it is told."""
        return cls(item=WireItem.of(offer.item), chosen=offer.choice.how.value, chance=offer.choice.chance)


class NextTold(Told):
    """What was taken; nothing where nothing waits."""

    taken: list[Taken]


class ReleaseAsked(Asked):
    """Give an item back."""

    version: Version


class AssignAsked(Asked):
    """Give an item to somebody, or to nobody."""

    version: Version
    to: Words | None


class SkipAsked(Asked):
    """Leave an item out of the queue."""

    version: Version
    reason: Reason
    note: Text = ""


class SnoozeAsked(Asked):
    """Offer an item again from a day on."""

    version: Version
    until: Day
    note: Text = ""


class DispositionAsked(Asked):
    """What was done with an item, or what came of it.

    draft: begun. send: sent; needs follow_up_date. follow_up: asked, not decided; needs follow_up_date. win: paid; needs amount or
    amounts. lose: refused. next_level: refused, to be appealed on. close: given up; needs reason. reopen: back into the queue. undo:
    the last act was a slip.
    """

    version: Version
    act: Literal["draft", "send", "follow_up", "win", "lose", "next_level", "close", "reopen", "undo"]
    follow_up_date: Day | None = None
    sent_date: Day | None = None
    channel: Words | None = None
    reference_number: Words | None = None
    amount: Annotated[Cents | None, Field(description="dollars paid on the whole item")] = None
    amounts: Annotated[dict[Id, Cents], Field(max_length=200, description="dollars paid by write-off")] | None = None
    settled: bool = False
    expired: Annotated[bool, Field(description="of lose: the last day has passed")] = False
    decided_date: Day | None = None
    reason: Reason | None = None
    hours: Hours = 0.0
    note: Text = ""


class ItemTold(Told):
    """An item after a change."""

    item: WireItem


# ---- write-offs ------------------------------------------------------------------------------------------------------


class WireGuard(Told):
    """What must not be done with a write-off, or must be asked before."""

    rule: str
    sentence: str
    citation: str
    is_question: bool


class WireLine(Told):
    """A write-off: its row of the ledger and its score in the canonical columns (dollars), and what the rules say of it today."""

    writeoff: dict[str, Any]
    score: dict[str, Any]
    step: str | None
    guards: list[WireGuard]

    @classmethod
    def of(cls, line: Line) -> Self:
        """Return a write-off as it is told."""
        guards = line.seen.guards if line.seen is not None else ()
        return cls(
            writeoff=_told(line.writeoff, _WRITEOFF_MONEY),
            score=_told(line.score, _SCORE_MONEY),
            step=line.seen.step if line.seen is not None else None,
            guards=[
                WireGuard(rule=one.rule_id, sentence=one.sentence, citation=one.citation, is_question=one.is_question) for one in guards
            ],
        )


class WireEffort(Told):
    """An effort as it is known now, in the columns of outcomes; dollars."""

    writeoff_id: str
    effort_id: str
    worked_date: date
    action: str | None
    level: int | None
    sent_date: date | None
    follow_up_date: date | None
    resolved_date: date | None
    status: str
    recovered_amount: float | None
    taken_back_amount: float
    hours_spent: float | None


class WireEntry(Told):
    """A line of an item's story."""

    at: datetime
    by: str
    act: str
    state: str
    text: str
    facts: dict[str, Any]


class WireSimilar(Told):
    """Past cases of the same payer and reason code: how many were decided and won, dollars of all, and the latest ones."""

    decided: int
    won: int
    net: float
    cases: list[dict[str, Any]]


class DetailTold(Told):
    """Everything that belongs to a write-off, or to the item that it is in; `item` is null for one that is in none."""

    item: WireItem | None
    lines: list[WireLine]
    efforts: list[WireEffort] = []
    story: list[WireEntry] = []
    remit_lines: list[dict[str, Any]] = []
    similar: WireSimilar | None = None

    @classmethod
    def of(cls, found: Detail | Line) -> Self:
        """Return it as it is told."""
        if isinstance(found, Line):
            return cls(item=None, lines=[WireLine.of(found)])
        cases = [
            {
                "writeoff_id": case.writeoff_id,
                "action": case.action,
                "status": case.status,
                "net": case.net / 100,
                "hours": case.hours,
                "worked_date": case.worked_on,
                "resolved_date": case.resolved_on,
            }
            for case in found.similar.cases
        ]
        return cls(
            item=WireItem.of(found.item),
            lines=[WireLine.of(line) for line in found.lines],
            efforts=[
                WireEffort(
                    writeoff_id=one.writeoff_id,
                    effort_id=one.effort_id,
                    worked_date=one.worked_on,
                    action=one.action,
                    level=one.level,
                    sent_date=one.sent_on,
                    follow_up_date=one.follow_up_on,
                    resolved_date=one.resolved_on,
                    status=one.status,
                    recovered_amount=None if one.recovered is None else one.recovered / 100,
                    taken_back_amount=one.taken_back / 100,
                    hours_spent=one.hours,
                )
                for one in found.efforts
            ],
            story=[
                WireEntry(at=one.at, by=one.by, act=one.act, state=one.after.value, text=one.text, facts=dict(one.facts))
                for one in found.story
            ],
            remit_lines=[_told(row, _REMIT_MONEY) for row in found.remits],
            similar=WireSimilar(decided=found.similar.decided, won=found.similar.won, net=found.similar.net / 100, cases=cases),
        )


_WRITEOFF_MONEY = frozenset(
    (
        "writeoff_amount",
        "other_payer_paid_amount",
        "billed_amount",
        "allowed_amount",
        "paid_amount",
        "patient_responsibility_amount",
        "expected_allowed_amount",
    )
)
_REMIT_MONEY = _WRITEOFF_MONEY | {"amount"}
_SCORE_MONEY = frozenset(
    (
        "recoverable_amount",
        "amount_if_recovered",
        "amount_if_recovered_low",
        "amount_if_recovered_high",
        "expected_recovery",
        "expected_net_recovery",
        "value_per_hour",
        "usual_allowed_amount",
        "underpayment_amount",
    )
)
_INTERNAL = frozenset(("loaded_at", "scored_at", "load_id", "extras", "remit_line_id"))


def _told(row: Mapping[str, Any], money: frozenset[str]) -> dict[str, Any]:
    """Return a stored row in dollars, without what only the store needs."""
    return {name: value / 100 if name in money and value is not None else value for name, value in row.items() if name not in _INTERNAL}


# ---- outcomes --------------------------------------------------------------------------------------------------------


class OutcomesAsked(Asked):
    """Outcomes in the columns of the data dictionary; each states an effort as a whole, and what is news of it is recorded."""

    outcomes: Annotated[list[dict[str, str | int | bool | None]], Field(min_length=1, max_length=MOST_OUTCOMES)]


class OutcomesTold(Told):
    """How many outcomes were stated, events were news, and items changed for them."""

    stated: int
    events: int
    items: int

    @classmethod
    def of(cls, found: Recorded) -> Self:
        """Return what was recorded as it is told."""
        return cls(stated=found.stated, events=found.events, items=found.items)
