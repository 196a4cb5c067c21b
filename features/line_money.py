"""The money of each claim line: what should have been allowed, what was, what is short, and the most that can come back."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.codes.meaning import CATEGORY
from features.contract import Priced, underpayment
from features.line_caps import share_line_caps
from features.money import NULL
from features.tables import Batch, Columns

Whole: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

EXPECTED_SOURCES = ("none", "own", "contract", "usual")
"""Where an expected allowed amount comes from: nowhere, the practice's own system, the contract, the payer's habit."""

MATERIAL_CENTS = 100
"""A shortfall below a dollar is rounding, not a reason to write to a payer."""
USUAL_COUNT = 5.0
"""Fewer past postings say nothing about what is usual."""

# Arrays without a dimension are compared twice as fast as Python numbers; one row is scored in microseconds.
_NULL, _ZERO, _FIRST = np.array(NULL), np.array(0), np.array(1)
_CONTRACT, _USUAL = np.array(2, dtype=np.int8), np.array(3, dtype=np.int8)
_LAST, _DENIAL = CATEGORY["unclassified"], CATEGORY["denial"]
_OVERPAID, _PATIENT, _INFORMATIONAL = (CATEGORY[name] for name in ("overpayment_owed", "patient_responsibility", "informational"))


class LineMoney(NamedTuple):
    """Amounts of every row in cents; NULL is not known.

    `expected` is what the payer should allow and `source` whence (`EXPECTED_SOURCES`); `agreed` the same without the payer's habit;
    `posted` the allowed amount that a fee cut itself implies; `implied` the smaller of that and the remit's; `underpaid` how far
    the remit's (else the posted) is below the agreed; `settled` what payers and patient bring.
    """

    expected: Whole
    source: NDArray[np.int8]
    agreed: Whole
    posted: Whole
    implied: Whole
    underpaid: Whole
    settled: Whole
    is_fee_cut: Flags
    is_claim_priced: Flags


def weigh(batch: Batch, is_fee_cut: Flags, priced: Priced | None, usual: UsualAllowed | None) -> LineMoney:
    """Work out what should have been allowed and what was."""
    columns = batch.columns
    allowed, expected = columns["allowed_amount"], columns["expected_allowed_amount"]
    source = (expected != _NULL).astype(np.int8)
    if priced is not None:
        expected, source = _fill(expected, source, priced.allowed_cents, _CONTRACT)
    agreed = expected
    if usual is not None:
        expected, source = _fill(expected, source, usual.median_cents, _USUAL)
    posted, implied, known = _posted(columns, is_fee_cut), allowed, allowed
    if posted is not None:
        smaller = np.minimum(allowed, posted)
        implied = np.where(smaller == _NULL, np.maximum(allowed, posted), smaller)
        known = np.where(allowed == _NULL, posted, allowed)
    underpaid = underpayment(agreed, known)
    is_claim_priced = priced.claim_priced if priced is not None else np.zeros(len(batch), dtype=np.bool_)
    # A contract prices what the first payer allows; a later payer answers for what is left of it.
    is_later = columns["payer_sequence"] > _FIRST
    underpaid[is_claim_priced | is_later] = NULL
    settled = np.maximum(columns["paid_amount"], _ZERO) + np.maximum(columns["other_payer_paid_amount"], _ZERO)
    settled += np.maximum(columns["patient_responsibility_amount"], _ZERO)
    return LineMoney(
        expected=expected,
        source=source,
        agreed=agreed,
        posted=allowed if posted is None else posted,
        implied=implied,
        underpaid=underpaid,
        settled=settled,
        is_fee_cut=is_fee_cut,
        is_claim_priced=is_claim_priced,
    )


def _posted(columns: Columns, is_fee_cut: Flags) -> Whole | None:
    """Return charge less write-off where that is the allowed amount, NULL elsewhere; None if it is so nowhere."""
    if not np.count_nonzero(is_fee_cut):
        return None
    amount, billed = columns["writeoff_amount"], columns["billed_amount"]
    return np.where(is_fee_cut & (billed != _NULL) & (amount != _NULL), billed - amount, _NULL)


def _fill(known: Whole, source: NDArray[np.int8], more: Whole, number: NDArray[np.int8]) -> tuple[Whole, NDArray[np.int8]]:
    """Return the amounts with unknown ones taken from the next source."""
    is_filled = (known == _NULL) & (more != _NULL)
    return np.where(is_filled, more, known), np.where(is_filled, number, source)


def judge_fee_cuts(batch: Batch, money: LineMoney, usual: UsualAllowed | None) -> Whole:
    """Return the category of contractual rows by their amounts; the last one where the amounts say nothing against them.

    Below the agreed price is an underpayment where the remit says so, else questionable; so is one clearly below the payer's
    habit where no price is agreed, and a cut of the whole charge with nothing paid. A cut above the charge is a posting error.
    """
    columns = batch.columns
    amount, billed, agreed = columns["writeoff_amount"], columns["billed_amount"], money.agreed
    is_line = money.is_fee_cut & ~money.is_claim_priced & ~(columns["payer_sequence"] > _FIRST)
    # NULL is the least number: an unknown price less a dollar is far above any amount only by wrapping round, so it is masked.
    is_below = (money.implied < agreed - MATERIAL_CENTS) & (agreed != _NULL)
    if usual is not None:
        is_below |= (money.implied < unusual_below(usual)) & (agreed == _NULL)
    is_below &= money.implied != _NULL
    # Reason 45 may not equal the whole charge (its own usage note); with nothing paid it hides a denial.
    is_charged = billed > _ZERO
    is_below |= (amount >= billed) & is_charged & (columns["paid_amount"] <= _ZERO)
    is_under = (columns["allowed_amount"] > _ZERO) & (money.underpaid >= MATERIAL_CENTS)
    judged = np.where(is_line & is_below, CATEGORY["questionable_contractual"], _LAST)
    judged = np.where(is_line & is_under, CATEGORY["underpayment"], judged)
    return np.where(money.is_fee_cut & (amount > billed) & is_charged, CATEGORY["posting_error"], judged)


def judge_overpaid(batch: Batch, money: LineMoney, priced: Priced | None, category: Whole) -> Whole:
    """Return the categories with what payers may have overpaid set apart for compliance (42 CFR 401.305).

    Overpaid is a paid line allowed, or paid by this payer, more than a dollar above the contract (which holds lesser-of terms) and
    above the practice's own expectation where it has one; and a professional line for which two payers together paid more than
    the charge. Claim-priced lines are left alone: payment above charges is normal there. Patient shares follow the remittance
    until compliance decides.
    """
    columns = batch.columns
    allowed, paid, other, billed = (columns[f"{name}_amount"] for name in ("allowed", "paid", "other_payer_paid", "billed"))
    is_over = np.zeros(len(batch), dtype=np.bool_)
    if priced is not None:
        price = np.maximum(priced.allowed_cents, columns["expected_allowed_amount"])
        is_over = (priced.allowed_cents != _NULL) & (paid > _ZERO) & (np.maximum(allowed, paid) > price + MATERIAL_CENTS)
    is_twice = (paid > _ZERO) & (other > _ZERO) & (billed > _ZERO)
    if np.count_nonzero(is_twice):
        professional = batch.vocabulary.find("claim_type", "professional")
        is_twice &= columns["claim_type"] == (professional if professional >= 0 else -2)
        is_over |= is_twice & (paid + other > np.maximum(billed, money.agreed) + MATERIAL_CENTS)
    if not np.count_nonzero(is_over):
        return category
    is_over &= ~money.is_claim_priced & (category != _PATIENT) & (category != _INFORMATIONAL)
    return np.where(is_over, np.minimum(category, _OVERPAID), category)


def unusual_below(usual: UsualAllowed) -> Whole:
    """Return the amount below which an allowed amount is clearly not the usual one; NULL with too little history.

    One half of the lower half-range below the 10 % mark (about two standard deviations of a bell), and at least 5 % and a dollar
    below the median, so that a payer that always allows the same is not flagged for cents.
    """
    median, low = usual.median_cents, usual.low_cents
    is_known = (median != _NULL) & (low != _NULL) & (usual.count >= USUAL_COUNT)
    below = np.minimum(low - (median - low) // 2, median - np.maximum(median // 20, MATERIAL_CENTS))
    return np.where(is_known, below, _NULL)


def is_only_posted_short(columns: Columns, money: LineMoney) -> Flags:
    """Return where the payer allowed enough and the posting took off more."""
    allowed = columns["allowed_amount"]
    is_more: Flags = (money.posted != _NULL) & (allowed > _ZERO) & (money.posted < allowed - MATERIAL_CENTS)
    return is_more & ~(money.underpaid >= MATERIAL_CENTS)


def caps(batch: Batch, money: LineMoney, is_possible: Flags, category: Whole, share: Whole) -> Whole:
    """Return the most that each row can bring: written off, and still owed of what should have been allowed.

    With nothing expected the written-off amount is the cap. The rows of one claim line share one ceiling, denials first. `share` is
    what was imputed to the patient of a line that nothing was paid for (NULL: nothing was).
    """
    amount, expected = batch.columns["writeoff_amount"], money.expected
    settled_by_all = money.settled + np.maximum(share, _ZERO)
    # A fee cut can bring only what was allowed too little: the allowed amount is settled by payer or patient.
    settled = np.where(money.is_fee_cut, np.maximum(settled_by_all, money.implied), settled_by_all)
    is_expected = expected != _NULL
    cap = np.maximum(np.where(is_expected, np.minimum(amount, expected - settled), amount), _ZERO)
    is_nothing = money.is_claim_priced & (batch.columns["line_number"] != _NULL) | ~is_possible
    cap = np.where(is_nothing, _ZERO, cap)
    cap = np.where(amount == _NULL, _NULL, cap)
    if len(batch) == 1:
        return cap
    ceiling = np.where(is_expected, np.maximum(expected - settled_by_all, 0), NULL)
    return share_line_caps(batch, cap, ceiling, np.where(category == _DENIAL, -1, category))
