"""Queues for tests: items with their write-offs, in memory or in a store, and people who work them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from serving.access import Identity, Role
from serving.store import items as stored_items
from serving.store import policies, scores, writeoffs
from serving.store.shelf import StoreShelf
from serving.store.store import Store
from serving.worklist.desk import Desk
from serving.worklist.item import Item, Worth
from serving.worklist.policy import Policy
from serving.worklist.shelf import MemoryShelf, Part, Shelf
from tests.serving.store.rows import stored_writeoff

TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
ANA, BEN = (Identity(f"person:{name}", "session", Role.WORKER) for name in ("ana", "ben"))
LEA = Identity("person:lea", "session", Role.LEAD)
VIC = Identity("person:vic", "session", Role.VIEWER)
STAFF = {who.subject: who for who in (ANA, BEN, LEA, VIC)}


def item_of(number: int, **changed: Any) -> Item:
    """Return an open item worth `number` dollars an hour; fields of `Worth` and of `Item` may be given."""
    worth = {name: changed.pop(name) for name in list(changed) if name in Worth.__dataclass_fields__}
    usual = Worth("AETNA", f"C{number}", carc="50", expected=number * 100, value_per_hour=number * 100, hours=1.0, written_off=20_000)
    return replace(Item("default", f"i{number:04d}", "appeal", replace(usual, recoverable=10_000, **worth)), **changed)


def score_row(item: Item, writeoff_id: str, recoverable: int | None = 10_000, **changed: Any) -> dict[str, Any]:
    """Return the stored score of a write-off of an item."""
    row: dict[str, Any] = {column.name: None for column in scores.scores.columns}
    row |= {"client_id": item.client_id, "writeoff_id": writeoff_id, "item_id": item.item_id, "work_item_id": item.item_id}
    row |= {"in_scope": True, "category": "denial", "remedy": item.remedy, "recovery_probability": 0.4, "expected_recovery": 4_000}
    row |= {"expected_net_recovery": 1_000, "expected_hours": 0.75, "recoverable_amount": recoverable, "reasons": []}
    return row | {"model_version": "1", "as_of": TODAY, "load_id": "load", "scored_at": NOW} | changed


def put(store: Store, queue: Sequence[Item], parts: int = 1, policy: Policy | None = None) -> None:
    """Put items into a store, each with some write-offs of 200 dollars of which 100 are at stake."""
    ids = [(item, f"{item.item_id}-{number}") for item in queue for number in range(parts)]
    with store.write() as unit:
        stored_items.keep_scored(unit, queue)
        shared = ("payer_id", "carc", "claim_id", "facility_id")
        ledger = [
            stored_writeoff(key, client_id=item.client_id, **{name: getattr(item.worth, name) for name in shared}) for item, key in ids
        ]
        writeoffs.keep(unit, [row | {"writeoff_amount": 20_000} for row in ledger])
        scores.keep(unit, [score_row(item, key) for item, key in ids])
        if policy is not None:
            policies.keep(unit, "default", policy, at=NOW, by="test")


@dataclass(slots=True)
class Day:
    """A clock that a test moves, and random numbers that it sets."""

    now: datetime = NOW
    draws: list[float] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The day on the wall."""
        return self.now.date()

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def draw(self) -> float:
        """Return the next number, or one that is never below a chance."""
        return self.draws.pop(0) if self.draws else 0.999_999


@dataclass(slots=True)
class Office:
    """A queue, in memory or in a store, and its day.

    Parameters
    ----------
    shelf
        Yields the shelf of one transaction.
    """

    shelf: Callable[[], Any]
    day: Day = field(default_factory=Day)

    @contextmanager
    def desk(self, who: Identity = ANA, **more: Any) -> Iterator[Desk]:
        """Let somebody act in one transaction."""
        with self.shelf() as shelf:
            yield Desk(shelf, who, now=self.day.now, today=self.day.today, draw=self.day.draw, **({"staff": lambda: STAFF} | more))


def memory_office(queue: Sequence[Item], parts: int = 1, policy: Policy | None = None) -> Office:
    """Return an office in memory."""
    held = {item.item_id: [Part(f"{item.item_id}-{n}", 10_000, 20_000) for n in range(parts)] for item in queue}
    shelf = MemoryShelf(queue, held, policy)

    @contextmanager
    def opened() -> Iterator[Shelf]:
        yield shelf

    return Office(opened)


def store_office(store: Store) -> Office:
    """Return an office in a store."""

    @contextmanager
    def opened() -> Iterator[Shelf]:
        with store.write() as unit:
            yield StoreShelf(unit)

    return Office(opened)
