"""An audit of a small practice, as a service keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from models.scorer import Scorer
from recoup.sample.practice import write_sample
from recoup.trial import use_tables
from serving.findings.clock import overpayment_table
from serving.findings.report import report
from serving.identity.gate import Gate
from serving.store import audits
from tests.practice import day, read_files

AS_OF = "2026-11-01"

Owed = Mapping[str, Sequence[Any]]


def audited(folder: Path, rows: int = 3000) -> tuple[dict[str, Any], Owed]:
    """Return the document of an audit, and its list of what may be owed back."""
    write_sample(folder, rows=rows, seed=5, end=date.fromisoformat(AS_OF))
    scorer = Scorer.prior()
    files = read_files(folder, scorer.vocabulary)
    use_tables(scorer, files.tables)
    told = report(files.writeoffs, scorer=scorer, as_of=day(AS_OF), efforts=files.outcomes)
    return told.document, overpayment_table(told.case, told.findings, {})


def keep(gate: Gate, document: Mapping[str, Any], owed: Owed) -> None:
    """Keep it."""
    with gate.store.write() as unit:
        audits.keep(unit, "default", document, owed, at=gate.now(), by="person:lea")
