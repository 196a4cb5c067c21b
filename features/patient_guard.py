"""Billing the patient is an allow-list: what forbids it, and what must be asked first."""

from __future__ import annotations

import numpy as np

from features.codes.meaning import (
    ASK_PAYER,
    ASK_PROTECTED,
    ASK_QMB,
    CATEGORY,
    FORBIDDEN,
    NEEDS_NOTICE,
    PROTECTED,
    REMEDY,
    STEP_UNSURE,
    WHY_FORBIDDEN,
)
from features.line_money import Whole
from features.tables import Batch

_BILL, _SECONDARY, _NONE = REMEDY["patient_billing"], REMEDY["bill_secondary"], REMEDY["none"]
_PATIENT = CATEGORY["patient_responsibility"]


def guard_patient_bills(batch: Batch, guards: Whole, category: Whole, remedy: Whole, step: Whole, why: Whole) -> tuple[Whole, Whole, Whole]:
    """Keep a patient bill only where nothing forbids it; where something is unknown the step says to verify (DOMAIN 3).

    Allowed is: the remit says PR, and none of QMB, Medicaid, workers' compensation, No Surprises Act, defective notice,
    bankruptcy, hold, another payer outstanding. A waiver of the patient's share is never suggested instead.

    Parameters
    ----------
    batch
        The write-offs.
    guards
        `Meaning.guards` of each row: what the codes forbid, and which nulls must be asked.
    category, remedy, step, why
        Of each row; remedy, step and why are returned.
    """
    columns, is_bill = batch.columns, remedy == _BILL
    qmb, protected, notice, other = (columns[name] for name in ("qmb", "nsa_protected", "abn_on_file", "other_coverage_on_file"))
    needs_notice = guards & NEEDS_NOTICE > 0
    is_forbidden = (guards & (FORBIDDEN | PROTECTED) > 0) | (category != _PATIENT)
    # 42 USC 1396a(n)(3): no Medicare cost-sharing from a qualified beneficiary. 42 USC 300gg-131: no balance bill.
    is_forbidden |= (qmb == 1) | (protected == 1)
    # 42 CFR 411.404: without a valid notice the patient does not owe what Medicare denies as unnecessary.
    is_forbidden |= needs_notice & (notice == 0)
    # Assistance is on hold for a decision (26 CFR 1.501(r)-6); another payer comes before the patient.
    is_forbidden |= (columns["financial_assistance"] == 1) | (other == 1)
    is_forbidden |= (columns["next_payer_id"] >= 0) & (columns["other_payer_paid_amount"] <= 0)
    is_unsure = (guards & ASK_PAYER > 0) | needs_notice & (notice < 0)
    is_unsure |= (guards & ASK_QMB > 0) & (qmb < 0) | (guards & ASK_PROTECTED > 0) & (protected < 0)
    # The balance of a qualified Medicare beneficiary goes to Medicaid, as that of any patient with a further payer.
    instead = np.where((qmb == 1) | (other == 1), _SECONDARY, _NONE)
    refused = is_bill & is_forbidden
    step = np.where(refused, instead, np.where(is_bill & is_unsure, STEP_UNSURE, step))
    return np.where(refused, instead, remedy), step, np.where(refused & (category == _PATIENT), WHY_FORBIDDEN, why)
