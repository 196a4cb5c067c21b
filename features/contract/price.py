"""The price of a write-off by its contract: exact, in whole cents, and set beside what was allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.contract.claim import include_in_case, rank_divisors
from features.contract.plan import UNITS, Counted, Flag, Worked
from features.contract.plans import Plans
from features.contract.reasons import REASON
from features.contract.reference import ReferenceFees
from features.contract.terms import Term, Terms
from features.money import NULL
from features.rowwise import as_type, full, is_any, is_plain, least, most, rounded, where
from features.tables import Array

_ABSURD_CENTS = 10**12
"""Ten thousand million dollars for one line: beyond it whole numbers would overflow, and nobody was billed so."""
_MOST_UNITS = 10.0**9
_SAFE = 2.0**61

# Whole numbers are compared several times as fast as members of an enumeration.
_BY_UNITS, _BY_CHARGE, _BY_DAYS = int(Counted.UNITS), int(Counted.CHARGE), int(Counted.DAYS)
_LESSER, _SEQUESTERED, _RANKED, _CLAIM = (int(flag) for flag in (Flag.LESSER, Flag.SEQUESTERED, Flag.RANKED, Flag.CLAIM))


@dataclass(frozen=True, slots=True)
class Priced:
    """The contract's price of each row.

    Parameters
    ----------
    allowed_cents
        What the contract allows for the row as billed; NULL: not priced.
    term
        Row of the contract table that holds; -1: none.
    claim_priced
        The claim is priced as a whole, so the line has no price of its own. A row for a whole claim has one, and is not marked.
    reason
        Place in `features.contract.reasons.REASONS`: why it is not priced; 0 where it is. None: not told.
    sequestered_cents
        What sequestration takes off the payer's payment, never off the allowed amount: 2 % of what is left of the price after the
        patient's share; 0 where the term does not take it, NULL where share or price is not known. None: not told.
    """

    allowed_cents: NDArray[np.int64]
    term: NDArray[np.int32]
    claim_priced: NDArray[np.bool_]
    reason: NDArray[np.int8] | None = None
    sequestered_cents: NDArray[np.int64] | None = None

    def single(self, row: int) -> Priced:
        """Return the plain values of one row."""
        told = (getattr(self, name) for name in self.__slots__)
        return Priced(*(values.item(row) if isinstance(values, np.ndarray) else values for values in told))


class ContractRates:
    """Contract terms, ready to price write-offs.

    In this order: a carve-out before what prices the claim, and of the terms that hold on the day of service the one that asks for
    most (equal ones by the weight of what they ask for: contract, plan, facility, modifier, procedure ...); its base; the shares of
    modifiers (`modifiers.csv`) that no fee names; units; the lesser of price and charge; sequestration, off the payment only. All is
    exact until one rounding to whole cents, half a cent up. What cannot be priced says why: no false variance.

    Parameters
    ----------
    terms
        Rows of `CONTRACT_RATES`.
    reference_fees
        Rows of `REFERENCE_FEES`; None: terms that need them price nothing.

    Examples
    --------
    >>> from features.contract.reasons import REASONS
    >>> from features.batch import empty_columns
    >>> from features.tables import CONTRACT_RATES, WRITEOFFS
    >>> from features.vocabulary import Vocabulary
    >>> words = Vocabulary({"payer_id": ["ACME"], "procedure_code": ["99213", "99999"], "method": ["fee_schedule"]})
    >>> columns = empty_columns(CONTRACT_RATES, 1)
    >>> columns |= {"payer_id": np.array([0]), "procedure_code": np.array([0]), "method": np.array([0]), "value": np.array([120.0])}
    >>> rates = ContractRates(Batch(CONTRACT_RATES, columns, words))
    >>> rows = empty_columns(WRITEOFFS, 2) | {"payer_id": np.array([0, 0]), "procedure_code": np.array([0, 1])}
    >>> priced = rates.price(Batch(WRITEOFFS, rows, words))
    >>> priced.allowed_cents[0], priced.allowed_cents[1] == NULL, priced.term.tolist()
    (np.int64(12000), np.True_, [0, -1])
    >>> [REASONS[reason] for reason in priced.reason]
    ['', 'no_term']
    """

    def __init__(self, terms: Batch, reference_fees: Batch | None = None) -> None:
        fees = ReferenceFees(reference_fees)
        self.terms = Terms(terms, fees.schedules, sorted(fees.years))
        self._plans = Plans(self.terms, fees)
        self._made_of = terms, reference_fees

    def __reduce__(self) -> tuple[type[ContractRates], tuple[Batch, Batch | None]]:
        # It goes to another process as what it was made of.
        return ContractRates, self._made_of

    def __len__(self) -> int:
        return len(self.terms)

    def price(self, batch: Batch) -> Priced:
        """Return what the contract allows for each write-off, by its day of service."""
        term, rate, divisor, counted, flags, reason = self._plans.rows(batch)
        columns = batch.columns
        if is_any(flags & _CLAIM):
            flags, reason = include_in_case(batch, flags, reason)
        many, reason = _count(columns, counted, reason)
        cents, reason = _multiply(rate, many, divisor, reason)
        if is_any(flags & _RANKED):
            places, reason = rank_divisors(batch, flags, cents, reason)
            cents, reason = _multiply(rate, many, divisor * places, reason)
        is_lesser = flags & _LESSER > 0
        if is_any(is_lesser):
            cents, reason = _lesser(cents, columns["billed_amount"], is_lesser, reason)
        allowed = where(reason == 0, cents, NULL)
        is_claim = (flags & _CLAIM > 0) & (reason != 0)
        taken, is_taken = full(allowed, 0), flags & _SEQUESTERED > 0
        if is_any(is_taken):
            taken = where(is_taken, sequestered(allowed, columns["patient_responsibility_amount"]), taken)
        return Priced(allowed, as_type(term, np.int32), is_claim, as_type(reason, np.int8), taken)

    def term(self, row: int) -> Term:
        """Return one row of the contract table, read."""
        return self.terms.term(row)

    def work(self, batch: Batch, row: int) -> Worked:
        """Return how the price of a row comes about, for people."""
        return self._plans.work(batch, row)


def _count(columns: dict[str, Array], counted: NDArray[np.int64], reason: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what the rate of each row is multiplied by: units (ten-thousandths), charge (cents), days, or once."""
    units = columns["units"]
    is_units = counted == _BY_UNITS
    # `units > most` is false for NaN, which counts as one.
    is_many = is_units & (units > _MOST_UNITS)
    some = where(is_units & (units == units), units, 1.0)
    many = where(is_units, rounded(least(some, _MOST_UNITS) * UNITS), 1)
    if is_any(is_many):
        reason = where(is_many & (reason == 0), REASON["too_large"], reason)
    is_charge = counted == _BY_CHARGE
    if is_any(is_charge):
        billed = columns["billed_amount"]
        many = where(is_charge, most(billed, 0), many)
        reason = _why_no_charge(billed, is_charge, reason)
    is_days = counted == _BY_DAYS
    if is_any(is_days):
        days = stay_days(columns)
        many = where(is_days, most(days, 1), many)
        reason = where(is_days & (days == NULL) & (reason == 0), REASON["no_days"], reason)
    return many, reason


def _multiply(
    rate: NDArray[np.int64], many: NDArray[np.int64], divisor: NDArray[np.int64], reason: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rate x many / divisor in whole cents, half a cent up, and the reasons of amounts too large."""
    # Twice as much over twice as much: a half is whole then.
    product = rate * many
    cents = (product + product + divisor) // (divisor + divisor)
    if not is_plain(rate):
        for row in np.flatnonzero(rate.astype(np.float64) * many >= _SAFE).tolist():
            # Too large for an array, not for a plain number.
            exact = (2 * int(rate[row]) * int(many[row]) + int(divisor[row])) // (2 * int(divisor[row]))
            cents[row] = min(exact, _ABSURD_CENTS)
    is_absurd = cents >= _ABSURD_CENTS
    if is_any(is_absurd):
        reason = where(is_absurd & (reason == 0), REASON["too_large"], reason)
    return cents, reason


def _lesser(
    cents: NDArray[np.int64], billed: NDArray[np.int64], is_lesser: NDArray[np.bool_], reason: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return prices never above the charge."""
    return where(is_lesser, least(cents, most(billed, 0)), cents), _why_no_charge(billed, is_lesser, reason)


def _why_no_charge(billed: NDArray[np.int64], is_needed: NDArray[np.bool_], reason: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the reasons with those of charges that are needed and not known, or absurd."""
    is_bad = is_needed & ((billed == NULL) | (billed >= _ABSURD_CENTS)) & (reason == 0)
    if not is_any(is_bad):
        return reason
    return where(is_bad, where(billed == NULL, REASON["no_charge"], REASON["too_large"]), reason)


def stay_days(columns: dict[str, Array]) -> NDArray[np.int64]:
    """Return the days of a stay: its midnights, at least one; without the last day the units; else NULL.

    The day of discharge is not counted (Medicare Benefit Policy Manual, Pub. 100-02 ch. 3 20.1).

    Examples
    --------
    >>> stay_days({"service_date": np.array([10, 10, NULL]), "service_date_to": np.array([13, 10, NULL]),
    ...            "units": np.array([np.nan, np.nan, 4.0])}).tolist()
    [3, 1, 4]
    """
    since, until, units = columns["service_date"], columns["service_date_to"], columns["units"]
    is_dated = (since != NULL) & (until != NULL) & (until >= since)
    nights = most(where(is_dated, until, 0) - where(is_dated, since, 0), 1)
    is_told = (units >= 1.0) & (units <= _MOST_UNITS) & (least(units, _MOST_UNITS) % 1.0 == 0.0)
    told = where(is_told, rounded(where(is_told, units, 1.0)), NULL)
    return where(is_dated, nights, told)


def sequestered(allowed_cents: NDArray[np.int64], patient_cents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 2 % of what the payer owes after the patient's share, half a cent up; NULL where either is not known.

    References
    ----------
    Budget Control Act of 2011, 2 U.S.C. 901a(6): the payment is cut, not the fee, so the patient's share stays what it was.

    Examples
    --------
    >>> sequestered(np.array([100_00, 100_00]), np.array([20_00, NULL])).tolist() == [160, NULL]
    True
    """
    is_known = (allowed_cents != NULL) & (patient_cents != NULL)
    owed = most(where(is_known, allowed_cents, 0) - where(is_known, most(patient_cents, 0), 0), 0)
    return where(is_known, (owed * 2 + 50) // 100, NULL)


def valid_writeoff(billed_cents: int, allowed_cents: int) -> int:
    """Return how much of a charge a contract lets go.

    Examples
    --------
    >>> valid_writeoff(200_00, 120_00), valid_writeoff(500_00, 350_00)
    (8000, 15000)
    """
    return max(billed_cents - allowed_cents, 0)


def underpayment(expected_cents: Array, allowed_cents: Array) -> NDArray[np.int64]:
    """Return how far each allowed amount is below the expected one; NULL where either is unknown or nothing was allowed.

    A line allowed at nothing was denied, not underpaid.

    Examples
    --------
    >>> underpayment(np.array([120_00, 350_00, 120_00]), np.array([90_00, 300_00, 120_00])).tolist()
    [3000, 5000, 0]
    """
    known = (expected_cents != NULL) & (allowed_cents > 0)
    return where(known, most(expected_cents - most(allowed_cents, 0), 0), NULL)
