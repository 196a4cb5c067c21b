"""People, keys, sessions and the access log."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Text, UniqueConstraint

from serving.store.schema import Document, Moment

revision = "0002"
down_revision = "0001"

FORBIDDEN = ("UPDATE", "DELETE")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "people",
        Column("client_id", Text, primary_key=True),
        Column("person_id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("facilities", Document),
        Column("password_hash", Text),
        Column("is_temporary", Boolean, nullable=False),
        Column("provider_subject", Text),
        Column("is_barred", Boolean, nullable=False),
        Column("failures", BigInteger, nullable=False),
        Column("locked_until", Moment),
        Column("created_at", Moment, nullable=False),
        UniqueConstraint("name"),
        UniqueConstraint("provider_subject"),
        UniqueConstraint("person_id"),
    )
    op.create_table(
        "api_keys",
        Column("client_id", Text, primary_key=True),
        Column("key_id", Text, primary_key=True),
        Column("digest", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("facilities", Document),
        Column("created_at", Moment, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("expires_at", Moment),
        Column("revoked_at", Moment),
        UniqueConstraint("digest"),
        UniqueConstraint("key_id"),
    )
    op.create_table(
        "sessions",
        Column("digest", Text, primary_key=True),
        Column("person_id", Text, nullable=False, index=True),
        Column("kind", Text, nullable=False),
        Column("role", Text),
        Column("purpose", Text, nullable=False),
        Column("opened_at", Moment, nullable=False),
        Column("seen_at", Moment, nullable=False),
        Column("ends_at", Moment, nullable=False, index=True),
    )
    op.create_table(
        "tickets",
        Column("digest", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("content", Document, nullable=False),
        Column("ends_at", Moment, nullable=False, index=True),
    )
    op.create_table(
        "access_log",
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        Column("subject", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("ids", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("mac", LargeBinary, nullable=False),
    )
    head = op.create_table(
        "access_log_head",
        Column("chain", BigInteger, primary_key=True, autoincrement=False),
        Column("sequence", BigInteger, nullable=False),
        Column("mac", LargeBinary, nullable=False),
    )
    op.bulk_insert(head, [{"chain": 1, "sequence": 0, "mac": b""}])
    _forbid_changes()


def downgrade() -> None:
    """Take the tables out; the log's triggers go with it."""
    for table in ("access_log_head", "access_log", "tickets", "sessions", "api_keys", "people"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION access_log_is_append_only()")


def _forbid_changes() -> None:
    """Make the database refuse to change or delete lines of the log, for everybody who has not the right to drop triggers."""
    if op.get_context().dialect.name == "sqlite":
        for act in FORBIDDEN:
            op.execute(
                f"CREATE TRIGGER access_log_no_{act.lower()} BEFORE {act} ON access_log "
                "BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION access_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the access log is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    for act in (*FORBIDDEN, "TRUNCATE"):
        op.execute(
            f"CREATE TRIGGER access_log_no_{act.lower()} BEFORE {act} ON access_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION access_log_is_append_only()"
        )
