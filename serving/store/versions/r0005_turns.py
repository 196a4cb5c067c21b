"""Turns are found in indexes that hold all that a turn asks of an item."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

ASKED = ("lapses_on", "snoozed_until", "leased_until", "assigned_to", "facility_id")
READY: dict[str, Any] = {"sqlite_where": text("is_ready = 1"), "postgresql_where": text("is_ready")}
LOT: dict[str, Any] = {"sqlite_where": text("in_lot = 1 AND is_ready = 1"), "postgresql_where": text("in_lot AND is_ready")}
LEASED: dict[str, Any] = {"sqlite_where": text("leased_to IS NOT NULL"), "postgresql_where": text("leased_to IS NOT NULL")}


def upgrade() -> None:
    """Make the wider indexes in the place of the narrow ones."""
    _drop("ix_work_items_ready", "ix_work_items_ready_lapses", "ix_work_items_lot")
    by_value = text("value_per_hour DESC")
    op.create_index("ix_work_items_ready", "work_items", ["client_id", by_value, "item_id", *ASKED], **READY)
    lapses = ["client_id", "lapses_on", "value_per_hour", "item_id", *ASKED[1:]]
    op.create_index("ix_work_items_ready_lapses", "work_items", lapses, **READY)
    lot = ["client_id", "lot_order", "item_id", "state", "worked_on", *ASKED]
    op.create_index("ix_work_items_lot", "work_items", lot, **LOT)
    op.create_index("ix_work_items_leased", "work_items", ["client_id", "leased_to"], **LEASED)


def downgrade() -> None:
    """Make the narrow ones again."""
    _drop("ix_work_items_ready", "ix_work_items_ready_lapses", "ix_work_items_lot", "ix_work_items_leased")
    by_value = text("value_per_hour DESC")
    op.create_index("ix_work_items_ready", "work_items", ["client_id", by_value, "item_id"], **READY)
    op.create_index("ix_work_items_ready_lapses", "work_items", ["client_id", "lapses_on", by_value], **READY)
    op.create_index("ix_work_items_lot", "work_items", ["client_id", "lot_order"], **LOT)


def _drop(*names: str) -> None:
    for name in names:
        op.drop_index(name, "work_items")
