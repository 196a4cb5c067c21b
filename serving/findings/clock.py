"""The list of what may be owed back, with the 60-day clock of 42 CFR 401.305: what people decided is carried on, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from features.money import NULL, format_cents
from serving.findings.case import Case
from serving.findings.overpaid import OVERPAYMENT_RULES
from serving.findings.table import Findings

REPORT_DAYS, INVESTIGATION_DAYS = 60, 180
"""Days to report and return once identified; a timely good-faith investigation suspends the clock for at most so many."""

DECIDED = ("investigation_started_on", "identified_on", "decided_by")
"""Columns that people fill in; an audit into the same folder keeps them."""

OVERPAYMENT_COLUMNS = (
    "overpayment_id", "rule", "writeoff_id", "claim_id", "line_number", "payer_id", "file", "segment", "amount", "evidence", "detected_on",
    "investigation_started_on", "identified_on", "report_due", "decided_by",
)  # fmt: skip


def report_due(identified_on: str, investigation_started_on: str = "") -> str:
    """Return the last day to report and return; blank while nothing is identified, because a program's detection starts no clock.

    An investigation that was begun ends the suspension after 180 days, found or not.

    Examples
    --------
    >>> report_due("2026-03-01"), report_due(""), report_due("2026-12-31", "2026-01-01"), report_due("", "2026-01-01")
    ('2026-04-30', '', '2026-08-29', '2026-08-29')
    """
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
    payers = case.words("payer_id")
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
        one["report_due"] = report_due(one.get("identified_on", ""), one.get("investigation_started_on", ""))
    return {name: [row.get(name) or None for row in rows] for name in OVERPAYMENT_COLUMNS}
