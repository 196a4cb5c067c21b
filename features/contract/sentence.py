"""A price in a sentence that can be shown: the term it stands on, how it comes about, and what is short."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from features.batch import Batch
from features.contract.plan import Counted, Flag, Worked
from features.contract.price import ContractRates, Priced, stay_days, underpayment
from features.contract.reasons import REASONS, SENTENCES
from features.contract.terms import Term
from features.contract.words import METHODS, percent, rate
from features.money import NULL, exact_dollars


def cite(rates: ContractRates, batch: Batch, row: int, priced: Priced | None = None) -> str:
    """Say in one sentence what the contract allows for a row, by which term, and how much less was allowed.

    Parameters
    ----------
    rates, batch, row
        Terms, write-offs, and which of them.
    priced
        What `rates.price` said of the batch; worked out for the row alone where not given.
    """
    told = priced.single(row) if priced is not None else rates.price(batch.take(np.array([row])).single())
    assert told.reason is not None
    worked = rates.work(batch, row)
    reason = REASONS[told.reason]
    term = name_term(rates, worked.term) if worked.term is not None else ""
    if reason:
        return f"{term + ': ' if term else ''}not priced: {SENTENCES[reason]}."
    cents, allowed = told.allowed_cents, batch.columns["allowed_amount"].item(row)
    said, short = f"{term}: {_work(worked, batch, row, int(cents))}", int(underpayment(cents, allowed))
    return said + (f"; allowed {exact_dollars(allowed)}, {exact_dollars(short)} too little." if short not in (NULL, 0) else ".")


def name_term(rates: ContractRates, term: Term) -> str:
    """Return how to find a term: contract, row of the table, method, span.

    Rows of contract_rates are counted from 1 below the heading.
    """
    contract = term.asked.get("contract_id") or rates.terms.payer(term.row) or ""
    since, until = _day(term.since), _day(term.until)
    span = f", from {since}" * bool(since) + f", to {until}" * bool(until)
    return f"contract {contract}, term {term.row + 1} ({METHODS[term.method]}{span})"


def _work(worked: Worked, batch: Batch, row: int, cents: int) -> str:
    """Return the price as a product."""
    assert worked.term is not None
    parts = [_rate(worked)]
    if worked.counted is Counted.UNITS:
        units = float(batch.columns["units"][row])
        parts += [f"{units:g} units"] if units == units and units != 1.0 else []
    if worked.counted is Counted.DAYS:
        columns = {name: batch.columns[name][row : row + 1] for name in ("service_date", "service_date_to", "units")}
        parts.append(f"{int(stay_days(columns)[0])} days")
    if worked.counted is Counted.CHARGE:
        parts.append(f"the charge of {exact_dollars(int(batch.columns['billed_amount'][row]))}")
    parts += [f"{percent(share)} (modifier {code})" for code, share in worked.shares]
    return f"{' x '.join(parts)} = {exact_dollars(cents)}" + _ending(worked, batch, row, cents)


def _ending(worked: Worked, batch: Batch, row: int, cents: int) -> str:
    """Say what made the price another than the product."""
    assert worked.term is not None
    if worked.term.is_lesser and cents == int(batch.columns["billed_amount"][row]):
        return " (the charge, where that is less)"
    return " (by its place among the day's procedures)" if worked.flags & Flag.RANKED else ""


def _rate(worked: Worked) -> str:
    assert worked.term is not None
    if worked.term.method == "not_covered":
        return "not covered"
    if worked.counted is Counted.CHARGE:
        return percent(worked.rate)
    if worked.schedule:
        assert worked.term.value is not None
        return f"{percent(worked.term.value / 100)} of the fee in {worked.schedule}, {rate(worked.rate)}"
    return rate(worked.rate)


def _day(day: int | None) -> str:
    return "" if day is None else str(date(1970, 1, 1) + timedelta(days=day))
