"""The worklist as the service offers it: lists, items, turns and acts, each in one transaction that the access log is part of."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from features.errors import NotFound, NotPermitted, UsageError
from serving.access import Identity
from serving.store import detail as details
from serving.store import items, listing, loads, outcomes, people, policies, reversals, stories
from serving.store import writeoffs as ledger
from serving.store.outcomes import Recorded
from serving.store.projects import Project
from serving.store.shelf import StoreShelf
from serving.store.store import Store, Unit
from serving.store.views import View
from serving.trail import MOST_IDS
from serving.worklist.choice import Draw
from serving.worklist.desk import Desk, Offer
from serving.worklist.detail import Detail, Line
from serving.worklist.events import Effort
from serving.worklist.hands import hands_for
from serving.worklist.item import READY, Item
from serving.worklist.listing import Decided, Page, Query, Totals, Week, Which
from serving.worklist.policy import Policy
from serving.worklist.reversals import Reversal, ReversalState, approved, refused
from serving.worklist.shelf import Entry
from serving.worklist.sight import Sight
from serving.worklist.since import ledger_since
from serving.worklist.steering import MOST_AT_ONCE, Steering, Tell, every

MOST_EXPORTED = 20_000
DECIDED_DAYS, OBJECTED_DAYS = 90, 30

OBJECTIONS = ("disagree", "needs")
"""Kinds of notes that say something against an item's ranking."""


def _untold(unit: Unit, who: Identity, action: str, ids: Sequence[str] = (), *, outcome: str = "done", purpose: str | None = None) -> None:
    """Write nothing."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What stands above the lists.

    Parameters
    ----------
    counts
        Items of each list.
    ready
        Sums of what waits.
    week
        The best of it that a week's hours are enough for, what of it brings more than it costs, and where the hours end.
    as_of, model_version
        The morning and the model of the scores; None before anything was loaded.
    policy
        How the queue is run.
    decided
        What was expected of the items decided within the last 90 days, and what came.
    """

    counts: Mapping[Which, int]
    ready: Totals
    week: Week
    as_of: date | None
    model_version: str | None
    policy: Policy
    decided: Decided


class Worklist:
    """The worklist of a store. Every method checks that `who` may do it, is one transaction, and is told to the access log with it.

    Somebody sees the rows of their own client, and of their facilities if they are bound to some; what is another's is NotFound.

    Parameters
    ----------
    store
        Where it is kept.
    clock
        Returns the moment, with its zone.
    today
        Returns the day on the wall of the practice.
    tell
        Writes the access log.
    sight
        Returns what the rules know just now; None where no rules are at hand.
    draw
        Random numbers in [0, 1).

    Examples
    --------
    ::

        worklist = Worklist(store, clock=lambda: datetime.now(UTC), today=date.today, tell=log.tell)
        offer = worklist.take_next(ana)
        with worklist.desk(ana) as desk:
            desk.send(offer.item.item_id, offer.item.version, follow_up_on=date(2026, 12, 1))
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        today: Callable[[], date],
        tell: Tell = _untold,
        sight: Callable[[], Sight | None] = lambda: None,
        draw: Draw = random.random,
    ) -> None:
        self._store, self._clock, self._today = store, clock, today
        self._tell, self._sight, self._draw = tell, sight, draw

    # ---- reading -----------------------------------------------------------------------------------------------------

    def page(self, who: Identity, query: Query) -> Page:
        """Return one page of a list; follow-ups that are due are `Query(Which.FOLLOW_UP)`."""
        who.check("queue.read")
        with self._store.write() as unit:
            found = listing.page(unit, who, query, now=self._clock(), today=self._today())
            self._tell(unit, who, "queue.read", [item.item_id for item in found.items])
            return found

    def totals(self, who: Identity, query: Query) -> Totals:
        """Return count, dollars and hours of a whole list."""
        who.check("queue.read")
        with self._store.read() as unit:
            return listing.totals(unit, who, query, now=self._clock(), today=self._today())

    def sums_by(self, who: Identity, query: Query, name: str) -> dict[str | None, Totals]:
        """Return the sums of a list by payer_id, assigned_to, project_id or the like; the one expected to bring most first."""
        who.check("queue.read")
        with self._store.read() as unit:
            return listing.sums_by(unit, who, query, name, now=self._clock(), today=self._today())

    def batches(self, who: Identity, most: int) -> dict[str, Totals]:
        """Return, by payer, what its best items would bring, as many as a batch holds; what brings most net first."""
        who.check("queue.read")
        with self._store.read() as unit:
            return listing.batches(unit, who, most, now=self._clock(), today=self._today())

    def every(self, who: Identity, query: Query, *, most: int = MOST_AT_ONCE) -> list[Item]:
        """Return the first items of a list, not only those of one page."""
        who.check("queue.read")
        with self._store.read() as unit:
            return every(unit, who, query, most, now=self._clock(), today=self._today())

    def find_many(self, who: Identity, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return those items that are there and theirs to see, by id."""
        who.check("queue.read")
        with self._store.read() as unit:
            found = items.find_many(unit, who.client_id, item_ids)
            return {key: item for key, item in found.items() if who.sees(item.client_id, item.worth.facility_id)}

    def hands(self, who: Identity, chosen: Sequence[Item]) -> tuple[str, ...]:
        """Return the subjects to whom at least one of some items may be given: they may work items, and see it."""
        who.check("queue.assign")
        with self._store.read() as unit:
            return hands_for(chosen, _staff(unit, who.client_id))

    def held(self, who: Identity, *, payer_id: str | None = None) -> list[Item]:
        """Return what somebody has taken and not begun to work, the best first."""
        now = self._clock()
        mine = self.every(who, Query(Which.MINE, payer_id=payer_id), most=200)
        return [item for item in mine if item.holder(now) == who.subject and item.state in READY]

    def objections(self, who: Identity) -> list[tuple[Entry, Item]]:
        """Return what staff said against the ranking within the last 30 days, the latest first: notes that disagree with a reason or say
        that something is missing, and what was skipped or given up."""
        who.check("queue.assign")
        with self._store.read() as unit:
            told = stories.lately(unit, who.client_id, ("note", "skipped", "closed"), self._clock() - timedelta(days=OBJECTED_DAYS))
            told = [entry for entry in told if entry.act != "note" or entry.facts.get("kind") in OBJECTIONS]
            found = items.find_many(unit, who.client_id, sorted({entry.item_id for entry in told}))
            seen = {key: item for key, item in found.items() if who.sees(item.client_id, item.worth.facility_id)}
            return [(entry, seen[entry.item_id]) for entry in told if entry.item_id in seen]

    def export(self, who: Identity, chosen: Query | Sequence[str]) -> list[Item]:
        """Return the items of a list, or some by id, to be taken out as a file; that is told with every id.

        Raises
        ------
        UsageError
            When there are more than 20,000.
        """
        who.check("export.read")
        with self._store.write() as unit:
            if isinstance(chosen, Query):
                found = every(unit, who, chosen, MOST_EXPORTED + 1, now=self._clock(), today=self._today())
            else:
                kept = items.find_many(unit, who.client_id, chosen)
                found = [kept[key] for key in chosen if key in kept and who.sees(who.client_id, kept[key].worth.facility_id)]
            if len(found) > MOST_EXPORTED:
                raise UsageError(f"an export holds at most {MOST_EXPORTED:,} items: narrow the list by a filter")
            ids = [item.item_id for item in found]
            for first in range(0, max(len(ids), 1), MOST_IDS):
                self._tell(unit, who, "export.read", ids[first : first + MOST_IDS])
            return found

    def counts(self, who: Identity) -> dict[Which, int]:
        """Return how many items each list has."""
        who.check("queue.read")
        with self._store.read() as unit:
            return listing.counts(unit, who, now=self._clock(), today=self._today())

    def scored_on(self, who: Identity) -> date | None:
        """Return the morning for which the queue was scored; None before anything was loaded."""
        with self._store.read() as unit:
            latest = loads.latest(unit, who.client_id)
            return latest["as_of"] if latest else None

    def overview(self, who: Identity) -> Overview:
        """Return counts of all lists, sums of what waits and what a week's hours would bring."""
        who.check("queue.read")
        with self._store.read() as unit:
            policy = policies.find(unit, who.client_id)
            now, today = self._clock(), self._today()
            latest = loads.latest(unit, who.client_id)
            return Overview(
                listing.counts(unit, who, now=now, today=today),
                listing.totals(unit, who, Query(), now=now, today=today),
                listing.week(unit, who, policy.hours_per_week, today=today),
                latest["as_of"] if latest else None,
                latest["model_version"] if latest else None,
                policy,
                listing.decided(unit, who, since=today - timedelta(days=DECIDED_DAYS)),
            )

    def lines(self, who: Identity, listed: Sequence[Item]) -> dict[str, Line]:
        """Return the write-off of each item that is expected to bring most, by item; for a page of a list, which was told already."""
        who.check("queue.read")
        with self._store.read() as unit:
            return details.main_lines(unit, who, listed, today=self._today(), sight=self._sight())

    def detail(self, who: Identity, item_id: str) -> Detail:
        """Return an item with its write-offs, amounts, reasons, guards, efforts, story, remittances and like past cases."""
        who.check("writeoff.read")
        with self._store.write() as unit:
            found = details.detail(unit, who, self._seen(unit, who, item_id), today=self._today(), sight=self._sight())
            self._tell(unit, who, "writeoff.read", [item_id, *(line.writeoff_id for line in found.lines)])
            return found

    def writeoff(self, who: Identity, writeoff_id: str) -> Detail | Line:
        """Return the item that a write-off is in, with all that belongs to it; one that is in none comes alone."""
        who.check("writeoff.read")
        with self._store.write() as unit:
            row = ledger.find(unit, who.client_id, [writeoff_id]).get(writeoff_id)
            if row is None or not who.sees(row["client_id"], row["facility_id"]):
                raise NotFound("there is no such write-off")
            found = details.of_writeoff(unit, who, row, today=self._today(), sight=self._sight())
            self._tell(unit, who, "writeoff.read", [writeoff_id])
            return found

    # ---- working -----------------------------------------------------------------------------------------------------

    def take_next(
        self,
        who: Identity,
        *,
        payer_id: str | None = None,
        carc: str | None = None,
        remedy: str | None = None,
        project_id: str | None = None,
    ) -> Offer | None:
        """Take the item to work next, and hold it for the minutes of a lease; None when nothing waits."""
        with self.desk(who) as desk:
            return desk.take_next(payer_id=payer_id, carc=carc, remedy=remedy, project_id=project_id)

    @contextmanager
    def desk(self, who: Identity, action: str = "queue.work") -> Iterator[Desk]:
        """Let somebody act on items within one transaction; see `Desk` for what they can do.

        `action` is what the access log calls it, and what `who` must be allowed.
        """
        with self._store.write() as unit, self.desk_in(unit, who, action) as desk:
            yield desk

    @contextmanager
    def desk_in(self, unit: Unit, who: Identity, action: str = "queue.work") -> Iterator[Desk]:
        """Let somebody act on items within a transaction that is under way; nothing else is written after it."""
        who.check(action)
        desk = Desk(
            StoreShelf(unit),
            who,
            now=self._clock(),
            today=self._today(),
            draw=self._draw,
            next_deadline=lambda item, level, day: self._next_deadline(unit, item, level, day),
            # Read once, and only where something is given: many items are given at once.
            staff=cache(lambda: _staff(unit, who.client_id)),
            known_since=lambda item: ledger_since(_ledger_of(unit, item)),
        )
        yield desk
        self._tell(unit, who, action, sorted(desk.touched))

    def record_in(self, unit: Unit, who: Identity, said: Sequence[Effort]) -> Recorded:
        """Record outcomes that somebody states of write-offs they may see, all or none.

        Raises
        ------
        NotFound
            When one of the write-offs is not there, or not theirs to see.
        """
        who.check("outcome.record")
        ids = sorted({effort.writeoff_id for effort in said})
        there = ledger.find(unit, who.client_id, ids)
        lacking = [key for key in ids if key not in there or not who.sees(who.client_id, there[key]["facility_id"])]
        if lacking:
            raise NotFound(f"{len(lacking)} of {len(ids)} write-offs are not there; nothing was recorded")
        limit = policies.find(unit, who.client_id).approval_over
        found = outcomes.record(
            unit, who.client_id, said, source="person", today=self._today(), at=self._clock(), by=who.subject, approval_over=limit
        )
        self._tell(unit, who, "outcome.record", ids)
        return found

    def _next_deadline(self, unit: Unit, item: Item, level: int, day: date) -> tuple[date | None, str | None]:
        sight = self._sight()
        if sight is None:
            return None, None
        return sight.next_deadline(_ledger_of(unit, item), item.remedy, level, day)

    # ---- how it is run -----------------------------------------------------------------------------------------------

    @property
    def steering(self) -> Steering:
        """Changes settings, projects and views within a transaction that is under way; what follows does it in one of its own."""
        return Steering(self._clock, self._today, self._tell)

    def set_policy(self, who: Identity, policy: Policy) -> Policy:
        """Set how the queue is run: lease, capacity, sample checks, limit of approval."""
        with self._store.write() as unit:
            return self.steering.set_policy(unit, who, policy)

    def policy(self, who: Identity) -> Policy:
        """Return how the queue is run."""
        with self._store.read() as unit:
            return self.steering.policy(unit, who)

    def make_project(self, who: Identity, *, name: str, cause: str, template: str = "", query: Query | None = None) -> tuple[Project, int]:
        """Begin a project, and tell how many items of the query went into it."""
        with self._store.write() as unit:
            return self.steering.make_project(unit, who, name=name, cause=cause, template=template, query=query)

    def project(self, who: Identity, project_id: str) -> tuple[Project, Totals]:
        """Return a project and the sums of its items."""
        with self._store.read() as unit:
            return self.steering.project(unit, who, project_id)

    def projects(self, who: Identity) -> list[Project]:
        """Return the client's projects, the latest first."""
        with self._store.read() as unit:
            return self.steering.projects(unit, who)

    def change_project(
        self,
        who: Identity,
        project_id: str,
        *,
        name: str | None = None,
        cause: str | None = None,
        template: str | None = None,
        is_ended: bool | None = None,
    ) -> Project:
        """Change the words of a project, or end it; None leaves what is."""
        with self._store.write() as unit:
            words = {"name": name, "cause": cause, "template": template}
            return self.steering.change_project(unit, who, project_id, words, is_ended=is_ended)

    def views(self, who: Identity) -> list[View]:
        """Return one's own saved views and shared ones."""
        with self._store.read() as unit:
            return self.steering.views(unit, who)

    def save_view(self, who: Identity, name: str, query: Mapping[str, str], *, is_shared: bool = False) -> View:
        """Save filters and order under a name."""
        with self._store.write() as unit:
            return self.steering.save_view(unit, who, name, query, is_shared=is_shared)

    def remove_view(self, who: Identity, name: str) -> None:
        """Remove one of one's own views."""
        with self._store.write() as unit:
            self.steering.remove_view(unit, who, name)

    # ---- reversals ---------------------------------------------------------------------------------------------------

    def waiting_reversals(self, who: Identity, *, after: str = "", most: int = 100) -> list[Reversal]:
        """Return requests above the limit, which a second person has to approve."""
        who.check("reversal.approve")
        with self._store.read() as unit:
            waiting, seen = ReversalState.WAITING, who.facilities
            return reversals.in_state(unit, who.client_id, waiting, facilities=seen, after=after, most=min(most, 200))

    def approve_reversal(self, who: Identity, reversal_id: str) -> Reversal:
        """Approve a request; not by the one who asked, whose attempt is told."""
        return self._decide(who, reversal_id, lambda found: approved(found, by=who.subject, at=self._clock()), "approved")

    def refuse_reversal(self, who: Identity, reversal_id: str, *, reason: str, note: str = "") -> Reversal:
        """Refuse a request that waits, or one that went out and that the ledger did not take; raises as `reversals.refused`.

        The access log tells the reason; what was said beside it stands in the store alone, for people write of patients.
        """
        told = f"refused: {reason}"
        return self._decide(
            who, reversal_id, lambda found: refused(found, by=who.subject, at=self._clock(), reason=reason, note=note), told
        )

    def _decide(self, who: Identity, reversal_id: str, decide: Callable[[Reversal], Reversal], told: str) -> Reversal:
        who.check("reversal.approve")
        with self._store.write() as unit:
            found = reversals.find(unit, who.client_id, reversal_id)
            if found is None or not self._sees(unit, who, found.writeoff_id):
                raise NotFound("there is no such request")
            try:
                changed = decide(found)
            except NotPermitted as error:
                self._tell(unit, who, "reversal.approve", [found.writeoff_id], outcome="refused")
                barred = error
            else:
                reversals.keep(unit, changed)
                self._tell(unit, who, "reversal.approve", [found.writeoff_id], purpose=told)
                return changed
        raise barred

    def export_reversals(self, who: Identity, batch_id: str) -> Sequence[Reversal]:
        """Give all approved requests to a file for the ledger, once; the same batch gives the same requests again."""
        who.check("export.read")
        if not batch_id or len(batch_id) > 64:
            raise UsageError("a batch has a name of 1 to 64 characters")
        with self._store.write() as unit:
            found = reversals.export(unit, who.client_id, batch_id, facilities=who.facilities)
            self._tell(unit, who, "export.read", [one.writeoff_id for one in found][:1000])
            return found

    # ---- how ---------------------------------------------------------------------------------------------------------

    def _sees(self, unit: Unit, who: Identity, writeoff_id: str) -> bool:
        found = ledger.find(unit, who.client_id, [writeoff_id]).get(writeoff_id)
        return found is not None and who.sees(who.client_id, found["facility_id"])

    def _seen(self, unit: Unit, who: Identity, item_id: str) -> Item:
        item = items.find(unit, who.client_id, item_id)
        if item is None or not who.sees(item.client_id, item.worth.facility_id):
            raise NotFound("there is no such item")
        return item


def _ledger_of(unit: Unit, item: Item) -> list[dict[str, Any]]:
    ids = [part.writeoff_id for part in StoreShelf(unit).parts(item)]
    return list(ledger.find(unit, item.client_id, ids).values())


def _staff(unit: Unit, client_id: str) -> dict[str, Identity]:
    return {
        person.subject: Identity(person.subject, "session", person.role, person.client_id, person.facilities)
        for person in people.everybody(unit, client_id)
        if not person.is_barred
    }
