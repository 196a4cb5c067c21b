"""The last act on each item can be taken back."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Text, false

from serving.store.schema import Document, Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of last acts; an event may say that what was stated before was a slip."""
    op.create_table(
        "item_undos",
        Column("client_id", Text, primary_key=True),
        Column("item_id", Text, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("at", Moment, nullable=False),
        Column("by", Text, nullable=False),
        Column("content", Document, nullable=False),
    )
    op.add_column("outcome_events", Column("is_void", Boolean, nullable=False, server_default=false()))


def downgrade() -> None:
    """Take both out."""
    op.drop_column("outcome_events", "is_void")
    op.drop_table("item_undos")
