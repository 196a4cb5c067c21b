"""One work item: a claim and the remedy it needs, with all write-offs of the claim that the remedy is for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from features.deadlines import MAY_FILTER


class State(StrEnum):
    """Where the work on an item stands."""

    OPEN = "open"
    DRAFTED = "drafted"
    SENT = "sent"
    NEXT_LEVEL = "next_level"
    WON = "won"
    LOST = "lost"
    SKIPPED = "skipped"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


STATES = {
    State.OPEN: "nobody has begun",
    State.DRAFTED: "somebody has begun; nothing was sent",
    State.SENT: "sent to the payer; a day to ask again is set",
    State.NEXT_LEVEL: "refused, and the next level of appeal is to be drafted",
    State.WON: "the payer paid, at least a part",
    State.LOST: "the payer refused for good, or the day has passed",
    State.SKIPPED: "left out, with a reason; a lead may bring it back",
    State.CLOSED: "given up",
    State.WITHDRAWN: "no write-off is left in it; a later scoring may bring it back",
}
"""Every state in a few words."""

READY = (State.OPEN, State.NEXT_LEVEL)
"""States of items that wait for somebody to take them."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What scoring says of an item; a later scoring replaces it and nothing else.

    Parameters
    ----------
    payer_id, facility_id, carc, family, category
        Of the write-off that is expected to bring most; None where the ledger is silent.
    claim_id
        The claim; None for a write-off without one, which is an item of its own.
    writeoffs
        How many write-offs are in it.
    written_off, recoverable, expected, net
        Cents of all of them: written off, at stake, expected to come, and expected net of the cost of the work, which is counted once.
    probability
        Chance that the write-off expected to bring most brings anything.
    hours, value_per_hour
        Hours of the item; net cents per hour.
    deadline_on, deadline_source
        The earliest last day of its write-offs, and who says so.
    as_of, model_version
        The morning and the model of the scores.
    """

    payer_id: str
    claim_id: str | None = None
    facility_id: str | None = None
    carc: str | None = None
    family: str | None = None
    category: str | None = None
    writeoffs: int = 1
    written_off: int = 0
    recoverable: int = 0
    expected: int = 0
    net: int = 0
    probability: float = 0.0
    hours: float = 0.0
    value_per_hour: int = 0
    deadline_on: date | None = None
    deadline_source: str | None = None
    as_of: date = date(1970, 1, 1)
    model_version: str = "prior"


@dataclass(frozen=True, slots=True)
class Item:
    """A work item as it stands.

    Parameters
    ----------
    client_id, item_id
        Whose, and which (`work_item_id` of the scores).
    remedy
        What to do; one of `features.tables.REMEDIES`.
    worth
        What scoring says of it.
    version
        Grows by one with each change by people; a change names the version it saw.
    state, level, effort
        Where the work stands, the level of appeal, and the number of the effort, both 1 first; what is brought back is a new effort.
    changed_at, changed_by
        The last change by people.
    assigned_to
        Who works it, until it is given to somebody else; only they are offered it.
    leased_to, leased_until
        Who looks at it just now; nobody else is offered it before the lease ends.
    snoozed_until
        The day from which it is offered again.
    worked_on, sent_on, follow_up_on, decided_on
        Days on which the effort began, went out, is to be asked about, and was decided.
    reason
        Why it was skipped or closed.
    project_id
        The project it belongs to.
    in_lot, lot_share, lot_order
        Whether it was drawn as a sample check when it came into the queue, the chance of that, and its place among those drawn
        (a random number in [0, 1)).
    came_with
        The load that brought it, the cohort of its draw.
    chosen, chance
        How it was chosen when the effort began (see `serving.worklist.choice`), and the chance the policy gave it then.
    next_deadline_on, next_deadline_source
        The last day of the next level; None before there is one. It stands over the deadline of the scores.
    """

    client_id: str
    item_id: str
    remedy: str
    worth: Worth
    version: int = 0
    state: State = State.OPEN
    level: int = 1
    effort: int = 1
    changed_at: datetime | None = None
    changed_by: str | None = None
    assigned_to: str | None = None
    leased_to: str | None = None
    leased_until: datetime | None = None
    snoozed_until: date | None = None
    worked_on: date | None = None
    sent_on: date | None = None
    follow_up_on: date | None = None
    decided_on: date | None = None
    reason: str | None = None
    project_id: str | None = None
    in_lot: bool = False
    lot_share: float = 0.0
    lot_order: float = 0.0
    came_with: str | None = None
    chosen: str | None = None
    chance: float | None = None
    next_deadline_on: date | None = None
    next_deadline_source: str | None = None

    @property
    def due_on(self) -> date | None:
        """The last day that counts now."""
        return self.next_deadline_on if self.level > 1 else self.worth.deadline_on

    @property
    def due_source(self) -> str | None:
        """Who says so."""
        return self.next_deadline_source if self.level > 1 else self.worth.deadline_source

    @property
    def lapses_on(self) -> date | None:
        """The last day, where law, rule, remark or ledger sets it: after it the item is offered no more. A default only warns."""
        return self.due_on if self.due_source in MAY_FILTER else None

    @property
    def effort_id(self) -> str:
        """The id of the effort that is under way, or comes next."""
        return f"{self.item_id}.{self.effort}"

    def holder(self, now: datetime) -> str | None:
        """Return who has it on lease at this moment."""
        return self.leased_to if self.leased_until is not None and self.leased_until > now else None
