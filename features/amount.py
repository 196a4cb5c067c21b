"""Features of the amounts on the line."""

from __future__ import annotations

from features.feature import Floats, amount, feature, share
from features.rowwise import where
from features.tables import Columns

_AMOUNT = "amount"


@feature(unit="units", concept=_AMOUNT, phrase="the units billed", null="never null")
def units_count(c: Columns) -> Floats:
    """Units billed; 1 where not given."""
    return where(c["units"] == c["units"], c["units"], 1.0)


FEATURES = (
    amount("writeoff_dollars", "writeoff_amount", "Dollars written off", concept=_AMOUNT, phrase="the amount written off"),
    amount("billed_dollars", "billed_amount", "Dollars charged", concept=_AMOUNT, phrase="the charge"),
    amount("allowed_dollars", "allowed_amount", "Dollars allowed by the payer", concept=_AMOUNT, phrase="what the payer allowed"),
    amount("paid_dollars", "paid_amount", "Dollars paid by the payer", concept=_AMOUNT, phrase="what the payer paid"),
    share(
        "writeoff_to_billed_share",
        "writeoff_amount",
        "billed_amount",
        "Written off as a part of the charge",
        concept=_AMOUNT,
        phrase="how much of the charge was written off",
    ),
    share(
        "allowed_to_billed_share",
        "allowed_amount",
        "billed_amount",
        "Allowed as a part of the charge",
        concept=_AMOUNT,
        phrase="how much of the charge was allowed",
    ),
    share(
        "paid_to_billed_share",
        "paid_amount",
        "billed_amount",
        "Paid as a part of the charge",
        concept=_AMOUNT,
        phrase="how much of the charge was paid",
    ),
    share(
        "patient_to_allowed_share",
        "patient_responsibility_amount",
        "allowed_amount",
        "Patient responsibility as a part of the allowed amount",
        concept=_AMOUNT,
        phrase="the patient's share of what was allowed",
    ),
    share(
        "cap_to_writeoff_share",
        "cap_cents",
        "writeoff_amount",
        "Recoverable cap as a part of the amount written off",
        concept=_AMOUNT,
        phrase="how much of it can be recovered at most",
    ),
    units_count,
)
