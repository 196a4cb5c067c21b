"""Rows for tests of the store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from serving.store.writeoffs import writeoffs

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def stored_writeoff(writeoff_id: str, **columns: Any) -> dict[str, Any]:
    """Return a row of the table of write-offs, blank but for what it must have."""
    row: dict[str, Any] = {column.name: None for column in writeoffs.columns}
    row |= {"client_id": "default", "writeoff_id": writeoff_id, "writeoff_date": date(2026, 9, 1), "payer_id": "AETNA"}
    return row | {"writeoff_amount": 12_345, "extras": {}, "loaded_at": NOW} | columns
