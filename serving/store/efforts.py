"""Outcomes: events that are only ever added, and beside them the efforts that they add up to now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Index, Integer, Table, Text, delete, false, insert, select, tuple_
from sqlalchemy.dialects import sqlite

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit
from serving.worklist.events import PENDING, Effort, Event, Kind, add, fold

Counter = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
"""A key that the database counts up; SQLite counts only INTEGER."""

events = Table(
    "outcome_events",
    METADATA,
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("client_id", Text, nullable=False),
    Column("writeoff_id", Text, nullable=False),
    Column("effort_id", Text, nullable=False),
    Column("item_id", Text),
    Column("kind", Text, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("shifted", BigInteger, nullable=False),
    Column("patient_paid", BigInteger, nullable=False),
    Column("hours", Float, nullable=False),
    Column("status", Text),
    Column("worked_on", Date),
    Column("resolved_on", Date),
    Column("action", Text),
    Column("level", Integer),
    Column("channel", Text),
    Column("sent_on", Date),
    Column("reference", Text),
    Column("follow_up_on", Date),
    Column("is_reopened", Boolean, nullable=False),
    Column("is_void", Boolean, nullable=False, server_default=false()),
    Column("explored", Boolean),
    Column("lot_share", Float),
    Column("came_with", Text),
    Column("chance", Float),
    Column("source_effort_id", Text),
    Index("ix_outcome_events_effort", "client_id", "writeoff_id", "effort_id", "sequence"),
)
"""One row per event; the database refuses to change or delete one."""

efforts = Table(
    "efforts",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("writeoff_id", Text, primary_key=True),
    Column("effort_id", Text, primary_key=True),
    Column("item_id", Text),
    Column("worked_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("resolved_on", Date),
    Column("recovered", BigInteger),
    Column("taken_back", BigInteger, nullable=False),
    Column("shifted", BigInteger, nullable=False),
    Column("patient_paid", BigInteger, nullable=False),
    Column("hours", Float),
    Column("action", Text),
    Column("level", Integer),
    Column("channel", Text),
    Column("sent_on", Date),
    Column("reference", Text),
    Column("follow_up_on", Date),
    Column("explored", Boolean),
    Column("lot_share", Float),
    Column("came_with", Text),
    Column("chance", Float),
    Column("source", Text, nullable=False),
    Column("source_effort_id", Text),
    Index("ix_efforts_source", "client_id", "writeoff_id", "source_effort_id"),
    Index("ix_efforts_item", "client_id", "item_id"),
)
"""One row per effort: what its events add up to now."""

_EFFORT = tuple(field.name for field in fields(Effort))
_EVENT = tuple(field.name for field in fields(Event))


def find(unit: Unit, client_id: str, writeoff_id: str, effort_id: str) -> Effort | None:
    """Return an effort as it is known now."""
    c = efforts.c
    statement = select(efforts).where(c.client_id == client_id, c.writeoff_id == writeoff_id, c.effort_id == effort_id)
    row = unit.connection.execute(statement.with_for_update()).mappings().first()
    return None if row is None else Effort(**{name: row[name] for name in _EFFORT})


def of_writeoffs(unit: Unit, client_id: str, writeoff_ids: Sequence[str]) -> list[Effort]:
    """Return all efforts on some write-offs, by write-off, day and id."""
    c = efforts.c
    statement = select(efforts).where(c.client_id == client_id, c.writeoff_id.in_(writeoff_ids))
    rows = unit.connection.execute(statement.order_by(c.writeoff_id, c.worked_on, c.effort_id)).mappings()
    return [Effort(**{name: row[name] for name in _EFFORT}) for row in rows]


def names_of(unit: Unit, client_id: str, writeoff_ids: Sequence[str]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return what other tellers call the efforts on some write-offs: by write-off and effort, each source and its id.

    An effort keeps its latest such name; its events have all of them.
    """
    c = events.c
    statement = select(c.writeoff_id, c.effort_id, c.source, c.source_effort_id).distinct()
    statement = statement.where(c.client_id == client_id, c.writeoff_id.in_(writeoff_ids), c.source_effort_id.is_not(None))
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for writeoff_id, effort_id, source, name in unit.connection.execute(statement):
        found.setdefault((writeoff_id, effort_id), set()).add((source, name))
    return found


def record(unit: Unit, client_id: str, event: Event, *, at: datetime, by: str, item_id: str | None) -> tuple[Effort | None, int]:
    """Add an event and return the effort that it makes (None: it voids it), and the number of the event.

    Raises
    ------
    CheckFailed
        When more would be taken back than came.
    """
    before = find(unit, client_id, event.writeoff_id, event.effort_id)
    after = None if event.is_void else add(before, event)
    row: dict[str, Any] = {name: getattr(event, name) for name in _EVENT}
    row |= {"kind": event.kind.value, "client_id": client_id, "item_id": item_id, "recorded_at": at, "recorded_by": by}
    told = unit.connection.execute(insert(events).values(row))
    if after is None:
        c = efforts.c
        gone = (c.client_id == client_id) & (c.writeoff_id == event.writeoff_id) & (c.effort_id == event.effort_id)
        unit.connection.execute(delete(efforts).where(gone))
    else:
        kept = asdict(after) | {"client_id": client_id, "item_id": item_id}
        unit.upsert(efforts, [kept], update=[name for name in kept if name not in ("client_id", "writeoff_id", "effort_id")])
    number = told.inserted_primary_key
    assert number is not None
    return after, int(number[0])


def as_known(unit: Unit, client_id: str, as_of: date | None = None, *, since: date | None = None) -> Iterator[tuple[Effort, date | None]]:
    """Yield every effort of a client as it was known on the morning of a day (None: now), with the day its state became known.

    By write-off and effort; with `since` only those of which something became known, or says that it was decided, on that day or later.
    """
    c = events.c
    statement = select(events).where(c.client_id == client_id).order_by(c.writeoff_id, c.effort_id, c.sequence)
    if since is not None:
        fresh = select(c.writeoff_id, c.effort_id).where(c.client_id == client_id, (c.known_on >= since) | (c.resolved_on >= since))
        statement = statement.where(tuple_(c.writeoff_id, c.effort_id).in_(fresh))
    statement = statement.execution_options(yield_per=2000)
    group: list[Event] = []
    for row in unit.connection.execute(statement).mappings():
        event = Event(**({name: row[name] for name in _EVENT} | {"kind": Kind(row["kind"])}))
        if group and (group[0].writeoff_id, group[0].effort_id) != (event.writeoff_id, event.effort_id):
            yield from _folded(group, as_of)
            group = []
        group.append(event)
    if group:
        yield from _folded(group, as_of)


def _folded(group: list[Event], as_of: date | None) -> Iterator[tuple[Effort, date | None]]:
    effort = fold(group, as_of=as_of)
    if effort is not None:
        seen = [event for event in group if as_of is None or event.known_on < as_of]
        # An end without a day is known since it was told.
        known = [event.known_on for event in seen if event.resolved_on is not None or event.status not in (None, PENDING)]
        yield effort, known[-1] if known else None
