"""The tables that go in: their columns, grain and allowed values."""

from __future__ import annotations

from dataclasses import dataclass

from features.column import Array, Column, Columns, Kind

__all__ = [
    "ACCOUNT_STATUSES",
    "CATEGORIES",
    "CITATIONS",
    "CLAIM_TYPES",
    "CONTRACT_RATES",
    "GROUP_CODES",
    "OUTCOMES",
    "PAYER_RULES",
    "PAYER_TYPES",
    "POSTING_KINDS",
    "PROCESS_CHANGES",
    "REFERENCE_FEES",
    "REMEDIES",
    "REMIT_LINES",
    "STATUSES",
    "TABLES",
    "WRITEOFFS",
    "WRITEOFF_POLICIES",
    "Array",
    "Column",
    "Columns",
    "Kind",
    "Table",
]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its grain in words, the columns that identify a row, and all columns."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError if the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")


PAYER_TYPES = (
    "medicare",
    "medicare_advantage",
    "medicaid",
    "medicaid_managed",
    "commercial",
    "bcbs",
    "tricare",
    "workers_comp",
    "auto",
    "self_pay",
    "other",
)
GROUP_CODES = ("CO", "PR", "OA", "PI", "CR", "OTHER")
POSTING_KINDS = ("writeoff", "reversal", "transfer", "conversion")
CLAIM_TYPES = ("professional", "institutional", "dental", "pharmacy")
ACCOUNT_STATUSES = ("open", "closed", "agency", "legal", "bankruptcy", "deceased")
STATUSES = ("recovered", "partially_recovered", "denied", "upheld_next_level_open", "settled", "abandoned", "expired", "pending")
REMEDIES = (
    "appeal",
    "corrected_claim",
    "new_claim",
    "reopening",
    "cob_update",
    "rebill_other_payer",
    "bill_secondary",
    "send_records",
    "contract_dispute",
    "verify_duplicate",
    "peer_to_peer",
    "external_review",
    "nsa_negotiation",
    "recoupment_appeal",
    "posting_correction",
    "coverage_discovery",
    "fix_enrollment",
    "patient_billing",
    "patient_outreach",
    "compliance_review",
    "none",
)
CATEGORIES = (
    "reversed",
    "wait",
    "payer_recoupment",
    "overpayment_owed",
    "posting_error",
    "unbilled_secondary",
    "never_billed",
    "denial",
    "underpayment",
    "questionable_contractual",
    "contractual",
    "withhold_receivable",
    "patient_responsibility",
    "policy",
    "bad_debt",
    "settled",
    "informational",
    "unclassified",
)

_ID, _TEXT, _MONEY, _DATE, _INT, _NUMBER, _BOOL = Kind.ID, Kind.TEXT, Kind.MONEY, Kind.DATE, Kind.INT, Kind.NUMBER, Kind.BOOL

WRITEOFFS = Table(
    "writeoffs",
    "one row per write-off posting",
    ("writeoff_id",),
    (
        Column("writeoff_id", _ID, "the posting", nullable=False),
        Column("writeoff_date", _DATE, "posted on: the day the row becomes known", nullable=False),
        Column("payer_id", _TEXT, "payer as the practice knows it", nullable=False),
        Column(
            "writeoff_amount",
            _MONEY,
            "dollars written off; null: value is learned from history; negative: a reversal; zero: counted and left out",
        ),
        Column("posting_kind", _TEXT, "its kind; a transfer or conversion writes nothing off", allowed=POSTING_KINDS, strict=True),
        Column("reverses_writeoff_id", _ID, "the posting that this one reverses"),
        Column("client_id", _TEXT, "provider organisation (tenant)"),
        Column("claim_id", _ID, "our claim number"),
        Column("line_number", _INT, "claim line; null: the whole claim"),
        Column("root_claim_id", _ID, "first claim of a resubmission chain"),
        Column("payer_claim_number", _ID, "the payer's number (CLP07)"),
        Column("original_payer_claim_number", _ID, "number of the claim that was corrected (REF*F8)"),
        Column("claim_frequency", _TEXT, "1 original, 7 replacement, 8 void (CLP09)"),
        Column("patient_id", _ID, "keyed hash; never a feature"),
        Column("payer_type", _TEXT, "kind of payer", allowed=PAYER_TYPES),
        Column("payer_sequence", _INT, "1 primary, 2 secondary, 3 tertiary"),
        Column("next_payer_id", _TEXT, "who is billed next"),
        Column("other_payer_paid_amount", _MONEY, "dollars other payers paid"),
        Column("plan_id", _TEXT, "the payer's plan"),
        Column("contract_id", _TEXT, "contract that prices the claim"),
        Column("network_status", _TEXT, "in or out of network", allowed=("in", "out")),
        Column("funding", _TEXT, "who bears the risk", allowed=("insured", "self_funded", "government")),
        Column("provider_id", _TEXT, "rendering provider"),
        Column("facility_id", _TEXT, "where it was done"),
        Column("specialty", _TEXT, "of the provider"),
        Column("place_of_service", _TEXT, "place-of-service code"),
        Column("claim_type", _TEXT, "form of the claim", allowed=CLAIM_TYPES),
        Column("type_of_bill", _TEXT, "of an institutional claim"),
        Column("drg_code", _TEXT, "diagnosis related group"),
        Column("procedure_code", _TEXT, "procedure billed"),
        Column("modifiers", _TEXT, "separated by spaces"),
        Column("revenue_code", _TEXT, "of an institutional line"),
        Column("diagnosis_code", _TEXT, "principal diagnosis"),
        Column("units", _NUMBER, "units billed, above 0; 1 where null", above=0.0),
        Column("service_date", _DATE, "first day of service"),
        Column("service_date_to", _DATE, "last day of service"),
        Column("submitted_date", _DATE, "claim sent"),
        Column("remit_date", _DATE, "remittance received"),
        Column("initial_denial_date", _DATE, "first denial of this line"),
        Column("billed_amount", _MONEY, "dollars charged"),
        Column("allowed_amount", _MONEY, "dollars the payer allowed"),
        Column("paid_amount", _MONEY, "dollars the payer paid"),
        Column("patient_responsibility_amount", _MONEY, "dollars left to the patient"),
        Column("expected_allowed_amount", _MONEY, "dollars expected by the practice's own contract system"),
        Column("group_code", _TEXT, "claim adjustment group", allowed=GROUP_CODES),
        Column("carc", _TEXT, "claim adjustment reason code"),
        Column("rarcs", _TEXT, "remittance advice remark codes, separated by spaces"),
        Column("adjustment_code", _TEXT, "the practice's own reason code"),
        Column("posting_source", _TEXT, "where the posting came from"),
        Column("posted_by", _TEXT, "who posted"),
        Column("batch_id", _ID, "posting batch"),
        Column("approved_by", _TEXT, "who approved"),
        Column("claim_status", _TEXT, "claim status (CLP02)"),
        Column("filing_indicator", _TEXT, "claim filing indicator (CLP06)"),
        Column("denial_count", _INT, "denials so far, as known at posting"),
        Column("resubmission_count", _INT, "resubmissions so far, as known at posting"),
        Column("authorization_on_file", _BOOL, "an authorization is on file, as known at posting"),
        Column("referral_on_file", _BOOL, "a referral is on file, as known at posting"),
        Column("records_on_file", _BOOL, "the records are on file, as known at posting"),
        Column("timely_proof_on_file", _BOOL, "proof of timely filing is on file, as known at posting"),
        Column("other_coverage_on_file", _BOOL, "other coverage is on file, as known at posting"),
        Column("qmb", _BOOL, "qualified Medicare beneficiary; null is unknown"),
        Column("nsa_protected", _BOOL, "protected by the No Surprises Act; null is unknown"),
        Column("part2", _BOOL, "substance-use records under 42 CFR Part 2; null is unknown"),
        Column("self_pay_restriction", _BOOL, "patient restricted disclosure to the payer; null is unknown"),
        Column("abn_on_file", _BOOL, "a valid advance beneficiary notice is on file; null is unknown"),
        Column("appeal_consent_on_file", _BOOL, "the patient's consent to appeal is on file; null is unknown"),
        Column("financial_assistance", _BOOL, "the patient has financial assistance; null is unknown"),
        Column("account_status", _TEXT, "state of the account", allowed=ACCOUNT_STATUSES),
        Column("appeal_deadline", _DATE, "known deadline; overrides the rules"),
        Column("remit_file", _ID, "835 file that said it"),
        Column("remit_segment", _INT, "segment of that file"),
        Column("balanced", _BOOL, "that claim balanced"),
    ),
)

OUTCOMES = Table(
    "outcomes",
    "one row per effort on a write-off",
    ("writeoff_id", "effort_id"),
    (
        Column("writeoff_id", _ID, "the posting worked", nullable=False),
        Column("effort_id", _ID, "the effort; several may follow each other"),
        Column("worked_date", _DATE, "effort began: somebody decided to work it", nullable=False),
        Column("action", _TEXT, "remedy tried", allowed=(*REMEDIES, "other")),
        Column("level", _INT, "level of appeal"),
        Column("channel", _TEXT, "how it was sent"),
        Column("sent_date", _DATE, "when it was sent"),
        Column("reference_number", _ID, "of the payer or carrier"),
        Column("follow_up_date", _DATE, "when to ask again"),
        Column("resolved_date", _DATE, "the day the outcome becomes known; null: pending"),
        Column("status", _TEXT, "how it ended", nullable=False, allowed=STATUSES, strict=True),
        Column("recovered_amount", _MONEY, "dollars of payer cash", minimum=0.0),
        Column("taken_back_amount", _MONEY, "dollars the payer took back later; the label is the net", minimum=0.0),
        Column("shifted_to_patient_amount", _MONEY, "dollars moved to the patient; no payer recovery", minimum=0.0),
        Column("patient_paid_amount", _MONEY, "dollars the patient paid; no payer recovery", minimum=0.0),
        Column("hours_spent", _NUMBER, "staff hours", minimum=0.0),
        Column("explored", _BOOL, "chosen at random"),
        Column(
            "selection_probability", _NUMBER, "chance the logged policy gave it, in (0, 1]; null where people chose", above=0.0, maximum=1.0
        ),
    ),
)

CONTRACT_RATES = Table(
    "contract_rates",
    "one row per contract term and effective span; spans of one key may not overlap",
    (
        "contract_id",
        "payer_id",
        "plan_id",
        "product",
        "claim_type",
        "procedure_code",
        "modifier",
        "revenue_code",
        "drg_code",
        "place_of_service",
        "facility_id",
        "provider_class",
        "effective_from",
    ),
    (
        Column("contract_id", _TEXT, "the contract"),
        Column("payer_id", _TEXT, "whose", nullable=False),
        Column("plan_id", _TEXT, "plan; null: every plan"),
        Column("product", _TEXT, "product; null: every product"),
        Column("claim_type", _TEXT, "form of the claim; null: every form", allowed=CLAIM_TYPES),
        Column("procedure_code", _TEXT, "procedure; null: every procedure"),
        Column("modifier", _TEXT, "modifier; null: none asked for"),
        Column("revenue_code", _TEXT, "revenue code; null: every one"),
        Column("drg_code", _TEXT, "diagnosis related group; null: every one"),
        Column("place_of_service", _TEXT, "place; null: every place"),
        Column("facility_id", _TEXT, "facility; null: every one"),
        Column("provider_class", _TEXT, "class of provider; null: every one"),
        Column("effective_from", _DATE, "first day of service that it prices; null: always"),
        Column("effective_to", _DATE, "last day of service that it prices; null: open"),
        Column(
            "method",
            _TEXT,
            "how it prices",
            nullable=False,
            strict=True,
            allowed=("fee_schedule", "percent_of_charges", "percent_of_reference", "case_rate", "per_diem", "capitated", "not_covered"),
        ),
        Column("value", _NUMBER, "dollars per unit, or percent (80 is 80 %)", minimum=0.0),
        Column("unit_basis", _TEXT, "what one unit is"),
        Column("lesser_of_charges", _BOOL, "never above the charge"),
        Column("sequestration_applies", _BOOL, "2 % is taken off the payment"),
        Column("multiple_procedure", _BOOL, "multiple-procedure percentages apply"),
    ),
)

PAYER_RULES = Table(
    "payer_rules",
    "one row per payer, plan, remedy, level and effective span",
    ("payer_id", "payer_type", "plan_id", "remedy", "level", "effective_from"),
    (
        Column("payer_id", _TEXT, "payer; null: every payer"),
        Column("payer_type", _TEXT, "kind of payer; null: every kind", allowed=PAYER_TYPES),
        Column("plan_id", _TEXT, "plan; null: every plan"),
        Column("remedy", _TEXT, "remedy; null: every remedy", allowed=REMEDIES),
        Column("level", _INT, "level of appeal; null: the first"),
        Column("limit", _INT, "how long", nullable=False, minimum=0.0),
        Column("limit_unit", _TEXT, "in what", nullable=False, allowed=("days", "business_days", "months", "years"), strict=True),
        Column(
            "clock",
            _TEXT,
            "from which day",
            nullable=False,
            strict=True,
            allowed=("initial_denial_date", "remit_date", "service_date", "writeoff_date", "prior_decision_date", "demand_letter_date"),
        ),
        Column("grace_days", _INT, "days added", minimum=0.0),
        Column("effective_from", _DATE, "first clock day that it covers"),
        Column("effective_to", _DATE, "last clock day that it covers"),
    ),
)

WRITEOFF_POLICIES = Table(
    "writeoff_policies",
    "one row per client, adjustment code, category and effective span",
    ("client_id", "adjustment_code", "category", "effective_from"),
    (
        Column("client_id", _TEXT, "whose; null: everybody's"),
        Column("adjustment_code", _TEXT, "the practice's own reason code"),
        Column("category", _TEXT, "what the policy makes of it"),
        Column("max_amount", _MONEY, "largest write-off under the policy"),
        Column("approval_over", _MONEY, "above this somebody must approve"),
        Column("required_steps", _TEXT, "what must have been done", longest=2000),
        Column("effective_from", _DATE, "first day"),
        Column("effective_to", _DATE, "last day"),
    ),
)

REMIT_LINES = Table(
    "remit_lines",
    "one row per remit, claim, line, group and CARC; a reversal, and a place in an 835 where known, stand apart",
    (
        "remit_id",
        "claim_id",
        "payer_claim_number",
        "line_number",
        "procedure_code",
        "group_code",
        "carc",
        "is_reversal",
        "file",
        "segment",
    ),
    (
        Column("remit_id", _ID, "the remittance", nullable=False),
        Column("remit_date", _DATE, "date of the remittance"),
        Column("known_date", _DATE, "the day the row becomes known; null: remit_date"),
        Column("payer_id", _TEXT, "who paid", nullable=False),
        Column("payer_sequence", _INT, "1 primary, 2 secondary, 3 tertiary"),
        Column("claim_id", _ID, "our claim number (CLP01)"),
        Column("payer_claim_number", _ID, "the payer's number (CLP07)"),
        Column("line_number", _INT, "claim line; null: the whole claim"),
        Column("procedure_code", _TEXT, "procedure adjudicated"),
        Column("modifiers", _TEXT, "separated by spaces"),
        Column("units", _NUMBER, "units paid", minimum=0.0),
        Column("service_date", _DATE, "first day of service"),
        Column("claim_status", _TEXT, "claim status (CLP02)"),
        Column("group_code", _TEXT, "claim adjustment group", allowed=GROUP_CODES),
        Column("carc", _TEXT, "claim adjustment reason code"),
        Column("rarcs", _TEXT, "remittance advice remark codes, separated by spaces"),
        Column("amount", _MONEY, "dollars adjusted; positive lowers the payment"),
        Column("quantity", _NUMBER, "units adjusted"),
        Column("billed_amount", _MONEY, "dollars charged"),
        Column("allowed_amount", _MONEY, "dollars the payer allowed"),
        Column("paid_amount", _MONEY, "dollars the payer paid"),
        Column("patient_responsibility_amount", _MONEY, "dollars left to the patient"),
        Column("is_reversal", _BOOL, "takes an earlier adjudication back"),
        Column("file", _ID, "835 file that said it"),
        Column("segment", _INT, "segment of that file"),
        Column("balanced", _BOOL, "that claim balanced"),
    ),
)

REFERENCE_FEES = Table(
    "reference_fees",
    "one row per schedule, year, locality, procedure, modifier and setting",
    ("schedule", "year", "locality", "procedure_code", "modifier", "facility"),
    (
        Column("schedule", _TEXT, "name of the fee schedule", nullable=False),
        Column("year", _INT, "year of service", nullable=False),
        Column("locality", _TEXT, "where; null: everywhere"),
        Column("procedure_code", _TEXT, "procedure", nullable=False),
        Column("modifier", _TEXT, "modifier; null: none"),
        Column("facility", _BOOL, "price in a facility; null: either"),
        Column("amount", _MONEY, "dollars per unit", nullable=False, minimum=0.0),
    ),
)

CITATIONS = Table(
    "citations",
    "one row per passage that a letter may quote and effective span",
    ("payer_id", "payer_type", "procedure_code", "carc", "title", "section", "effective_from"),
    (
        Column("payer_id", _TEXT, "payer; null: every payer"),
        Column("payer_type", _TEXT, "kind of payer; null: every kind", allowed=PAYER_TYPES),
        Column("procedure_code", _TEXT, "procedure; null: every procedure"),
        Column("carc", _TEXT, "claim adjustment reason code; null: every one"),
        Column("title", _TEXT, "of the document", nullable=False),
        Column("section", _TEXT, "of the document"),
        Column("url", _TEXT, "where it stands", longest=2000),
        Column("quote", _TEXT, "the words themselves", longest=10000),
        Column("effective_from", _DATE, "first day; null: always"),
        Column("effective_to", _DATE, "last day; null: open"),
    ),
)

PROCESS_CHANGES = Table(
    "process_changes",
    "one row per change of process, its first day and where it was made",
    ("change", "changed_on", "payer_id", "carc", "family", "rule", "procedure_code", "facility_id", "provider_id", "posted_by"),
    (
        Column("changed_on", _DATE, "first day of the new way", nullable=False),
        Column("change", _TEXT, "what was changed, in words", nullable=False, longest=2000),
        Column("team", _TEXT, "whose work it is"),
        Column("family", _TEXT, "family of reason codes that it was to lower; null: every one", longest=40),
        Column("carc", _TEXT, "reason code that it was to lower; null: every one"),
        Column("rule", _TEXT, "rule of the audit that it was to lower, in the place of refusals", longest=60),
        Column("payer_id", _TEXT, "where it was made; null: everywhere"),
        Column("procedure_code", _TEXT, "where it was made; null: everywhere"),
        Column("facility_id", _TEXT, "where it was made; null: everywhere"),
        Column("provider_id", _TEXT, "where it was made; null: everywhere"),
        Column("posted_by", _TEXT, "where it was made; null: everywhere"),
    ),
)

TABLES = {
    table.name: table
    for table in (
        WRITEOFFS, OUTCOMES, REMIT_LINES, CONTRACT_RATES, REFERENCE_FEES, PAYER_RULES, WRITEOFF_POLICIES, CITATIONS, PROCESS_CHANGES,
    )
}  # fmt: skip
"""Every table by its name."""
