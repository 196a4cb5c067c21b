"""One audit from rows to its document: what `recoup audit` and a job call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.batch import Batch
from models.scorer import Scorer
from serving.findings.audit import Progress, audit, look
from serving.findings.case import Case
from serving.findings.remits import Remits
from serving.findings.result import result
from serving.findings.table import Findings
from serving.findings.validation import draw, judge


@dataclass(frozen=True)
class Report:
    """What came of one audit.

    Parameters
    ----------
    case, findings
        What was looked at, and one row per finding.
    document
        Everything the audit says, ready for JSON; money in dollars. `opportunity` is a part of it.
    sample
        Write-offs for people to judge.
    """

    case: Case
    findings: Findings
    document: dict[str, Any]
    sample: list[dict[str, Any]]


def report(
    ledger: Batch,
    *,
    scorer: Scorer,
    as_of: int,
    remits: Remits | None = None,
    efforts: Batch | None = None,
    is_ledger: bool = True,
    is_prospect: bool = False,
    changes: Batch | None = None,
    answers: Mapping[str, str] | None = None,
    left_out: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Audit rows as they were known on the morning of a day: whoever calls has cut ledger, efforts and remittances at it.

    Parameters
    ----------
    ledger, scorer, as_of, remits, efforts, is_ledger
        As `serving.findings.audit.look` takes them; the scorer knows what was learned until that day.
    is_prospect
        The rows carry no identities, which the document says.
    changes
        Changes of process that were made, `PROCESS_CHANGES`.
    answers
        What people answered to the blinded sample of this audit, by write-off.
    left_out
        What the caller left out because nobody knew of it on the morning: numbers of `writeoffs`, `efforts`, `results`, `remittances`.
    """
    case = look(ledger, scorer=scorer, as_of=as_of, remits=remits, efforts=efforts, is_ledger=is_ledger)
    found = audit(case, progress=progress)
    sample = draw(case, found.findings)
    document = result(found, sums=scorer.models.sums, costs=scorer.costs, is_prospect=is_prospect, changes=changes, left_out=left_out)
    document["validation"] = {"size": len(sample), "judged": judge(answers or {}, sample)}
    return Report(case, found.findings, document, sample)
