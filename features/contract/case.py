"""The price of claims that are priced as a whole: once, whatever their lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.contract.claim import is_whole_claim, number_claims_of_payers
from features.contract.plan import Counted, Flag
from features.contract.price import ContractRates, Priced, stay_days
from features.contract.reasons import REASONS
from features.money import NULL


class CasePrice(NamedTuple):
    """The price of one claim.

    Parameters
    ----------
    row
        Of the batch, whose term it is.
    claim_id
        The claim.
    term
        Row of the contract table.
    allowed_cents
        What the contract allows for the claim, carve-outs apart; NULL: not priced.
    reason
        Why it is not priced (`REASONS`); empty: it is.
    """

    row: int
    claim_id: str
    term: int
    allowed_cents: int
    reason: str


def price_cases(rates: ContractRates, batch: Batch, priced: Priced | None = None) -> list[CasePrice]:
    """Return the price of every claim that is priced as a whole, in the order of the batch.

    A row for the whole claim has its days and its charge. Without one the lines have: the dearest of their case prices holds, and
    the lesser of price and charge only if the lines that are known reach the price; else the claim is not complete.

    Parameters
    ----------
    rates, batch
        Terms, and write-offs with their claims; claims are told apart by client and payer too.
    priced
        What `rates.price` said of the batch, if it is there already.
    """
    told = priced if priced is not None else rates.price(batch)
    number, whole = number_claims_of_payers(batch), is_whole_claim(batch)
    capitated = REASONS.index("capitated")
    assert told.reason is not None
    is_case = told.claim_priced & (told.reason != capitated)
    for row in np.flatnonzero(whole & (told.term >= 0)).tolist():
        is_case[row] |= rates.term(int(told.term[row])).prices_claim and told.reason[row] != capitated
    claims: dict[int, list[int]] = {}
    for row in np.flatnonzero(is_case & (number >= 0)).tolist():
        claims.setdefault(int(number[row]), []).append(row)
    return [_price(rates, batch, told, rows, whole, np.flatnonzero(number == claim).tolist()) for claim, rows in claims.items()]


def _price(rates: ContractRates, batch: Batch, told: Priced, rows: list[int], whole: NDArray[np.bool_], lines: list[int]) -> CasePrice:
    """Price one claim by its row for the whole, else by the dearest of its lines."""
    assert told.reason is not None
    of_whole = [row for row in rows if whole[row]]
    if of_whole:
        row = of_whole[0]
        found = (int(told.allowed_cents[row]), REASONS[told.reason[row]])
        return CasePrice(row, str(batch.columns["claim_id"][row]), int(told.term[row]), *found)
    charge = _charge(batch, lines)
    prices = [(_line_case(rates, batch, row, charge), row) for row in rows if rates.work(batch, row).flags & Flag.CLAIM]
    (cents, reason), row = max(prices, key=lambda price: (price[0][0], -price[1]))
    return CasePrice(row, str(batch.columns["claim_id"][row]), int(told.term[row]), cents, reason)


def _charge(batch: Batch, lines: list[int]) -> int:
    """Return the charge of the lines that are known, each once."""
    billed = {}
    for row in lines:
        billed[int(batch.columns["line_number"][row])] = max(int(batch.columns["billed_amount"][row]), 0)
    return sum(billed.values())


def _line_case(rates: ContractRates, batch: Batch, row: int, charge: int) -> tuple[int, str]:
    """Return the case price that a line's term gives the claim, and else why there is none."""
    worked = rates.work(batch, row)
    if worked.reason:
        return NULL, worked.reason
    if worked.counted is Counted.CHARGE:
        return NULL, "claim_incomplete"
    days = 1
    if worked.counted is Counted.DAYS:
        one = {name: batch.columns[name][row : row + 1] for name in ("service_date", "service_date_to", "units")}
        days = int(stay_days(one)[0])
        if days == NULL:
            return NULL, "no_days"
    exact = worked.rate * days
    cents = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
    if worked.flags & Flag.LESSER and charge < cents:
        return NULL, "claim_incomplete"
    return cents, ""
