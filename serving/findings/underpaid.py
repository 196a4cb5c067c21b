"""Rules about payers that allowed too little: against the contract, and against what they usually allow."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.codes.combinations import distinct
from features.line_money import EXPECTED_SOURCES, MATERIAL_CENTS
from features.money import NULL
from features.tables import Array
from serving.findings.case import Case, Flags
from serving.findings.rule import STATISTICAL, Hits, Rule
from serving.findings.table import Findings
from serving.findings.words import counted, dollars

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
        low, high = int(habits.low_cents[row]), int(habits.high_cents[row])
        span = "nearly always just that" if low == high else f"8 of 10 lines between {dollars(low)} and {dollars(high)}"
        lines = f"{counted(int(habits.count[row]), 'line')} of payer and procedure, others by their product"
        hits.add(row, min(usual - left, int(c["writeoff_amount"][row])), f"{told} ({span}; {lines})")
    return hits


def unpriced_fee_cuts(case: Case) -> Flags:
    """Return the standing fee cuts that no contract prices: those that only what is usual can judge."""
    source = case.view.triage.expected_allowed_source
    agreed = (source == EXPECTED_SOURCES.index("own")) | (source == EXPECTED_SOURCES.index("contract"))
    is_first = ~(case.columns["payer_sequence"] > 1)
    mask: Flags = case.is_live & case.family("contractual") & ~agreed & is_first & ~case.category("reversed", "wait")
    return mask


def short_pairs(case: Case, findings: Findings) -> list[dict[str, Any]]:
    """Return what was found short by payer and procedure, the dearest first: what a claim for all of it would be about.

    Returns
    -------
    list of dict
        `payer`, `procedure`, `basis` (contract or usual), `lines_short`, `lines` (seen of the pair), `dollars`, and of the short lines the
        median `allowed`, `expected`, and `low` and `high` of what is usual (80 % of lines; None where nothing is).
    """
    at = findings.of(*(rule.id for rule in RULES))
    if not len(at):
        return []
    row, cents, rule = findings.row[at], findings.cents[at], findings.rule[at]
    c, words = case.columns, case.ledger.vocabulary
    allowed = np.where(c["allowed_amount"] != NULL, c["allowed_amount"], case.view.columns["implied_allowed_cents"])[row]
    keys = [rule, c["payer_id"][row].astype(np.int64), c["procedure_code"][row].astype(np.int64)]
    _, pair = distinct(keys)
    usual = {name: getattr(case.habits, f"{name}_cents")[row] for name in ("low", "high")}
    told = []
    for mine in np.split(np.argsort(pair, kind="stable"), np.cumsum(np.bincount(pair))[:-1]):
        first = int(mine[0])
        known = mine[usual["low"][mine] != NULL]
        told.append(
            {
                "payer": words.word("payer_id", int(keys[1][first])) if keys[1][first] >= 0 else None,
                "procedure": words.word("procedure_code", int(keys[2][first])) if keys[2][first] >= 0 else None,
                "basis": "contract" if findings.rules[int(rule[first])].id == "underpaid_contractual" else "usual",
                "lines_short": len(mine),
                "lines": int(case.habits.count[row[first]]),
                "dollars": round(float(cents[mine].sum()) / 100, 2),
                "allowed": _middle(allowed[mine]),
                "expected": _middle(allowed[mine] + cents[mine]),
                **{name: _middle(values[known]) if len(known) else None for name, values in usual.items()},
            }
        )
    return sorted(told, key=lambda one: -one["dollars"])


def _middle(cents: Array) -> float:
    return round(float(np.median(cents)) / 100, 2)


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
