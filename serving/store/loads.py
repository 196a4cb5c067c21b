"""Which scored files came into the store, chunk by chunk, so that a load that was cut short goes on where it stopped."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, Date, Index, Integer, RowMapping, Table, Text, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from features.errors import TryAgain
from serving.store.schema import METADATA, Moment
from serving.store.store import Unit

loads = Table(
    "loads",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("load_id", Text, primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("writeoffs", BigInteger, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index("ix_loads_ended", "client_id", "ended_at"),
)
"""One row per client and load; `load_id` is the hash of what was loaded."""

load_chunks = Table(
    "load_chunks",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("load_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("writeoffs", Integer, nullable=False),
    Column("loaded_at", Moment, nullable=False),
)
"""One row per chunk that is in."""


def begin(unit: Unit, client_id: str, load_id: str, *, as_of: date, model_version: str, writeoffs: int, chunks: int, at: datetime) -> None:
    """Say that a load begins; one that began before goes on."""
    row = {"client_id": client_id, "load_id": load_id, "as_of": as_of, "model_version": model_version}
    unit.upsert(loads, [row | {"writeoffs": writeoffs, "chunks": chunks, "began_at": at, "ended_at": None}])


def chunk(unit: Unit, client_id: str, load_id: str, number: int) -> str | None:
    """Return the content hash of a chunk that is in; None if it is not."""
    c = load_chunks.c
    statement = select(c.content_hash).where(c.client_id == client_id, c.load_id == load_id, c.number == number)
    return unit.connection.execute(statement).scalar()


def add_chunk(unit: Unit, client_id: str, load_id: str, number: int, content_hash: str, writeoffs: int, at: datetime) -> None:
    """Say that a chunk is in.

    Raises
    ------
    TryAgain
        When it is in already: another process that loads the same files was first.
    """
    row = {"client_id": client_id, "load_id": load_id, "number": number, "content_hash": content_hash}
    try:
        unit.connection.execute(insert(load_chunks), [row | {"writeoffs": writeoffs, "loaded_at": at}])
    except IntegrityError as error:
        raise TryAgain("another process is loading the same files; the same call goes on where it stopped") from error


def end(unit: Unit, client_id: str, load_id: str, at: datetime) -> None:
    """Say that all chunks are in."""
    c = loads.c
    ended = update(loads).where(c.client_id == client_id, c.load_id == load_id, c.ended_at.is_(None)).values(ended_at=at)
    unit.connection.execute(ended)


def find(unit: Unit, client_id: str, load_id: str) -> RowMapping | None:
    """Return a load; None if it never began."""
    statement = select(loads).where(loads.c.client_id == client_id, loads.c.load_id == load_id)
    return unit.connection.execute(statement).mappings().first()


def latest(unit: Unit, client_id: str) -> RowMapping | None:
    """Return the load that ended last; its `as_of` is the day of the scores in the queue."""
    statement = select(loads).where(loads.c.client_id == client_id, loads.c.ended_at.is_not(None))
    return unit.connection.execute(statement.order_by(loads.c.ended_at.desc()).limit(1)).mappings().first()


def count(unit: Unit, client_id: str) -> int:
    """Return how many loads a client has."""
    return int(unit.connection.execute(select(func.count()).select_from(loads).where(loads.c.client_id == client_id)).scalar_one())
