"""The shelf of the rules, kept in the database: one unit's worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from serving.store import efforts, items, policies, reversals, scores, stories, undos, writeoffs
from serving.store.store import Unit
from serving.worklist.choice import Choice
from serving.worklist.events import Effort, Event
from serving.worklist.item import Item
from serving.worklist.policy import Policy
from serving.worklist.reversals import Reversal
from serving.worklist.shelf import Entry, Part, Undo, Wanted


@dataclass(frozen=True, slots=True)
class StoreShelf:
    """Items within one unit; see `serving.worklist.shelf.Shelf` for what each does."""

    unit: Unit

    def policy(self, client_id: str) -> Policy:
        """Return how a client's queue is run."""
        return policies.find(self.unit, client_id)

    def get(self, client_id: str, item_id: str) -> Item | None:
        """Return an item, locked."""
        return items.find(self.unit, client_id, item_id, lock=True)

    def put(self, item: Item, *, seen: int) -> bool:
        """Keep what people changed."""
        return items.keep_work(self.unit, item, seen=seen)

    def best(self, wanted: Wanted, most: int = 1) -> Sequence[Item]:
        """Return the first items that may be offered, locked."""
        return items.best(self.unit, wanted, most)

    def next_check(self, wanted: Wanted) -> Item | None:
        """Return the first sample check, locked."""
        return items.next_check(self.unit, wanted)

    def waiting_checks(self, wanted: Wanted) -> int:
        """Count sample checks."""
        return items.waiting_checks(self.unit, wanted)

    def parts(self, item: Item) -> Sequence[Part]:
        """Return the write-offs of an item."""
        found = scores.of_items(self.unit, item.client_id, [item.item_id])
        ledger = writeoffs.amounts(self.unit, item.client_id, [row["writeoff_id"] for row in found])
        return [Part(row["writeoff_id"], row["recoverable_amount"] or 0, max(ledger.get(row["writeoff_id"]) or 0, 0)) for row in found]

    def effort(self, client_id: str, writeoff_id: str, effort_id: str) -> Effort | None:
        """Return an effort."""
        return efforts.find(self.unit, client_id, writeoff_id, effort_id)

    def record(self, client_id: str, event: Event, *, at: datetime, by: str, item_id: str | None) -> None:
        """Add an event."""
        efforts.record(self.unit, client_id, event, at=at, by=by, item_id=item_id)

    def chose(self, item: Item, choice: Choice, *, at: datetime, by: str) -> None:
        """Log a choice."""
        stories.chose(self.unit, item, choice, at=at, by=by)

    def tell(self, entry: Entry) -> None:
        """Add a line."""
        stories.tell(self.unit, entry)

    def ask_reversal(self, reversal: Reversal) -> None:
        """Add a request."""
        reversals.ask(self.unit, reversal)

    def asked_of(self, client_id: str, writeoff_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the cents that were asked for."""
        return reversals.asked_of(self.unit, client_id, writeoff_ids)

    def withdraw_reversal(self, client_id: str, reversal_id: str) -> bool:
        """Withdraw a request."""
        return reversals.withdraw(self.unit, client_id, reversal_id)

    def remember(self, undo: Undo) -> None:
        """Remember an act."""
        undos.remember(self.unit, undo)

    def recall(self, client_id: str, item_id: str) -> Undo | None:
        """Return an act."""
        item = items.find(self.unit, client_id, item_id)
        return None if item is None else undos.recall(self.unit, item)
