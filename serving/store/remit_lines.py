"""Lines of remittances, in the canonical columns: what the payer said of each claim, line and reason."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Index, Table, Text, select

from features.tables import REMIT_LINES
from serving.store.schema import METADATA
from serving.store.store import Unit
from serving.store.writeoffs import TYPES

remit_lines = Table(
    "remit_lines",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("remit_line_id", Text, primary_key=True),
    *(Column(column.name, TYPES[column.kind], nullable=column.nullable) for column in REMIT_LINES.columns),
    Index("ix_remit_lines_claim", "client_id", "claim_id", "remit_date"),
)
"""One row per client and line; `remit_line_id` is the hash of the columns that tell lines apart, so that a file may come twice."""


def line_id(row: Mapping[str, Any]) -> str:
    """Return the id of a line."""
    text = "\x1f".join("" if row[name] is None else str(row[name]) for name in REMIT_LINES.key)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def keep(unit: Unit, client_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write lines; those that are there are replaced."""
    told = {line_id(row): {**row, "client_id": client_id, "remit_line_id": line_id(row)} for row in rows}
    unit.upsert(remit_lines, list(told.values()), update=REMIT_LINES.names)


def of_claim(unit: Unit, client_id: str, claim_id: str, *, most: int = 200) -> list[dict[str, Any]]:
    """Return the lines of a claim, by day, claim line and reason."""
    c = remit_lines.c
    statement = select(remit_lines).where(c.client_id == client_id, c.claim_id == claim_id)
    statement = statement.order_by(c.remit_date, c.line_number, c.segment, c.remit_line_id).limit(most)
    return [dict(row) for row in unit.connection.execute(statement).mappings()]
