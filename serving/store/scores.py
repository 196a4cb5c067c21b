"""Scores as last computed: one row per client and write-off, with model version and day, so that each can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Index, Integer, Table, Text, select

from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

scores = Table(
    "scores",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("writeoff_id", Text, primary_key=True),
    Column("item_id", Text),
    Column("work_item_id", Text, nullable=False),
    Column("rank", BigInteger),
    Column("in_scope", Boolean, nullable=False),
    Column("category", Text, nullable=False),
    Column("family", Text),
    Column("remedy", Text, nullable=False),
    Column("recovery_probability", Float, nullable=False),
    Column("recoverable_amount", BigInteger),
    Column("amount_if_recovered", BigInteger),
    Column("amount_if_recovered_low", BigInteger),
    Column("amount_if_recovered_high", BigInteger),
    Column("expected_recovery", BigInteger, nullable=False),
    Column("expected_hours", Float),
    Column("expected_net_recovery", BigInteger),
    Column("value_per_hour", BigInteger),
    Column("anomaly_score", Float),
    Column("usual_allowed_amount", BigInteger),
    Column("underpayment_amount", BigInteger),
    Column("deadline_date", Date),
    Column("days_left", Integer),
    Column("deadline_source", Text),
    Column("reasons", Document, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("load_id", Text, nullable=False),
    Column("scored_at", Moment, nullable=False),
    Index("ix_scores_item", "client_id", "item_id"),
)
"""Money in cents. `work_item_id` is what scoring said; `item_id` is the item that the write-off is in: another one while people work
it there, none when it is out of scope."""


def of_items(unit: Unit, client_id: str, item_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the scores of the write-offs of some items, by item and write-off."""
    statement = select(scores).where(scores.c.client_id == client_id, scores.c.item_id.in_(item_ids))
    rows = unit.connection.execute(statement.order_by(scores.c.item_id, scores.c.writeoff_id)).mappings()
    return [dict(row) for row in rows]


def of_writeoffs(unit: Unit, client_id: str, writeoff_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the scores of some write-offs, by id."""
    statement = select(scores).where(scores.c.client_id == client_id, scores.c.writeoff_id.in_(writeoff_ids))
    return {row["writeoff_id"]: dict(row) for row in unit.connection.execute(statement).mappings()}


def keep(unit: Unit, rows: Sequence[dict[str, Any]]) -> None:
    """Write scores; those that are there are replaced."""
    unit.upsert(scores, rows, update=[column.name for column in scores.columns if not column.primary_key])
