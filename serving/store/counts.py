"""How many write-offs each key had scored in each minute: all that is kept of a scoring request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Column, RowMapping, Table, Text, select, update

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit

score_counts = Table(
    "score_counts",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("minute", Moment, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
"""One row per caller and minute."""


def add(unit: Unit, counted: Mapping[tuple[str, str, datetime], tuple[int, int]]) -> None:
    """Add requests and rows to the minutes of callers: (client, subject, minute) -> (requests, rows)."""
    c = score_counts.c
    for (client_id, subject, minute), (requests, rows) in sorted(counted.items()):
        key = {"client_id": client_id, "subject": subject, "minute": minute}
        unit.upsert(score_counts, [key | {"requests": 0, "rows": 0}])
        of_minute = update(score_counts).where(c.client_id == client_id, c.subject == subject, c.minute == minute)
        unit.connection.execute(of_minute.values(requests=c.requests + requests, rows=c.rows + rows))


def since(unit: Unit, client_id: str, moment: datetime) -> list[RowMapping]:
    """Return a client's minutes from a moment on, oldest first."""
    c = score_counts.c
    found = select(score_counts).where(c.client_id == client_id, c.minute >= moment).order_by(c.minute, c.subject)
    return list(unit.connection.execute(found).mappings())
