"""How each client's queue is run."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import BigInteger, Column, Float, Integer, Table, Text, select

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit
from serving.worklist.policy import Policy

policies = Table(
    "queue_policies",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("lease_minutes", Integer, nullable=False),
    Column("pin_days", Integer, nullable=False),
    Column("sample_share", Float, nullable=False),
    Column("sample_turn", Float, nullable=False),
    Column("hours_per_week", Float, nullable=False),
    Column("approval_over", BigInteger, nullable=False),
    Column("set_at", Moment, nullable=False),
    Column("set_by", Text, nullable=False),
)
"""One row per client that set anything."""


def find(unit: Unit, client_id: str, *, lock: bool = False) -> Policy:
    """Return a client's policy, if wanted locked until the transaction ends, or the usual one."""
    statement = select(policies).where(policies.c.client_id == client_id)
    row = unit.connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return Policy() if row is None else Policy(**{field.name: row[field.name] for field in fields(Policy)})


def keep(unit: Unit, client_id: str, policy: Policy, *, at: datetime, by: str) -> None:
    """Set a client's policy."""
    row = asdict(policy)
    unit.upsert(policies, [{"client_id": client_id, **row, "set_at": at, "set_by": by}], update=[*row, "set_at", "set_by"])
