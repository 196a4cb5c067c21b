"""Keys of programs: one row each, without the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Table, Text, UniqueConstraint, insert, select, update

from serving.access import Role
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

api_keys = Table(
    "api_keys",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("facilities", Document),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    UniqueConstraint("digest"),
    UniqueConstraint("key_id"),
)
"""`digest` is HMAC-SHA256 of the key, keyed outside the database."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a program.

    Parameters
    ----------
    owner
        Who answers for it: a person or a system.
    expires_at, revoked_at
        From when it opens nothing; None: it does not expire, was not revoked.
    """

    client_id: str
    key_id: str
    digest: str = field(repr=False)
    owner: str
    role: Role
    created_at: datetime
    created_by: str
    facilities: frozenset[str] | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def subject(self) -> str:
        """Name for the access log."""
        return f"key:{self.key_id}"

    def is_open(self, now: datetime) -> bool:
        """Tell whether it opens anything at a moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add(unit: Unit, key: ApiKey) -> None:
    """Add a key."""
    row: dict[str, Any] = {column.name: getattr(key, column.name) for column in api_keys.columns}
    facilities = None if key.facilities is None else sorted(key.facilities)
    unit.connection.execute(insert(api_keys), row | {"role": str(key.role), "facilities": facilities})


def of_digest(unit: Unit, digest: str) -> ApiKey | None:
    """Return the key of a digest."""
    # Equality in an index of digests of 256 random bits leaks nothing that helps to guess one.
    return _one(unit, api_keys.c.digest == digest)


def by_id(unit: Unit, key_id: str) -> ApiKey | None:
    """Return the key of an id."""
    return _one(unit, api_keys.c.key_id == key_id)


def every(unit: Unit, client_id: str | None = None) -> Sequence[ApiKey]:
    """Return all keys, of one client if named, oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
    if client_id is not None:
        query = query.where(api_keys.c.client_id == client_id)
    return [_key(row) for row in unit.connection.execute(query)]


def revoke(unit: Unit, key_id: str, at: datetime) -> None:
    """Close a key; the first moment stays."""
    unit.connection.execute(update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=at))


def _one(unit: Unit, condition: Any) -> ApiKey | None:
    found = unit.connection.execute(select(api_keys).where(condition)).one_or_none()
    return None if found is None else _key(found)


def _key(row: Row[Any]) -> ApiKey:
    known: dict[str, Any] = dict(row._mapping)
    facilities = known["facilities"]
    return ApiKey(**(known | {"role": Role(known["role"]), "facilities": None if facilities is None else frozenset(facilities)}))
