"""Files that go behind the letter of a work item: what they are, and their sealed content in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, delete, insert, select

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit

PIECE_BYTES = 64 * 1024
"""Of one row: a backup reads some thousand rows at a time."""

enclosures = Table(
    "enclosures",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("enclosure_id", Text, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("added_by", Text, nullable=False),
    Index("ix_enclosures_item", "client_id", "item_id", "added_at"),
)
"""One row per client and file."""

pieces = Table(
    "enclosure_pieces",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("enclosure_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
"""The sealed content of a file, `PIECE_BYTES` a row."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A file behind the letter of an item; `title` is its name in the index, `size` its bytes before they were sealed."""

    client_id: str
    enclosure_id: str
    item_id: str
    title: str
    pages: int
    size: int
    added_at: datetime
    added_by: str


def keep(unit: Unit, filed: Filed, sealed: bytes) -> None:
    """Add a file."""
    key = {"client_id": filed.client_id, "enclosure_id": filed.enclosure_id}
    unit.connection.execute(insert(enclosures), [asdict(filed)])
    parts = [sealed[at : at + PIECE_BYTES] for at in range(0, len(sealed), PIECE_BYTES)]
    unit.connection.execute(insert(pieces), [key | {"number": number, "content": part} for number, part in enumerate(parts)])


def of_items(unit: Unit, client_id: str, item_ids: Sequence[str]) -> list[Filed]:
    """Return the files of some items, in the order of the items and then of coming in."""
    c = enclosures.c
    statement = select(enclosures).where(c.client_id == client_id, c.item_id.in_(item_ids)).order_by(c.added_at, c.enclosure_id)
    rows = unit.connection.execute(statement).mappings()
    place = {item_id: at for at, item_id in enumerate(item_ids)}
    found = [Filed(**{field.name: row[field.name] for field in fields(Filed)}) for row in rows]
    return sorted(found, key=lambda filed: place[filed.item_id])


def sealed_content(unit: Unit, filed: Filed) -> bytes:
    """Return the sealed content of a file."""
    c = pieces.c
    statement = select(c.content).where(c.client_id == filed.client_id, c.enclosure_id == filed.enclosure_id).order_by(c.number)
    return b"".join(unit.connection.execute(statement).scalars())


def remove(unit: Unit, filed: Filed) -> None:
    """Take a file away."""
    for table in (pieces, enclosures):
        unit.connection.execute(delete(table).where(table.c.client_id == filed.client_id, table.c.enclosure_id == filed.enclosure_id))
