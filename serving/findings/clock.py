"""The list of what may be owed back, with the 60-day clock where a law sets one: what people decided is carried on, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from features.money import NULL, format_cents
from features.tables import PAYER_TYPES
from serving.findings.case import Case
from serving.findings.overpaid import OVERPAYMENT_RULES
from serving.findings.table import Findings

REPORT_DAYS, INVESTIGATION_DAYS = 60, 180
"""Days to report and return once identified; in Medicare a timely good-faith investigation suspends the clock for at most so many."""

LAWS = {
    "medicare": "42 CFR 401.305",
    "medicaid": "42 USC 1320a-7k(d)",
    "medicaid_managed": "42 CFR 438.608(d)(2)",
}
"""Kinds of payers to which an overpayment is returned within 60 days of being identified, and the law that says so."""

DECIDED = ("investigation_started_on", "identified_on", "decided_by")
"""Columns that people fill in; an audit into the same folder keeps them."""

OVERPAYMENT_COLUMNS = (
    "overpayment_id", "rule", "writeoff_id", "claim_id", "line_number", "payer_id", "file", "segment", "amount", "evidence", "detected_on",
    "investigation_started_on", "identified_on", "report_due", "decided_by",
)  # fmt: skip


def is_known(payer_type: str | None) -> bool:
    """Whether it is a kind of payer: a word that is none is read as unknown."""
    return payer_type in PAYER_TYPES


def has_clock(payer_type: str | None) -> bool:
    """Whether a law sets a day to return what a kind of payer overpaid; of one that is not known it may."""
    return payer_type in LAWS or not is_known(payer_type)


def report_due(payer_type: str | None, identified_on: str, investigation_started_on: str = "") -> str:
    """Return the last day to report and return; blank while nothing is identified, because a program's detection starts no clock.

    Blank too where no law sets a day. That an investigation suspends the days, and for at most 180, found or not, is a rule of Medicare's
    alone. Where the kind of payer is not known both are held to: a day too early does less harm than one that was missed.

    Examples
    --------
    >>> report_due("medicare", "2026-03-01"), report_due("medicare", ""), report_due("medicare", "2026-12-31", "2026-01-01")
    ('2026-04-30', '', '2026-08-29')
    >>> report_due("medicaid", "2026-12-31", "2026-01-01"), report_due("commercial", "2026-03-01"), report_due(None, "", "2026-01-01")
    ('2027-03-01', '', '2026-08-29')
    """
    if not has_clock(payer_type):
        return ""
    if is_known(payer_type) and payer_type != "medicare":
        investigation_started_on = ""
    latest = date.fromisoformat(investigation_started_on) + timedelta(days=INVESTIGATION_DAYS) if investigation_started_on else None
    found = date.fromisoformat(identified_on) if identified_on else latest
    if found is None:
        return ""
    return (min(found, latest or found) + timedelta(days=REPORT_DAYS)).isoformat()


def overpayment_table(case: Case, findings: Findings, earlier: Mapping[str, Mapping[str, str]]) -> dict[str, Sequence[str | None]]:
    """Return the list, one row per finding, netted against nothing.

    Parameters
    ----------
    earlier
        The list of an earlier audit by `overpayment_id`: the day it was detected and what people decided stay. An entry that is not
        found any more stays on the list too, until somebody takes it off.
    """
    payers, kind_of = case.words("payer_id"), _kinds(case)
    today = str(np.datetime64(case.as_of, "D"))
    rows: list[dict[str, str]] = []
    for i in findings.of(*OVERPAYMENT_RULES).tolist():
        row = int(findings.row[i])
        number = findings.id_of(i)
        before = earlier.get(number, {})
        line, segment, cents = int(findings.line_number[i]), int(findings.segment[i]), int(findings.cents[i])
        rows.append(
            {
                "overpayment_id": number,
                "rule": findings.rules[int(findings.rule[i])].id,
                "writeoff_id": findings.writeoff_id[i] or "",
                "claim_id": findings.claim_id[i] or "",
                "line_number": "" if line == NULL else str(line),
                "payer_id": (payers[row] or "") if row >= 0 else "",
                "file": findings.file[i] or "",
                "segment": "" if segment == NULL else str(segment),
                "amount": "" if cents == NULL else format_cents(cents),
                "evidence": findings.evidence[i],
                "detected_on": before.get("detected_on") or today,
                **{name: before.get(name, "") for name in DECIDED},
            }
        )
    known = {row["overpayment_id"] for row in rows}
    rows += [dict(row) for key, row in earlier.items() if key not in known]
    for one in rows:
        one["report_due"] = report_due(kind_of(one), one.get("identified_on", ""), one.get("investigation_started_on", ""))
    return {name: [row.get(name) or None for row in rows] for name in OVERPAYMENT_COLUMNS}


def _kinds(case: Case) -> Callable[[Mapping[str, str]], str | None]:
    """Return what tells the kind of payer of an entry: that of its posting, else of its claim, where all its postings are of one kind."""
    kinds = [PAYER_TYPES[kind] if kind >= 0 else None for kind in case.view.triage.payer_type.tolist()]
    of_posting = dict(zip(case.columns["writeoff_id"].tolist(), kinds, strict=True))
    of_claim: dict[str, set[str | None]] = {}
    for claim, kind in zip(case.columns["claim_id"].tolist(), kinds, strict=True):
        of_claim.setdefault(claim or "", set()).add(kind)

    def kind_of(entry: Mapping[str, str]) -> str | None:
        if entry.get("writeoff_id"):
            return of_posting.get(entry["writeoff_id"])
        # Of a claim with several payers nobody knows here which of them paid too much.
        told = of_claim.get(entry.get("claim_id", ""), set()) if entry.get("claim_id") else set()
        return next(iter(told)) if len(told) == 1 else None

    return kind_of
