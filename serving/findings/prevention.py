"""Why it keeps happening: cells of payer, reason, procedure, facility and poster that are worse than the rest, and what to change."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from features.codes.combinations import distinct
from features.codes.tables import FAMILIES
from features.money import NULL
from serving.findings.case import Case, Flags
from serving.findings.cells import YEAR, Events, compare, standing_out, without_echoes
from serving.findings.efforts import decided_rows
from serving.findings.opportunity import Opportunity
from serving.findings.posters import POLICY_RULES, POSTING_RULES
from serving.findings.rates import LEAST
from serving.findings.table import Findings

SHOWN = 60

CELLS: tuple[tuple[str, ...], ...] = (
    ("payer_id",),
    ("payer_id", "procedure_code"),
    ("payer_id", "facility_id"),
    ("payer_id", "provider_id"),
    ("payer_id", "procedure_code", "facility_id"),
    ("facility_id",),
    ("facility_id", "procedure_code"),
)
"""What is crossed with the reason code."""


class Play(NamedTuple):
    """What to change in a family of refusals: whose work it is, the change, and what to teach."""

    family: str
    team: str
    change: str
    training: str


@cache
def playbook() -> Mapping[str, Play]:
    """Return the changes by family.

    >>> playbook()["authorization"].team
    'scheduling'
    """
    with files("serving.findings").joinpath("playbook.csv").open("r", encoding="utf-8") as file:
        return {row["family"]: Play(**row) for row in csv.DictReader(file)}


def root_causes(case: Case) -> dict[str, Any]:
    """Return the cells in which a reason comes more often than its rate elsewhere lets one expect.

    The rate is refusals per written-off claim line of the cell, the expectation that of all lines outside it. A cell with fewer than
    eleven refusals is not tested, and p-values are adjusted for all cells that were. A cell inside another one that says the same
    (as many refusals) is left out.
    """
    rows = np.flatnonzero(avoidable_rows(case))
    c = case.columns
    events = Events(rows, c["carc"][rows].astype(np.int64), case.left[rows] / 100, claim_lines(case))
    tested = compare(case, CELLS, events)
    found = standing_out(tested)
    names = ("rate", "rate_elsewhere", "dollars_a_year", "excess_dollars_a_year", "trend", "p", "p_adjusted", "rows")
    causes = [
        {
            "cell": one["cell"],
            "carc": case.ledger.vocabulary.word("carc", one["kind"]),
            "family": FAMILIES[int(case.view.triage.family[one["first"]])],
            "writeoffs": one["count"],
            "lines": one["exposed"],
            **{name: one[name] for name in names},
        }
        for one in without_echoes(found, lambda one: one["kind"])[:SHOWN]
    ]
    return {"tested": len(tested), "significant": len(found), "least": LEAST, "causes": causes}


def avoidable_rows(case: Case) -> Flags:
    """Return the rows that a better process would have spared: standing refusals, underpayments aside."""
    of = ("denial", "unbilled_secondary", "never_billed", "posting_error", "bad_debt")
    return case.once("avoidable rows", lambda: case.is_live & case.is_adverse & case.category(*of))


def claim_lines(case: Case) -> Flags:
    """Return one row for each claim line: what rates are counted over."""
    return case.once("claim lines", lambda: _claim_lines(case))


def _claim_lines(case: Case) -> Flags:
    claim, line = case.claim, case.columns["line_number"]
    alone = (claim < 0) | (line == NULL)
    first, _ = distinct([np.where(alone, len(claim) + np.arange(len(claim)), claim), np.where(alone, -1, np.maximum(line, -1))])
    mask = np.zeros(len(case), dtype=np.bool_)
    mask[first] = True
    return mask & (case.columns["writeoff_amount"] > 0)


def recommendations(case: Case, causes: Sequence[Mapping[str, Any]], findings: Findings) -> list[dict[str, Any]]:
    """Return what to change and teach, one entry for each team and family, with the cells and rows behind it, the dearest first."""
    book = playbook()
    found: dict[str, dict[str, Any]] = {}
    for cause in causes:
        play = book.get(cause["family"], book["unknown"])
        entry = found.setdefault(play.family, {**play._asdict(), "excess_dollars_a_year": 0.0, "behind": [], "rows": []})
        # Cells overlap; the dearest of each reason stands for the others.
        if not any(one["carc"] == cause["carc"] for one in entry["behind"]):
            entry["excess_dollars_a_year"] = round(entry["excess_dollars_a_year"] + cause["excess_dollars_a_year"], 2)
        entry["behind"].append({key: cause[key] for key in ("cell", "carc", "writeoffs", "rate", "rate_elsewhere", "p_adjusted")})
        entry["rows"] += [row for row in cause["rows"] if row not in entry["rows"]]
    for family, rules in (("posting", POSTING_RULES), ("policy", POLICY_RULES)):
        at = findings.of(*rules)
        if len(at) >= LEAST:
            cents = findings.cents[at]
            play = book[family]
            found[family] = {
                **play._asdict(),
                "excess_dollars_a_year": round(float(cents[cents != NULL].sum()) / 100 * _yearly(case), 2),
                "behind": [
                    {"rule": rule.id, "findings": int((findings.rule == n).sum())}
                    for n, rule in enumerate(findings.rules)
                    if rule.id in rules
                ],
                "rows": [str(findings.writeoff_id[i]) for i in at[:5].tolist()],
            }
    for entry in found.values():
        entry["rows"] = entry["rows"][:10]
    return sorted(found.values(), key=lambda entry: -entry["excess_dollars_a_year"])


def _yearly(case: Case) -> float:
    days = case.columns["writeoff_date"]
    return YEAR / max(1, int(days.max() - days.min())) if len(days) else 0.0


def before_and_after(case: Case, quarters: int = 6) -> list[dict[str, Any]]:
    """Return refusals per hundred written-off lines of each family, quarter by quarter: what a change did, or did not do."""
    line, avoidable = claim_lines(case), avoidable_rows(case)
    month = case.columns["writeoff_date"].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarter = month // 3
    last = int(np.datetime64(case.as_of, "D").astype("datetime64[M]").astype(np.int64)) // 3
    span = list(range(last - quarters + 1, last + 1))
    family = case.view.triage.family
    over = [int((line & (quarter == q)).sum()) for q in span]
    told = []
    for name in sorted(FAMILIES[code] for code in np.unique(family[avoidable]).tolist()):
        mask = avoidable & (family == FAMILIES.index(name))
        counts = [int((mask & (quarter == q)).sum()) for q in span]
        if sum(counts) >= LEAST:
            told.append(
                {
                    "family": name,
                    "quarters": [f"{1970 + q // 4} Q{q % 4 + 1}" for q in span],
                    "writeoffs": counts,
                    "per_hundred_lines": [round(100 * n / m, 2) if m >= LEAST else None for n, m in zip(counts, over, strict=True)],
                }
            )
    return sorted(told, key=lambda one: -sum(one["writeoffs"]))


def scorecard(opportunity: Opportunity) -> list[dict[str, Any]]:
    """Return one row for each payer, for the next negotiation: what it refuses, underpays, overturns, how late and with what interest."""
    case = opportunity.case
    c = case.columns
    payer = c["payer_id"].astype(np.int64)
    size = case.ledger.vocabulary.size("payer_id")
    line, amount = claim_lines(case), case.left
    short = np.where(case.view.triage.underpayment_cents == NULL, 0, np.maximum(case.view.triage.underpayment_cents, 0))
    expected = case.view.triage.expected_allowed_cents
    priced = line & (expected > 0) & (c["allowed_amount"] > 0) & np.isin(case.view.triage.expected_allowed_source, (1, 2))
    won, decided = decided_rows(case)
    days = np.where((c["remit_date"] != NULL) & (c["submitted_date"] != NULL), c["remit_date"] - c["submitted_date"], NULL)
    interest: dict[str, int] = {}
    if case.remits is not None:
        for remit in case.remits.remits:
            for pair in remit.provider_adjustments:
                if pair.reason == "L6":
                    interest[remit.payer_id] = interest.get(remit.payer_id, 0) - pair.cents
    refused = case.is_live & case.is_adverse
    told = []
    words = case.ledger.vocabulary.words("payer_id")
    gross = {one["group"]: one for one in opportunity.by("payer_id")}
    counts = np.bincount(payer[line & (payer >= 0)], minlength=size)
    order = np.argsort(-counts, kind="stable")
    for code in order[counts[order] > 0].tolist():
        mine = payer == code
        count = int(counts[code])
        name = words[code]
        rate = priced & mine
        allowed, agreed = int(c["allowed_amount"][rate].sum()), int(expected[rate].sum())
        late = days[mine & line & (days != NULL) & (days >= 0)]
        ended = decided & mine
        told.append(
            {
                "payer": name,
                "lines": count,
                "refused_share": round(float((refused & mine & line).sum() / count), 4) if count >= LEAST else None,
                "written_off": round(float(amount[mine & case.is_live].sum()) / 100, 2),
                "open_expected": gross.get(name, {}).get("expected", 0.0),
                "rate_variance": round(allowed / agreed - 1, 4) if agreed and int(rate.sum()) >= LEAST else None,
                "underpaid": round(float(short[mine & line].sum()) / 100, 2),
                "overturned_share": round(float((won & mine).sum() / ended.sum()), 4) if ended.sum() >= LEAST else None,
                "efforts_decided": int(ended.sum()),
                "median_days_to_remit": float(np.median(late)) if len(late) >= LEAST else None,
                "interest_paid": interest.get(name, 0) / 100 if case.remits is not None else None,
            }
        )
    return told
