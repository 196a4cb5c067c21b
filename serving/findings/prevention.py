"""Why it keeps happening: cells of payer, reason, procedure, facility and poster that are worse than the rest, and what to change."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from features.codes.combinations import distinct
from features.money import NULL
from features.tables import Array
from serving.findings.case import Case, Flags
from serving.findings.efforts import decided_rows
from serving.findings.opportunity import Opportunity
from serving.findings.rates import LEAST, adjusted, poisson_tail
from serving.findings.table import Findings

YEAR, HALF = 365, 182
SIGNIFICANT = 0.05
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
    avoidable = avoidable_rows(case)
    line = _lines(case)
    tested: list[dict[str, Any]] = []
    for names in CELLS:
        keys = [case.columns[name].astype(np.int64) for name in names]
        known = np.all([key >= 0 for key in keys], axis=0)
        tested += _test(case, names, keys, known, avoidable, line)
    p = adjusted(np.array([one["p"] for one in tested]))
    for one, value in zip(tested, p.tolist(), strict=True):
        one["p_adjusted"] = float(f"{value:.3g}")
        one["p"] = float(f"{one['p']:.3g}")
    found = [one for one in tested if one["p_adjusted"] <= SIGNIFICANT]
    found.sort(key=lambda one: (-one["excess_dollars_a_year"], len(one["cell"])))
    seen: set[tuple[str, int]] = set()
    kept = []
    for one in found:
        key = one["carc"], one["writeoffs"]
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return {"tested": len(tested), "significant": len(found), "least": LEAST, "causes": kept[:SHOWN]}


def avoidable_rows(case: Case) -> Flags:
    """Return the rows that a better process would have spared: standing refusals, underpayments aside."""
    mask: Flags = (
        case.is_live & case.is_adverse & case.category("denial", "unbilled_secondary", "never_billed", "posting_error", "bad_debt")
    )
    return mask


def _lines(case: Case) -> Flags:
    """Return one row for each claim line: what rates are counted over."""
    claim, line = case.claim, case.columns["line_number"]
    alone = (claim < 0) | (line == NULL)
    first, _ = distinct([np.where(alone, len(claim) + np.arange(len(claim)), claim), np.where(alone, -1, np.maximum(line, -1))])
    mask = np.zeros(len(case), dtype=np.bool_)
    mask[first] = True
    return mask & (case.columns["writeoff_amount"] > 0)


def _test(case: Case, names: tuple[str, ...], keys: Sequence[Array], known: Flags, avoidable: Flags, line: Flags) -> list[dict[str, Any]]:
    if not known.any():
        return []
    c, day = case.columns, case.columns["writeoff_date"]
    _, cell = distinct([np.where(known, key, -1) for key in keys])
    rows = np.flatnonzero(avoidable & known)
    if not len(rows):
        return []
    over = np.bincount(cell[line & known], minlength=int(cell.max()) + 1)
    first, pair = distinct([cell[rows], c["carc"][rows].astype(np.int64)])
    count = np.bincount(pair)
    of_carc, carc = np.unique(c["carc"][rows[first]], return_inverse=True)
    total = np.array([(c["carc"][rows] == code).sum() for code in of_carc.tolist()])[carc]
    inside, lines = over[cell[rows[first]]], int((line & known).sum())
    rest = np.maximum(lines - inside, 1)
    expected = np.maximum(total - count, 0.5) / rest * inside
    enough = count >= LEAST
    p = np.ones(len(count))
    p[enough] = poisson_tail(count[enough].astype(np.float64), expected[enough])
    amount = case.given("writeoff_amount")[rows] / 100
    recent = day[rows] >= case.as_of - YEAR
    span = min(YEAR, max(1, int(case.as_of - day[rows].min())))
    dollars = np.bincount(pair, np.where(recent, amount, 0.0), len(count)) * YEAR / span
    now = np.bincount(pair[day[rows] >= case.as_of - HALF], minlength=len(count))
    before = np.bincount(pair[(day[rows] < case.as_of - HALF) & (day[rows] >= case.as_of - 2 * HALF)], minlength=len(count))
    exposure = [
        np.bincount(
            cell[line & known & (day >= case.as_of - HALF * (k + 1)) & (day < case.as_of - HALF * k)], minlength=int(cell.max()) + 1
        )
        for k in (0, 1)
    ]
    told = []
    for i in np.flatnonzero(enough).tolist():
        row = int(rows[first[i]])
        share = max(0.0, 1.0 - expected[i] / count[i])
        at = int(cell[row])
        told.append(
            {
                "cell": {name: case.ledger.vocabulary.word(name, int(c[name][row])) for name in names},
                "carc": case.ledger.vocabulary.word("carc", int(c["carc"][row])),
                "family": str(case.scores.columns["family"][row]),
                "writeoffs": int(count[i]),
                "lines": int(inside[i]),
                "rate": round(float(count[i] / max(inside[i], 1)), 4),
                "rate_elsewhere": round(float(max(total[i] - count[i], 0) / rest[i]), 4),
                "dollars_a_year": round(float(dollars[i]), 2),
                "excess_dollars_a_year": round(float(dollars[i] * share), 2),
                "trend": _trend(int(now[i]), int(before[i]), int(exposure[0][at]), int(exposure[1][at])),
                "p": float(p[i]),
                "rows": [str(c["writeoff_id"][r]) for r in rows[pair == i][:5].tolist()],
            }
        )
    return told


def _trend(now: int, before: int, lines_now: int, lines_before: int) -> dict[str, Any] | None:
    """Return rates of the last half year and the one before; None where either has too few lines."""
    if min(lines_now, lines_before) < LEAST or now + before < LEAST:
        return None
    expected = (now + before) * lines_now / (lines_now + lines_before)
    spread = (expected * lines_before / (lines_now + lines_before)) ** 0.5
    z = (now - expected) / spread if spread else 0.0
    word = "rising" if z > 2 else "falling" if z < -2 else "steady"
    return {"rate_before": round(before / lines_before, 4), "rate_now": round(now / lines_now, 4), "word": word, "z": round(z, 2)}


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
    for family, rules in (("posting", _POSTING_RULES), ("policy", _POLICY_RULES)):
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


_POSTING_RULES = ("duplicate_posting", "posted_more_than_remit", "contractual_posted_on_denial", "provider_liability_as_patient_debt")
_POLICY_RULES = ("small_balance_over_policy", "small_balance_split", "over_policy_limit", "approval_missing", "charity_without_policy")


def posters(case: Case, findings: Findings) -> list[dict[str, Any]]:
    """Return who posts what wrongly more often than the others: poster by rule, tested like the root causes.

    A finding is what a rule found, no judgement of a person: a poster with hard accounts has more of them.
    """
    known = case.columns["posted_by"] >= 0
    live = case.is_live | case.is_copy
    size = case.ledger.vocabulary.size("posted_by")
    who = case.columns["posted_by"].astype(np.int64)
    postings = np.bincount(who[known & live], minlength=size)
    told: list[dict[str, Any]] = []
    for number, rule in enumerate(findings.rules):
        if rule.id not in (*_POSTING_RULES, *_POLICY_RULES):
            continue
        rows = findings.row[findings.rule == number]
        rows = rows[(rows >= 0)]
        rows = rows[known[rows]]
        counts = np.bincount(who[rows], minlength=size)
        for code in np.flatnonzero(counts >= LEAST).tolist():
            rest = max(int(postings.sum() - postings[code]), 1)
            expected = max(int(counts.sum() - counts[code]), 0.5) / rest * postings[code]
            told.append(
                {
                    "posted_by": case.ledger.vocabulary.word("posted_by", code),
                    "rule": rule.id,
                    "findings": int(counts[code]),
                    "postings": int(postings[code]),
                    "rate": round(float(counts[code] / max(postings[code], 1)), 5),
                    "rate_elsewhere": round(float((counts.sum() - counts[code]) / rest), 5),
                    "p": float(poisson_tail(np.array([float(counts[code])]), np.array([float(expected)]))[0]),
                    "rows": [str(case.columns["writeoff_id"][r]) for r in rows[who[rows] == code][:5].tolist()],
                }
            )
    for one, value in zip(told, adjusted(np.array([one["p"] for one in told])).tolist(), strict=True):
        one["p_adjusted"], one["p"] = float(f"{value:.3g}"), float(f"{one['p']:.3g}")
    return sorted((one for one in told if one["p_adjusted"] <= SIGNIFICANT), key=lambda one: one["p_adjusted"])


def _yearly(case: Case) -> float:
    days = case.columns["writeoff_date"]
    return YEAR / max(1, int(days.max() - days.min())) if len(days) else 0.0


def before_and_after(case: Case, quarters: int = 6) -> list[dict[str, Any]]:
    """Return refusals per hundred written-off lines of each family, quarter by quarter: what a change did, or did not do."""
    line, avoidable = _lines(case), avoidable_rows(case)
    month = case.columns["writeoff_date"].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarter = month // 3
    last = int(np.datetime64(case.as_of, "D").astype("datetime64[M]").astype(np.int64)) // 3
    span = list(range(last - quarters + 1, last + 1))
    family = case.scores.columns["family"]
    over = [int((line & (quarter == q)).sum()) for q in span]
    told = []
    for name in sorted({str(word) for word in family[avoidable].tolist()}):
        mask = avoidable & (family == name)
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
    line, amount = _lines(case), case.given("writeoff_amount")
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
    gross = {one["group"]: one for one in opportunity.by(case.words("payer_id"))}
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
