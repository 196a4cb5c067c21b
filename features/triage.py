"""Triage: what each write-off is, whether it is worked, what to do about it, and how much it can bring at most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.calendar import add_months
from features.codes.combinations import Combinations
from features.codes.meaning import (
    CATEGORY,
    FLAGS,
    PRIOR_MILLS,
    PRIOR_OF_CATEGORY,
    PROTECTED,
    REMEDY,
    REMEDY_OF_CATEGORY,
    STEP_ASK,
    STEP_WAIT_DECISION,
    STEP_WAIT_SECONDARY,
    WHY,
    Meaning,
    Words,
    read_meaning,
    steps_of,
)
from features.codes.reducers import reducers
from features.codes.tables import Codes
from features.contract import Priced
from features.line_money import EXPECTED_SOURCES, Flags, LineMoney, Whole, caps, is_only_posted_short, judge_fee_cuts, weigh
from features.money import NULL
from features.patient_guard import guard_patient_bills
from features.policies import Policies
from features.repeats import repeated_rows
from features.reversals import reversed_rows
from features.tables import CATEGORIES, Batch, Columns

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

_IN_SCOPE = np.array([name in IN_SCOPE for name in CATEGORIES])
_POSSIBLE = np.array([name not in IMPOSSIBLE for name in CATEGORIES])
_REMEDY_OF = np.array(REMEDY_OF_CATEGORY, dtype=np.int64)
_PRIOR_OF = np.array(PRIOR_OF_CATEGORY, dtype=np.int64)
_WAIT, _UNBILLED, _POLICY = CATEGORY["wait"], CATEGORY["unbilled_secondary"], CATEGORY["policy"]
_INFORMATIONAL, _LAST = CATEGORY["informational"], CATEGORY["unclassified"]
# Arrays without a dimension are compared twice as fast as Python numbers; one row is scored in microseconds.
_ZERO = np.array(0)
_UNDERPAYMENT, _QUESTIONABLE = np.array(CATEGORY["underpayment"]), np.array(CATEGORY["questionable_contractual"])
_BAD_DEBT, _PATIENT_BILLING = np.array(CATEGORY["bad_debt"]), np.array(REMEDY["patient_billing"])
_COVERAGE_DISCOVERY, _NEW_CLAIM = REMEDY["coverage_discovery"], REMEDY["new_claim"]
_FOUND_PRIOR = PRIOR_MILLS["low"]

__all__ = ["EXPECTED_SOURCES", "IMPOSSIBLE", "IN_SCOPE", "Triage", "classify"]


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
    as_of: int | Whole,
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
        The morning of which day it is, as days since 1970-01-01, one for all rows or one each; waits lapse by it.
    priced, usual
        What the contract and the payer's habit say of the same rows.
    policies
        Rows of `WRITEOFF_POLICIES`, or these compiled by `Policies`.
    secondary_days, decision_days
        How long to wait for a next payer and for a pended decision.
    """
    said = Said._make(_combinations(codes).gather(batch))
    money = weigh(batch, said.is_fee_cut != _ZERO, priced, usual)
    category = _categories(batch, said, money, usual, policies)
    lapsed = None
    if np.count_nonzero(said.hold):
        category, lapsed = _hold(batch, said, category, as_of, np.array([0, secondary_days, decision_days]))
    category = _leave_out(batch, category)
    is_same = category == said.category
    remedy, prior = _remedies(batch, said, category, is_same, money, as_of)
    why = np.where(is_same, said.why, category)
    step = np.where(remedy == said.remedy, said.next_step, remedy)
    if lapsed is not None:
        remedy, prior, step = _after_hold(said, category, lapsed, remedy, prior, step)
    if np.count_nonzero(remedy == _PATIENT_BILLING):
        remedy, step, why = guard_patient_bills(batch, said.guards, category, remedy, step, why)
    possible = _POSSIBLE[category]
    in_scope = _IN_SCOPE[category]
    if np.count_nonzero(category == _BAD_DEBT):
        in_scope |= (category == _BAD_DEBT) & (remedy == _COVERAGE_DISCOVERY)
    return Triage(
        family=said.family.astype(np.int8),
        category=category.astype(np.int8),
        remedy=remedy.astype(np.int8),
        in_scope=in_scope,
        possible=possible,
        prior_rate=prior / 1000.0,
        expected_allowed_cents=money.expected,
        expected_allowed_source=money.source,
        cap_cents=caps(batch, money, possible, category),
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


@cache
def _combinations(codes: Codes) -> Combinations[Meaning]:
    return Combinations(Words._fields, lambda words: read_meaning(Words(*words), codes), reducers(codes))


def _categories(batch: Batch, said: Said, money: LineMoney, usual: UsualAllowed | None, policies: Policies | Batch | None) -> Whole:
    """Return the first category that applies, holds and reversals apart; the list is in order of precedence."""
    columns = batch.columns
    category = said.category
    if np.count_nonzero(money.is_fee_cut):
        category = np.minimum(category, judge_fee_cuts(batch, money, usual))
    if np.count_nonzero(said.can_bill_next):
        is_open = (said.can_bill_next == 1) & (columns["next_payer_id"] >= 0) & (columns["other_payer_paid_amount"] <= 0)
        category = np.where(is_open, np.minimum(category, _UNBILLED), category)
    if policies is not None and len(policies):
        category = _apply_policies(batch, said, category, Policies.of(policies))
    return category


def _apply_policies(batch: Batch, said: Said, category: Whole, policies: Policies) -> Whole:
    """Let the practice's policies decide; over what was only read from words they stand, a known code stands over them."""
    given, is_exceeded = policies.categories(batch)
    is_guess = (said.is_guess == 1) & (category >= CATEGORY["denial"])
    decided = np.where(is_guess, given, np.minimum(category, given))
    category = np.where(given >= 0, decided, category)
    return np.where(is_exceeded & is_guess & (category == _POLICY), _LAST, category)


def _hold(batch: Batch, said: Said, category: Whole, as_of: int | Whole, days: Whole) -> tuple[Whole, Flags]:
    """Let rows wait, and end the wait when its days are over; the next payer's payment ends it at once."""
    columns = batch.columns
    remit = columns["remit_date"]
    begun = np.where(remit == NULL, columns["writeoff_date"], remit)
    is_over = as_of - begun > days[said.hold]
    is_held = (said.hold > 0) & ~((said.hold == 1) & (columns["other_payer_paid_amount"] > 0))
    lapsed = is_held & is_over
    category = np.where(lapsed, np.minimum(category, said.category_after), category)
    return np.where(is_held & ~is_over, np.minimum(category, _WAIT), category), lapsed


def _leave_out(batch: Batch, category: Whole) -> Whole:
    """Set apart reversals with what they reverse, postings made twice, and rows of no amount."""
    amount = batch.columns["writeoff_amount"]
    if np.count_nonzero(amount) < len(amount):
        category = np.where(amount == 0, _INFORMATIONAL, category)
    mask = reversed_rows(batch)
    if mask is not None:
        category = np.where(mask, CATEGORY["reversed"], category)
    copies = repeated_rows(batch, mask)
    return category if copies is None else np.where(copies, np.minimum(category, CATEGORY["posting_error"]), category)


def _remedies(batch: Batch, said: Said, category: Whole, is_same: Flags, money: LineMoney, as_of: int | Whole) -> tuple[Whole, Whole]:
    """Return remedy and prior chance (thousandths)."""
    columns = batch.columns
    remedy = np.where(is_same, said.remedy, _REMEDY_OF[category])
    prior = np.where(is_same, said.prior, _PRIOR_OF[category])
    if np.count_nonzero(said.flag):
        is_true = is_same & _is_flagged(columns, said.flag)
        remedy = np.where(is_true, said.remedy_flagged, remedy)
        prior = np.where(is_true, said.prior_flagged, prior)
    if np.count_nonzero(said.is_unprocessable):
        is_late = (said.is_unprocessable == 1) & (remedy == _NEW_CLAIM) & is_past_filing_limit(columns["service_date"], as_of)
        remedy = np.where(is_late, REMEDY["reopening"], remedy)
    is_short = (category == _UNDERPAYMENT) | (category == _QUESTIONABLE)
    if np.count_nonzero(is_short):
        is_protected = is_short & ((columns["nsa_protected"] == 1) | (said.guards & PROTECTED > 0))
        remedy = np.where(is_protected, REMEDY["nsa_negotiation"], remedy)
        remedy = np.where(is_short & is_only_posted_short(columns, money), REMEDY["posting_correction"], remedy)
    is_debt = category == _BAD_DEBT
    if np.count_nonzero(is_debt):
        is_found = is_debt & (columns["other_coverage_on_file"] == 1)
        remedy, prior = np.where(is_found, _COVERAGE_DISCOVERY, remedy), np.where(is_found, _FOUND_PRIOR, prior)
    return remedy, prior


def _after_hold(said: Said, category: Whole, lapsed: Flags, remedy: Whole, prior: Whole, step: Whole) -> tuple[Whole, Whole, Whole]:
    """Return remedy, prior chance and step of rows that wait or waited."""
    is_after = lapsed & (category == said.category_after)
    remedy = np.where(is_after, said.remedy_after, remedy)
    prior = np.where(is_after & (category != said.category), _PRIOR_OF[category], prior)
    step = np.where(is_after & (remedy != said.remedy), remedy, step)
    step = np.where(is_after & (said.hold == 2), STEP_ASK, step)
    waiting = np.where(said.hold == 1, STEP_WAIT_SECONDARY, STEP_WAIT_DECISION)
    return remedy, prior, np.where(category == _WAIT, waiting, step)


def _is_flagged(columns: Columns, flag: Whole) -> Flags:
    """Return where the column that `flag` names (a place in `FLAGS`) is true."""
    is_true = np.zeros(len(flag), dtype=np.bool_)
    for number, name in enumerate(FLAGS[1:], start=1):
        is_true |= (flag == number) & (columns[name] == 1)
    return is_true


def is_past_filing_limit(service_date: Whole, as_of: int | Whole) -> Flags:
    """Return where Medicare's filing limit, one calendar year of the service (42 CFR 424.44), is over; unknown dates are not.

    Examples
    --------
    >>> days = np.array(["2025-03-10", "2025-03-11", "NaT"], dtype="datetime64[D]").astype(np.int64)
    >>> is_past_filing_limit(days, int(np.datetime64("2026-03-11").astype(int))).tolist()
    [True, False, False]
    """
    is_past: Flags = (service_date != NULL) & (add_months(service_date, 12) < as_of)
    return is_past
