"""Triage: what each write-off is, whether it is worked, what to do about it, and how much it can bring at most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.calendar import add_months
from features.codes.combinations import Combinations
from features.codes.meaning import (
    ASK_PAYER,
    ASK_PROTECTED,
    ASK_QMB,
    CATEGORY,
    FLAGS,
    FORBIDDEN,
    NEEDS_NOTICE,
    PRIOR_OF_CATEGORY,
    PROTECTED,
    REMEDY,
    REMEDY_OF_CATEGORY,
    STEP_ASK,
    STEP_UNSURE,
    STEP_WAIT_DECISION,
    STEP_WAIT_SECONDARY,
    WHY,
    WHY_FORBIDDEN,
    Meaning,
    Words,
    read_meaning,
    steps_of,
)
from features.codes.tables import Codes
from features.contract import Priced, underpayment
from features.line_caps import share_line_caps
from features.money import NULL
from features.policies import Policies
from features.reversals import reversed_rows
from features.tables import CATEGORIES, Array, Batch, Columns

EXPECTED_SOURCES = ("none", "own", "contract", "usual")
"""Where an expected allowed amount comes from: nowhere, the practice's own system, the contract, the payer's habit."""

IN_SCOPE = frozenset(
    {
        "payer_recoupment",
        "posting_error",
        "unbilled_secondary",
        "never_billed",
        "denial",
        "underpayment",
        "questionable_contractual",
        "withhold_receivable",
        "unclassified",
    }
)
"""Categories that are worked; bad debt joins them where coverage may be found."""

IMPOSSIBLE = frozenset({"reversed", "wait", "informational"})
"""Categories in which a recovery from the payer is impossible by rule."""

SECONDARY_DAYS, DECISION_DAYS = 45, 120
"""Days to wait for the next payer, and for a pended decision (practice norms, DOMAIN 3)."""

_MATERIAL_CENTS = 100
"""A shortfall below a dollar is rounding, not a reason to write to a payer."""
_USUAL_COUNT = 5.0
"""Fewer past postings say nothing about what is usual."""

_IN_SCOPE = np.array([name in IN_SCOPE for name in CATEGORIES])
_POSSIBLE = np.array([name not in IMPOSSIBLE for name in CATEGORIES])
_REMEDY_OF = np.array(REMEDY_OF_CATEGORY, dtype=np.int64)
_PRIOR_OF = np.array(PRIOR_OF_CATEGORY, dtype=np.int64)
_WAIT, _PATIENT, _POLICY, _BAD_DEBT, _LAST = (
    CATEGORY[name] for name in ("wait", "patient_responsibility", "policy", "bad_debt", "unclassified")
)
_PATIENT_BILLING, _COVERAGE_DISCOVERY, _NEW_CLAIM = REMEDY["patient_billing"], REMEDY["coverage_discovery"], REMEDY["new_claim"]

Whole: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Triage:
    """What triage says of each row; arrays of one length.

    Parameters
    ----------
    family, category, remedy
        Places in `FAMILIES`, `CATEGORIES` and `REMEDIES`.
    in_scope
        It belongs into the work queue; routes, and zeroes nothing.
    possible
        False where no payer can owe anything by rule (informational, wait, reversed).
    prior_rate
        Chance of a recovery believed before any outcome is known.
    expected_allowed_cents, expected_allowed_source
        What the payer should allow, and whence (`EXPECTED_SOURCES`); NULL: not known.
    cap_cents
        Most that can be recovered; NULL where the write-off amount is.
    underpayment_cents
        Expected by contract or own system, less allowed; NULL where either is unknown.
    why, next_step
        Places in `whys` and `next_steps`: the first reason of a row out of scope, and what to do.
    payer_type, remark_days
        Place in `PAYER_TYPES` (-1: unknown), and days that a remark code allows (0: none); for deadlines.
    """

    family: NDArray[np.int8]
    category: NDArray[np.int8]
    remedy: NDArray[np.int8]
    in_scope: NDArray[np.bool_]
    possible: NDArray[np.bool_]
    prior_rate: NDArray[np.float64]
    expected_allowed_cents: NDArray[np.int64]
    expected_allowed_source: NDArray[np.int8]
    cap_cents: NDArray[np.int64]
    underpayment_cents: NDArray[np.int64]
    why: NDArray[np.int16]
    next_step: NDArray[np.int16]
    payer_type: NDArray[np.int8]
    remark_days: NDArray[np.int16]
    whys: tuple[str, ...]
    next_steps: tuple[str, ...]


def classify(
    batch: Batch,
    *,
    codes: Codes,
    as_of: int,
    priced: Priced | None = None,
    usual: UsualAllowed | None = None,
    policies: Policies | Batch | None = None,
    secondary_days: int = SECONDARY_DAYS,
    decision_days: int = DECISION_DAYS,
) -> Triage:
    """Triage write-offs.

    Parameters
    ----------
    batch
        Rows of `WRITEOFFS`; reversals and caps of one claim line are settled among them.
    codes
        The code tables.
    as_of
        The morning of which day it is, as days since 1970-01-01; waits lapse by it.
    priced, usual
        What the contract and the payer's habit say of the same rows.
    policies
        Rows of `WRITEOFF_POLICIES`; compile them once with `Policies` where latency counts.
    secondary_days, decision_days
        How long to wait for a next payer and for a pended decision.
    """
    said = Said._make(_combinations(codes).gather(batch))
    money = _weigh(batch, said, priced, usual)
    category = _categories(batch, said, money, policies)
    lapsed = np.zeros(len(batch), dtype=np.bool_)
    if said.hold.any():
        category, lapsed = _hold(batch, said, category, as_of, secondary_days, decision_days)
    category = _leave_out(batch, category)
    remedy, prior = _remedies(batch, said, category, lapsed, money, as_of)
    why = np.where(category == said.category, said.why, category)
    step = np.where(remedy == said.remedy, said.next_step, remedy)
    asks = said.hold > 0
    if asks.any():
        waiting = category == _WAIT
        step = np.where(waiting, np.where(said.hold == 1, STEP_WAIT_SECONDARY, STEP_WAIT_DECISION), step)
        step = np.where(lapsed & (said.hold == 2), STEP_ASK, step)
    wants_bill = remedy == _PATIENT_BILLING
    if wants_bill.any():
        remedy, step, why = _guard_patient(batch, said, category, remedy, step, why)
    possible = _POSSIBLE[category]
    cap = _caps(batch, money, possible, category)
    return Triage(
        family=said.family.astype(np.int8),
        category=category.astype(np.int8),
        remedy=remedy.astype(np.int8),
        in_scope=_IN_SCOPE[category] | (remedy == _COVERAGE_DISCOVERY) & (category == _BAD_DEBT),
        possible=possible,
        prior_rate=prior / 1000.0,
        expected_allowed_cents=money.expected,
        expected_allowed_source=money.source,
        cap_cents=cap,
        underpayment_cents=money.underpaid,
        why=why.astype(np.int16),
        next_step=step.astype(np.int16),
        payer_type=said.payer_type.astype(np.int8),
        remark_days=said.remark_days.astype(np.int16),
        whys=WHY,
        next_steps=steps_of(codes),
    )


class Said(NamedTuple):
    """`Meaning` of every row: the same fields, as arrays."""

    family: Whole
    category: Whole
    remedy: Whole
    prior: Whole
    flag: Whole
    remedy_flagged: Whole
    prior_flagged: Whole
    hold: Whole
    category_after: Whole
    remedy_after: Whole
    guards: Whole
    is_fee_cut: Whole
    is_guess: Whole
    can_bill_next: Whole
    is_unprocessable: Whole
    payer_type: Whole
    remark_days: Whole
    why: Whole
    next_step: Whole
    is_unknown: Whole


class _Money(NamedTuple):
    """Amounts of every row in cents; NULL is not known.

    `expected` is what the payer should allow, `agreed` the same without the payer's habit, `posted` the allowed amount that the
    posting itself implies (fee cuts only), `implied` the smaller of that and the remit's, `settled` what payers and patient bring.
    """

    expected: Whole
    source: NDArray[np.int8]
    agreed: Whole
    posted: Whole
    implied: Whole
    underpaid: Whole
    settled: Whole
    is_fee_cut: NDArray[np.bool_]
    is_claim_priced: NDArray[np.bool_]
    unusual_below: Whole


@cache
def _combinations(codes: Codes) -> Combinations[Meaning]:
    return Combinations(Words._fields, lambda words: read_meaning(Words(*words), codes))


def _weigh(batch: Batch, said: Said, priced: Priced | None, usual: UsualAllowed | None) -> _Money:
    """Work out what should have been allowed and what was."""
    columns = batch.columns
    amount, billed, allowed = columns["writeoff_amount"], columns["billed_amount"], columns["allowed_amount"]
    expected = columns["expected_allowed_amount"]
    source = (expected != NULL).astype(np.int8)
    is_claim_priced = np.zeros(len(batch), dtype=np.bool_)
    if priced is not None:
        is_claim_priced = priced.claim_priced
        expected, source = _fill(expected, source, priced.allowed_cents, 2)
    agreed, unusual_below = expected, np.full(len(batch), NULL, dtype=np.int64)
    if usual is not None:
        expected, source = _fill(expected, source, usual.median_cents, 3)
        unusual_below = np.where(agreed == NULL, _unusual_below(usual), NULL)
    is_fee_cut = said.is_fee_cut == 1
    # A fee cut is the charge above the allowed amount, so it implies the allowed amount.
    posted = np.where(is_fee_cut & (billed != NULL) & (amount != NULL), billed - amount, NULL)
    smaller = np.minimum(allowed, posted)
    implied = np.where(smaller == NULL, np.maximum(allowed, posted), smaller)
    underpaid = underpayment(agreed, np.where(allowed == NULL, posted, allowed))
    underpaid[is_claim_priced] = NULL
    settled = np.maximum(columns["paid_amount"], 0) + np.maximum(columns["other_payer_paid_amount"], 0)
    settled += np.maximum(columns["patient_responsibility_amount"], 0)
    return _Money(expected, source, agreed, posted, implied, underpaid, settled, is_fee_cut, is_claim_priced, unusual_below)


def _fill(known: Whole, source: NDArray[np.int8], more: Whole, number: int) -> tuple[Whole, NDArray[np.int8]]:
    """Return the amounts with unknown ones taken from the next source."""
    filled = np.where(known == NULL, more, known)
    return filled, np.where((known == NULL) & (more != NULL), np.int8(number), source)


def _unusual_below(usual: UsualAllowed) -> Whole:
    """Return the amount below which an allowed amount is clearly not the usual one; NULL with too little history.

    One half of the lower half-range below the 10 % mark (about two standard deviations of a bell), and at least 5 % and a dollar
    below the median, so that a payer that always allows the same is not flagged for cents.
    """
    median, low = usual.median_cents, usual.low_cents
    is_known = (median != NULL) & (low != NULL) & (usual.count >= _USUAL_COUNT)
    below = np.minimum(low - (median - low) // 2, median - np.maximum(median // 20, _MATERIAL_CENTS))
    return np.where(is_known, below, NULL)


def _categories(batch: Batch, said: Said, money: _Money, policies: Policies | Batch | None) -> Whole:
    """Return the first category that applies, holds and reversals apart; the list is in order of precedence."""
    columns = batch.columns
    category = said.category
    if money.is_fee_cut.any():
        category = np.minimum(category, _judge_fee_cuts(batch, money))
    next_is_open = (said.can_bill_next == 1) & (columns["next_payer_id"] >= 0) & (columns["other_payer_paid_amount"] <= 0)
    category = np.where(next_is_open, np.minimum(category, CATEGORY["unbilled_secondary"]), category)
    if policies is not None and len(policies):
        category = _apply_policies(batch, said, category, policies if isinstance(policies, Policies) else Policies(policies))
    return category


def _judge_fee_cuts(batch: Batch, money: _Money) -> Whole:
    """Return the category of contractual rows by their amounts; the last one where the amounts say nothing against them."""
    columns = batch.columns
    amount, billed = columns["writeoff_amount"], columns["billed_amount"]
    implied, agreed = money.implied, money.agreed
    is_known = (implied != NULL) & ~money.is_claim_priced
    is_below = is_known & ((implied < agreed - _MATERIAL_CENTS) & (agreed != NULL) | (implied < money.unusual_below))
    # Reason 45 may not equal the whole charge (its own usage note); with nothing paid it hides a denial.
    is_whole = (amount >= billed) & (billed > 0) & (columns["paid_amount"] <= 0) & ~money.is_claim_priced
    is_under = is_known & (columns["allowed_amount"] > 0) & (money.underpaid >= _MATERIAL_CENTS)
    judged = np.where(is_below | is_whole, CATEGORY["questionable_contractual"], _LAST)
    judged = np.where(is_under, CATEGORY["underpayment"], judged)
    judged = np.where((amount > billed) & (billed > 0), CATEGORY["posting_error"], judged)
    return np.where(money.is_fee_cut, judged, _LAST)


def _apply_policies(batch: Batch, said: Said, category: Whole, policies: Policies) -> Whole:
    """Let the practice's policies decide; over what was only read from words they stand, a known code stands over them."""
    given, is_exceeded = policies.categories(batch)
    is_guess = (said.is_guess == 1) & (category >= CATEGORY["denial"])
    decided = np.where(is_guess, given, np.minimum(category, given))
    category = np.where(given >= 0, decided, category)
    return np.where(is_exceeded & is_guess & (category == _POLICY), _LAST, category)


def _hold(
    batch: Batch, said: Said, category: Whole, as_of: int, secondary_days: int, decision_days: int
) -> tuple[Whole, NDArray[np.bool_]]:
    """Let rows wait, and end the wait when its days are over; the next payer's payment ends it at once."""
    columns = batch.columns
    remit = columns["remit_date"]
    begun = np.where(remit == NULL, columns["writeoff_date"], remit)
    is_over = as_of - begun > np.array([0, secondary_days, decision_days])[said.hold]
    is_held = (said.hold > 0) & ~((said.hold == 1) & (columns["other_payer_paid_amount"] > 0))
    lapsed = is_held & is_over
    category = np.where(lapsed, np.minimum(category, said.category_after), category)
    return np.where(is_held & ~is_over, np.minimum(category, _WAIT), category), lapsed


def _leave_out(batch: Batch, category: Whole) -> Whole:
    """Set apart reversals with what they reverse, and rows of no amount."""
    category = np.where(batch.columns["writeoff_amount"] == 0, np.maximum(category, CATEGORY["informational"]), category)
    mask = reversed_rows(batch)
    return category if mask is None else np.where(mask, CATEGORY["reversed"], category)


def _remedies(batch: Batch, said: Said, category: Whole, lapsed: NDArray[np.bool_], money: _Money, as_of: int) -> tuple[Whole, Whole]:
    """Return remedy and prior chance (thousandths)."""
    columns = batch.columns
    is_same = category == said.category
    remedy = np.where(is_same, said.remedy, _REMEDY_OF[category])
    prior = np.where(is_same, said.prior, _PRIOR_OF[category])
    if lapsed.any():
        is_after = lapsed & (category == said.category_after)
        remedy = np.where(is_after, said.remedy_after, remedy)
        prior = np.where(is_after, _PRIOR_OF[category], prior)
    if said.flag.any():
        is_true = _flags(columns)[said.flag, np.arange(len(batch))] == 1
        remedy = np.where(is_same & is_true, said.remedy_flagged, remedy)
        prior = np.where(is_same & is_true, said.prior_flagged, prior)
    if said.is_unprocessable.any():
        is_late = (said.is_unprocessable == 1) & (remedy == _NEW_CLAIM) & is_past_filing_limit(columns["service_date"], as_of)
        remedy = np.where(is_late, REMEDY["reopening"], remedy)
    is_short = (category == CATEGORY["underpayment"]) | (category == CATEGORY["questionable_contractual"])
    if is_short.any():
        is_protected = is_short & ((columns["nsa_protected"] == 1) | (said.guards & PROTECTED > 0))
        remedy = np.where(is_protected, REMEDY["nsa_negotiation"], remedy)
        remedy = np.where(is_short & _is_only_posted_short(columns, money), REMEDY["posting_correction"], remedy)
    is_found = (category == _BAD_DEBT) & (columns["other_coverage_on_file"] == 1)
    remedy = np.where(is_found, _COVERAGE_DISCOVERY, remedy)
    return remedy, np.where(is_found, 150, prior)


def _flags(columns: Columns) -> Array:
    """Return the flag columns in the order of `FLAGS`, one a row."""
    return np.stack([np.zeros_like(columns[FLAGS[1]]), *(columns[name] for name in FLAGS[1:])])


def _is_only_posted_short(columns: Columns, money: _Money) -> NDArray[np.bool_]:
    """Return where the payer allowed enough and the posting took off more."""
    allowed = columns["allowed_amount"]
    is_more: NDArray[np.bool_] = (money.posted != NULL) & (allowed > 0) & (money.posted < allowed - _MATERIAL_CENTS)
    return is_more & ~(money.underpaid >= _MATERIAL_CENTS)


def is_past_filing_limit(service_date: Whole, as_of: int) -> NDArray[np.bool_]:
    """Return where Medicare's filing limit, one calendar year of the service (42 CFR 424.44), is over; unknown dates are not.

    Examples
    --------
    >>> days = np.array(["2025-03-10", "2025-03-11", "NaT"], dtype="datetime64[D]").astype(np.int64)
    >>> is_past_filing_limit(days, int(np.datetime64("2026-03-11").astype(int))).tolist()
    [True, False, False]
    """
    is_past: NDArray[np.bool_] = (service_date != NULL) & (add_months(service_date, 12) < as_of)
    return is_past


def _guard_patient(batch: Batch, said: Said, category: Whole, remedy: Whole, step: Whole, why: Whole) -> tuple[Whole, Whole, Whole]:
    """Keep a patient bill only where nothing forbids it; where something is unknown the step says to verify (DOMAIN 3).

    Allowed is: the remit says PR, and none of QMB, Medicaid, workers' compensation, No Surprises Act, defective notice,
    bankruptcy, hold, another payer outstanding.
    """
    columns = batch.columns
    guards, wants = said.guards, remedy == _PATIENT_BILLING
    qmb, protected, notice = columns["qmb"], columns["nsa_protected"], columns["abn_on_file"]
    is_forbidden = (guards & (FORBIDDEN | PROTECTED) > 0) | (qmb == 1) | (protected == 1)
    is_forbidden |= (guards & NEEDS_NOTICE > 0) & (notice == 0)
    is_forbidden |= (columns["financial_assistance"] == 1) | (columns["other_coverage_on_file"] == 1)
    is_forbidden |= (columns["next_payer_id"] >= 0) & (columns["other_payer_paid_amount"] <= 0)
    is_forbidden |= category != _PATIENT
    is_unsure = (guards & ASK_PAYER > 0) | (guards & ASK_QMB > 0) & (qmb < 0) | (guards & ASK_PROTECTED > 0) & (protected < 0)
    is_unsure |= (guards & NEEDS_NOTICE > 0) & (notice < 0)
    # The balance of a qualified Medicare beneficiary goes to Medicaid, as that of any patient with a further payer.
    instead = np.where((qmb == 1) | (columns["other_coverage_on_file"] == 1), REMEDY["bill_secondary"], REMEDY["none"])
    refused = wants & is_forbidden
    step = np.where(wants & is_unsure, STEP_UNSURE, step)
    step = np.where(refused, instead, step)
    return np.where(refused, instead, remedy), step, np.where(refused & (category == _PATIENT), WHY_FORBIDDEN, why)


def _caps(batch: Batch, money: _Money, possible: NDArray[np.bool_], category: Whole) -> Whole:
    """Return the most that each row can bring: written off, and still owed of what should have been allowed."""
    amount = batch.columns["writeoff_amount"]
    is_expected = money.expected != NULL
    line = np.where(is_expected, np.maximum(money.expected - money.settled, 0), NULL)
    # A fee cut can bring only what was allowed too little: the allowed amount is settled by payer or patient.
    settled = np.where(money.is_fee_cut, np.maximum(money.settled, money.implied), money.settled)
    cap = np.where(is_expected, np.minimum(amount, money.expected - settled), amount)
    is_nothing = ~possible | (money.is_claim_priced & (batch.columns["line_number"] != NULL))
    cap = np.where(is_nothing, 0, np.maximum(cap, 0))
    cap = np.where(amount == NULL, NULL, cap)
    order = np.where(category == CATEGORY["denial"], -1, category)
    return share_line_caps(batch, cap, line, order)
