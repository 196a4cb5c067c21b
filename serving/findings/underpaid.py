"""Rules about payers that allowed too little: against the contract, and against what they usually allow."""

from __future__ import annotations

import numpy as np

from features.line_money import EXPECTED_SOURCES, MATERIAL_CENTS
from features.money import NULL
from serving.findings.case import Case, Flags
from serving.findings.rule import STATISTICAL, Hits, Rule
from serving.findings.words import dollars

CLEARLY = 3.5
"""Spreads below the usual from which a line is told: one proper line in four thousand of a bell lies so low."""


def _against_contract(case: Case) -> Hits:
    """The contract stands over what the practice's own contract system believes of it: such systems are often a schedule behind."""
    hits, c, triage, priced = Hits(), case.columns, case.view.triage, case.view.priced
    own = triage.expected_allowed_cents
    known = (triage.underpayment_cents != NULL) & case.is_live & case.family("contractual") & _is_fee_cut(case)
    price = priced.allowed_cents if priced is not None else np.full(len(case), NULL, dtype=np.int64)
    expected = np.where(price != NULL, price, own)
    allowed = np.where(c["allowed_amount"] != NULL, c["allowed_amount"], case.view.columns["implied_allowed_cents"])
    # Of nothing allowed the payer has refused: that is no underpayment.
    known &= (expected != NULL) & (allowed > 0)
    claims: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(known & (expected - allowed >= MATERIAL_CENTS)).tolist():
        key = int(case.claim[row]), int(c["line_number"][row])
        if key[0] >= 0 and key[1] != NULL and claims.setdefault(key, row) != row:
            continue  # One line is short once, however many cuts it has.
        whose = "the contract" if price[row] != NULL else "the practice's own contract system"
        told = f"{whose} expects {dollars(int(expected[row]))}, the payer allowed {dollars(int(allowed[row]))}"
        hits.add(row, int(expected[row] - allowed[row]), told)
    return hits


def _is_fee_cut(case: Case) -> Flags:
    return case.category("underpayment", "questionable_contractual", "contractual", "posting_error")


def _against_usual(case: Case) -> Hits:
    """Only where no price is agreed: there the contract speaks."""
    hits, c, habits = Hits(), case.columns, case.habits
    implied = case.view.columns["implied_allowed_cents"]
    rows = unpriced_fee_cuts(case) & (habits.stray >= CLEARLY) & (habits.expected_cents - implied >= MATERIAL_CENTS)
    for row in np.flatnonzero(rows).tolist():
        usual, left = int(habits.expected_cents[row]), int(implied[row])
        told = f"this posting leaves {dollars(left)}; the payer usually allows {dollars(usual)} for the procedure"
        span = f"80 % between {dollars(int(habits.low_cents[row]))} and {dollars(int(habits.high_cents[row]))}"
        lines = f"{int(habits.count[row])} lines of payer and procedure, others by their product"
        hits.add(row, min(usual - left, int(c["writeoff_amount"][row])), f"{told} ({span}; {lines})")
    return hits


def unpriced_fee_cuts(case: Case) -> Flags:
    """Return the standing fee cuts that no contract prices: those that only what is usual can judge."""
    source = case.view.triage.expected_allowed_source
    agreed = (source == EXPECTED_SOURCES.index("own")) | (source == EXPECTED_SOURCES.index("contract"))
    is_first = ~(case.columns["payer_sequence"] > 1)
    mask: Flags = case.is_live & case.family("contractual") & ~agreed & is_first & ~case.category("reversed", "wait")
    return mask


RULES = (
    Rule(
        "underpaid_contractual",
        "underpayment",
        "high",
        "The payer allowed at least a dollar less than the contract, or the practice's own contract system, says.",
        "the contract; docs/pricing.md",
        _against_contract,
        ("expected",),
    ),
    Rule(
        "below_usual_allowed",
        "underpayment",
        "medium",
        "Where no price is agreed: the posting leaves far less than this payer usually allows for the procedure.",
        "DOMAIN 0.2; docs/audit.md (statistical)",
        _against_usual,
        (),
        STATISTICAL,
    ),
)
