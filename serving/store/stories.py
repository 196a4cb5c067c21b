"""The story of each item: every act, note and call, in order; and every choice of the queue with its chance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, RowMapping, Table, Text, insert, select

from serving.store.efforts import Counter
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit
from serving.worklist.choice import Choice
from serving.worklist.item import Item, State
from serving.worklist.shelf import Entry

entries = Table(
    "item_entries",
    METADATA,
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("client_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", Document, nullable=False),
    Index("ix_item_entries_item", "client_id", "item_id", "sequence"),
    Index("ix_item_entries_at", "client_id", "at"),
)
"""One row per line of an item's story."""

choices = Table(
    "choices",
    METADATA,
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("client_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("chance", Float),
    Column("waiting", Integer, nullable=False),
    Index("ix_choices_item", "client_id", "item_id"),
)
"""One row per item that was offered or picked: how, the chance of it, and how many sample checks waited."""


def tell(unit: Unit, entry: Entry) -> None:
    """Add a line."""
    row: dict[str, Any] = {name: getattr(entry, name) for name in ("client_id", "item_id", "at", "by", "act", "text")}
    row |= {"before": entry.before.value, "after": entry.after.value, "facts": dict(entry.facts)}
    unit.connection.execute(insert(entries), [row])


def of_item(unit: Unit, client_id: str, item_id: str, *, most: int = 200) -> list[Entry]:
    """Return the latest lines of an item, oldest first."""
    c = entries.c
    statement = select(entries).where(c.client_id == client_id, c.item_id == item_id).order_by(c.sequence.desc()).limit(most)
    rows = list(unit.connection.execute(statement).mappings())
    return [_of_row(row) for row in reversed(rows)]


def told_of(unit: Unit, client_id: str, item_ids: Sequence[str]) -> set[str]:
    """Return those of some items that have a story."""
    c = entries.c
    statement = select(c.item_id).where(c.client_id == client_id, c.item_id.in_(item_ids)).distinct()
    return set(unit.connection.execute(statement).scalars())


def lately(unit: Unit, client_id: str, acts: Sequence[str], since: datetime, *, most: int = 1000) -> list[Entry]:
    """Return the latest lines of some acts on any item since a moment, the latest first."""
    c = entries.c
    statement = select(entries).where(c.client_id == client_id, c.at >= since, c.act.in_(acts)).order_by(c.at.desc(), c.sequence.desc())
    return [_of_row(row) for row in unit.connection.execute(statement.limit(most)).mappings()]


def arguments(unit: Unit, client_id: str, item_ids: Collection[str]) -> dict[str, str]:
    """Return what efforts of some items were said to rest on when they were sent, by effort."""
    c = entries.c
    statement = select(c.facts).where(c.client_id == client_id, c.item_id.in_(sorted(item_ids)), c.act == "sent").order_by(c.sequence)
    told = (facts for facts in unit.connection.execute(statement).scalars() if facts.get("argument"))
    return {str(facts["effort_id"]): str(facts["argument"]) for facts in told}


def _of_row(row: RowMapping) -> Entry:
    same = {name: row[name] for name in ("client_id", "item_id", "at", "by", "act", "text", "facts")}
    return Entry(**same, before=State(row["before"]), after=State(row["after"]))


def chose(unit: Unit, item: Item, choice: Choice, *, at: datetime, by: str) -> None:
    """Log a choice."""
    row = {"client_id": item.client_id, "item_id": item.item_id, "at": at, "by": by}
    unit.connection.execute(insert(choices), [row | {"how": choice.how.value, "chance": choice.chance, "waiting": choice.waiting}])
