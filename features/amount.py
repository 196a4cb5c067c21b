"""Features of the amounts on the line."""

from __future__ import annotations

import numpy as np

from features.feature import Floats, dollars, feature, ratio
from features.tables import Columns


@feature(unit="dollars", concept="amount", phrase="the amount written off")
def writeoff_dollars(c: Columns) -> Floats:
    """Dollars written off."""
    return dollars(c, "writeoff_amount")


@feature(unit="dollars", concept="amount", phrase="the charge")
def billed_dollars(c: Columns) -> Floats:
    """Dollars charged."""
    return dollars(c, "billed_amount")


@feature(unit="dollars", concept="amount", phrase="what the payer allowed")
def allowed_dollars(c: Columns) -> Floats:
    """Dollars allowed by the payer."""
    return dollars(c, "allowed_amount")


@feature(unit="dollars", concept="amount", phrase="what the payer paid")
def paid_dollars(c: Columns) -> Floats:
    """Dollars paid by the payer."""
    return dollars(c, "paid_amount")


@feature(unit="share", concept="amount", phrase="how much of the charge was written off")
def writeoff_to_billed_share(c: Columns) -> Floats:
    """Written off as a part of the charge."""
    return ratio(dollars(c, "writeoff_amount"), dollars(c, "billed_amount"))


@feature(unit="share", concept="amount", phrase="how much of the charge was allowed")
def allowed_to_billed_share(c: Columns) -> Floats:
    """Allowed as a part of the charge."""
    return ratio(dollars(c, "allowed_amount"), dollars(c, "billed_amount"))


@feature(unit="share", concept="amount", phrase="how much of the charge was paid")
def paid_to_billed_share(c: Columns) -> Floats:
    """Paid as a part of the charge."""
    return ratio(dollars(c, "paid_amount"), dollars(c, "billed_amount"))


@feature(unit="share", concept="amount", phrase="the patient's share of what was allowed")
def patient_to_allowed_share(c: Columns) -> Floats:
    """Patient responsibility as a part of the allowed amount."""
    return ratio(dollars(c, "patient_responsibility_amount"), dollars(c, "allowed_amount"))


@feature(unit="share", concept="amount", phrase="how much of it can be recovered at most")
def cap_to_writeoff_share(c: Columns) -> Floats:
    """Recoverable cap as a part of the amount written off."""
    return ratio(dollars(c, "cap_cents"), dollars(c, "writeoff_amount"))


@feature(unit="units", concept="amount", phrase="the units billed")
def units_count(c: Columns) -> Floats:
    """Units billed; 1 where not given."""
    return np.where(np.isnan(c["units"]), 1.0, c["units"])


FEATURES = (
    writeoff_dollars,
    billed_dollars,
    allowed_dollars,
    paid_dollars,
    writeoff_to_billed_share,
    allowed_to_billed_share,
    paid_to_billed_share,
    patient_to_allowed_share,
    cap_to_writeoff_share,
    units_count,
)
