"""People who sign in: one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Row, Table, Text, UniqueConstraint, insert, select, update

from serving.access import Role
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

people = Table(
    "people",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("facilities", Document),
    Column("password_hash", Text),
    Column("is_temporary", Boolean, nullable=False),
    Column("provider_subject", Text),
    Column("is_barred", Boolean, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("locked_until", Moment),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("name"),
    UniqueConstraint("provider_subject"),
    UniqueConstraint("person_id"),
)
"""`name` is what a person signs in with, in lower case; `provider_subject` is issuer and subject of an identity provider."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in.

    Parameters
    ----------
    password_hash
        None for who signs in with an identity provider only.
    is_temporary
        Whether the password must be changed before anything else.
    failures, locked_until
        Wrong passwords in a row, and until when no further one is looked at.
    """

    client_id: str
    person_id: str
    name: str
    role: Role
    created_at: datetime
    facilities: frozenset[str] | None = None
    password_hash: str | None = field(default=None, repr=False)
    is_temporary: bool = False
    provider_subject: str | None = None
    is_barred: bool = False
    failures: int = 0
    locked_until: datetime | None = None

    @property
    def subject(self) -> str:
        """Name for the access log."""
        return f"person:{self.name}"

    def is_locked(self, now: datetime) -> bool:
        """Tell whether passwords are not looked at for the time being."""
        return self.locked_until is not None and now < self.locked_until


def add(unit: Unit, person: Person) -> None:
    """Add a person; a name that is taken breaks a rule of the store."""
    unit.connection.execute(insert(people), {**_row(person)})


def named(unit: Unit, name: str) -> Person | None:
    """Return the person of a name, whose row is then this unit's if it writes."""
    return _one(unit, people.c.name == name.lower())


def of_provider(unit: Unit, provider_subject: str) -> Person | None:
    """Return the person whom an identity provider means."""
    return _one(unit, people.c.provider_subject == provider_subject)


def by_id(unit: Unit, person_id: str) -> Person | None:
    """Return the person of an id."""
    return _one(unit, people.c.person_id == person_id)


def everybody(unit: Unit, client_id: str | None = None) -> Sequence[Person]:
    """Return all people, of one client if named, by name."""
    query = select(people).order_by(people.c.name)
    if client_id is not None:
        query = query.where(people.c.client_id == client_id)
    return [_person(row) for row in unit.connection.execute(query)]


def change(unit: Unit, person_id: str, **columns: Any) -> None:
    """Change columns of a person."""
    unit.connection.execute(update(people).where(people.c.person_id == person_id).values(**columns))


def _one(unit: Unit, condition: Any) -> Person | None:
    query = select(people).where(condition)
    found = unit.connection.execute(query.with_for_update() if unit.is_writing else query).one_or_none()
    return None if found is None else _person(found)


def _row(person: Person) -> dict[str, Any]:
    row: dict[str, Any] = {column.name: getattr(person, column.name) for column in people.columns}
    return row | {"role": str(person.role), "facilities": None if person.facilities is None else sorted(person.facilities)}


def _person(row: Row[Any]) -> Person:
    known: dict[str, Any] = dict(row._mapping)
    facilities = known["facilities"]
    return Person(**(known | {"role": Role(known["role"]), "facilities": None if facilities is None else frozenset(facilities)}))
