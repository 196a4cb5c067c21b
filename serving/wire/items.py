"""Items of the queue: lists, turns, and acts on one item."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.wire.fields import PLAIN, Asked, Cents, Day, Hours, Id, Reason, Text, Told, Version, Words
from serving.worklist.desk import Offer
from serving.worklist.item import Item
from serving.worklist.listing import MOST_ROWS, Page, Query, Sort, Totals, Which


class Filter(BaseModel):
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

    def query(self) -> Query:
        """Return it as the worklist takes it."""
        return Query(**self.model_dump())


class QueueAsked(Filter):
    """A page of a list."""

    size: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50
    after: Annotated[str, StringConstraints(max_length=400, pattern=PLAIN)] | None = None
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


class WakeAsked(Asked):
    """End the sleep of an item that was put off."""

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
    amounts. take_back, pay_again: of what was won the payer took some back, or paid more; needs amount, and decided_date is the day of
    that. lose: refused. next_level: refused, to be appealed on. close: given up; needs reason. reopen: back into the queue. undo:
    the last act was a slip.
    """

    version: Version
    act: Literal["draft", "send", "follow_up", "win", "lose", "next_level", "take_back", "pay_again", "close", "reopen", "undo"]
    follow_up_date: Day | None = None
    sent_date: Day | None = None
    channel: Words | None = None
    reference_number: Words | None = None
    argument: Annotated[Words | None, Field(description="of send: what it rests on, for whoever works a like case later")] = None
    coder: Annotated[Words | None, Field(description="of send: who signed off a change of code, modifier or diagnosis")] = None
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
