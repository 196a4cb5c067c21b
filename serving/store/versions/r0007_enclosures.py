"""Files that go behind the letter of a work item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.schema import Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of enclosed files."""
    op.create_table(
        "enclosures",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("enclosure_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "enclosure_id", name=op.f("pk_enclosures")),
    )
    op.create_index("ix_enclosures_item", "enclosures", ["client_id", "item_id", "added_at"])
    op.create_table(
        "enclosure_pieces",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("enclosure_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "enclosure_id", "number", name=op.f("pk_enclosure_pieces")),
    )


def downgrade() -> None:
    """Take them out."""
    op.drop_table("enclosure_pieces")
    op.drop_table("enclosures")
