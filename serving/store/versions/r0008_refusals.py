"""Why a request to the ledger was refused, and what was said beside it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("reversal_requests", Column("refused_for", Text))
    op.add_column("reversal_requests", Column("note", Text))


def downgrade() -> None:
    """Take them out."""
    op.drop_column("reversal_requests", "note")
    op.drop_column("reversal_requests", "refused_for")
