"""Write-offs as the ledger has them, in the canonical columns: one row per client and posting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Table, Text
from sqlalchemy.types import TypeEngine

from features.tables import WRITEOFFS, Kind
from serving.store.schema import METADATA, Document, Moment

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
)
"""`extras` holds the user's own `x_` columns."""
