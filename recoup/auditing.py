"""An audit of files: a ledger, remittances or both in; what is wrong, what is still owed and why it happens, out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recoup.beside import Beside
from recoup.days import EPOCH
from recoup.progress import Bars
from recoup.trial import use_tables

if TYPE_CHECKING:
    from features.batch import Batch
    from features.intake.remits.candidates import TextColumns
    from features.intake.remits.import_ import RemitImport
    from features.vocabulary import Vocabulary
    from models.scorer import Scorer
    from recoup.inputs import Inputs
    from serving.findings.remits import Remits
    from serving.findings.table import Findings

FINDINGS, OVERPAYMENTS, OUTCOMES_FILE, DOCUMENT = "findings.csv", "overpayments.csv", "outcomes.csv", "audit.json"
REPORT, SUMMARY, WORKBOOK = "report.html", "summary.pdf", "workbook.xlsx"


@dataclass(frozen=True)
class Sources:
    """The files of one audit.

    Parameters
    ----------
    writeoffs, remits
        The ledger, and 835 files or folders of them; one of the two is there.
    outcomes, mapping
        Efforts and what came of them; the practice's own names. None: none.
    beside
        Tables beside the ledger.
    is_prospect
        Whether no identity of patients or claims is used.
    changes
        Changes of process that were made; None: none.
    written
        What the audit writes, which is no remittance though it lie among them.
    """

    writeoffs: Path | None
    remits: tuple[Path, ...]
    outcomes: Path | None
    mapping: Path | None
    beside: Beside
    is_prospect: bool
    changes: Path | None = None
    written: tuple[Path, ...] = ()

    @property
    def tables(self) -> list[Path]:
        """Every file that is read but the remittances."""
        read = (self.writeoffs, self.outcomes, self.mapping, self.changes, *(getattr(self.beside, one.name) for one in fields(self.beside)))
        return [path for path in read if path is not None]


@dataclass(frozen=True)
class Ran:
    """What came of one audit, without the case itself: a large ledger is let go before its findings are spelled out.

    Parameters
    ----------
    findings, overpayments, later
        Tables: findings, what may be owed back, and what later remittances brought.
    result
        The document made of them.
    sample, answers
        Write-offs for people to judge, and what they answered before.
    """

    findings: Findings
    overpayments: Mapping[str, Sequence[str | None]]
    later: TextColumns
    result: dict[str, Any]
    sample: list[dict[str, Any]]
    answers: dict[str, str]


def run(sources: Sources, scorer: Scorer, inputs: Inputs, out: Path, day: int, shown: Bars) -> Ran:
    """Audit what the sources hold, as of the morning of a day; what an earlier audit left in the folder is carried on."""
    from features.intake.remits.sources import paused_collector

    # Millions of records without a cycle: walking them again and again takes a tenth of the time.
    with paused_collector():
        return _run(sources, scorer, inputs, out, day, shown)


def _run(sources: Sources, scorer: Scorer, inputs: Inputs, out: Path, day: int, shown: Bars) -> Ran:
    import numpy as np

    from features.tables import OUTCOMES, PROCESS_CHANGES, WRITEOFFS
    from recoup.memory import give_back
    from recoup.outcomes import prepare
    from recoup.report.workbook import read_answers
    from serving.findings.clock import overpayment_table
    from serving.findings.later import later_outcomes
    from serving.findings.report import report
    from serving.findings.validation import ANSWER

    words = scorer.vocabulary.overlay()
    imported = _import(sources, inputs.today, day, shown) if sources.remits else None
    remits = _as_remits(sources, imported) if imported is not None else None
    if sources.writeoffs is not None:
        ledger = inputs.read(sources.writeoffs, WRITEOFFS, words)
    else:
        assert imported is not None
        ledger = _candidates(imported, words, inputs)
    tables = dict(inputs.beside(sources.beside, words))
    for name, path, table in (("efforts", sources.outcomes, OUTCOMES), ("changes", sources.changes, PROCESS_CHANGES)):
        if path is not None:
            tables[name] = inputs.read(path, table, words)
    ledger, tables, left_out = _cut(ledger, tables, scorer, day)
    left_out["remittances"] = 0 if imported is None else imported.later
    efforts, changes = tables.pop("efforts", None), tables.pop("changes", None)
    if tables:
        use_tables(scorer, tables)
    if sources.is_prospect:
        _forget(ledger)
    give_back()
    prepare(scorer, ledger, efforts, day)
    later: TextColumns = {}
    answers = read_answers(out / WORKBOOK, ANSWER)
    made = report(
        ledger,
        scorer=scorer,
        as_of=day,
        remits=remits,
        efforts=efforts,
        is_ledger=sources.writeoffs is not None,
        is_prospect=sources.is_prospect,
        changes=changes,
        answers=answers,
        left_out=left_out,
        progress=shown.of("audit"),
    )
    findings, told, sample, is_reversed = made.findings, made.document, made.sample, made.case.is_reversed
    told["rejected"] = inputs.rejected
    overpayments = overpayment_table(made.case, findings, _earlier(out / OVERPAYMENTS))
    # Of the case only its ledger is needed from here on, which is half of what it holds.
    del made
    if remits is not None:
        iso = str(np.datetime64(day, "D"))
        if sources.writeoffs is not None:
            later = later_outcomes(ledger, remits, is_reversed, iso).columns
        elif imported is not None:
            later = imported.outcomes(date.fromisoformat(iso)).columns
    out.mkdir(parents=True, exist_ok=True)
    inputs.write_rejects(out / "rejects.csv")
    return Ran(findings, overpayments, later, told, sample, answers)


def _cut(ledger: Batch, tables: dict[str, Batch], scorer: Scorer, day: int) -> tuple[Batch, dict[str, Batch], dict[str, int]]:
    """Return the ledger and the tables beside it, the efforts among them, as they were known on a morning, and how much was left out.

    What is left is coded in the order in which it was read, so that a file that runs past the day is audited as one cut at it.
    """
    from features.batch import Batch, empty_columns
    from features.tables import OUTCOMES
    from training.cut import count_later, cut_ledger, recode

    efforts = tables.get("efforts", Batch(OUTCOMES, empty_columns(OUTCOMES, 0), ledger.vocabulary))
    left_out = count_later(ledger, efforts, day)
    if not any(left_out.values()):
        return ledger, tables, left_out
    known, words = cut_ledger(ledger, efforts, {}, day), scorer.vocabulary.overlay()
    ledger, kept = recode(known.writeoffs, words), tables | ({"efforts": known.outcomes} if "efforts" in tables else {})
    return ledger, {name: recode(table, words) for name, table in kept.items()}, left_out


def _import(sources: Sources, today: date, day: int, shown: Bars) -> RemitImport:
    from features.intake import mapping as mappings
    from features.intake.remits.import_ import import_remits

    names = mappings.load(sources.mapping) if sources.mapping else None
    return import_remits(
        list(sources.remits),
        but=[*sources.tables, *sources.written],
        mapping=names,
        progress=shown.of("remits"),
        today=today,
        as_of=EPOCH + timedelta(days=day),
    )


def _as_remits(sources: Sources, imported: RemitImport) -> Remits:
    from features.intake import mapping as mappings
    from serving.findings.remits import Remits

    groups = mappings.load(sources.mapping).groups if sources.mapping else {}
    return Remits(imported.remits, imported.chains, imported.issues, groups)


def _candidates(imported: RemitImport, words: Vocabulary, inputs: Inputs) -> Batch:
    """Return what the remittances alone say as rows of the ledger that nobody posted."""
    from features.batch import Batch, empty_columns
    from features.intake.remits.export import write_candidates
    from features.intake.table_file import read_table
    from features.tables import WRITEOFFS
    from serving.batch.folder import batch_folder

    if not imported.candidates["writeoff_id"]:
        return Batch(WRITEOFFS, empty_columns(WRITEOFFS, 0), words)
    # They name patients and claims: a kill must not leave them where others look.
    with batch_folder(inputs.home, None) as scratch:
        path = scratch / "candidates.parquet"
        write_candidates(path, imported.candidates)
        return read_table(path, WRITEOFFS, vocabulary=words, latest=inputs.latest).batch


def _forget(ledger: Batch) -> None:
    """Take identities out: of patients altogether, of claims all but that two rows belong to one."""
    import numpy as np

    names: dict[str, str] = {}
    columns = ledger.columns
    claims = [None if claim is None else names.setdefault(claim, f"claim {len(names) + 1}") for claim in columns["claim_id"].tolist()]
    columns["claim_id"] = np.array(claims, dtype=object)
    for name in ("patient_id", "payer_claim_number", "original_payer_claim_number", "root_claim_id"):
        columns[name] = np.full(len(ledger), None, dtype=object)


def write(out: Path, ran: Ran) -> None:
    """Write the report and its tables into a folder."""
    from features.intake.output import put_file, write_parts, write_table
    from features.intake.remits.events import OUTCOME_COLUMNS
    from recoup.report.audit import audit_html
    from recoup.report.pdf import audit_pdf
    from recoup.report.workbook import MOST_ROWS, audit_workbook
    from serving.findings.coverage import PATIENT_LIST
    from serving.findings.rule import LIST
    from serving.findings.validation import ANSWER, NOTE

    overpayments = ran.overpayments
    write_parts(out / FINDINGS, ran.findings.parts())
    write_table(out / OVERPAYMENTS, overpayments)
    write_table(out / OUTCOMES_FILE, {name: [value or None for value in ran.later.get(name, [])] for name in OUTCOME_COLUMNS})
    listed = [ran.findings.of(*(rule.id for rule in ran.findings.rules if rule.kind != LIST)), ran.findings.of(PATIENT_LIST)]
    findings, shares = (ran.findings.table(rows[:MOST_ROWS]) for rows in listed)
    files: dict[str, bytes | str] = {
        DOCUMENT: json.dumps(ran.result, indent=1, allow_nan=False),
        REPORT: audit_html(ran.result),
        SUMMARY: audit_pdf(ran.result),
        WORKBOOK: audit_workbook(ran.result, findings, shares, overpayments, ran.sample, answer=ANSWER, note=NOTE, answers=ran.answers),
    }
    for name, content in files.items():
        put_file(out / name, content)


def _earlier(path: Path) -> dict[str, dict[str, str]]:
    """Return the list that an earlier audit left in the folder, with what people wrote into it."""
    with suppress(FileNotFoundError), path.open(newline="", encoding="utf-8") as file:
        return {
            row["overpayment_id"]: {k: v or "" for k, v in row.items() if k} for row in csv.DictReader(file) if row.get("overpayment_id")
        }
    return {}
