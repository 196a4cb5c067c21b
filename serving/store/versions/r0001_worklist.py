"""Write-offs, scores, the worklist and outcomes."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Text

from serving.store.schema import Document, Moment

revision = "0001"
down_revision = None


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


def downgrade() -> None:
    """Take them away."""
    op.drop_table("writeoffs")
