"""The money of each claim line: what should have been allowed, what was, what is short, and the most that can come back."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.batch import Batch
from features.codes.meaning import CATEGORY
from features.contract import Priced, underpayment
from features.line_caps import share_line_caps
from features.money import NULL
from features.rowwise import full, is_any, is_not, least, most, where
from features.tables import Columns

Whole: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

EXPECTED_SOURCES = ("none", "own", "contract", "usual")
"""Where an expected allowed amount comes from: nowhere, the practice's own system, the contract, the payer's habit."""

MATERIAL_CENTS = 100
"""A shortfall below a dollar is rounding, not a reason to write to a payer."""
USUAL_COUNT = 5.0
"""Fewer past postings say nothing about what is usual."""

_NONE, _OWN, _CONTRACT, _USUAL = range(len(EXPECTED_SOURCES))
_LAST, _DENIAL, _UNBILLED = CATEGORY["unclassified"], CATEGORY["denial"], CATEGORY["unbilled_secondary"]
_TAKEN_BACK = CATEGORY["payer_recoupment"]
_OVERPAID, _PATIENT, _INFORMATIONAL = (CATEGORY[name] for name in ("overpayment_owed", "patient_responsibility", "informational"))


class LineMoney(NamedTuple):
    """Amounts of every row in cents; NULL is not known.

    `written_off` is what reversals left of the posting; `expected` is what the payer should allow and `source` whence
    (`EXPECTED_SOURCES`); `agreed` the same without the payer's habit; `posted` the allowed amount that a fee cut itself implies;
    `implied` the smaller of that and the remit's; `underpaid` how far the remit's (else the posted) is below the agreed; `settled`
    what payers and patient bring.
    """

    written_off: Whole
    expected: Whole
    source: NDArray[np.int8]
    agreed: Whole
    posted: Whole
    implied: Whole
    underpaid: Whole
    settled: Whole
    is_fee_cut: Flags
    is_claim_priced: Flags


def weigh(batch: Batch, written_off: Whole, is_fee_cut: Flags, priced: Priced | None, usual: UsualAllowed | None) -> LineMoney:
    """Work out what should have been allowed and what was; `written_off` is what reversals left of each posting."""
    columns = batch.columns
    allowed, expected = columns["allowed_amount"], columns["expected_allowed_amount"]
    source = where(expected != NULL, _OWN, _NONE)
    if priced is not None:
        expected, source = _fill(expected, source, priced.allowed_cents, _CONTRACT)
    agreed = expected
    if usual is not None:
        expected, source = _fill(expected, source, usual.median_cents, _USUAL)
    posted, implied, known = _posted(columns, written_off, is_fee_cut), allowed, allowed
    if posted is not None:
        smaller = least(allowed, posted)
        implied = where(smaller == NULL, most(allowed, posted), smaller)
        known = where(allowed == NULL, posted, allowed)
    is_claim_priced = priced.claim_priced if priced is not None else full(allowed, False)
    # A contract prices what the first payer allows; a later payer answers for what is left of it.
    is_later = columns["payer_sequence"] > 1
    underpaid = where(is_claim_priced | is_later, NULL, underpayment(agreed, known))
    paid, other, patient = (columns[name] for name in ("paid_amount", "other_payer_paid_amount", "patient_responsibility_amount"))
    settled = most(paid, 0) + most(other, 0) + most(patient, 0)
    return LineMoney(
        written_off=written_off,
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


def _posted(columns: Columns, amount: Whole, is_fee_cut: Flags) -> Whole | None:
    """Return charge less write-off where that is the allowed amount, NULL elsewhere; None if it is so nowhere."""
    if not is_any(is_fee_cut):
        return None
    billed = columns["billed_amount"]
    return where(is_fee_cut & (billed != NULL) & (amount != NULL), billed - amount, NULL)


def _fill(known: Whole, source: NDArray[np.int8], more: Whole, number: int) -> tuple[Whole, NDArray[np.int8]]:
    """Return the amounts with unknown ones taken from the next source."""
    is_filled = (known == NULL) & (more != NULL)
    return where(is_filled, more, known), where(is_filled, number, source)


def judge_fee_cuts(batch: Batch, money: LineMoney, usual: UsualAllowed | None) -> Whole:
    """Return the category of contractual rows by their amounts; the last one where the amounts say nothing against them.

    Below the agreed price is an underpayment where the remit says so, else questionable; so is one clearly below the payer's
    habit where no price is agreed, and a cut of the whole charge with nothing paid. A cut above the charge is a posting error.
    """
    columns = batch.columns
    amount, billed, agreed = money.written_off, columns["billed_amount"], money.agreed
    is_line = money.is_fee_cut & is_not(money.is_claim_priced) & (columns["payer_sequence"] <= 1)
    # NULL is the least number: an unknown price less a dollar is far above any amount only by wrapping round, so it is masked.
    is_below = (money.implied < agreed - MATERIAL_CENTS) & (agreed != NULL)
    if usual is not None:
        is_below |= (money.implied < unusual_below(usual)) & (agreed == NULL)
    is_below &= money.implied != NULL
    # Reason 45 may not equal the whole charge (its own usage note); with nothing paid it hides a denial.
    is_charged = billed > 0
    is_below |= (amount >= billed) & is_charged & (columns["paid_amount"] <= 0)
    is_under = (columns["allowed_amount"] > 0) & (money.underpaid >= MATERIAL_CENTS)
    judged = where(is_line & is_below, CATEGORY["questionable_contractual"], _LAST)
    judged = where(is_line & is_under, CATEGORY["underpayment"], judged)
    return where(money.is_fee_cut & (amount > billed) & is_charged, CATEGORY["posting_error"], judged)


def judge_overpaid(batch: Batch, money: LineMoney, priced: Priced | None, category: Whole) -> Whole:
    """Return the categories with what payers may have overpaid set apart for compliance (42 CFR 401.305).

    Overpaid is a paid line allowed, or paid by this payer, more than a dollar above the contract (which holds lesser-of terms) and
    above the practice's own expectation where it has one; and a professional line for which two payers together paid more than
    the charge. Claim-priced lines are left alone: payment above charges is normal there. Patient shares follow the remittance
    until compliance decides.
    """
    columns = batch.columns
    allowed, paid, other, billed = (columns[f"{name}_amount"] for name in ("allowed", "paid", "other_payer_paid", "billed"))
    is_over = full(paid, False)
    if priced is not None:
        price = most(priced.allowed_cents, columns["expected_allowed_amount"])
        is_over = (priced.allowed_cents != NULL) & (paid > 0) & (most(allowed, paid) > price + MATERIAL_CENTS)
    is_twice = (paid > 0) & (other > 0) & (billed > 0)
    if is_any(is_twice):
        professional = batch.vocabulary.find("claim_type", "professional")
        is_twice &= columns["claim_type"] == (professional if professional >= 0 else -2)
        is_over |= is_twice & (paid + other > most(billed, money.agreed) + MATERIAL_CENTS)
    if not is_any(is_over):
        return category
    is_over &= is_not(money.is_claim_priced) & (category != _PATIENT) & (category != _INFORMATIONAL)
    return where(is_over, least(category, _OVERPAID), category)


def unusual_below(usual: UsualAllowed) -> Whole:
    """Return the amount below which an allowed amount is clearly not the usual one; NULL with too little history.

    One half of the lower half-range below the 10 % mark (about two standard deviations of a bell), and at least 5 % and a dollar
    below the median, so that a payer that always allows the same is not flagged for cents.
    """
    median, low = usual.median_cents, usual.low_cents
    is_known = (median != NULL) & (low != NULL) & (usual.count >= USUAL_COUNT)
    below = least(low - (median - low) // 2, median - most(median // 20, MATERIAL_CENTS))
    return where(is_known, below, NULL)


def is_only_posted_short(columns: Columns, money: LineMoney) -> Flags:
    """Return where the payer allowed enough and the posting took off more."""
    allowed = columns["allowed_amount"]
    is_more: Flags = (money.posted != NULL) & (allowed > 0) & (money.posted < allowed - MATERIAL_CENTS)
    return is_more & (money.underpaid < MATERIAL_CENTS)


def caps(batch: Batch, money: LineMoney, is_possible: Flags, category: Whole, share: Whole, as_of: int | Whole) -> Whole:
    """Return the most that each row can bring: written off, charged and not paid, and still owed of what should have been allowed.

    With nothing expected the written-off amount is the cap, as far as it was charged. The rows of one claim line share one ceiling,
    denials first, and what was posted on the day `as_of` or later behind what was known. `share` is what was imputed to the patient of a
    line that nothing was paid for (NULL: nothing was).
    """
    amount, expected = money.written_off, money.expected
    columns = batch.columns
    settled_by_all = money.settled + most(share, 0)
    if is_any(is_next := category == _UNBILLED):
        # The patient's share is what the next payer owes: until that one has paid, nobody has settled it.
        share_code = batch.vocabulary.find("group_code", "PR")
        is_share = is_next & (columns["group_code"] == share_code) & (share_code >= 0)
        settled_by_all = where(is_share, settled_by_all - most(columns["patient_responsibility_amount"], 0), settled_by_all)
    # A fee cut can bring only what was allowed too little: the allowed amount is settled by payer or patient.
    settled = where(money.is_fee_cut, most(settled_by_all, money.implied), settled_by_all)
    is_expected = expected != NULL
    cap = most(where(is_expected, least(amount, expected - settled), amount), 0)
    unpaid = _unpaid(columns, category)
    cap = where(unpaid == NULL, cap, least(cap, unpaid))
    is_line = columns["line_number"] != NULL
    is_nothing = money.is_claim_priced & is_line | is_not(is_possible)
    cap = where(is_nothing, 0, cap)
    cap = where(amount == NULL, NULL, cap)
    if len(batch) == 1:
        return cap
    ceiling = where(is_expected, most(expected - settled_by_all, 0), NULL)
    # Rows without a line may be of several lines, each with a charge of its own.
    charge = where(is_line, unpaid, NULL)
    posted = columns["writeoff_date"]
    later = np.where(posted < as_of, 0, posted)
    return share_line_caps(batch, cap, (ceiling, charge), where(category == _DENIAL, -1, category), later)


def _unpaid(columns: Columns, category: Whole) -> Whole:
    """Return what was charged less what payers paid; NULL where no charge is known.

    What a payer took back again may still stand as paid, so of a take-back it is the charge.
    """
    billed = columns["billed_amount"]
    paid = most(columns["paid_amount"], 0) + most(columns["other_payer_paid_amount"], 0)
    return where(billed > 0, most(billed - where(category == _TAKEN_BACK, 0, paid), 0), NULL)
