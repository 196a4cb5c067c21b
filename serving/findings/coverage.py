"""Rules about who should have paid: bad debt with coverage, next payers never billed, patients whose coverage keeps failing."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from features.guards import refusals
from serving.findings.case import Case
from serving.findings.rule import LIST, STATISTICAL, Hits, Place, Rule
from serving.findings.words import day, dollars

PATIENT_LIST = "patient_share_written_off"
"""The rule that lists patients' shares and accuses nobody."""
NEAR_DAYS = 180
"""Coverage refusals of one patient within these days of each other are one failure of registration."""


def _bad_debt_covered(case: Case) -> Hits:
    hits, c = Hits(), case.columns
    later = _paid_later(case)
    for row in np.flatnonzero(case.is_live & case.category("bad_debt")).tolist():
        amount = int(c["writeoff_amount"][row])
        if c["other_coverage_on_file"][row] == 1:
            hits.add(row, amount, f"{dollars(amount)} sent to bad debt while other coverage is on file")
        elif row in later:
            place, on, whose = later[row]
            hits.add(row, amount, f"{dollars(amount)} sent to bad debt; on {on} payer {whose} adjudicated the claim after all", place)
    return hits


def _paid_later(case: Case) -> dict[int, tuple[Place, str, str]]:
    """Return the bad-debt rows whose claim another payer answered after the posting."""
    if case.remits is None:
        return {}
    rows = np.flatnonzero(case.is_live & case.category("bad_debt"))
    of_claim: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows.tolist():
        if case.columns["claim_id"][row] is not None:
            of_claim[case.columns["claim_id"][row]].append(row)
    payers, posted = case.words("payer_id"), case.columns["writeoff_date"]
    found: dict[int, tuple[Place, str, str]] = {}
    for chain in case.remits.chains:
        first = chain.adjudications[0]
        for row in of_claim.get(first.claim.claim_id, ()):
            on = int(np.datetime64(first.remit.remit_date, "D").astype(np.int64))
            if first.remit.payer_id != payers[row] and on > posted[row] and (first.claim.paid or 0) > 0:
                found.setdefault(
                    row,
                    (Place(first.remit.file, first.claim.segment, first.claim.claim_id), first.remit.remit_date, first.remit.payer_id),
                )
    return found


def _unbilled_secondary(case: Case) -> Hits:
    hits, nexts, wait = Hits(), case.words("next_payer_id"), case.category("unbilled_secondary")
    for row in np.flatnonzero(case.is_live & case.category("unbilled_secondary", "never_billed")).tolist():
        amount = int(case.columns["writeoff_amount"][row])
        if nexts[row]:
            whose = f"payer {nexts[row]} has not answered"
        elif wait[row]:
            whose = "the claim was handed on to another payer and nothing came of it in time"
        else:
            whose = "the claim was never billed to a payer"
        hits.add(row, amount, f"{dollars(amount)} written off; {whose}")
    return hits


def _repeated(case: Case) -> Hits:
    """A patient whose coverage failed on two claims or more: told on every claim after the first."""
    hits, c = Hits(), case.columns
    rows = np.flatnonzero(case.is_live & case.family("cob", "eligibility") & case.category("denial", "unbilled_secondary"))
    rows = rows[np.argsort(c["writeoff_date"][rows], kind="stable")]
    seen: defaultdict[str, dict[int, int]] = defaultdict(dict)
    carcs = case.words("carc")
    for row in rows.tolist():
        patient, claim, on = c["patient_id"][row], int(case.claim[row]), int(c["writeoff_date"][row])
        if patient is None or claim < 0:
            continue
        before = [other for other, when in seen[patient].items() if other != claim and on - when <= NEAR_DAYS]
        if before:
            amount = int(c["writeoff_amount"][row])
            told = f"reason {carcs[row]}: coverage of the same patient failed on {len(before)} other claims in the {NEAR_DAYS} days before"
            hits.add(row, amount, told)
        seen[patient].setdefault(claim, on)
    return hits


def _patient_list(case: Case) -> Hits:
    """Every patient share that was written off: may it be billed at all, must somebody ask first, was anything collected?"""
    hits, c, triage = Hits(), case.columns, case.view.triage
    paid = _collected(case)
    for row in np.flatnonzero(case.is_live & case.category("patient_responsibility")).tolist():
        amount = int(c["writeoff_amount"][row])
        told = refusals(int(triage.refused[row]), int(triage.asked[row]))
        verdict = "; ".join(f"{one.sentence} ({one.citation})" for one in told) or "the patient may be billed"
        got = paid.get(str(c["writeoff_id"][row]), 0)
        what = f"written off on {day(c['writeoff_date'][row])}, {dollars(got)} collected" if case.is_ledger else "left by the payer"
        hits.add(row, amount, f"patient share of {dollars(amount)} {what}: {verdict}")
    return hits


def _collected(case: Case) -> dict[str, int]:
    found: dict[str, int] = {}
    if case.efforts is not None:
        for key, cents in zip(
            case.efforts.columns["writeoff_id"].tolist(), case.efforts.columns["patient_paid_amount"].tolist(), strict=True
        ):
            found[key] = found.get(key, 0) + max(cents, 0)
    return found


RULES = (
    Rule(
        "bad_debt_with_coverage",
        "coverage",
        "high",
        "A balance went to bad debt although coverage is known, or came to light later.",
        "DOMAIN 3; 42 CFR 413.89(e) for Medicare bad debt",
        _bad_debt_covered,
        ("ledger",),
    ),
    Rule(
        "next_payer_not_billed",
        "coverage",
        "high",
        "A balance was written off although a known next payer, or any payer at all, was never billed.",
        "DOMAIN 3",
        _unbilled_secondary,
        ("ledger",),
    ),
    Rule(
        "coverage_failed_again",
        "coverage",
        "low",
        "Coverage of one patient failed on several claims: registration asks again and again too late.",
        "DOMAIN 2.8 (cob, eligibility)",
        _repeated,
        ("patient_id",),
        STATISTICAL,
    ),
    Rule(
        PATIENT_LIST,
        "patient",
        "info",
        "A patient's share was written off: the list of whether it may be billed, and what was collected; never waived as a routine.",
        "42 USC 1320a-7b(b); docs/rules.md, guards",
        _patient_list,
        (),
        LIST,
    ),
)
