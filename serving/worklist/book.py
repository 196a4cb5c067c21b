"""What an act on an item says of the efforts on its write-offs, and what it asks of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from features.errors import CheckFailed, UsageError
from serving.worklist.choice import How
from serving.worklist.events import Effort, Event, Kind, restated
from serving.worklist.item import Item
from serving.worklist.reversals import Reversal, ReversalState, needs_second
from serving.worklist.shares import share_out
from serving.worklist.shelf import Part, Shelf, Undo


class Book:
    """The efforts of items, as one person or program writes them down within one transaction.

    Parameters
    ----------
    shelf
        Where efforts and requests to the ledger are kept.
    by
        Who writes.
    now, today
        The moment, and the day on the wall of the practice.
    approval_over
        Cents of a reversal above which a second person approves.

    Attributes
    ----------
    spoken
        What was known of the efforts of the act at hand before it, by write-off and effort; None: nothing.
    asked
        The requests to the ledger that it made.
    """

    def __init__(self, shelf: Shelf, by: str, *, now: datetime, today: date, approval_over: int) -> None:
        self._shelf, self._by, self._now, self._today, self._approval_over = shelf, by, now, today, approval_over
        self.open_page()

    def open_page(self) -> None:
        """Begin an act."""
        self.spoken: dict[tuple[str, str], Effort | None] = {}
        self.asked: list[str] = []

    def begin(self, item: Item, on: date | None = None) -> Item:
        """Return the item with its effort begun, and say so of its write-offs if that is news."""
        if item.worked_on is not None:
            return item
        begun = replace(item, worked_on=min(on or self._today, self._today))
        is_greedy = item.chosen == How.GREEDY
        for part in self._shelf.parts(item):
            self.say(
                begun,
                part.writeoff_id,
                status="pending",
                worked_on=begun.worked_on,
                action=item.remedy,
                level=item.level,
                explored=item.in_lot if item.effort == 1 else None,
                lot_share=item.lot_share if item.in_lot and item.effort == 1 else None,
                came_with=item.came_with if item.effort == 1 else None,
                chance=1.0 if is_greedy and not item.in_lot and item.effort == 1 else None,
            )
        return begun

    def end(self, item: Item, status: str, *, hours: float = 0.0) -> Item:
        # The day of an outcome is the day it became known here; when the payer decided is the item's `decided_on`.
        self.say_of_all(item, hours=hours, status=status, resolved_on=self._today)
        return item

    def say_of_all(self, item: Item, *, hours: float = 0.0, **said: Any) -> None:
        """Say the same of all write-offs of an item; hours are shared out among them."""
        parts = self._shelf.parts(item)
        spent = share_out(round(hours * 100), {part.writeoff_id: 1 for part in parts})
        for part in parts:
            self.say(item, part.writeoff_id, hours=spent[part.writeoff_id] / 100, **said)

    def say(self, item: Item, writeoff_id: str, *, kind: Kind = Kind.STATED, **said: Any) -> None:
        key = writeoff_id, item.effort_id
        if key not in self.spoken:
            self.spoken[key] = self._shelf.effort(item.client_id, *key)
        event = Event(writeoff_id, item.effort_id, kind, self._today, "person", **said)
        self._shelf.record(item.client_id, event, at=self._now, by=self._by, item_id=item.item_id)

    def stayed(self, item: Item, parts: Sequence[Part]) -> dict[str, int]:
        """Return the cents that the effort under way brought and that nobody took back, by write-off."""
        known = {part.writeoff_id: self._shelf.effort(item.client_id, part.writeoff_id, item.effort_id) for part in parts}
        return {writeoff_id: 0 if effort is None else effort.net for writeoff_id, effort in known.items()}

    def shares(self, item: Item, parts: Sequence[Part], cents: int | Mapping[str, int]) -> Mapping[str, int]:
        if isinstance(cents, int):
            if cents <= 0:
                raise UsageError("a win brings more than nothing; say `lose` where nothing came")
            return share_out(cents, {part.writeoff_id: part.recoverable or part.written_off for part in parts})
        strange = sorted(set(cents) - {part.writeoff_id for part in parts})
        if strange:
            raise UsageError(f"item {item.item_id} has no write-off {strange[0]}")
        if any(value < 0 for value in cents.values()) or sum(cents.values()) <= 0:
            raise UsageError("a win brings more than nothing, and nothing less than 0 of a write-off")
        return cents

    def ask_reversals(self, item: Item, shares: Mapping[str, int], day: date) -> None:
        """Ask the ledger to take back what was won, or with negative cents to let the write-off stand again.

        Above the limit, or beyond what was written off, somebody else approves it first. No more is put back than was asked for.
        """
        parts = self._shelf.parts(item)
        before = self._shelf.asked_of(item.client_id, [part.writeoff_id for part in parts])
        shares = {writeoff_id: max(cents, -before.get(writeoff_id, 0)) for writeoff_id, cents in shares.items()}
        written_off = {part.writeoff_id: part.written_off for part in parts}
        waits = needs_second(shares, before=before, written_off=written_off, limit=self._approval_over)
        for writeoff_id, cents in sorted(shares.items()):
            if cents:
                # The version tells a request from one that was undone.
                name = f"{item.effort_id}.{writeoff_id}.{item.version}"
                self.asked.append(name)
                self._shelf.ask_reversal(
                    Reversal(
                        item.client_id,
                        name,
                        item.item_id,
                        writeoff_id,
                        cents,
                        day,
                        self._by,
                        self._now,
                        ReversalState.WAITING if waits else ReversalState.APPROVED,
                    )
                )

    def take_back(self, item: Item, undo: Undo) -> None:
        """Let efforts be what they were before an act, and withdraw what it asked of the ledger.

        Raises
        ------
        CheckFailed
            When the ledger was told already.
        """
        for (writeoff_id, effort_id), effort in undo.efforts.items():
            void = Event(writeoff_id, effort_id, Kind.CORRECTED, self._today, "person", is_void=True)
            again = [] if effort is None else restated(effort, known_on=self._today, source="person")
            for event in (void, *again):
                self._shelf.record(item.client_id, event, at=self._now, by=self._by, item_id=item.item_id)
        for reversal_id in undo.reversals:
            if not self._shelf.withdraw_reversal(item.client_id, reversal_id):
                raise CheckFailed(f"the ledger was told of item {item.item_id} already; what was won stays")
