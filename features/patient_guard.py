"""Billing the patient is an allow-list: what forbids it, and what must be asked first."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.codes.guards import (
    ASK_PAYER,
    ASK_PROTECTED,
    ASK_QMB,
    NEEDS_NOTICE,
    NOT_BANKRUPT,
    NOT_BY_CODE,
    NOT_COMPENSATED,
    NOT_HELD,
    NOT_MEDICAID,
    NOT_OTHER_GROUP,
    NOT_QMB,
    PROTECTED,
)
from features.codes.meaning import CATEGORY
from features.guards import BIT, Whole
from features.rowwise import is_plain, pick, single, where
from features.tables import Array, Columns

_PATIENT = CATEGORY["patient_responsibility"]
_BY_CODE = (
    (NOT_OTHER_GROUP, "patient.group"),
    (NOT_QMB, "patient.qmb"),
    (NOT_MEDICAID, "patient.medicaid"),
    (NOT_COMPENSATED, "patient.workers_comp"),
    (NOT_BY_CODE, "patient.remark"),
    (NOT_BANKRUPT, "patient.bankruptcy"),
    (NOT_HELD, "patient.hold"),
    (PROTECTED, "patient.nsa"),
)


def _by_codes(guards: Whole) -> Whole:
    """Return the refusals that the codes of each row alone make."""
    if is_plain(guards):
        return single(_bits_of(guards))
    known, place = np.unique(guards, return_inverse=True)
    return np.array([_bits_of(number) for number in known.tolist()], dtype=np.int64)[place]


@cache
def _bits_of(guards: int) -> int:
    return sum(BIT[rule] for bit, rule in _BY_CODE if guards & bit)


def judge_patient_bills(columns: Columns, rows: Array, guards: Whole, category: Whole) -> tuple[Whole, Whole]:
    """Return what forbids a patient bill of these rows, and what must be asked first, as bits of `features.guards` (DOMAIN 3).

    Allowed is: the remit says PR, and none of QMB, Medicaid, workers' compensation, No Surprises Act, defective notice,
    bankruptcy, hold, another payer outstanding. A waiver of the patient's share is never suggested instead.

    Parameters
    ----------
    columns
        The write-offs.
    rows
        Which of them would be billed to the patient.
    guards, category
        Of these rows: `Meaning.guards` (what the codes forbid, and which nulls must be asked), and the category.
    """
    qmb, protected, notice, help_, other, next_payer, paid = (
        pick(columns[name], rows)
        for name in (
            "qmb",
            "nsa_protected",
            "abn_on_file",
            "financial_assistance",
            "other_coverage_on_file",
            "next_payer_id",
            "other_payer_paid_amount",
        )
    )
    needs_notice = guards & NEEDS_NOTICE > 0
    refused = _by_codes(guards)
    refused |= where(category != _PATIENT, BIT["patient.group"], 0)
    # 42 USC 1396a(n)(3): no Medicare cost-sharing from a qualified beneficiary. 42 USC 300gg-131: no balance bill.
    refused |= where(qmb == 1, BIT["patient.qmb"], 0) | where(protected == 1, BIT["patient.nsa"], 0)
    # 42 CFR 411.404: without a valid notice the patient does not owe what Medicare denies as unnecessary.
    refused |= where(needs_notice & (notice == 0), BIT["patient.notice"], 0)
    # Assistance is on hold for a decision (26 CFR 1.501(r)-6); another payer comes before the patient.
    refused |= where(help_ == 1, BIT["patient.assistance"], 0)
    refused |= where((other == 1) | (next_payer >= 0) & (paid <= 0), BIT["patient.other_payer"], 0)
    asked = where(guards & ASK_PAYER > 0, BIT["patient.payer_unknown"], 0) | where(needs_notice & (notice < 0), BIT["patient.notice"], 0)
    asked |= where((guards & ASK_QMB > 0) & (qmb < 0), BIT["patient.qmb"], 0)
    asked |= where((guards & ASK_PROTECTED > 0) & (protected < 0), BIT["patient.nsa"], 0)
    return refused, asked & ~refused


def has_another_payer(columns: Columns, rows: Array) -> NDArray[np.bool_]:
    """Return whose balance goes to a further payer instead: that of a qualified Medicare beneficiary goes to Medicaid."""
    names = ("qmb", "other_coverage_on_file", "next_payer_id", "other_payer_paid_amount")
    qmb, other, next_payer, paid = (pick(columns[name], rows) for name in names)
    found: NDArray[np.bool_] = (qmb == 1) | (other == 1) | (next_payer >= 0) & (paid <= 0)
    return found
