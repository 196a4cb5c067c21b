"""Audits are kept for pages and programs, and what may be owed back with what people decided about it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Date, Integer, Text

from serving.store.schema import Document, Moment

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "audits",
        Column("client_id", Text, primary_key=True),
        Column("as_of", Date, primary_key=True),
        Column("made_at", Moment, nullable=False),
        Column("by", Text, nullable=False),
        Column("document", Document, nullable=False),
    )
    op.create_table(
        "overpayments",
        Column("client_id", Text, primary_key=True),
        Column("overpayment_id", Text, primary_key=True),
        Column("rule", Text, nullable=False),
        Column("writeoff_id", Text),
        Column("claim_id", Text),
        Column("line_number", Integer),
        Column("payer_id", Text),
        Column("file", Text),
        Column("segment", Integer),
        Column("amount", BigInteger),
        Column("evidence", Text, nullable=False),
        Column("detected_on", Date, nullable=False),
        Column("found_on", Date, nullable=False),
        Column("investigation_started_on", Date),
        Column("identified_on", Date),
        Column("decided_by", Text),
    )


def downgrade() -> None:
    """Take both out."""
    op.drop_table("overpayments")
    op.drop_table("audits")
