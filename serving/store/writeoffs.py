"""Write-offs as the ledger has them, in the canonical columns: one row per client and posting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Index, Table, Text, select
from sqlalchemy.types import TypeEngine

from features.tables import WRITEOFFS, Kind
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

TYPES: dict[Kind, type[TypeEngine[Any]]] = {
    Kind.ID: Text,
    Kind.TEXT: Text,
    Kind.MONEY: BigInteger,
    Kind.DATE: Date,
    Kind.INT: BigInteger,
    Kind.NUMBER: Float,
    Kind.BOOL: Boolean,
}
"""How a column of a file is stored; money as cents."""

writeoffs = Table(
    "writeoffs",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("writeoff_id", Text, primary_key=True),
    *(
        Column(column.name, TYPES[column.kind], nullable=column.nullable)
        for column in WRITEOFFS.columns
        if column.name not in ("client_id", "writeoff_id")
    ),
    Column("extras", Document, nullable=False),
    Column("loaded_at", Moment, nullable=False),
    Index("ix_writeoffs_claim", "client_id", "claim_id"),
    Index("ix_writeoffs_reason", "client_id", "payer_id", "carc"),
)
"""`extras` holds the user's own `x_` columns."""


def keep(unit: Unit, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write write-offs; those that are there are replaced."""
    unit.upsert(writeoffs, rows, update=[column.name for column in writeoffs.columns if not column.primary_key])


def find(unit: Unit, client_id: str, writeoff_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return those write-offs that are there, by id; some thousands at most."""
    statement = select(writeoffs).where(writeoffs.c.client_id == client_id, writeoffs.c.writeoff_id.in_(writeoff_ids))
    return {row["writeoff_id"]: dict(row) for row in unit.connection.execute(statement).mappings()}


def of_claims(unit: Unit, client_id: str, claim_ids: Set[str]) -> list[dict[str, Any]]:
    """Return the postings of some claims, reversals among them, by id."""
    c = writeoffs.c
    statement = select(writeoffs).where(c.client_id == client_id, c.claim_id.in_(sorted(claim_ids))).order_by(c.writeoff_id)
    return [dict(row) for row in unit.connection.execute(statement).mappings()]


def amounts(unit: Unit, client_id: str, writeoff_ids: Sequence[str]) -> dict[str, int | None]:
    """Return the cents written off of some write-offs, by id."""
    c = writeoffs.c
    statement = select(c.writeoff_id, c.writeoff_amount).where(c.client_id == client_id, c.writeoff_id.in_(writeoff_ids))
    return {row.writeoff_id: row.writeoff_amount for row in unit.connection.execute(statement)}
