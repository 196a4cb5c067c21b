"""Write-offs, scores, the worklist and outcomes."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Integer, Text, text
from sqlalchemy.dialects import sqlite

from serving.store.schema import Document, Moment

revision = "0001"
down_revision = None

COUNTER = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
TABLES = (
    "writeoffs",
    "remit_lines",
    "scores",
    "work_items",
    "outcome_events",
    "efforts",
    "item_entries",
    "choices",
    "reversal_requests",
    "queue_policies",
    "projects",
    "saved_views",
    "loads",
    "load_chunks",
)
ONLY_ADDED = "outcome_events are only ever added; a correction is an event of its own"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "writeoffs",
        Column("client_id", Text, primary_key=True),
        Column("writeoff_id", Text, primary_key=True),
        Column("writeoff_date", Date, nullable=False),
        Column("payer_id", Text, nullable=False),
        Column("writeoff_amount", BigInteger),
        Column("posting_kind", Text),
        Column("reverses_writeoff_id", Text),
        Column("claim_id", Text),
        Column("line_number", BigInteger),
        Column("root_claim_id", Text),
        Column("payer_claim_number", Text),
        Column("original_payer_claim_number", Text),
        Column("claim_frequency", Text),
        Column("patient_id", Text),
        Column("payer_type", Text),
        Column("payer_sequence", BigInteger),
        Column("next_payer_id", Text),
        Column("other_payer_paid_amount", BigInteger),
        Column("plan_id", Text),
        Column("contract_id", Text),
        Column("network_status", Text),
        Column("funding", Text),
        Column("provider_id", Text),
        Column("facility_id", Text),
        Column("specialty", Text),
        Column("place_of_service", Text),
        Column("claim_type", Text),
        Column("type_of_bill", Text),
        Column("drg_code", Text),
        Column("procedure_code", Text),
        Column("modifiers", Text),
        Column("revenue_code", Text),
        Column("diagnosis_code", Text),
        Column("units", Float),
        Column("service_date", Date),
        Column("service_date_to", Date),
        Column("submitted_date", Date),
        Column("remit_date", Date),
        Column("initial_denial_date", Date),
        Column("billed_amount", BigInteger),
        Column("allowed_amount", BigInteger),
        Column("paid_amount", BigInteger),
        Column("patient_responsibility_amount", BigInteger),
        Column("expected_allowed_amount", BigInteger),
        Column("group_code", Text),
        Column("carc", Text),
        Column("rarcs", Text),
        Column("adjustment_code", Text),
        Column("posting_source", Text),
        Column("posted_by", Text),
        Column("batch_id", Text),
        Column("approved_by", Text),
        Column("claim_status", Text),
        Column("filing_indicator", Text),
        Column("denial_count", BigInteger),
        Column("resubmission_count", BigInteger),
        Column("authorization_on_file", Boolean),
        Column("referral_on_file", Boolean),
        Column("records_on_file", Boolean),
        Column("timely_proof_on_file", Boolean),
        Column("other_coverage_on_file", Boolean),
        Column("qmb", Boolean),
        Column("nsa_protected", Boolean),
        Column("part2", Boolean),
        Column("self_pay_restriction", Boolean),
        Column("abn_on_file", Boolean),
        Column("appeal_consent_on_file", Boolean),
        Column("financial_assistance", Boolean),
        Column("account_status", Text),
        Column("appeal_deadline", Date),
        Column("remit_file", Text),
        Column("remit_segment", BigInteger),
        Column("balanced", Boolean),
        Column("extras", Document, nullable=False),
        Column("loaded_at", Moment, nullable=False),
    )
    op.create_index("ix_writeoffs_claim", "writeoffs", ["client_id", "claim_id"])
    op.create_index("ix_writeoffs_reason", "writeoffs", ["client_id", "payer_id", "carc"])
    op.create_table(
        "remit_lines",
        Column("client_id", Text, primary_key=True),
        Column("remit_line_id", Text, primary_key=True),
        Column("remit_id", Text, nullable=False),
        Column("remit_date", Date),
        Column("known_date", Date),
        Column("payer_id", Text, nullable=False),
        Column("payer_sequence", BigInteger),
        Column("claim_id", Text),
        Column("payer_claim_number", Text),
        Column("line_number", BigInteger),
        Column("procedure_code", Text),
        Column("modifiers", Text),
        Column("units", Float),
        Column("service_date", Date),
        Column("claim_status", Text),
        Column("group_code", Text),
        Column("carc", Text),
        Column("rarcs", Text),
        Column("amount", BigInteger),
        Column("quantity", Float),
        Column("billed_amount", BigInteger),
        Column("allowed_amount", BigInteger),
        Column("paid_amount", BigInteger),
        Column("patient_responsibility_amount", BigInteger),
        Column("is_reversal", Boolean),
        Column("file", Text),
        Column("segment", BigInteger),
        Column("balanced", Boolean),
    )
    op.create_index("ix_remit_lines_claim", "remit_lines", ["client_id", "claim_id", "remit_date"])
    op.create_table(
        "scores",
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
    )
    op.create_index("ix_scores_item", "scores", ["client_id", "item_id"])
    op.create_table(
        "work_items",
        Column("client_id", Text, primary_key=True),
        Column("item_id", Text, primary_key=True),
        Column("remedy", Text, nullable=False),
        Column("payer_id", Text, nullable=False),
        Column("claim_id", Text),
        Column("facility_id", Text),
        Column("carc", Text),
        Column("family", Text),
        Column("category", Text),
        Column("writeoffs", Integer, nullable=False),
        Column("written_off", BigInteger, nullable=False),
        Column("recoverable", BigInteger, nullable=False),
        Column("expected", BigInteger, nullable=False),
        Column("net", BigInteger, nullable=False),
        Column("probability", Float, nullable=False),
        Column("hours", Float, nullable=False),
        Column("value_per_hour", BigInteger, nullable=False),
        Column("deadline_on", Date),
        Column("deadline_source", Text),
        Column("as_of", Date, nullable=False),
        Column("model_version", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("level", Integer, nullable=False),
        Column("effort", Integer, nullable=False),
        Column("changed_at", Moment),
        Column("changed_by", Text),
        Column("assigned_to", Text),
        Column("leased_to", Text),
        Column("leased_until", Moment),
        Column("snoozed_until", Date),
        Column("worked_on", Date),
        Column("sent_on", Date),
        Column("follow_up_on", Date),
        Column("decided_on", Date),
        Column("reason", Text),
        Column("project_id", Text),
        Column("in_lot", Boolean, nullable=False),
        Column("lot_share", Float, nullable=False),
        Column("lot_order", Float, nullable=False),
        Column("came_with", Text),
        Column("chosen", Text),
        Column("chance", Float),
        Column("next_deadline_on", Date),
        Column("next_deadline_source", Text),
        Column("is_ready", Boolean, nullable=False),
        Column("due_on", Date, nullable=False),
        Column("lapses_on", Date),
    )
    _partial_index(
        "ix_work_items_assigned",
        "work_items",
        ["client_id", "assigned_to", text("value_per_hour DESC")],
        "assigned_to IS NOT NULL",
        "assigned_to IS NOT NULL",
    )
    op.create_index("ix_work_items_claim", "work_items", ["client_id", "claim_id"])
    op.create_index("ix_work_items_follow_up", "work_items", ["client_id", "state", "follow_up_on", "item_id"])
    _partial_index("ix_work_items_lot", "work_items", ["client_id", "lot_order"], "in_lot = 1 AND is_ready = 1", "in_lot AND is_ready")
    _partial_index("ix_work_items_project", "work_items", ["client_id", "project_id"], "project_id IS NOT NULL", "project_id IS NOT NULL")
    _partial_index("ix_work_items_ready", "work_items", ["client_id", text("value_per_hour DESC"), "item_id"], "is_ready = 1", "is_ready")
    _partial_index("ix_work_items_ready_due", "work_items", ["client_id", "due_on", "item_id"], "is_ready = 1", "is_ready")
    _partial_index(
        "ix_work_items_ready_expected", "work_items", ["client_id", text("expected DESC"), "item_id"], "is_ready = 1", "is_ready"
    )
    _partial_index(
        "ix_work_items_ready_lapses", "work_items", ["client_id", "lapses_on", text("value_per_hour DESC")], "is_ready = 1", "is_ready"
    )
    _partial_index(
        "ix_work_items_ready_payer",
        "work_items",
        ["client_id", "payer_id", text("value_per_hour DESC"), "item_id"],
        "is_ready = 1",
        "is_ready",
    )
    op.create_index("ix_work_items_state", "work_items", ["client_id", "state", text("value_per_hour DESC"), "item_id"])
    op.create_table(
        "outcome_events",
        Column("sequence", COUNTER, primary_key=True, autoincrement=True),
        Column("client_id", Text, nullable=False),
        Column("writeoff_id", Text, nullable=False),
        Column("effort_id", Text, nullable=False),
        Column("item_id", Text),
        Column("kind", Text, nullable=False),
        Column("known_on", Date, nullable=False),
        Column("recorded_at", Moment, nullable=False),
        Column("recorded_by", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("cents", BigInteger, nullable=False),
        Column("shifted", BigInteger, nullable=False),
        Column("patient_paid", BigInteger, nullable=False),
        Column("hours", Float, nullable=False),
        Column("status", Text),
        Column("worked_on", Date),
        Column("resolved_on", Date),
        Column("action", Text),
        Column("level", Integer),
        Column("channel", Text),
        Column("sent_on", Date),
        Column("reference", Text),
        Column("follow_up_on", Date),
        Column("is_reopened", Boolean, nullable=False),
        Column("explored", Boolean),
        Column("lot_share", Float),
        Column("came_with", Text),
        Column("chance", Float),
        Column("source_effort_id", Text),
    )
    op.create_index("ix_outcome_events_effort", "outcome_events", ["client_id", "writeoff_id", "effort_id", "sequence"])
    op.create_table(
        "efforts",
        Column("client_id", Text, primary_key=True),
        Column("writeoff_id", Text, primary_key=True),
        Column("effort_id", Text, primary_key=True),
        Column("item_id", Text),
        Column("worked_on", Date, nullable=False),
        Column("status", Text, nullable=False),
        Column("resolved_on", Date),
        Column("recovered", BigInteger),
        Column("taken_back", BigInteger, nullable=False),
        Column("shifted", BigInteger, nullable=False),
        Column("patient_paid", BigInteger, nullable=False),
        Column("hours", Float),
        Column("action", Text),
        Column("level", Integer),
        Column("channel", Text),
        Column("sent_on", Date),
        Column("reference", Text),
        Column("follow_up_on", Date),
        Column("explored", Boolean),
        Column("lot_share", Float),
        Column("came_with", Text),
        Column("chance", Float),
        Column("source", Text, nullable=False),
        Column("source_effort_id", Text),
    )
    op.create_index("ix_efforts_item", "efforts", ["client_id", "item_id"])
    op.create_index("ix_efforts_source", "efforts", ["client_id", "writeoff_id", "source_effort_id"])
    op.create_table(
        "item_entries",
        Column("sequence", COUNTER, primary_key=True, autoincrement=True),
        Column("client_id", Text, nullable=False),
        Column("item_id", Text, nullable=False),
        Column("at", Moment, nullable=False),
        Column("by", Text, nullable=False),
        Column("act", Text, nullable=False),
        Column("before", Text, nullable=False),
        Column("after", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("facts", Document, nullable=False),
    )
    op.create_index("ix_item_entries_at", "item_entries", ["client_id", "at"])
    op.create_index("ix_item_entries_item", "item_entries", ["client_id", "item_id", "sequence"])
    op.create_table(
        "choices",
        Column("sequence", COUNTER, primary_key=True, autoincrement=True),
        Column("client_id", Text, nullable=False),
        Column("item_id", Text, nullable=False),
        Column("at", Moment, nullable=False),
        Column("by", Text, nullable=False),
        Column("how", Text, nullable=False),
        Column("chance", Float),
        Column("waiting", Integer, nullable=False),
    )
    op.create_index("ix_choices_item", "choices", ["client_id", "item_id"])
    op.create_table(
        "reversal_requests",
        Column("client_id", Text, primary_key=True),
        Column("reversal_id", Text, primary_key=True),
        Column("item_id", Text),
        Column("writeoff_id", Text, nullable=False),
        Column("cents", BigInteger, nullable=False),
        Column("known_on", Date, nullable=False),
        Column("requested_by", Text, nullable=False),
        Column("requested_at", Moment, nullable=False),
        Column("state", Text, nullable=False),
        Column("decided_by", Text),
        Column("decided_at", Moment),
        Column("batch_id", Text),
    )
    op.create_index("ix_reversal_requests_batch", "reversal_requests", ["client_id", "batch_id"])
    op.create_index("ix_reversal_requests_item", "reversal_requests", ["client_id", "item_id"])
    op.create_index("ix_reversal_requests_state", "reversal_requests", ["client_id", "state", "reversal_id"])
    op.create_table(
        "queue_policies",
        Column("client_id", Text, primary_key=True),
        Column("lease_minutes", Integer, nullable=False),
        Column("pin_days", Integer, nullable=False),
        Column("sample_share", Float, nullable=False),
        Column("sample_turn", Float, nullable=False),
        Column("hours_per_week", Float, nullable=False),
        Column("approval_over", BigInteger, nullable=False),
        Column("set_at", Moment, nullable=False),
        Column("set_by", Text, nullable=False),
    )
    op.create_table(
        "projects",
        Column("client_id", Text, primary_key=True),
        Column("project_id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("template", Text, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("made_at", Moment, nullable=False),
        Column("ended_at", Moment),
    )
    op.create_table(
        "saved_views",
        Column("client_id", Text, primary_key=True),
        Column("owner", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("query", Document, nullable=False),
        Column("is_shared", Boolean, nullable=False),
        Column("saved_at", Moment, nullable=False),
    )
    op.create_table(
        "loads",
        Column("client_id", Text, primary_key=True),
        Column("load_id", Text, primary_key=True),
        Column("as_of", Date, nullable=False),
        Column("model_version", Text, nullable=False),
        Column("writeoffs", BigInteger, nullable=False),
        Column("chunks", Integer, nullable=False),
        Column("began_at", Moment, nullable=False),
        Column("ended_at", Moment),
    )
    op.create_index("ix_loads_ended", "loads", ["client_id", "ended_at"])
    op.create_table(
        "load_chunks",
        Column("client_id", Text, primary_key=True),
        Column("load_id", Text, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("content_hash", Text, nullable=False),
        Column("writeoffs", Integer, nullable=False),
        Column("loaded_at", Moment, nullable=False),
    )
    _refuse_changes()


def downgrade() -> None:
    """Take them away."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_outcome_event()")


def _partial_index(name: str, table: str, columns: list[Any], in_sqlite: str, in_postgresql: str) -> None:
    op.create_index(name, table, columns, sqlite_where=text(in_sqlite), postgresql_where=text(in_postgresql))


def _refuse_changes() -> None:
    """Let the database itself refuse to change or delete an event."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION refuse_outcome_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{ONLY_ADDED}'"
            " USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON outcome_events"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_outcome_event()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER outcome_events_no_{act.lower()} BEFORE {act} ON outcome_events BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
        )
