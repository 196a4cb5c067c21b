"""Rules about the practice's own write-off policies: limits, approvals, charity, and small balances that were made small."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from features.codes.adjustment import spoken
from features.money import NULL
from features.policies import Limits
from serving.findings.case import Case
from serving.findings.rule import Hits, Rule
from serving.findings.words import day, dollars

_SMALL = frozenset(("small balance", "small bal"))
_AID = frozenset(("charity", "hardship", "financial assistance", "indigent", "fap"))
"""Phrases of `features/codes/adjustment.csv`."""
SPLIT_DAYS = 60
"""Small balances of one claim line within these days of each other are one balance."""


def small_balance_codes(case: Case) -> dict[int, str]:
    """Return the adjustment codes (place in the vocabulary) whose words say small balance."""
    return _codes_that_say(case, _SMALL)


def aid_codes(case: Case) -> dict[int, str]:
    """Return the adjustment codes (place in the vocabulary) whose words say charity or hardship."""
    return _codes_that_say(case, _AID)


def _codes_that_say(case: Case, phrases: frozenset[str]) -> dict[int, str]:
    found = {}
    for number, word in enumerate(case.ledger.vocabulary.words("adjustment_code")):
        phrase = spoken(word, case.codes)
        if phrase is not None and phrase.phrase in phrases:
            found[number] = word
    return found


def _limits(case: Case) -> Limits:
    assert case.policies is not None
    return case.policies.limits(case.ledger)


def _over(case: Case, codes: dict[int, str], *, inverse: bool = False) -> Hits:
    hits, c = Hits(), case.columns
    limit = _limits(case).amount
    is_coded = np.isin(c["adjustment_code"], list(codes))
    rows = case.is_live & (is_coded ^ inverse) & (limit != NULL) & (c["writeoff_amount"] > limit)
    words = case.words("adjustment_code")
    for row in np.flatnonzero(rows).tolist():
        amount, most = int(c["writeoff_amount"][row]), int(limit[row])
        hits.add(row, amount - most, f"{dollars(amount)} under {words[row]}; the policy allows {dollars(most)}")
    return hits


def _small_over(case: Case) -> Hits:
    return _over(case, small_balance_codes(case))


def _other_over(case: Case) -> Hits:
    return _over(case, small_balance_codes(case), inverse=True)


def _split(case: Case) -> Hits:
    """Several small balances of one claim line, each within the limit and together above it; told on the one that went over."""
    hits, c = Hits(), case.columns
    limit, codes = _limits(case).amount, small_balance_codes(case)
    rows = np.flatnonzero(case.is_live & np.isin(c["adjustment_code"], list(codes)) & (limit != NULL) & (c["writeoff_amount"] <= limit))
    lines: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row in rows.tolist():
        if case.claim[row] >= 0:
            lines[int(case.claim[row]), int(c["line_number"][row])].append(row)
    ids = c["writeoff_id"]
    for members in lines.values():
        if len(members) < 2:
            continue
        members.sort(key=lambda row: (int(c["writeoff_date"][row]), row))
        for at, row in enumerate(members[1:], start=1):
            near = [one for one in members[:at] if c["writeoff_date"][row] - c["writeoff_date"][one] <= SPLIT_DAYS]
            total = sum(int(c["writeoff_amount"][one]) for one in (*near, row))
            if near and total > limit[row]:
                others = ", ".join(str(ids[one]) for one in near)
                parts = f"{dollars(total)} of one line in {len(near) + 1} postings (with {others})"
                told = f"{parts}, each within the limit of {dollars(int(limit[row]))}"
                hits.add(row, total - int(limit[row]), told)
                break
    return hits


def _unapproved(case: Case) -> Hits:
    hits, c = Hits(), case.columns
    over = _limits(case).approval
    approvers = case.words("approved_by")
    posters = case.words("posted_by")
    rows = case.is_live & (over != NULL) & (c["writeoff_amount"] > over)
    words = case.words("adjustment_code")
    for row in np.flatnonzero(rows).tolist():
        own = approvers[row] is not None and approvers[row] == posters[row]
        if approvers[row] is None or own:
            amount = int(c["writeoff_amount"][row])
            who = "approved by the person who posted it" if own else "nobody approved it"
            told = f"{dollars(amount)} under {words[row]}; above {dollars(int(over[row]))} somebody else must approve: {who}"
            hits.add(row, amount, told)
    return hits


def _aid_without_policy(case: Case) -> Hits:
    """Charity or hardship under a code that no policy names on that day."""
    hits, c = Hits(), case.columns
    codes = aid_codes(case)
    named = _limits(case).is_named if case.policies is not None and len(case.policies) else np.zeros(len(case), dtype=np.bool_)
    words = case.words("adjustment_code")
    refused = c["financial_assistance"] == 0
    for row in np.flatnonzero(case.is_live & np.isin(c["adjustment_code"], list(codes)) & (~named | refused)).tolist():
        amount = int(c["writeoff_amount"][row])
        why = (
            "the patient has no financial assistance on file"
            if named[row]
            else f"no policy in force on {day(c['writeoff_date'][row])} names the code"
        )
        hits.add(row, amount, f"{dollars(amount)} under {words[row]}: {why}")
    return hits


RULES = (
    Rule(
        "small_balance_over_policy",
        "policy",
        "medium",
        "A small balance was written off above the practice's own limit.",
        "the practice's write-off policies",
        _small_over,
        ("policies", "adjustment_code"),
    ),
    Rule(
        "small_balance_split",
        "policy",
        "high",
        "One balance was written off in parts that each stay within the small-balance limit.",
        "the practice's write-off policies; DOMAIN 2.7",
        _split,
        ("policies", "adjustment_code"),
    ),
    Rule(
        "over_policy_limit",
        "policy",
        "medium",
        "A write-off is above the largest amount that the policy of its code allows.",
        "the practice's write-off policies",
        _other_over,
        ("policies", "adjustment_code"),
    ),
    Rule(
        "approval_missing",
        "policy",
        "medium",
        "A write-off above the approval limit of its policy has no approver, or its poster approved it.",
        "the practice's write-off policies",
        _unapproved,
        ("policies", "approved_by"),
    ),
    Rule(
        "charity_without_policy",
        "policy",
        "high",
        "Charity or hardship was posted under a code that no policy names, or for a patient without assistance on file.",
        "26 CFR 1.501(r)-4 (hospitals); 42 USC 1320a-7a(a)(5): no routine waiver",
        _aid_without_policy,
        ("adjustment_code", "policies"),
    ),
)
