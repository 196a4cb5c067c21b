"""The audit as one document: what the reports show and what `audit.json` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.intake.remits.issues import ERROR, INFO, KINDS
from features.money import NULL
from features.silent import MUCH, silent_codes
from features.tables import CATEGORIES, REMEDIES
from features.unworked import NAMED, NO_LOT, blind_spots, never_worked, was_by_lot
from models.sums import Sums
from models.value import Costs
from serving.findings import prevention
from serving.findings.audit import Audit
from serving.findings.case import Case
from serving.findings.changes import before_and_after
from serving.findings.clock import OVERPAYMENT_COLUMNS
from serving.findings.kpis import key_figures
from serving.findings.opportunity import Opportunity, sum_cents
from serving.findings.overpaid import OVERPAYMENT_RULES
from serving.findings.plan import learn_lags, realised, staffing
from serving.findings.posters import posters
from serving.findings.posting import incomplete_payers, take_backs_by_number
from serving.findings.rules import BY_ID
from serving.findings.underpaid import short_pairs
from serving.findings.words import counted, dollars

EXAMPLES = 3
PAIRS = 200
"""Pairs of payer and procedure that are told of what is short."""
_WRONG = frozenset(("posting", "policy"))


def result(
    audit: Audit,
    *,
    sums: Sums,
    costs: Costs,
    is_prospect: bool = False,
    changes: Batch | None = None,
    left_out: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return everything the audit says, ready for JSON; money in dollars."""
    case, findings = audit.case, audit.findings
    opportunity = Opportunity(case, sums, costs)
    wrong = np.zeros(len(case), dtype=np.bool_)
    for number, rule in enumerate(findings.rules):
        if rule.family in _WRONG and rule.severity in ("high", "medium"):
            rows = findings.row[findings.rule == number]
            wrong[rows[rows >= 0]] = True
    short = short_pairs(case, findings)[:PAIRS]
    case.forget()
    causes = prevention.root_causes(case)
    lags = learn_lags(opportunity)
    return {
        "as_of": str(np.datetime64(case.as_of, "D")),
        "model_version": case.scores_by,
        "is_ledger": case.is_ledger,
        "is_prospect": is_prospect,
        "hourly_cost": costs.hourly,
        "inputs": _inputs(case),
        "left_out": dict(left_out or {}),
        "warnings": [*cut_words(case, left_out or {}), *warnings(case)],
        "unworked": unworked(opportunity),
        "remit_issues": remit_issues(case),
        "rules": _rules(audit),
        "categories": _categories(case),
        "opportunity": {
            **opportunity.bridge(),
            "by_payer": opportunity.by("payer_id"),
            "by_family": opportunity.by("family"),
            "by_remedy": opportunity.by("remedy"),
            "expiring": opportunity.expiring(),
            "tie_out": opportunity.tie_out(),
            "staffing": staffing(opportunity, lags),
            "lags": {
                name: {"days": int(lags.days[i]), "recoveries": int(lags.labels[i])}
                for i, name in enumerate(REMEDIES)
                if bool((case.view.triage.remedy[opportunity.open] == i).any())
            },
            "realised": realised(opportunity),
        },
        "overpayments": _overpayments(audit),
        "underpayments": short,
        "prevention": {
            **causes,
            "recommendations": prevention.recommendations(case, causes["causes"], findings),
            "posters": posters(case, findings),
            "before_and_after": prevention.before_and_after(case),
            "changes": [] if changes is None else before_and_after(case, findings, changes),
            "scorecard": prevention.scorecard(opportunity),
        },
        "kpis": key_figures(opportunity, wrong),
    }


def _inputs(case: Case) -> dict[str, Any]:
    days = case.columns["writeoff_date"]
    told: dict[str, Any] = {
        "writeoffs": len(case),
        "written_off": float(case.given("writeoff_amount").sum()) / 100,
        "from": str(np.datetime64(int(days.min()), "D")) if len(days) else None,
        "to": str(np.datetime64(int(days.max()), "D")) if len(days) else None,
        "contracts": case.practice.contracts is not None,
        "payer_rules": case.practice.payer_rules is not None,
        "policies": case.has("policies"),
        "efforts": 0 if case.efforts is None else len(case.efforts),
        "remittances": 0 if case.remits is None else len(case.remits.remits),
        "files": 0 if case.remits is None else len(case.remits.files),
        "claims": 0 if case.remits is None else len(case.remits.chains),
    }
    if case.told is not None:
        told["writeoffs_on_a_remittance"] = int((case.told.line >= 0).sum())
        told["cells_filled"] = case.told.filled
    return told


_LEFT_OUT = {
    "writeoffs": ("write-off posted", "write-offs posted"),
    "efforts": ("effort begun", "efforts begun"),
    "results": ("result that came", "results that came"),
    "remittances": ("remittance sent", "remittances sent"),
}


def cut_words(case: Case, left_out: Mapping[str, int]) -> list[str]:
    """Return the sentence that says what nobody knew on the morning of the audit; none where nothing was left out."""
    told = [counted(left_out[name], *words) for name, words in _LEFT_OUT.items() if left_out.get(name)]
    if not told:
        return []
    many = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return [f"{many} on {np.datetime64(case.as_of, 'D')} or later are in no figure: nobody knew of them on its morning"]


def warnings(case: Case) -> list[str]:
    """Return what looks as if the files were read otherwise than they were meant, in sentences that say what to do."""
    amount, found = case.columns["writeoff_amount"], []
    known = int((amount != NULL).sum())
    negative = int(((amount < 0) & (amount != NULL)).sum())
    if case.is_ledger and 2 * negative > known > 0:
        found.append(
            f"{negative:,} of {known:,} amounts are negative, which means reversals; where this export writes write-offs with a minus, "
            'say sign = "negative_is_writeoff" in a mapping file'
        )
    silent = silent_codes(case.ledger, case.view.triage.category) if case.is_ledger else []
    cents, written_off = sum(one.cents for one in silent), int(case.given("writeoff_amount").sum())
    if written_off > 0 and cents > MUCH * written_off:
        names = ", ".join(one.code for one in silent[:NAMED]) + (f" and {len(silent) - NAMED} more" if len(silent) > NAMED else "")
        found.append(
            f"{dollars(cents)} are under adjustment codes of the practice's own of which nothing is known ({names}), so the shares of bad "
            "debt and charity are not told; say in [adjustment_codes] of a mapping file for which reasons of payers they stand, and name "
            "those of its own policies in the table of --policies"
        )
    unread = sum(one["count"] for one in remit_issues(case) if one["severity"] == ERROR)
    if unread:
        found.append(
            f"{counted(unread, 'problem')} kept parts of the remittances from being read, which are in no figure; "
            "the limits below name them"
        )
    if lost := [one for one, rows in take_backs_by_number(case) if not rows]:
        cents = sum(one.cents for one in lost)
        found.append(
            f"payers held {dollars(cents)} back in {counted(len(lost), 'entry (PLB)', 'entries (PLB)')} of claims that are neither on a "
            "remittance in hand nor in the ledger; ask them which claims these are of"
        )
    if partly := incomplete_payers(case):
        names = ", ".join(sorted(partly)[:NAMED]) + (f" and {len(partly) - NAMED} more" if len(partly) > NAMED else "")
        known, dated = (sum(counts[i] for counts in partly.values()) for i in (0, 1))
        found.append(
            f"of {dated:,} postings in the time of the remittances of {names} only {known:,} are on one, so files look missing; "
            "nothing is said of their postings without a remittance"
        )
    if case.told is None or not len(case):
        return found
    if not (case.claim >= 0).any():
        found.append(
            "no row names a claim, so nothing could be laid beside the remittances; map the number that comes back as CLP01 to claim_id"
        )
    elif not (case.told.line >= 0).any():
        found.append(
            "no row was found on a remittance in hand; claim_id must be the number that goes out with claims and comes back as CLP01"
        )
    coded, own = case.columns["payer_id"], set(case.words("payer_id"))
    if (coded >= 0).any() and case.remits is not None and case.remits.spans and not own & set(case.remits.spans):
        found.append("ledger and remittances have no payer in common; name them alike in [payers] of a mapping file")
    return found


_TOLD_ELSEWHERE = frozenset(("line_out_of_balance", "claim_out_of_balance", "transaction_out_of_balance"))
"""Issues of reading that are findings of a rule."""


def remit_issues(case: Case) -> list[dict[str, Any]]:
    """Return what was wrong with the 835 files by kind, the gravest first, with the place of the first of each kind.

    An `error` is something that was not read: a file, a transaction or a claim.
    """
    found: dict[str, dict[str, Any]] = {}
    for issue in case.remits.issues if case.remits is not None else ():
        if issue.severity != INFO and issue.code not in _TOLD_ELSEWHERE:
            blank = {"code": issue.code, "severity": issue.severity, "message": KINDS[issue.code][1], "count": 0}
            one = found.setdefault(issue.code, {**blank, "file": issue.file, "segment": issue.segment})
            one["count"] += 1
    return sorted(found.values(), key=lambda one: (one["severity"] != ERROR, -one["count"], one["code"]))


def unworked(opportunity: Opportunity) -> dict[str, Any] | None:
    """Return what the efforts in hand cannot tell of the open write-offs: no choice by lot, payers and codes that nobody ever worked.

    None where no effort is in hand: then nothing was learned from any, which the basis of the estimate says.
    """
    case = opportunity.case
    if case.efforts is None or not len(case.efforts):
        return None
    unknown = never_worked(case.ledger, np.flatnonzero(opportunity.is_worked), opportunity.open)
    lot = [] if was_by_lot(case.efforts, case.as_of) else [NO_LOT]
    return {"warnings": [*lot, *blind_spots(unknown, case.as_of)], **unknown}


def _rules(audit: Audit) -> list[dict[str, Any]]:
    told = []
    findings = audit.findings
    ran = {rule.id: number for number, rule in enumerate(findings.rules)}
    for rule in BY_ID.values():
        number = ran.get(rule.id)
        rows = findings.rule == number if number is not None else np.zeros(len(findings), dtype=np.bool_)
        cents = findings.cents[rows]
        told.append(
            {
                "rule": rule.id,
                "family": rule.family,
                "severity": rule.severity,
                "kind": rule.kind,
                "sentence": rule.sentence,
                "citation": rule.citation,
                "findings": int(rows.sum()) if number is not None else None,
                "amount": round(float(cents[cents != NULL].sum()) / 100, 2),
                "not_run": audit.not_run.get(rule.id),
                "examples": _examples(audit, np.flatnonzero(rows)[:EXAMPLES]),
            }
        )
    return told


def _examples(audit: Audit, at: NDArray[np.int64]) -> list[dict[str, Any]]:
    columns = audit.findings.table(at)
    names = ("finding_id", "writeoff_id", "claim_id", "file", "segment", "amount", "evidence")
    return [dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)]


def _categories(case: Case) -> list[dict[str, Any]]:
    category = case.view.triage.category.astype(np.int64)
    amount = sum_cents(category, case.given("writeoff_amount"), len(CATEGORIES))
    counts = np.bincount(category, minlength=len(CATEGORIES))
    told = [
        {"category": name, "writeoffs": int(counts[i]), "amount": int(amount[i]) / 100} for i, name in enumerate(CATEGORIES) if counts[i]
    ]
    return sorted(told, key=lambda one: (-one["amount"], one["category"]))


def _overpayments(audit: Audit) -> dict[str, Any]:
    at = audit.findings.of(*OVERPAYMENT_RULES)
    cents = audit.findings.cents[at]
    return {
        "findings": len(at),
        "amount": round(float(cents[cents != NULL].sum()) / 100, 2),
        "columns": list(OVERPAYMENT_COLUMNS),
        "words": "Kept apart: netted against nothing and in no queue. Detection by a program starts no clock; once a person has "
        "identified an overpayment by Medicare or Medicaid it is reported and returned within 60 days (42 USC 1320a-7k(d)), in Medicare an "
        "investigation in good faith suspending them for at most 180 (42 CFR 401.305); of other payers contract or state law decides.",
    }
