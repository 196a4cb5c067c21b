"""What may be owed to a payer or a patient: its own list with the 60-day clock, netted against nothing (DOMAIN 3)."""

from __future__ import annotations

import numpy as np

from features.line_money import MATERIAL_CENTS
from features.money import NULL
from serving.findings.case import Case
from serving.findings.rule import Hits, Place, Rule
from serving.findings.words import dollars


def _overpaid(case: Case) -> Hits:
    hits, c = Hits(), case.columns
    priced = case.view.priced
    seen: set[tuple[int, int]] = set()
    for row in np.flatnonzero(case.is_live & case.category("overpayment_owed")).tolist():
        key = int(case.claim[row]), int(c["line_number"][row])
        if key[0] >= 0 and key[1] != NULL and key in seen:
            continue
        seen.add(key)
        price = int(priced.allowed_cents[row]) if priced is not None else NULL
        price = max(price, int(c["expected_allowed_amount"][row])) if price != NULL else NULL
        allowed, paid, other = (int(max(c[name][row], 0)) for name in ("allowed_amount", "paid_amount", "other_payer_paid_amount"))
        over = max(allowed, paid) - price if price != NULL else NULL
        if over != NULL and over > MATERIAL_CENTS:
            hits.add(row, over, f"the payer allowed {dollars(max(allowed, paid))}, the contract {dollars(price)}")
        else:
            billed = int(c["billed_amount"][row])
            twice = max(paid + other - billed, 0) if other > 0 else NULL
            hits.add(row, twice, f"payers together paid {dollars(paid + other)} of a charge of {dollars(billed)}")
    return hits


def _paid_above_charge(case: Case) -> Hits:
    """Payments of all payers on one professional line above its charge, as the remittances in hand say."""
    assert case.remits is not None
    hits = Hits()
    lines: dict[tuple[str, str, str], list[tuple[int, int, str, int, str]]] = {}
    payers: dict[str, set[str]] = {}
    for chain in case.remits.chains:
        first = chain.adjudications[0]
        payers.setdefault(first.claim.claim_id, set()).add(first.remit.payer_id)
    for chain in case.remits.chains:
        if len(payers[chain.adjudications[0].claim.claim_id]) < 2:
            continue
        for one in chain.current():
            for line in one.claim.lines:
                if line.qualifier != "HC" or one.claim.is_institutional or not line.control_number:
                    continue
                key = one.claim.claim_id, line.control_number, line.service_from
                part = max(line.paid or 0, 0), line.charge or 0, one.remit.file, line.segment, one.remit.payer_id
                lines.setdefault(key, []).append(part)
    for (claim, _, _), parts in lines.items():
        paid, charge = sum(part[0] for part in parts), max(part[1] for part in parts)
        if len({part[4] for part in parts if part[0]}) > 1 and paid > charge + MATERIAL_CENTS:
            told = f"{len(parts)} payers together paid {dollars(paid)} of a charge of {dollars(charge)}"
            hits.add(-1, paid - charge, told, Place(parts[-1][2], parts[-1][3], claim))
    return hits


RULES = (
    Rule(
        "overpaid",
        "overpayment",
        "high",
        "A payer allowed or paid more than a dollar above the contract, or two payers together more than the charge.",
        "42 USC 1320a-7k(d); 42 CFR 401.305",
        _overpaid,
    ),
    Rule(
        "paid_above_charge",
        "overpayment",
        "high",
        "The remittances of several payers on one professional line add up to more than its charge.",
        "42 USC 1320a-7k(d); 42 CFR 401.305",
        _paid_above_charge,
        ("remits",),
    ),
)

OVERPAYMENT_RULES = frozenset(rule.id for rule in RULES)
