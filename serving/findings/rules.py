"""All rules of the audit, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Mapping

from serving.findings import classified, coverage, overpaid, policy, posting, remittance, underpaid
from serving.findings.rule import Rule

RULES: tuple[Rule, ...] = (
    *posting.RULES,
    *remittance.RULES,
    *underpaid.RULES,
    *policy.RULES,
    *coverage.RULES,
    *overpaid.RULES,
    *classified.RULES,
)

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
"""Rules by their id.

>>> BY_ID["duplicate_posting"].severity
'high'
"""
