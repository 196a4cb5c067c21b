"""Who posts what wrongly more often than the others do: poster by rule, alone and by payer and facility; for training, never for blame."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.money import NULL
from serving.findings.case import Case
from serving.findings.cells import Events, compare, standing_out, without_echoes
from serving.findings.table import Findings

CELLS = (("posted_by",), ("posted_by", "payer_id"), ("posted_by", "facility_id"))

POSTING_RULES = (
    "duplicate_posting", "posted_more_than_remit", "contractual_posted_on_denial", "provider_liability_as_patient_debt",
    "patient_share_with_secondary", "missing_remit_support",
)  # fmt: skip
POLICY_RULES = ("small_balance_over_policy", "small_balance_split", "over_policy_limit", "approval_missing", "charity_without_policy")
"""Rules whose findings are slips of posting and of the practice's policies."""

SHOWN = 60


def posters(case: Case, findings: Findings) -> list[dict[str, Any]]:
    """Return posters with more findings of a rule than the others, tested like the root causes.

    A finding is what a rule found, no judgement of a person: a poster with hard accounts has more of them. Accounts differ, which is why
    the cells with a payer and with a facility stand beside the poster alone.

    Returns
    -------
    list of dict
        `cell`, `posted_by`, `rule`, `findings`, `postings`, `rate` and `rate_elsewhere` (per posting), `trend`, `dollars_a_year`,
        `excess_dollars_a_year`, `p`, `p_adjusted` and `rows`.
    """
    at = findings.of(*POSTING_RULES, *POLICY_RULES)
    at = at[findings.row[at] >= 0]
    cents = findings.cents[at]
    events = Events(findings.row[at], findings.rule[at], np.where(cents == NULL, 0, cents) / 100, case.is_live | case.is_copy)
    found = without_echoes(standing_out(compare(case, CELLS, events)), lambda one: (one["cell"]["posted_by"], one["kind"]))
    names = ("rate", "rate_elsewhere", "trend", "dollars_a_year", "excess_dollars_a_year", "p", "p_adjusted", "rows")
    return [
        {
            "cell": one["cell"],
            "posted_by": one["cell"]["posted_by"],
            "rule": findings.rules[one["kind"]].id,
            "findings": one["count"],
            "postings": one["exposed"],
            **{name: one[name] for name in names},
        }
        for one in found[:SHOWN]
    ]
