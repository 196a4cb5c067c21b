"""What the rules need of wherever items are kept, and the keeping of them in memory: slow, obvious, and the twin of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol

from serving.worklist.choice import Choice
from serving.worklist.events import Effort, Event, add
from serving.worklist.item import READY, Item, State
from serving.worklist.policy import Policy
from serving.worklist.reversals import STANDING, Reversal, ReversalState


@dataclass(frozen=True, slots=True)
class Part:
    """A write-off of an item: cents at stake and cents written off."""

    writeoff_id: str
    recoverable: int = 0
    written_off: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items a turn may offer.

    Parameters
    ----------
    client_id, facilities
        Whose; facilities None: all of the client's. An item without a facility is its client's.
    subject, now, today
        Who asks, and when.
    pin_days
        Days before its last day in which an item goes first.
    payer_id, carc, remedy, project_id
        Only these; None: any.
    """

    client_id: str
    facilities: frozenset[str] | None
    subject: str
    now: datetime
    today: date
    pin_days: int = 14
    payer_id: str | None = None
    carc: str | None = None
    remedy: str | None = None
    project_id: str | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether a person narrowed the choice."""
        return any(value is not None for value in (self.payer_id, self.carc, self.remedy, self.project_id))

    def admits(self, item: Item) -> bool:
        """Tell whether an item may be offered: it waits, is nobody else's, is awake and not too late."""
        return (
            item.client_id == self.client_id
            and (self.facilities is None or item.worth.facility_id is None or item.worth.facility_id in self.facilities)
            and item.state in READY
            and item.assigned_to in (None, self.subject)
            and item.holder(self.now) is None
            and (item.snoozed_until is None or item.snoozed_until <= self.today)
            and (item.lapses_on is None or item.lapses_on >= self.today)
            and self.payer_id in (None, item.worth.payer_id)
            and self.carc in (None, item.worth.carc)
            and self.remedy in (None, item.remedy)
            and self.project_id in (None, item.project_id)
        )

    def is_pinned(self, item: Item) -> bool:
        """Tell whether an item goes first because its last day is near and it is worth its hours."""
        return item.lapses_on is not None and (item.lapses_on - self.today).days <= self.pin_days and item.worth.value_per_hour > 0


def is_waiting_check(item: Item) -> bool:
    """Tell whether an item was drawn as a sample check and nobody has begun it."""
    return item.in_lot and item.state is State.OPEN and item.worked_on is None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an item's story.

    Parameters
    ----------
    act
        What happened: `taken`, `sent`, `note` ...
    before, after
        The state before and after it.
    text
        A reason, or the words of a note.
    facts
        What else belongs to it, such as a day or cents; by name.
    """

    client_id: str
    item_id: str
    at: datetime
    by: str
    act: str
    before: State
    after: State
    text: str = ""
    facts: Mapping[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undo:
    """What is needed to take an item's last act back.

    Parameters
    ----------
    before
        The item as it was.
    version, at, by
        The version that the act made, when, and who did it.
    efforts
        The efforts that the act spoke of, by write-off and effort id, as they were; None for those it began.
    reversals
        Ids of the requests that it made.
    """

    before: Item
    version: int
    at: datetime
    by: str
    efforts: Mapping[tuple[str, str], Effort | None] = field(default_factory=dict)
    reversals: tuple[str, ...] = ()


class Shelf(Protocol):
    """Where items are kept, within one transaction."""

    def policy(self, client_id: str) -> Policy:
        """Return how a client's queue is run."""

    def get(self, client_id: str, item_id: str) -> Item | None:
        """Return an item that nobody else changes before the transaction ends; None if there is none."""

    def put(self, item: Item, *, seen: int) -> bool:
        """Keep what people changed of an item (not its worth); False if it was no longer at version `seen`."""

    def best(self, wanted: Wanted, most: int = 1) -> Sequence[Item]:
        """Return the first items that may be offered: one's own, those whose last day is near, then by value per hour and id.

        Nobody else is offered them before the transaction ends.
        """

    def next_check(self, wanted: Wanted) -> Item | None:
        """Return the first sample check that waits, which nobody else is offered before the transaction ends."""

    def waiting_checks(self, wanted: Wanted) -> int:
        """Return how many sample checks wait."""

    def parts(self, item: Item) -> Sequence[Part]:
        """Return the write-offs of an item, by id."""

    def effort(self, client_id: str, writeoff_id: str, effort_id: str) -> Effort | None:
        """Return an effort as it is known now."""

    def record(self, client_id: str, event: Event, *, at: datetime, by: str, item_id: str | None) -> None:
        """Add an event to what is known."""

    def chose(self, item: Item, choice: Choice, *, at: datetime, by: str) -> None:
        """Log a choice."""

    def tell(self, entry: Entry) -> None:
        """Add a line to an item's story."""

    def ask_reversal(self, reversal: Reversal) -> None:
        """Add a request to the ledger; one that is there under the same id stays."""

    def asked_of(self, client_id: str, writeoff_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the cents of requests that stand, by write-off that has any."""

    def withdraw_reversal(self, client_id: str, reversal_id: str) -> bool:
        """Withdraw a request; False if it went out already."""

    def remember(self, undo: Undo) -> None:
        """Remember an item's last act, in the place of the one before."""

    def recall(self, client_id: str, item_id: str) -> Undo | None:
        """Return an item's last act; None if there is none to be taken back."""


def order(wanted: Wanted) -> Callable[[Item], tuple[int, int, str]]:
    """Return the key by which offered items are sorted."""

    def key(item: Item) -> tuple[int, int, str]:
        group = 0 if item.assigned_to == wanted.subject else 1 if wanted.is_pinned(item) else 2
        return group, -item.worth.value_per_hour, item.item_id

    return key


class MemoryShelf:
    """Items in dictionaries."""

    def __init__(self, items: Iterable[Item] = (), parts: Mapping[str, Sequence[Part]] | None = None, policy: Policy | None = None) -> None:
        self.items = {(item.client_id, item.item_id): item for item in items}
        self.efforts: dict[tuple[str, str, str], Effort] = {}
        self.events: list[tuple[str, Event]] = []
        self.choices: list[tuple[str, Choice]] = []
        self.entries: list[Entry] = []
        self.reversals: dict[tuple[str, str], Reversal] = {}
        self.undos: dict[tuple[str, str], Undo] = {}
        self._parts, self._policy = dict(parts or {}), policy or Policy()

    def policy(self, client_id: str) -> Policy:
        """Return the one policy."""
        return self._policy

    def get(self, client_id: str, item_id: str) -> Item | None:
        """Return an item."""
        return self.items.get((client_id, item_id))

    def put(self, item: Item, *, seen: int) -> bool:
        """Keep an item that was at version `seen`, with the worth that it has here."""
        held = self.items[item.client_id, item.item_id]
        if held.version != seen:
            return False
        self.items[item.client_id, item.item_id] = replace(item, worth=held.worth)
        return True

    def best(self, wanted: Wanted, most: int = 1) -> Sequence[Item]:
        """Return the first items that may be offered."""
        return sorted((item for item in self.items.values() if wanted.admits(item)), key=order(wanted))[:most]

    def next_check(self, wanted: Wanted) -> Item | None:
        """Return the first sample check."""
        return min(self._checks(wanted), key=lambda item: (item.lot_order, item.item_id), default=None)

    def waiting_checks(self, wanted: Wanted) -> int:
        """Count sample checks."""
        return len(self._checks(wanted))

    def _checks(self, wanted: Wanted) -> list[Item]:
        return [item for item in self.items.values() if is_waiting_check(item) and wanted.admits(item)]

    def parts(self, item: Item) -> Sequence[Part]:
        """Return the write-offs of an item."""
        return self._parts.get(item.item_id, ())

    def effort(self, client_id: str, writeoff_id: str, effort_id: str) -> Effort | None:
        """Return an effort."""
        return self.efforts.get((client_id, writeoff_id, effort_id))

    def record(self, client_id: str, event: Event, *, at: datetime, by: str, item_id: str | None) -> None:
        """Add an event."""
        key = client_id, event.writeoff_id, event.effort_id
        if event.is_void:
            self.efforts.pop(key, None)
        else:
            self.efforts[key] = add(self.efforts.get(key), event)
        self.events.append((client_id, event))

    def chose(self, item: Item, choice: Choice, *, at: datetime, by: str) -> None:
        """Log a choice."""
        self.choices.append((item.item_id, choice))

    def tell(self, entry: Entry) -> None:
        """Add a line."""
        self.entries.append(entry)

    def ask_reversal(self, reversal: Reversal) -> None:
        """Add a request."""
        self.reversals.setdefault((reversal.client_id, reversal.reversal_id), reversal)

    def asked_of(self, client_id: str, writeoff_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the cents that were asked for."""
        found: dict[str, int] = {}
        for one in self.reversals.values():
            if one.client_id == client_id and one.writeoff_id in writeoff_ids and one.state in STANDING:
                found[one.writeoff_id] = found.get(one.writeoff_id, 0) + one.cents
        return found

    def withdraw_reversal(self, client_id: str, reversal_id: str) -> bool:
        """Withdraw a request."""
        held = self.reversals[client_id, reversal_id]
        if held.state is ReversalState.EXPORTED:
            return False
        self.reversals[client_id, reversal_id] = replace(held, state=ReversalState.WITHDRAWN)
        return True

    def remember(self, undo: Undo) -> None:
        """Remember an act."""
        self.undos[undo.before.client_id, undo.before.item_id] = undo

    def recall(self, client_id: str, item_id: str) -> Undo | None:
        """Return an act."""
        return self.undos.get((client_id, item_id))
