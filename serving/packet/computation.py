"""The contract's price of a line, line by line as a dispute shows it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from features.batch import Batch
from features.contract import ContractRates, Priced, underpayment
from features.contract.plan import Counted, Flag, Worked
from features.contract.price import stay_days
from features.contract.terms import Term
from features.contract.words import METHODS, percent, rate
from features.money import NULL, exact_dollars
from serving.packet.case import Computation, Step
from serving.packet.words import long_day

TOO_LITTLE, TOO_MUCH = "Allowed too little", "Allowed too much"
"""How a computation ends where the payer did not allow what was agreed."""


def compute(rates: ContractRates, batch: Batch, row: int, priced: Priced) -> Computation | None:
    """Return how the price of a row comes about; None where the contract does not price it.

    The steps multiply to the price, unless one of them says that the charge is less or that the line is not the day's first.
    """
    allowed = int(priced.allowed_cents[row])
    worked = rates.work(batch, row)
    if allowed == NULL or worked.term is None:
        return None
    payer = batch.columns["allowed_amount"][row : row + 1]
    short = int(underpayment(np.array([allowed]), payer)[0])
    steps = [*_factors(worked, batch, row), *_limits(worked, batch, row, allowed)]
    steps.append(Step("Contract price of the line", exact_dollars(allowed), allowed))
    if int(payer[0]) != NULL:
        steps.append(Step("Allowed by the payer", exact_dollars(int(payer[0])), int(payer[0])))
    if short not in (NULL, 0):
        steps.append(Step(TOO_LITTLE, exact_dollars(short), short))
    elif (over := int(payer[0]) - allowed) > 0:
        steps.append(Step(TOO_MUCH, exact_dollars(over), over))
    contract = worked.term.asked.get("contract_id") or rates.terms.payer(worked.term.row) or ""
    span = frozenset(_EPOCH + timedelta(days=day) for day in (worked.term.since, worked.term.until) if day is not None)
    name = _name(contract, worked.term)
    return Computation(contract, name, worked.term.row + 1, tuple(steps), allowed, None if short == NULL else short, span)


_EPOCH = date(1970, 1, 1)
_ASKED = {
    "procedure_code": "procedure",
    "modifier": "modifier",
    "revenue_code": "revenue code",
    "drg_code": "DRG",
    "place_of_service": "place of service",
    "facility_id": "facility",
    "plan_id": "plan",
    "claim_type": "claims that are",
}


def _name(contract: str, term: Term) -> str:
    """Return how a person finds a term in the contract: its id, method, what it is for, and its span."""
    asked = " ".join(f"{word} {term.asked[name]}" for name, word in _ASKED.items() if name in term.asked)
    since = f" from {_day(term.since)}" if term.since is not None else ""
    until = f" to {_day(term.until)}" if term.until is not None else ""
    span = f", in force{since}{until}" if since or until else ""
    return f"contract {contract}, {METHODS[term.method]}" + (f" for {asked}" if asked else "") + span


def _day(day: int) -> str:
    return long_day(_EPOCH + timedelta(days=day))


def _factors(worked: Worked, batch: Batch, row: int) -> list[Step]:
    """Return what is multiplied."""
    assert worked.term is not None
    if worked.term.method == "not_covered":
        return [Step("Rate", "not covered", 0)]
    columns = batch.columns
    if worked.counted is Counted.CHARGE:
        billed = int(columns["billed_amount"][row])
        steps = [Step("Rate", f"{percent(worked.rate)} of the charge"), Step("Charge", exact_dollars(billed), billed)]
    else:
        source = "Rate"
        if worked.schedule and worked.term.value is not None:
            source = f"{percent(worked.term.value / 100)} of the fee in {worked.schedule}"
        steps = [Step(source, rate(worked.rate), int(worked.rate) if worked.rate.denominator == 1 else None)]
    if worked.counted is Counted.UNITS:
        units = float(columns["units"][row])
        steps.append(Step("Units", f"{units:g}" if units == units else "1"))
    if worked.counted is Counted.DAYS:
        one = {name: columns[name][row : row + 1] for name in ("service_date", "service_date_to", "units")}
        steps.append(Step("Days", str(int(stay_days(one)[0]))))
    return steps + [Step(f"Modifier {code}", f"x {percent(share)}") for code, share in worked.shares]


def _limits(worked: Worked, batch: Batch, row: int, allowed: int) -> list[Step]:
    """Return what makes the price another than the product."""
    assert worked.term is not None
    steps = []
    if worked.flags & Flag.RANKED:
        steps.append(Step("Multiple procedures", "by its place among the day's procedures"))
    billed = int(batch.columns["billed_amount"][row])
    if worked.term.is_lesser and billed == allowed and worked.counted is not Counted.CHARGE:
        steps.append(Step("Lesser of fee and charge: the charge", exact_dollars(billed), billed))
    return steps
