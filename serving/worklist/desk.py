"""What somebody does with items: take, give back, assign, put off, send, win, lose. One method is one transaction's worth."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from features.clocks import LEVELS
from features.errors import CheckFailed, NotFound, UsageError
from features.money import format_cents
from serving.access import Identity
from serving.worklist.acts import (
    LONGEST_FOLLOW_UP,
    LONGEST_SNOOZE,
    MOVES,
    STORY,
    check_ahead,
    check_hours,
    check_loss,
    check_past,
    check_reason,
)
from serving.worklist.book import Book
from serving.worklist.choice import Choice, Draw, How
from serving.worklist.events import Kind
from serving.worklist.hands import Staff, check_hand, nobody
from serving.worklist.item import Item, State
from serving.worklist.shares import share_out
from serving.worklist.shelf import Entry, Shelf, Undo, Wanted
from serving.worklist.since import KnownSince, Since, decision_since, sending_since, unknown
from serving.worklist.turn import choose

FEWEST_IN_BATCH, MOST_IN_BATCH = 10, 25
UNDO_SECONDS = 15
"""How long an act can be taken back: ten seconds for the person, the rest for the way."""

NextDeadline: TypeAlias = Callable[[Item, int, date], tuple[date | None, str | None]]
"""Returns last day and source of an item's next level, given that level and the day of the decision."""


_WORK = tuple(
    name
    for name in Item.__dataclass_fields__
    if name not in ("client_id", "item_id", "remedy", "worth", "version", "changed_at", "changed_by", "in_lot", "lot_share", "lot_order")
)
"""Fields that an act changes and taking it back restores."""


class Stale(CheckFailed):
    """Somebody else changed an item first."""


class Held(CheckFailed):
    """Somebody else has an item."""


def no_deadline(item: Item, level: int, decided_on: date) -> tuple[date | None, str | None]:
    """Return that nobody knows the last day of a next level."""
    return None, None


@dataclass(frozen=True, slots=True)
class Offer:
    """An item that was taken, and how it was chosen."""

    item: Item
    choice: Choice


class Desk:
    """One person or program at work within one transaction.

    Every change names the version of the item that it saw and raises Stale when that is no longer the one; what another one holds
    raises Held, what the state does not allow CheckFailed, what is not there, or not theirs to see, NotFound.

    Parameters
    ----------
    shelf
        Where items are kept.
    who
        Who works.
    now, today
        The moment, and the day on the wall of the practice.
    draw
        Random numbers in [0, 1).
    next_deadline
        Knows the last day of a next level.
    staff
        Knows who there is that may be given an item.
    known_since
        Knows from which day on an item's payer could be asked.

    Attributes
    ----------
    touched
        Ids of the items that were taken or changed.
    """

    def __init__(
        self,
        shelf: Shelf,
        who: Identity,
        *,
        now: datetime,
        today: date,
        draw: Draw = random.random,
        next_deadline: NextDeadline = no_deadline,
        staff: Staff = nobody,
        known_since: KnownSince = unknown,
    ) -> None:
        self._shelf, self._who, self._now, self._today = shelf, who, now, today
        self._draw, self._next_deadline = draw, next_deadline
        self._staff, self._known_since = staff, known_since
        self._policy = shelf.policy(who.client_id)
        self.touched: set[str] = set()
        self._book = Book(shelf, who.subject, now=now, today=today, approval_over=self._policy.approval_over)

    # ---- taking ------------------------------------------------------------------------------------------------------

    def take_next(
        self, *, payer_id: str | None = None, carc: str | None = None, remedy: str | None = None, project_id: str | None = None
    ) -> Offer | None:
        """Take the item to work next and hold it for the minutes of a lease; None when nothing waits.

        Without narrowing words a turn may offer a sample check. No two callers are offered the same item.
        """
        wanted = self._wanted(payer_id=payer_id, carc=carc, remedy=remedy, project_id=project_id)
        found = choose(self._shelf, wanted, self._policy, self._draw)
        if found is None:
            return None
        item, choice = found
        return Offer(self._lease(item, choice), choice)

    def take_batch(self, payer_id: str, *, most: int = MOST_IN_BATCH, same_reason: bool = False) -> list[Offer]:
        """Take the best items of one payer, to be worked in one go; with `same_reason` only those with the reason code of the best.

        Raises
        ------
        UsageError
            When `most` is not from 10 to 25.
        """
        if not FEWEST_IN_BATCH <= most <= MOST_IN_BATCH:
            raise UsageError(f"a batch is of {FEWEST_IN_BATCH} to {MOST_IN_BATCH} items, not {most}")
        wanted = self._wanted(payer_id=payer_id)
        first = self._shelf.best(wanted)
        if same_reason and first and first[0].worth.carc is not None:
            wanted = replace(wanted, carc=first[0].worth.carc)
        choice = Choice(How.PERSON, None)
        return [Offer(self._lease(item, choice), choice) for item in self._shelf.best(wanted, most)]

    def take(self, item_id: str, version: int) -> Item:
        """Take one item that somebody picked from a list."""
        item = self._begin(item_id, version, "take")
        if not self._wanted().admits(item) and item.holder(self._now) != self._who.subject:
            raise CheckFailed(f"item {item_id} is {self._why_not(item)}; it is not to be taken")
        return self._lease(item, Choice(How.PERSON, None))

    def release(self, item_id: str, version: int) -> Item:
        """Give an item back before its lease ends; a lead may give back what another one holds."""
        item = self._find(item_id, version)
        holder = item.holder(self._now)
        if holder != self._who.subject and not (holder and self._is_lead):
            raise Held(f"item {item_id} is held by {holder}" if holder else f"nobody holds item {item_id}")
        return self._keep(item, "released", leased_to=None, leased_until=None)

    def assign(self, item_id: str, version: int, to: str | None) -> Item:
        """Give an item to somebody who works items and sees this one, or to nobody; a lease of another one ends."""
        item = self._find(item_id, version)
        if to is not None:
            check_hand(item, to, self._staff())
        if item.state in (State.WON, State.WITHDRAWN):
            raise CheckFailed(f"item {item_id} is {item.state}; it is not to be assigned")
        keep = to is not None and item.holder(self._now) == to
        lease: dict[str, Any] = {} if keep else {"leased_to": None, "leased_until": None}
        return self._keep(item, "assigned", facts={"to": to}, assigned_to=to, **lease)

    # ---- putting off -------------------------------------------------------------------------------------------------

    def skip(self, item_id: str, version: int, reason: str, text: str = "") -> Item:
        """Leave an item out of the queue, with a reason of `SKIP_REASONS`; a lead may bring it back."""
        item = self._begin(item_id, version, "skip")
        check_reason(reason)
        changed = self._book.end(item, "abandoned") if item.worked_on else item
        return self._move(changed, "skip", text=text, facts={"reason": reason}, reason=reason)

    def snooze(self, item_id: str, version: int, until: date, text: str = "") -> Item:
        """Offer an item again from a day on; the day is at most 180 days ahead and not after the last day of the item."""
        item = self._begin(item_id, version, "snooze")
        check_ahead("a snooze", until, LONGEST_SNOOZE, today=self._today)
        if item.lapses_on is not None and until > item.lapses_on >= self._today:
            raise UsageError(f"item {item_id} cannot sleep until {until}: its last day is {item.lapses_on}")
        facts = {"until": until.isoformat()}
        return self._keep(item, "snoozed", text=text, facts=facts, snoozed_until=until, leased_to=None, leased_until=None)

    def wake(self, item_id: str, version: int) -> Item:
        """End the sleep of an item before its day: it waits again, for whoever it was given to or for all."""
        item = self._begin(item_id, version, "wake")
        if item.snoozed_until is None or item.snoozed_until <= self._today:
            raise CheckFailed(f"item {item_id} is awake; only what was put off can be woken")
        return self._keep(item, "woken", snoozed_until=None)

    # ---- working -----------------------------------------------------------------------------------------------------

    def draft(self, item_id: str, version: int) -> Item:
        """Begin the effort; the item is then its worker's."""
        item = self._book.begin(self._begin(item_id, version, "draft"))
        return self._move(item, "draft", assigned_to=self._worker_of(item))

    def send(
        self,
        item_id: str,
        version: int,
        *,
        follow_up_on: date,
        sent_on: date | None = None,
        channel: str | None = None,
        reference: str | None = None,
        argument: str | None = None,
        coder: str | None = None,
        hours: float = 0.0,
    ) -> Item:
        """Say that something was sent, and when to ask again: that day is at most a year ahead and has its own queue.

        `argument` is what it rests on, in a few words; whoever works a like case later sees which arguments won. `coder` is who signed a
        change of code, modifier or diagnosis.
        """
        item = self._begin(item_id, version, "send")
        check_ahead("a follow-up", follow_up_on, LONGEST_FOLLOW_UP, today=self._today)
        sent = check_past("sent_on", sent_on, today=self._today, since=sending_since(item, self._known_since))
        item = self._book.begin(item, on=sent)
        # What goes out may be another remedy than the one that was begun and lapsed.
        said: dict[str, Any] = {"action": item.remedy, "sent_on": sent, "channel": channel, "reference": reference}
        self._book.say_of_all(item, hours=check_hours(hours), follow_up_on=follow_up_on, **said)
        facts = {"sent_on": sent.isoformat(), "channel": channel, "reference": reference, "follow_up_on": follow_up_on.isoformat()}
        if argument:
            facts |= {"argument": argument, "effort_id": item.effort_id}
        if coder:
            facts["coder"] = coder
        return self._move(item, "send", facts=facts, sent_on=sent, follow_up_on=follow_up_on, assigned_to=self._worker_of(item))

    def follow_up(self, item_id: str, version: int, *, again_on: date, text: str = "", hours: float = 0.0) -> Item:
        """Say that the payer was asked and has not decided, and when to ask again."""
        item = self._begin(item_id, version, "follow_up")
        check_ahead("a follow-up", again_on, LONGEST_FOLLOW_UP, today=self._today)
        self._book.say_of_all(item, hours=check_hours(hours), follow_up_on=again_on)
        return self._move(item, "follow_up", text=text, facts={"follow_up_on": again_on.isoformat()}, follow_up_on=again_on)

    def win(
        self,
        item_id: str,
        version: int,
        *,
        cents: int | Mapping[str, int],
        decided_on: date | None = None,
        hours: float = 0.0,
        settled: bool = False,
    ) -> Item:
        """Say what the payer paid: a sum, shared out by what was at stake, or cents by write-off; the ledger is asked to reverse it.

        `settled` says that the rest was given up by agreement.
        """
        item = self._begin(item_id, version, "win")
        day = self._decided(item, decided_on)
        parts = self._shelf.parts(item)
        shares = self._book.shares(item, parts, cents)
        item = self._book.begin(item, on=day)
        spent = share_out(round(check_hours(hours) * 100), {part.writeoff_id: 1 for part in parts})
        for part in parts:
            came = shares.get(part.writeoff_id, 0)
            whole = part.recoverable or part.written_off
            status = "denied" if came == 0 else "settled" if settled else "recovered" if came >= whole else "partially_recovered"
            self._book.say(item, part.writeoff_id, cents=came, hours=spent[part.writeoff_id] / 100, status=status, resolved_on=self._today)
        self._book.ask_reversals(item, shares, day)
        facts = {"cents": sum(shares.values()), "decided_on": day.isoformat()}
        return self._move(item, "win", facts=facts, decided_on=day, follow_up_on=None)

    def take_back(self, item_id: str, version: int, *, cents: int, on: date | None = None) -> Item:
        """Say that the payer took back some of what was won, or all; the ledger is asked to let the write-off stand again.

        It is shared out by what stayed of each write-off. The item stays won, and what it brought is what is left.
        """
        item = self._begin(item_id, version, "take_back")
        day = self._after_win("taken_back_on", item, on)
        stayed = self._book.stayed(item, self._shelf.parts(item))
        total = sum(stayed.values())
        if total <= 0:
            raise CheckFailed(f"nothing is left of what item {item_id} brought in this effort; nothing is taken back of it")
        if not 0 < cents <= total:
            left = format_cents(total)
            raise UsageError(f"of item {item_id} from 0.01 to {left} dollars are taken back, what is left; {format_cents(cents)} came")
        shares = share_out(cents, stayed)
        for writeoff_id, gone in shares.items():
            if gone:
                self._book.say(item, writeoff_id, kind=Kind.TAKEN_BACK, cents=-gone)
        self._book.ask_reversals(item, {writeoff_id: -gone for writeoff_id, gone in shares.items()}, day)
        return self._move(item, "take_back", facts={"cents": -cents, "decided_on": day.isoformat()})

    def pay_again(self, item_id: str, version: int, *, cents: int | Mapping[str, int], on: date | None = None) -> Item:
        """Say that the payer paid more on a won item: a sum, shared out as a win is, or cents by write-off; it adds to what was won."""
        item = self._begin(item_id, version, "pay_again")
        day = self._after_win("paid_on", item, on)
        parts = self._shelf.parts(item)
        stayed, shares = self._book.stayed(item, parts), self._book.shares(item, parts, cents)
        item = self._book.begin(item, on=day)
        for part in parts:
            if came := shares.get(part.writeoff_id, 0):
                whole = part.recoverable or part.written_off
                status = "recovered" if stayed[part.writeoff_id] + came >= whole else "partially_recovered"
                self._book.say(item, part.writeoff_id, cents=came, status=status, resolved_on=self._today)
        self._book.ask_reversals(item, shares, day)
        return self._move(item, "pay_again", facts={"cents": sum(shares.values()), "decided_on": day.isoformat()})

    def lose(
        self,
        item_id: str,
        version: int,
        *,
        decided_on: date | None = None,
        expired: bool = False,
        reason: str = "",
        hours: float = 0.0,
    ) -> Item:
        """Say that the payer refused, or that the day has passed (`expired`), and why it ends there: one of `LOSS_REASONS`, or blank."""
        item = self._begin(item_id, version, "lose")
        lost_for = check_loss(reason)
        day = self._decided(item, decided_on)
        item = self._book.end(self._book.begin(item, on=day), "expired" if expired else "denied", hours=check_hours(hours))
        facts = {"decided_on": day.isoformat(), "reason": lost_for}
        return self._move(item, "lose", facts=facts, decided_on=day, follow_up_on=None, reason=lost_for)

    def next_level(self, item_id: str, version: int, *, decided_on: date | None = None, hours: float = 0.0) -> Item:
        """Say that the payer refused and that the next level is to be drafted; its own last day counts from the decision."""
        item = self._begin(item_id, version, "next_level")
        if item.level >= LEVELS:
            raise CheckFailed(f"item {item_id} is at level {item.level}; there is none above")
        day = self._decided(item, decided_on or item.decided_on)
        if item.state is State.SENT:
            item = self._book.end(item, "upheld_next_level_open", hours=check_hours(hours))
        last, source = self._next_deadline(item, item.level + 1, day)
        facts = {"level": item.level + 1, "decided_on": day.isoformat(), "deadline": last.isoformat() if last else None}
        return self._move(
            item,
            "next_level",
            facts=facts,
            level=item.level + 1,
            effort=item.effort + 1,
            worked_on=None,
            sent_on=None,
            follow_up_on=None,
            decided_on=day,
            next_deadline_on=last,
            next_deadline_source=source,
        )

    def close(self, item_id: str, version: int, reason: str, text: str = "") -> Item:
        """Give an item up, with a reason of `SKIP_REASONS`."""
        item = self._begin(item_id, version, "close")
        check_reason(reason)
        item = self._book.end(item, "abandoned") if item.worked_on else item
        return self._move(item, "close", text=text, facts={"reason": reason}, reason=reason, follow_up_on=None)

    def reopen(self, item_id: str, version: int, text: str = "") -> Item:
        """Bring an item back into the queue; what was begun before stays as it was, and the work is a new effort."""
        item = self._begin(item_id, version, "reopen")
        fresh: dict[str, Any] = {"effort": item.effort + 1, "worked_on": None, "sent_on": None} if item.worked_on else {}
        return self._move(item, "reopen", text=text, reason=None, assigned_to=None, decided_on=None, **fresh)

    def undo(self, item_id: str, version: int) -> Item:
        """Take back one's own last act on an item: the item is as it was before, and so is what is known of its efforts.

        Only whoever did it can, within `UNDO_SECONDS`, and only while nobody changed the item since. What was stated stays in the
        record of events, and that it was a slip is added.
        """
        item = self._find(item_id, version)
        undo = self._shelf.recall(item.client_id, item_id)
        if undo is None or undo.version != item.version:
            raise CheckFailed(f"there is nothing to take back of item {item_id}")
        if undo.by != self._who.subject:
            raise Held(f"the last act on item {item_id} is that of {undo.by}")
        if self._now - undo.at > timedelta(seconds=UNDO_SECONDS):
            raise CheckFailed(f"the last act on item {item_id} is more than {UNDO_SECONDS} seconds old; it stays")
        self._book.take_back(item, undo)
        work = {name: getattr(undo.before, name) for name in _WORK}
        return self._keep(item, "undone", is_undo=True, **work)

    def note(self, item_id: str, text: str, *, is_call: bool = False, facts: Mapping[str, str | None] | None = None) -> Item:
        """Add a note, or what was said in a call, to an item's story; the item itself is not changed."""
        item = self._find(item_id, None)
        if not text.strip():
            raise UsageError("a note says something")
        entry = Entry(
            item.client_id, item_id, self._now, self._who.subject, "call" if is_call else "note", item.state, item.state, text, facts or {}
        )
        self._shelf.tell(entry)
        self.touched.add(item_id)
        return item

    def set_project(self, item_id: str, version: int, project_id: str | None) -> Item:
        """Put an item into a project, or take it out."""
        item = self._find(item_id, version)
        return self._keep(item, "project", facts={"project_id": project_id}, project_id=project_id)

    # ---- how ---------------------------------------------------------------------------------------------------------

    @property
    def _is_lead(self) -> bool:
        return self._who.may("queue.assign")

    def _decided(self, item: Item, day: date | None) -> date:
        return check_past("decided_on", day, today=self._today, since=decision_since(item, self._known_since))

    def _after_win(self, name: str, item: Item, day: date | None) -> date:
        since = Since(item.decided_on, "the day it was won") if item.decided_on is not None else decision_since(item, self._known_since)
        return check_past(name, day, today=self._today, since=since)

    def _worker_of(self, item: Item) -> str | None:
        """Return whose an item is that is worked now: who stands in for an hour may not see it afterwards, so it stays whose it was."""
        return item.assigned_to if self._who.is_emergency else self._who.subject

    def _wanted(self, **narrowed: str | None) -> Wanted:
        return Wanted(
            self._who.client_id, self._who.facilities, self._who.subject, self._now, self._today, self._policy.pin_days, **narrowed
        )

    def _lease(self, item: Item, choice: Choice) -> Item:
        self._shelf.chose(item, choice, at=self._now, by=self._who.subject)
        self._before = item
        self._book.open_page()
        until = self._now + timedelta(minutes=self._policy.lease_minutes)
        facts = {"how": choice.how.value, "chance": choice.chance}
        chosen: dict[str, Any] = {} if item.worked_on or item.effort > 1 else {"chosen": choice.how.value, "chance": choice.chance}
        return self._keep(item, "taken", facts=facts, leased_to=self._who.subject, leased_until=until, **chosen)

    def _find(self, item_id: str, version: int | None) -> Item:
        item = self._shelf.get(self._who.client_id, item_id)
        if item is None or not self._who.sees(item.client_id, item.worth.facility_id):
            raise NotFound("there is no such item")
        if version is not None and item.version != version:
            since = f", {item.state} by {item.changed_by} since {item.changed_at:%Y-%m-%d %H:%M} UTC" if item.changed_at else ""
            raise Stale(f"item {item_id} was changed meanwhile: you saw version {version}, it is at version {item.version}{since}")
        self._before = item
        self._book.open_page()
        return item

    def _begin(self, item_id: str, version: int, act: str) -> Item:
        """Find an item that this one may act on now."""
        item = self._find(item_id, version)
        if act in MOVES and item.state not in MOVES[act][0]:
            allowed = ", ".join(MOVES[act][0])
            raise CheckFailed(f"item {item_id} is {item.state}; to {act.replace('_', ' ')} it, it has to be {allowed}")
        holder = item.holder(self._now)
        if holder not in (None, self._who.subject):
            raise Held(f"item {item_id} is held by {holder} until {item.leased_until:%Y-%m-%d %H:%M} UTC")
        if item.assigned_to not in (None, self._who.subject) and not self._who.may_work_for_others:
            raise Held(f"item {item_id} is assigned to {item.assigned_to}")
        return item

    def _why_not(self, item: Item) -> str:
        if item.snoozed_until is not None and item.snoozed_until > self._today:
            return f"asleep until {item.snoozed_until}"
        if item.lapses_on is not None and item.lapses_on < self._today:
            return f"past its last day, {item.lapses_on}"
        return item.state.value

    def _move(self, item: Item, act: str, *, text: str = "", facts: Mapping[str, Any] | None = None, **changed: Any) -> Item:
        lease: dict[str, Any] = {"leased_to": None, "leased_until": None, "snoozed_until": None}
        return self._keep(item, STORY[act], text=text, facts=facts, state=MOVES[act][1], **lease, **changed)

    def _keep(
        self, item: Item, act: str, *, text: str = "", facts: Mapping[str, Any] | None = None, is_undo: bool = False, **changed: Any
    ) -> Item:
        after = replace(item, **changed, version=item.version + 1, changed_at=self._now, changed_by=self._who.subject)
        if not self._shelf.put(after, seen=item.version):
            raise Stale(f"item {item.item_id} was changed meanwhile: you saw version {item.version}, it is at a later one")
        who = self._who.subject
        if not is_undo:
            self._shelf.remember(Undo(self._before, after.version, self._now, who, dict(self._book.spoken), tuple(self._book.asked)))
        self.touched.add(item.item_id)
        self._shelf.tell(Entry(item.client_id, item.item_id, self._now, who, act, item.state, after.state, text, dict(facts or {})))
        return after
