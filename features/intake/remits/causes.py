"""What the remarks of a reversal or correction say of its cause: the action that led to it, never how it ended.

How it ended is the sign of the net payment (DOMAIN 3, "Outcome labels from remits"): MA91 also comes with appeals that were lost.
"""

from __future__ import annotations

from collections.abc import Iterable

OTHER = "other"

ACTIONS = {
    "N690": "appeal",
    "N691": "appeal",
    "MA91": "appeal",
    "N692": "contract_dispute",
    "N696": "cob_update",
    "N694": "corrected_claim",
    "N377": "corrected_claim",
    "N770": "reopening",
    "N693": OTHER,
    "N695": OTHER,
    "N697": OTHER,
}
"""Remark -> action, the more telling first.

N690, N691 an appeal by the provider, by the patient; MA91 the result of an appeal; N692 a wrong rate; N696 another payer; N694 a
resubmission or change by the provider; N377 a processed replacement claim; N770 an adjustment that the provider asked for. N693, N695
and N697 name a cause of a reversal that is no remedy of the practice.
"""

REPLACEMENTS = frozenset("67")
"""CLP09 of a claim that corrects or replaces an earlier one (NUBC frequency codes)."""


def action(remarks: Iterable[str], *, is_replacement: bool = False) -> str:
    """Return the action that remarks tell of, else what the claim's frequency tells, else `other`.

    Examples
    --------
    >>> action(["N130", "MA91"]), action(["MA67"], is_replacement=True), action(["N130"])
    ('appeal', 'corrected_claim', 'other')
    """
    said = set(remarks)
    for remark, found in ACTIONS.items():
        if remark in said and found != OTHER:
            return found
    return "corrected_claim" if is_replacement else OTHER


def has_cause(remarks: Iterable[str]) -> bool:
    """Return whether a remark says why an adjudication was changed."""
    return any(remark in ACTIONS for remark in remarks)
