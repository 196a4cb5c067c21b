"""Outcomes from people, files and remittances into the store, and out of it as the table that models learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, select

from features.batch import Batch
from features.norms import follow_up_days
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary
from serving.store import efforts, items, reversals, scores, stories, writeoffs
from serving.store.rows import batch_of
from serving.store.store import Unit
from serving.worklist.events import PENDING, Effort, Event, Kind
from serving.worklist.item import Item, State
from serving.worklist.reversals import Reversal, ReversalState, needs_second
from serving.worklist.shelf import Entry
from serving.worklist.statements import NO_EFFORT, differences
from serving.worklist.tellers import Known, match

IN_WORK = (State.OPEN, State.DRAFTED, State.SENT, State.NEXT_LEVEL)

PAID = ("recovered", "partially_recovered", "settled")
"""Statuses that say that money came."""

ASKS_LEDGER = ("person", "remit")
"""Sources whose dollars are news to the ledger; a file tells of the past."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of outcomes that were stated.

    Parameters
    ----------
    stated
        How many there were.
    events
        Events that were added; 0 where all was known.
    unknown
        Outcomes on write-offs that the store does not have; nothing is kept of them.
    items
        Items that changed for it.
    """

    stated: int = 0
    events: int = 0
    unknown: int = 0
    items: int = 0


def said_by(row: Mapping[str, Any]) -> Effort:
    """Return the effort that a row of the table of outcomes states."""
    return Effort(
        writeoff_id=row["writeoff_id"],
        effort_id=row["effort_id"] or NO_EFFORT,
        worked_on=row["worked_date"],
        status=row["status"],
        resolved_on=row["resolved_date"],
        recovered=row["recovered_amount"],
        taken_back=row["taken_back_amount"] or 0,
        shifted=row["shifted_to_patient_amount"] or 0,
        patient_paid=row["patient_paid_amount"] or 0,
        hours=row["hours_spent"],
        action=row["action"],
        level=row["level"],
        channel=row["channel"],
        sent_on=row["sent_date"],
        reference=row["reference_number"],
        follow_up_on=row["follow_up_date"],
        explored=row["explored"],
        chance=row["selection_probability"],
    )


def record(
    unit: Unit, client_id: str, said: Sequence[Effort], *, source: str, today: date, at: datetime, by: str, approval_over: int = 0
) -> Recorded:
    """Record outcomes: what is news becomes an event, what is known already becomes nothing, whatever order they come in.

    An item whose write-off was paid is won; one that was refused is to be asked about today.

    Raises
    ------
    CheckFailed
        When more would be taken back than came.
    """
    ids = sorted({one.writeoff_id for one in said})
    there = writeoffs.find(unit, client_id, ids)
    places = scores.of_writeoffs(unit, client_id, ids)
    names, known = efforts.names_of(unit, client_id, ids), dict[str, list[Known]]()
    for effort in efforts.of_writeoffs(unit, client_id, ids):
        called = frozenset(names.get((effort.writeoff_id, effort.effort_id), ()))
        known.setdefault(effort.writeoff_id, []).append(Known(effort, called))
    events, changed = 0, set()

    def keep(event: Event, item_id: str | None) -> Effort | None:
        after, number = efforts.record(unit, client_id, event, at=at, by=by, item_id=item_id)
        key, amount = event.writeoff_id, there[event.writeoff_id]["writeoff_amount"] or 0
        before = reversals.asked_of(unit, client_id, [key]) if event.cents and source in ASKS_LEDGER else {}
        # The ledger puts back no more than it was asked to reverse: what a file told of was settled without us.
        cents = event.cents if event.cents > 0 else max(event.cents, -before.get(key, 0))
        if cents and source in ASKS_LEDGER:
            waits = needs_second({key: cents}, before=before, written_off={key: amount}, limit=approval_over)
            state = ReversalState.WAITING if waits else ReversalState.APPROVED
            name = f"{event.effort_id}.{event.writeoff_id}.{number}"
            reversals.ask(unit, Reversal(client_id, name, item_id, key, cents, event.known_on, by, at, state))
        return after

    for one in said:
        if one.writeoff_id not in there:
            continue
        item_id = places[one.writeoff_id]["item_id"] if one.writeoff_id in places else None
        held = known.setdefault(one.writeoff_id, [])
        found = match(one, held, source=source, item_id=item_id)
        before = None if found.known is None else found.known.effort
        news = differences(before, found.said, source=source, today=today)
        if before is None:
            news[0] = replace(news[0], explored=one.explored, chance=one.chance)
        if found.doubled is not None:
            held.remove(found.doubled)
            keep(Event(one.writeoff_id, one.effort_id, Kind.CORRECTED, today, source, is_void=True), item_id)
        after = before
        for event in news:
            after = keep(event, item_id)
        events += len(news) + (found.doubled is not None)
        if after is None or not news:
            continue
        held[:] = [other for other in held if other.effort.effort_id != after.effort_id] + [found.told(after, (source, one.effort_id))]
        if item_id is not None and _tell_item(unit, client_id, item_id, before, after, source=source, today=today, at=at, by=by):
            changed.add(item_id)
    return Recorded(len(said), events, sum(one.writeoff_id not in there for one in said), len(changed))


def _tell_item(
    unit: Unit, client_id: str, item_id: str, before: Effort | None, after: Effort, *, source: str, today: date, at: datetime, by: str
) -> bool:
    """Move an item for what became known of one of its write-offs; True if it was changed."""
    item = items.find(unit, client_id, item_id, lock=True)
    if item is None:
        return False
    gained = _brought(after) - (_brought(before) if before is not None else 0)
    work = {"leased_to": None, "leased_until": None, "snoozed_until": None}
    if gained > 0 and item.state in IN_WORK:
        changed = replace(item, state=State.WON, decided_on=after.resolved_on or today, follow_up_on=None, **work)  # type: ignore[arg-type]
        return _keep(unit, item, changed, "paid", {"cents": gained}, at=at, by=by)
    if gained < 0:
        return _keep(unit, item, item, "taken_back", {"cents": gained}, at=at, by=by)
    is_refusal = (after.status in ("denied", "upheld_next_level_open") or _brought_nothing(after)) and (
        before is None or before.status == PENDING
    )
    if is_refusal and item.state is State.SENT:
        # People say whether that was the last word or goes to the next level.
        return _keep(unit, item, replace(item, follow_up_on=today), "refused", {"status": after.status}, at=at, by=by)
    if source == "file" and before is None and _is_untouched(item) and (found := worked_elsewhere(item, after, today)) is not None:
        return _keep(unit, item, found, "elsewhere", {"status": after.status}, at=at, by=by)
    return False


def _brought(effort: Effort) -> int:
    """Return the payer cash that an effort brought; what is pending brought nothing yet, whatever is written beside it."""
    return 0 if effort.status == PENDING else effort.net


def _brought_nothing(effort: Effort) -> bool:
    """Tell whether an effort that is called won ended without a dollar: the dollars decide, as they do in training."""
    return effort.status in PAID and effort.resolved_on is not None and effort.recovered == 0


def _is_untouched(item: Item) -> bool:
    """Tell whether nobody here has an item or has begun it; one that was lost without that is lost by what a file said before."""
    return item.state in (State.OPEN, State.LOST) and item.worked_on is None and item.leased_to is None and item.assigned_to is None


def worked_elsewhere(item: Item, effort: Effort, today: date) -> Item | None:
    """Return an item that nobody has touched here as an effort made elsewhere leaves it; None where it waits as before.

    What is under way is with the payer, and is asked about when an answer is due where nobody said when. What was refused for good
    is lost; where the next level is open somebody is to go there.
    """
    sent = min(effort.sent_on or effort.worked_on, today)
    if effort.status == PENDING:
        usual = timedelta(days=follow_up_days(item.remedy, is_medicare=False))
        return replace(item, state=State.SENT, sent_on=sent, follow_up_on=effort.follow_up_on or sent + usual)
    if effort.status == "upheld_next_level_open":
        return replace(item, state=State.SENT, sent_on=sent, follow_up_on=today)
    if effort.status in ("denied", "expired") or _brought_nothing(effort):
        return replace(item, state=State.LOST, decided_on=effort.resolved_on or today)
    return None


def _keep(unit: Unit, item: Item, changed: Item, act: str, facts: dict[str, Any], *, at: datetime, by: str) -> bool:
    after = replace(changed, version=item.version + 1, changed_at=at, changed_by=by)
    items.keep_work(unit, after, seen=item.version)
    stories.tell(unit, Entry(item.client_id, item.item_id, at, by, act, item.state, after.state, "", facts))
    return True


# ---- for learning ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cohort:
    """Items drawn as sample checks with one load: how many, how many of them began as such, and how many began otherwise."""

    drawn: int
    by_lot: int
    otherwise: int

    def chance(self, share: float, *, is_by_lot: bool) -> float:
        """Return the chance that an item was drawn and begun.

        One that was begun in its own right would have been begun drawn or not: its chance is that of the draw. Of the others as many
        were begun as the turns of sample checks were enough for, in random order.

        >>> Cohort(drawn=100, by_lot=45, otherwise=10).chance(0.02, is_by_lot=True)
        0.01
        """
        if not is_by_lot:
            return share
        return share * self.by_lot / max(self.drawn - self.otherwise, 1)


def cohorts(unit: Unit, client_id: str) -> dict[str | None, Cohort]:
    """Return the cohorts of a client's sample checks, by load."""
    i, e = items.items.c, efforts.efforts.c
    begun = select(e.item_id).where(e.client_id == client_id, e.item_id == i.item_id, e.explored).exists()
    by_lot = func.sum(case((and_(begun, i.chosen == "lot"), 1), else_=0))
    otherwise = func.sum(case((and_(begun, i.chosen.is_distinct_from("lot")), 1), else_=0))
    statement = select(i.came_with, func.count(), by_lot, otherwise).where(i.client_id == client_id, i.in_lot).group_by(i.came_with)
    return {row[0]: Cohort(int(row[1]), int(row[2]), int(row[3])) for row in unit.connection.execute(statement)}


def outcomes_of(unit: Unit, client_id: str, vocabulary: Vocabulary, *, as_of: date | None = None, since: date | None = None) -> Batch:
    """Return the table of outcomes as it was known on the morning of a day (None: now), for `train` and `evaluate`.

    `resolved_date` is the day an outcome became known, or the day it says if that is later. `explored` and `selection_probability` are
    of the draw of sample checks; see `Cohort`. With `since` the table has only efforts that that day or a later one told of.
    """
    drawn = cohorts(unit, client_id)
    lots = _chosen_by_lot(unit, client_id)
    rows = []
    for effort, known_on in efforts.as_known(unit, client_id, as_of, since=since):
        chance = effort.chance
        if effort.explored and effort.lot_share:
            cohort = drawn.get(effort.came_with, Cohort(1, 1, 0))
            chance = cohort.chance(effort.lot_share, is_by_lot=effort.effort_id.rpartition(".")[0] in lots)
        rows.append(_row(effort, known_on, chance))
    return batch_of(rows, OUTCOMES, vocabulary)


def writeoffs_of(unit: Unit, client_id: str, vocabulary: Vocabulary) -> Batch:
    """Return the client's write-offs as the store has them, for `train` and `evaluate`."""
    statement = select(writeoffs.writeoffs).where(writeoffs.writeoffs.c.client_id == client_id)
    rows = [dict(row) for row in unit.connection.execute(statement.order_by(writeoffs.writeoffs.c.writeoff_id)).mappings()]
    found = batch_of(rows, WRITEOFFS, vocabulary)
    for name in sorted({name for row in rows for name in row["extras"]}):
        found.extras[name] = _texts(row["extras"].get(name) for row in rows)
    return found


def _texts(values: Iterable[str | None]) -> Any:
    import numpy as np

    told = list(values)
    found = np.empty(len(told), dtype=object)
    found[:] = told
    return found


def _chosen_by_lot(unit: Unit, client_id: str) -> set[str]:
    i = items.items.c
    return set(unit.connection.execute(select(i.item_id).where(i.client_id == client_id, i.in_lot, i.chosen == "lot")).scalars())


def _row(effort: Effort, known_on: date | None, chance: float | None) -> dict[str, Any]:
    resolved, is_open = effort.resolved_on or known_on, effort.status == PENDING
    if resolved is not None and known_on is not None:
        resolved = max(resolved, known_on)
    return {
        "writeoff_id": effort.writeoff_id,
        "effort_id": None if effort.effort_id == NO_EFFORT else effort.effort_id,
        "worked_date": effort.worked_on,
        "action": effort.action,
        "level": effort.level,
        "channel": effort.channel,
        "sent_date": effort.sent_on,
        "reference_number": effort.reference,
        "follow_up_date": effort.follow_up_on,
        "resolved_date": None if is_open else resolved,
        "status": effort.status,
        "recovered_amount": None if is_open else effort.recovered,
        "taken_back_amount": None if is_open else effort.taken_back,
        "shifted_to_patient_amount": None if is_open else effort.shifted,
        "patient_paid_amount": None if is_open else effort.patient_paid,
        "hours_spent": effort.hours,
        "explored": effort.explored,
        "selection_probability": chance,
    }
