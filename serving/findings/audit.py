"""The audit of a practice: all rules over one case, and what the findings come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.adjustment import spoken
from features.codes.tables import Codes
from models.scorer import Scorer
from serving.findings.case import HABITS, Case
from serving.findings.efforts import expected_then
from serving.findings.remits import Remits
from serving.findings.rule import NEEDS, Hits, Rule
from serving.findings.rules import RULES
from serving.findings.table import Findings, gather
from serving.findings.told import tell

Progress = Callable[[str, int, int], None]
_OWN = frozenset(("policy", "bad_debt"))
VIEWED = ("implied_allowed_cents",)
"""What rules read of a view beside the ledger's own columns."""
WORTH = (
    "rank", "work_item", "recovery_probability", "amount_if_recovered", "amount_if_recovered_low", "amount_if_recovered_high",
    "expected_recovery", "expected_hours",
)  # fmt: skip
"""What sums read of the estimates."""
LET_GO = ("root_claim_id", "original_payer_claim_number", "batch_id", "diagnosis_code", "posting_source", "account_status")
"""Columns of the ledger that are done with once it is scored."""


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    case
        What was looked at.
    findings
        One row per finding.
    not_run
        Rules that lacked something, and what.
    """

    case: Case
    findings: Findings
    not_run: dict[str, str] = field(default_factory=dict)


def look(
    ledger: Batch, *, scorer: Scorer, as_of: int, remits: Remits | None = None, efforts: Batch | None = None, is_ledger: bool = True
) -> Case:
    """Return the case: rows joined with what the remittances say, seen, sorted and scored once.

    Parameters
    ----------
    ledger
        Rows of `WRITEOFFS`, in the scorer's vocabulary or an overlay of it; blanks are filled in place, and columns
        that are done with once the rows are scored (`LET_GO`) are taken out.
    scorer
        Sees with the practice's tables; a model or the expert's rates.
    as_of
        The morning, as days since 1970-01-01.
    remits, efforts
        The 835 files in hand, and what was worked.
    is_ledger
        False where the rows are only what the 835 files say.
    """
    codes = scorer.viewer.practice.codes
    told = tell(ledger, remits, own=_own_rows(ledger, codes)) if remits is not None and is_ledger else None
    view, worth = scorer.weigh(ledger, as_of=as_of)
    then = expected_then(ledger, efforts, scorer, as_of=as_of) if efforts is not None else np.empty(0)
    # What only the estimators read is let go: of a large ledger it is half of all columns.
    view.columns = {name: view.columns[name] for name in VIEWED}
    worth = {name: worth[name] for name in WORTH}
    for name in LET_GO:
        del ledger.columns[name]
    return Case(ledger, view, worth, scorer.version, scorer.viewer.practice, as_of, remits, told, efforts, is_ledger, then)


def _own_rows(ledger: Batch, codes: Codes) -> NDArray[np.bool_]:
    """Return the rows whose adjustment code says a policy of the practice's own."""
    words = ledger.vocabulary.words("adjustment_code")
    own = [number for number, word in enumerate(words) if (said := spoken(word, codes)) is not None and said.category in _OWN]
    return np.isin(ledger.columns["adjustment_code"], own)


def audit(case: Case, *, rules: tuple[Rule, ...] = RULES, progress: Progress | None = None) -> Audit:
    """Run every rule that has what it needs."""
    found: list[tuple[Rule, Hits]] = []
    not_run: dict[str, str] = {}
    for number, rule in enumerate(rules):
        if progress is not None:
            progress(rule.id, number, len(rules))
        missing = [NEEDS[need] for need in rule.needs if not case.has(need)]
        if missing:
            not_run[rule.id] = "needs " + " and ".join(missing)
            continue
        found.append((rule, rule.find(case)))
    case.forget(but=HABITS)
    return Audit(case, gather(case, found), not_run)
