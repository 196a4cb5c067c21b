"""Sessions of people who signed in, and tickets that open one once; of their secrets only digests are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, Text, delete, insert, select, update

from serving.access import Role
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

sessions = Table(
    "sessions",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("person_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("role", Text),
    Column("purpose", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False, index=True),
)
"""`role` stands for the person's own where it is not null: in an emergency."""

tickets = Table(
    "tickets",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("content", Document, nullable=False),
    Column("ends_at", Moment, nullable=False, index=True),
)
"""What is good for one use within minutes: a sign-in link, or the memory of a sign-in that an identity provider will answer."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in.

    Parameters
    ----------
    kind
        `session`, or `break_glass` in an emergency.
    role
        The role in its place, in an emergency.
    purpose
        The reason that was given; empty for the daily work.
    """

    digest: str = field(repr=False)
    person_id: str
    kind: str
    opened_at: datetime
    seen_at: datetime
    ends_at: datetime
    role: Role | None = None
    purpose: str = ""


def open_session(unit: Unit, session: Session) -> None:
    """Add a session."""
    row: dict[str, Any] = {column.name: getattr(session, column.name) for column in sessions.columns}
    unit.connection.execute(insert(sessions), row | {"role": None if session.role is None else str(session.role)})


def of_digest(unit: Unit, digest: str) -> Session | None:
    """Return the session of a digest."""
    found = unit.connection.execute(select(sessions).where(sessions.c.digest == digest)).one_or_none()
    if found is None:
        return None
    known: dict[str, Any] = dict(found._mapping)
    return Session(**(known | {"role": None if known["role"] is None else Role(known["role"])}))


def see(unit: Unit, digest: str, at: datetime) -> None:
    """Note that a session was used."""
    unit.connection.execute(update(sessions).where(sessions.c.digest == digest, sessions.c.seen_at < at).values(seen_at=at))


def close(unit: Unit, digest: str) -> bool:
    """End a session; tell whether there was one."""
    return unit.connection.execute(delete(sessions).where(sessions.c.digest == digest)).rowcount > 0


def close_all(unit: Unit, person_id: str, *, but: str = "") -> int:
    """End all sessions of a person but one, and return how many."""
    return unit.connection.execute(delete(sessions).where(sessions.c.person_id == person_id, sessions.c.digest != but)).rowcount


def give_ticket(unit: Unit, digest: str, kind: str, content: Mapping[str, str], ends_at: datetime) -> None:
    """Keep a ticket."""
    unit.connection.execute(insert(tickets), {"digest": digest, "kind": kind, "content": dict(content), "ends_at": ends_at})


def spend_ticket(unit: Unit, digest: str, kind: str, now: datetime) -> dict[str, str] | None:
    """Take a ticket away and return its content; None where there is none, or no longer. Of two who spend it at once, one does."""
    spent = delete(tickets).where(tickets.c.digest == digest, tickets.c.kind == kind, tickets.c.ends_at > now).returning(tickets.c.content)
    found = unit.connection.execute(spent).one_or_none()
    return None if found is None else dict(found.content)


def clear(unit: Unit, now: datetime) -> None:
    """Forget sessions and tickets whose time is over."""
    for table in (sessions, tickets):
        unit.connection.execute(delete(table).where(table.c.ends_at <= now))
