"""Rules about the remittances themselves: sums that do not add up, and codes that the standard forbids beside each other."""

from __future__ import annotations

import numpy as np

from features.money import NULL
from serving.findings.case import Case
from serving.findings.posting import hidden_refusals
from serving.findings.rule import Hits, Place, Rule
from serving.findings.words import dollars, reason


def _unbalanced(case: Case) -> Hits:
    """One finding per line, claim or transaction that does not add up; a claim is told only where none of its lines is."""
    if case.remits is None:
        return _said_unbalanced(case)
    hits = Hits()
    first = case.told.first_rows() if case.told is not None else {}
    own = {} if case.is_ledger else _rows_by_place(case)
    for remit in case.remits.remits:
        for claim in remit.claims:
            if claim.is_ghost or claim.fault:
                continue
            broken = [line for line in claim.lines if not line.is_balanced]
            for line in broken:
                off = (line.charge or 0) - sum(one.cents for one in line.adjustments) - (line.paid or 0)
                told = f"line {line.number}: charge {dollars(line.charge or 0)} less adjustments is {dollars(off)} from the payment"
                row = first.get((id(claim), line.number), own.get((remit.file, line.segment), -1))
                hits.add(row, abs(off), told, Place(remit.file, line.segment, claim.claim_id, line.number))
            if not broken and not claim.is_balanced:
                parts = sum(one.cents for one in (*claim.adjustments, *(one for line in claim.lines for one in line.adjustments)))
                off = (claim.charge or 0) - parts - (claim.paid or 0)
                told = f"claim: charge {dollars(claim.charge or 0)} less all adjustments is {dollars(off)} from the payment"
                row = next((first[key] for key in ((id(claim), n) for n in range(len(claim.lines) + 1)) if key in first), -1)
                hits.add(row, abs(off), told, Place(remit.file, claim.segment, claim.claim_id))
        if not remit.is_balanced:
            held = sum(pair.cents for pair in remit.provider_adjustments)
            paid = sum(claim.paid or 0 for claim in remit.claims)
            off = paid - held - (remit.payment or 0)
            told = f"payment {dollars(remit.payment or 0)}; its claims less provider adjustments come to {dollars(paid - held)}"
            hits.add(-1, abs(off), told, Place(remit.file, remit.segment))
    return hits


def _rows_by_place(case: Case) -> dict[tuple[str, int], int]:
    """Return the first candidate of each service line: its adjustments follow the SVC in the file."""
    found: dict[tuple[str, int], int] = {}
    assert case.remits is not None
    at: dict[tuple[str, int], tuple[str, int]] = {}
    for chain in case.remits.chains:
        for one in chain.adjudications:
            for line in one.claim.lines:
                for adjustment in line.adjustments:
                    at.setdefault((one.remit.file, adjustment.segment), (one.remit.file, line.segment))
    files, segments = case.columns["remit_file"].tolist(), case.columns["remit_segment"].tolist()
    for row, key in enumerate(zip(files, segments, strict=True)):
        if key in at:
            found.setdefault(at[key], row)
    return found


def _said_unbalanced(case: Case) -> Hits:
    """Without the files: rows that their import marked, one per claim line."""
    hits, seen = Hits(), set()
    lines = case.columns["line_number"]
    for row in np.flatnonzero(case.columns["balanced"] == 0).tolist():
        key = int(case.claim[row]), int(lines[row])
        if key not in seen or key[0] < 0:
            seen.add(key)
            hits.add(row, NULL, "the import of the remittance marked this line as out of balance")
    return hits


def _forbidden(case: Case) -> Hits:
    """A reason under a group that it may not come with, or one that says nothing without a remark that is no alert."""
    hits, codes, c = Hits(), case.codes, case.columns
    groups, carcs, remarks = case.words("group_code"), case.words("carc"), case.words("rarcs")
    verdict: dict[tuple[str | None, str, str | None], str] = {}
    # A remark may be missing because the ledger has no such column; only a remittance shows that there was none.
    has_remit = (c["remit_segment"] != NULL) if case.remits is None else _in_remits(case)
    for row in np.flatnonzero(case.is_live & (c["carc"] >= 0)).tolist():
        carc = carcs[row]
        key = groups[row], carc or "", (remarks[row] or "") if has_remit[row] else None
        if key not in verdict:
            known = codes.carc(key[1])
            verdict[key] = "" if known is None else _breach(case, key, known.required_groups, known.rarc_required)
        if verdict[key]:
            hits.add(row, int(c["writeoff_amount"][row]), verdict[key])
    return hits


def _in_remits(case: Case) -> np.ndarray:
    if case.told is None:
        return np.ones(len(case), dtype=np.bool_)
    return case.told.line >= 0


def _breach(case: Case, key: tuple[str | None, str, str | None], required: tuple[str, ...], needs_remark: bool) -> str:
    group, carc, remarks = key
    # CR, of old files, says that something was corrected and not who carries it.
    if required and group in ("CO", "PR", "OA", "PI") and group not in required:
        return f"{reason(group, carc)}: reason {carc} may come under {' or '.join(required)} only"
    if needs_remark and remarks is not None:
        said = [case.codes.rarc(word) for word in remarks.split()]
        # An unknown remark may well explain it.
        if not any(one is None or one.alert is not True for one in said):
            beside = f"only alerts ({remarks})" if remarks else "none"
            return f"{reason(group, carc)} needs a remark code that explains it; the remittance has {beside}"
    return ""


def _whole_charge(case: Case) -> Hits:
    """Reason 45 may not equal the whole charge (its usage note): with nothing paid it hides a refusal."""
    hits, c, carcs = Hits(), case.columns, case.words("carc")
    hidden = hidden_refusals(case)
    whole = (c["billed_amount"] > 0) & (c["writeoff_amount"] == c["billed_amount"]) & (c["paid_amount"] == 0)
    for row in np.flatnonzero(case.is_live & whole).tolist():
        if carcs[row] == "45" and not c["payer_sequence"][row] > 1 and row not in hidden:
            amount = int(c["writeoff_amount"][row])
            hits.add(
                row, amount, f"the fee cut takes the whole charge of {dollars(amount)} and nothing was paid: a refusal without its reason"
            )
    return hits


RULES = (
    Rule(
        "unbalanced_remit",
        "remittance",
        "medium",
        "Charge less adjustments is not the payment: a line, a claim or a whole remittance does not add up.",
        "005010X221A1 1.10.2.1",
        _unbalanced,
    ),
    Rule(
        "forbidden_combination",
        "remittance",
        "low",
        "A reason code stands under a group that it may not come with, or without the remark code that it needs.",
        "usage notes of the reason codes (features/codes/carc.csv; DOMAIN 2.3)",
        _forbidden,
    ),
    Rule(
        "fee_cut_of_whole_charge",
        "remittance",
        "high",
        "Reason 45 takes the whole charge and nothing was paid.",
        "usage note of reason 45 (DOMAIN 2.3)",
        _whole_charge,
    ),
)
