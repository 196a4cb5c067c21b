"""Answers that were given under an Idempotency-Key, so that the same request sent again gets the same answer and changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Integer, Table, Text, delete, insert, select

from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

answers = Table(
    "answers",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("key_hash", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Document, nullable=False),
    Column("body", Text, nullable=False),
    Column("given_at", Moment, nullable=False, index=True),
)
"""One row per caller and key. The key itself is not kept: callers put what they like into it."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given: to which request, and its status, headers and text."""

    request_hash: str
    status: int
    headers: dict[str, str]
    body: str


def hash_of(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def take_turn(unit: Unit, client_id: str, subject: str, key_hash: str) -> bool:
    """Hold a key until the transaction ends; False if another one holds it. SQLite has one writer, whose turn it is already."""
    if not unit.is_postgresql:
        return True
    number = int.from_bytes(hashlib.sha256(f"{client_id}\0{subject}\0{key_hash}".encode()).digest()[:8], "big", signed=True)
    return bool(unit.connection.exec_driver_sql("SELECT pg_try_advisory_xact_lock(%s)", (number,)).scalar())


def find(unit: Unit, client_id: str, subject: str, key_hash: str) -> Given | None:
    """Return the answer that was given under a key; None if there was none."""
    c = answers.c
    kept = select(c.request_hash, c.status, c.headers, c.body).where(c.client_id == client_id, c.subject == subject, c.key_hash == key_hash)
    row = unit.connection.execute(kept).first()
    return None if row is None else Given(*row)


def keep(unit: Unit, client_id: str, subject: str, key_hash: str, given: Given, at: datetime) -> None:
    """Keep an answer, in the transaction of what it answers for."""
    row = {"client_id": client_id, "subject": subject, "key_hash": key_hash, "given_at": at}
    told = {"request_hash": given.request_hash, "status": given.status, "headers": given.headers, "body": given.body}
    unit.connection.execute(insert(answers).values(row | told))


def forget(unit: Unit, before: datetime) -> int:
    """Forget answers given before a moment; return how many."""
    return unit.connection.execute(delete(answers).where(answers.c.given_at < before)).rowcount
