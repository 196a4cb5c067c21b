"""Saved views: filters and order of the queue under a name, one's own or shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from sqlalchemy import Boolean, Column, Table, Text, delete, or_, select

from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

views = Table(
    "saved_views",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("query", Document, nullable=False),
    Column("is_shared", Boolean, nullable=False),
    Column("saved_at", Moment, nullable=False),
)
"""One row per client, owner and name."""

MOST_VIEWS = 100


@dataclass(frozen=True, slots=True)
class View:
    """Filters and order under a name; `query` holds the fields of a `Query` that are not as usual, as text."""

    client_id: str
    owner: str
    name: str
    saved_at: datetime
    query: Mapping[str, str] = field(default_factory=dict)
    is_shared: bool = False


def keep(unit: Unit, view: View) -> None:
    """Save a view, in the place of the owner's one of that name."""
    unit.upsert(views, [asdict(view) | {"query": dict(view.query)}], update=["query", "is_shared", "saved_at"])


def seen_by(unit: Unit, client_id: str, owner: str) -> list[View]:
    """Return the views that somebody sees: their own and shared ones, by name."""
    c = views.c
    statement = (
        select(views).where(c.client_id == client_id, or_(c.owner == owner, c.is_shared)).order_by(c.name, c.owner).limit(MOST_VIEWS)
    )
    return [View(**{item.name: row[item.name] for item in fields(View)}) for row in unit.connection.execute(statement).mappings()]


def remove(unit: Unit, client_id: str, owner: str, name: str) -> bool:
    """Remove a view; False if there is none of that owner."""
    c = views.c
    statement = delete(views).where(c.client_id == client_id, c.owner == owner, c.name == name)
    return unit.connection.execute(statement).rowcount == 1
