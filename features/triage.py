"""Triage: what each write-off is, whether it is worked, what to do about it, and how much it can bring at most."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.batch import Batch
from features.codes.combinations import Combinations
from features.codes.guards import NO_APPEAL, PROTECTED
from features.codes.meaning import (
    CATEGORY,
    FLAGS,
    PAYER_TYPE,
    PRIOR_MILLS,
    PRIOR_OF_CATEGORY,
    REMEDY,
    REMEDY_OF_CATEGORY,
    SCENARIOS,
    Meaning,
    read_meaning,
)
from features.codes.reducers import reducers
from features.codes.steps import (
    STEP_ASK,
    STEP_RESTRICTED,
    STEP_UNSURE,
    STEP_WAIT_DECISION,
    STEP_WAIT_SECONDARY,
    Steps,
    steps_of,
)
from features.codes.tables import FAMILIES, Codes
from features.codes.why import WHY, WHY_COVERED, WHY_FORBIDDEN, WHY_RESTRICTED
from features.codes.words import Words
from features.contract import Priced
from features.filing import filing_day, is_past_filing_limit
from features.guards import BIT
from features.line_money import EXPECTED_SOURCES, Flags, LineMoney, Whole, caps, is_only_posted_short, judge_fee_cuts, judge_overpaid, weigh
from features.money import NULL
from features.patient_guard import has_another_payer, judge_patient_bills
from features.patient_share import SHARE_SOURCES, UsualShares, impute_shares
from features.policies import Policies
from features.repeats import repeated_rows
from features.reversals import Undone, undo
from features.rowwise import as_type, is_any, is_not, least, pick, put, rows_where, take, where
from features.standing import IS_SENT, NO_STANDING, judge_sending
from features.tables import CATEGORIES, Columns

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
_UNDERPAYMENT, _QUESTIONABLE = CATEGORY["underpayment"], CATEGORY["questionable_contractual"]
_BAD_DEBT, _PATIENT_BILLING = CATEGORY["bad_debt"], REMEDY["patient_billing"]
_COVERAGE_DISCOVERY, _NEW_CLAIM = REMEDY["coverage_discovery"], REMEDY["new_claim"]
_BILL_SECONDARY, _NONE = REMEDY["bill_secondary"], REMEDY["none"]
_PATIENT, _OVERPAID = CATEGORY["patient_responsibility"], CATEGORY["overpayment_owed"]
_FOUND_PRIOR, _UNFOUND_PRIOR = PRIOR_MILLS["low"], PRIOR_MILLS["none"]
_SELF_PAYER = PAYER_TYPE["self_pay"]
_FAMILIES = len(FAMILIES)
_SELF_PAY = BIT["restriction.self_pay"]

__all__ = ["EXPECTED_SOURCES", "IMPOSSIBLE", "IN_SCOPE", "SCENARIOS", "SHARE_SOURCES", "WHY", "Triage", "classify"]


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
        Place in `PAYER_TYPES` (-1: unknown), and days that a remark code allows for an appeal (0: none); for deadlines.
    record_days
        The same for sending records.
    scenario
        Place in `SCENARIOS` (CAQH CORE 360; 0: none).
    patient_share_cents, patient_share_source
        The patient's share that was imputed to a line of which nothing was paid, and whence (`SHARE_SOURCES`); NULL: none was.
    refused, asked
        Bits of `features.guards.GUARDS`: what must not be done with the row, and what must be asked before it is.
    can_appeal
        No remark denies the appeal, and standing does not bar it.
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
    record_days: NDArray[np.int16]
    scenario: NDArray[np.int8]
    patient_share_cents: NDArray[np.int64]
    patient_share_source: NDArray[np.int8]
    refused: NDArray[np.int64]
    asked: NDArray[np.int64]
    can_appeal: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> Triage:
        """Return the rows at these positions."""
        arrays = {item.name: getattr(self, item.name)[rows] for item in fields(self) if item.name not in ("whys", "next_steps")}
        return replace(self, **arrays)


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
    shares: UsualShares | None = None,
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
    shares
        What share of the allowed amount the patients of each payer and plan usually carry.

    Examples
    --------
    >>> from features.guards import refusals
    >>> from features.batch import empty_columns
    >>> from features.tables import REMEDIES, WRITEOFFS
    >>> from features.vocabulary import Vocabulary
    >>> codes, zero = Codes.load(), np.array([0])
    >>> words = Vocabulary({"group_code": ["PR"], "carc": ["2"], "payer_type": ["medicaid"]})
    >>> columns = empty_columns(WRITEOFFS, 1) | {"group_code": zero, "carc": zero, "payer_type": zero, "writeoff_date": zero}
    >>> found = classify(Batch(WRITEOFFS, columns, words), codes=codes, as_of=0)
    >>> REMEDIES[found.remedy[0]], [refusal.citation for refusal in refusals(found.refused[0])]
    ('none', ['42 CFR 447.15'])
    """
    steps = steps_of(codes)
    said = Said._make(_combinations(codes).gather(batch))
    undone = undo(batch, as_of)
    written_off = batch.columns["writeoff_amount"] if undone is None else undone.left_cents
    money = weigh(batch, written_off, said.is_fee_cut != 0, priced, usual)
    category = _categories(batch, said, money, usual, policies)
    if priced is not None or is_any(batch.columns["other_payer_paid_amount"] > 0):
        category = judge_overpaid(batch, money, priced, category)
    lapsed = None
    if is_any(said.hold):
        category, lapsed = _hold(batch, said, category, as_of, np.array([0, secondary_days, decision_days]))
    category, copies = _leave_out(batch, category, undone)
    is_same = category == said.category
    remedy, prior = _remedies(batch, said, category, is_same, money, as_of)
    course = Course(remedy, prior, where(is_same, said.why, category), _steps(steps, said, remedy))
    if lapsed is not None:
        course = _after_hold(steps, said, category, lapsed, course)
    in_scope = take(_IN_SCOPE, category)
    is_debt = category == _BAD_DEBT
    if is_any(is_debt):
        in_scope |= is_debt & (course.remedy == _COVERAGE_DISCOVERY)
    course, in_scope, refused, asked = _guard(batch, said, category, course, in_scope)
    possible = take(_POSSIBLE, category)
    # What was posted twice is owed once: the first posting has it.
    can_bring = possible if copies is None else possible & is_not(copies)
    share, share_source = impute_shares(batch, money, category, shares)
    return Triage(
        family=as_type(said.family, np.int8),
        category=as_type(category, np.int8),
        remedy=as_type(course.remedy, np.int8),
        in_scope=in_scope,
        possible=possible,
        prior_rate=course.prior / 1000.0,
        expected_allowed_cents=money.expected,
        expected_allowed_source=as_type(money.source, np.int8),
        cap_cents=caps(batch, money, can_bring, category, share, as_of),
        underpayment_cents=money.underpaid,
        why=as_type(course.why, np.int16),
        next_step=as_type(course.step, np.int16),
        payer_type=as_type(said.payer_type, np.int8),
        remark_days=as_type(said.remark_days, np.int16),
        whys=WHY,
        next_steps=steps.sentences,
        record_days=as_type(said.record_days, np.int16),
        scenario=as_type(said.scenario, np.int8),
        patient_share_cents=share,
        patient_share_source=share_source,
        refused=refused,
        asked=asked,
        can_appeal=(said.guards & NO_APPEAL) + (refused & NO_STANDING) == 0,
    )


class Course(NamedTuple):
    """What is done with every row: remedy, prior chance (thousandths), reason and step."""

    remedy: Whole
    prior: Whole
    why: Whole
    step: Whole


def _steps(steps: Steps, said: Said, remedy: Whole) -> Whole:
    """Return the next step: that of the codes where their remedy stood, else that of the remedy in the family."""
    is_other = remedy != said.remedy
    if not is_any(is_other):
        return said.next_step
    return where(is_other, take(steps.array, remedy * _FAMILIES + said.family), said.next_step)


def _guard(batch: Batch, said: Said, category: Whole, course: Course, in_scope: Flags) -> tuple[Course, Flags, Whole, Whole]:
    """Let the guards refuse and ask; what they refuse is done otherwise, or not at all."""
    remedy, prior, why, step = course
    remedy, step, refused, asked = judge_sending(batch, said.payer_type, remedy, step)
    is_blocked = refused & _SELF_PAY > 0
    if is_any(is_blocked):
        remedy, why = where(is_blocked, _NONE, remedy), where(is_blocked, WHY_RESTRICTED, why)
        step = where(is_blocked, STEP_RESTRICTED, step)
        in_scope = in_scope & is_not(is_blocked)
    is_covered = (category == _PATIENT) & (batch.columns["other_coverage_on_file"] == 1)
    if is_any(is_covered):
        why = where(is_covered & (refused & _SELF_PAY == 0), WHY_COVERED, why)
    is_billed = remedy == _PATIENT_BILLING
    if is_any(is_billed):
        rows = rows_where(is_billed)
        of, on = pick(category, rows), pick(step, rows)
        forbidden, unsure = judge_patient_bills(batch.columns, rows, pick(said.guards, rows), of)
        # What the patient restricted goes to no payer, the next one included.
        is_restricted = pick(batch.columns["self_pay_restriction"], rows) == 1
        instead = where(has_another_payer(batch.columns, rows) & is_not(is_restricted), _BILL_SECONDARY, _NONE)
        is_refused = forbidden > 0
        remedy = put(remedy, rows, where(is_refused, instead, _PATIENT_BILLING))
        step = put(step, rows, where(is_refused, instead, where(unsure > 0, STEP_UNSURE, on)))
        why = put(why, rows, where(is_refused & (of == _PATIENT), WHY_FORBIDDEN, pick(why, rows)))
        refused = put(refused, rows, pick(refused, rows) | forbidden)
        asked = put(asked, rows, pick(asked, rows) | unsure)
    is_overpaid = category == _OVERPAID
    if is_any(is_overpaid):
        refused = refused | where(is_overpaid, BIT["overpayment.netting"], 0)
    return Course(remedy, prior, why, step), in_scope, refused, asked


class Said(NamedTuple):
    """`Meaning` of every row: the same fields."""

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
    record_days: Whole
    scenario: Whole
    why: Whole
    next_step: Whole


@cache
def _combinations(codes: Codes) -> Combinations[Meaning]:
    return Combinations(Words._fields, lambda words: read_meaning(Words(*words), codes), reducers(codes), np.int16)


def _categories(batch: Batch, said: Said, money: LineMoney, usual: UsualAllowed | None, policies: Policies | Batch | None) -> Whole:
    """Return the first category that applies, holds and reversals apart; the list is in order of precedence."""
    columns = batch.columns
    category = said.category
    if is_any(money.is_fee_cut):
        category = least(category, judge_fee_cuts(batch, money, usual))
    if is_any(said.can_bill_next):
        is_open = (said.can_bill_next == 1) & (columns["next_payer_id"] >= 0) & (columns["other_payer_paid_amount"] <= 0)
        category = where(is_open, least(category, _UNBILLED), category)
    if policies is not None and len(policies):
        category = _apply_policies(batch, said, category, Policies.of(policies))
    return category


def _apply_policies(batch: Batch, said: Said, category: Whole, policies: Policies) -> Whole:
    """Let the practice's policies decide; over what was only read from words they stand, a known code stands over them."""
    given, is_exceeded = policies.categories(batch)
    is_guess = (said.is_guess == 1) & (category >= CATEGORY["denial"])
    decided = where(is_guess, given, least(category, given))
    category = where(given >= 0, decided, category)
    return where(is_exceeded & is_guess & (category == _POLICY), _LAST, category)


def _hold(batch: Batch, said: Said, category: Whole, as_of: int | Whole, days: Whole) -> tuple[Whole, Flags]:
    """Let rows wait, and end the wait when its days are over; the next payer's payment ends it at once."""
    columns = batch.columns
    remit = columns["remit_date"]
    begun = where(remit == NULL, columns["writeoff_date"], remit)
    is_over = as_of - begun > take(days, said.hold)
    is_held = (said.hold > 0) & ((said.hold != 1) | (columns["other_payer_paid_amount"] <= 0))
    lapsed = is_held & is_over
    category = where(lapsed, least(category, said.category_after), category)
    return where(is_held & is_not(is_over), least(category, _WAIT), category), lapsed


def _leave_out(batch: Batch, category: Whole, undone: Undone | None) -> tuple[Whole, Flags | None]:
    """Set apart reversals with what they reverse, postings made twice, and rows of no amount; return the second postings too."""
    is_nothing = batch.columns["writeoff_amount"] == 0
    if is_any(is_nothing):
        category = where(is_nothing, _INFORMATIONAL, category)
    if undone is not None:
        category = where(undone.is_reversed, CATEGORY["reversed"], category)
    copies = repeated_rows(batch, undone and undone.is_reversed)
    if copies is not None:
        category = where(copies, least(category, CATEGORY["posting_error"]), category)
    return category, copies


def _remedies(batch: Batch, said: Said, category: Whole, is_same: Flags, money: LineMoney, as_of: int | Whole) -> tuple[Whole, Whole]:
    """Return remedy and prior chance (thousandths)."""
    columns = batch.columns
    remedy = where(is_same, said.remedy, take(_REMEDY_OF, category))
    prior = where(is_same, said.prior, take(_PRIOR_OF, category))
    if is_any(said.flag):
        is_true = is_same & _is_flagged(columns, said.flag)
        remedy = where(is_true, said.remedy_flagged, remedy)
        prior = where(is_true, said.prior_flagged, prior)
    if is_any(said.is_unprocessable):
        is_late = (said.is_unprocessable == 1) & (remedy == _NEW_CLAIM) & is_past_filing_limit(filing_day(batch), as_of)
        remedy = where(is_late, REMEDY["reopening"], remedy)
    is_short = (category == _UNDERPAYMENT) | (category == _QUESTIONABLE)
    if is_any(is_short):
        is_protected = is_short & ((columns["nsa_protected"] == 1) | (said.guards & PROTECTED > 0))
        remedy = where(is_protected, REMEDY["nsa_negotiation"], remedy)
        remedy = where(is_short & is_only_posted_short(columns, money), REMEDY["posting_correction"], remedy)
    is_debt = category == _BAD_DEBT
    if is_any(is_debt):
        is_found = is_debt & (columns["other_coverage_on_file"] == 1)
        remedy, prior = where(is_found, _COVERAGE_DISCOVERY, remedy), where(is_found, _FOUND_PRIOR, prior)
    is_patients = said.payer_type == _SELF_PAYER
    if is_any(is_patients):
        # The patient is no payer: what would be sent to one waits until somebody is found who insured the day.
        is_nobodys = is_patients & take(IS_SENT, remedy)
        found = where(columns["other_coverage_on_file"] == 1, _FOUND_PRIOR, _UNFOUND_PRIOR)
        remedy, prior = where(is_nobodys, _COVERAGE_DISCOVERY, remedy), where(is_nobodys, least(prior, found), prior)
    return remedy, prior


def _after_hold(steps: Steps, said: Said, category: Whole, lapsed: Flags, course: Course) -> Course:
    """Return what is done with rows that wait or waited."""
    remedy, prior, why, step = course
    is_after = lapsed & (category == said.category_after)
    remedy = where(is_after, said.remedy_after, remedy)
    prior = where(is_after & (category != said.category), take(_PRIOR_OF, category), prior)
    step = where(is_after & (remedy != said.remedy), take(steps.array, remedy * _FAMILIES + said.family), step)
    step = where(is_after & (said.hold == 2), STEP_ASK, step)
    waiting = where(said.hold == 1, STEP_WAIT_SECONDARY, STEP_WAIT_DECISION)
    return Course(remedy, prior, why, where(category == _WAIT, waiting, step))


def _is_flagged(columns: Columns, flag: Whole) -> Flags:
    """Return where the column that `flag` names (a place in `FLAGS`) is true."""
    is_true: Flags = flag < 0
    for number, name in enumerate(FLAGS[1:], start=1):
        is_true |= (flag == number) & (columns[name] == 1)
    return is_true
