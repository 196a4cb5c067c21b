"""Jobs, answers under idempotency keys, and counts of what was scored."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

from serving.store.schema import Document, Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        Column("client_id", Text, primary_key=True),
        Column("job_id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("options", Document, nullable=False),
        Column("input", Text, nullable=False),
        Column("input_hash", Text, nullable=False),
        Column("input_bytes", BigInteger, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("worker", Text),
        Column("lease_until", Moment),
        Column("result", Text),
        Column("result_hash", Text),
        Column("result_bytes", BigInteger),
        Column("account", Document),
        Column("problem", Text),
        Column("created_at", Moment, nullable=False),
        Column("changed_at", Moment, nullable=False),
    )
    op.create_index("ix_jobs_waiting", "jobs", ["state", "created_at"])
    op.create_table(
        "answers",
        Column("client_id", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("key_hash", Text, primary_key=True),
        Column("request_hash", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", Document, nullable=False),
        Column("body", Text, nullable=False),
        Column("given_at", Moment, nullable=False, index=True),
    )
    op.create_table(
        "score_counts",
        Column("client_id", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("minute", Moment, primary_key=True),
        Column("requests", BigInteger, nullable=False),
        Column("rows", BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take them out."""
    for name in ("score_counts", "answers", "jobs"):
        op.drop_table(name)
