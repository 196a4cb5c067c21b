"""The commands `audit` and `report audit`: a ledger, remittances or both in; what is wrong, what is still owed and why it happens, out."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from recoup.beside import Beside
from recoup.cli.options import (
    AsOf,
    Json,
    MappingFile,
    Model,
    settings,
    today,
    with_tables,
)
from recoup.cli.scoring import load_scorer, prepare
from recoup.cli.telling import Teller, reading_words
from recoup.days import day_number
from recoup.progress import Bars, bars
from recoup.trial import use_tables

if TYPE_CHECKING:
    from features.intake.remits.candidates import TextColumns
    from features.intake.remits.import_ import RemitImport
    from features.tables import Batch
    from models.scorer import Scorer
    from recoup.inputs import Inputs
    from serving.findings.remits import Remits
    from serving.findings.table import Findings

FINDINGS, OVERPAYMENTS, OUTCOMES_FILE, DOCUMENT = "findings.csv", "overpayments.csv", "outcomes.csv", "audit.json"
REPORT, SUMMARY, WORKBOOK = "report.html", "summary.pdf", "workbook.xlsx"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


@dataclass(frozen=True)
class Sources:
    """The files of one audit."""

    writeoffs: Path | None
    remits: tuple[Path, ...]
    outcomes: Path | None
    mapping: Path | None
    beside: Any
    is_prospect: bool


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
    reading
        What reading the tables gave, in words.
    """

    findings: Findings
    overpayments: Mapping[str, Sequence[str | None]]
    later: TextColumns
    result: dict[str, Any]
    sample: list[dict[str, Any]]
    answers: dict[str, str]
    reading: list[str]


@with_tables
def audit(
    *,
    out: Annotated[Path, typer.Option(help="folder for the report and its tables")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[PATH...]", help="further 835 files or folders")] = None,
    writeoffs: Annotated[
        Path | None, typer.Option("--writeoffs", help="table of write-offs; without it the remits alone are audited")
    ] = None,
    remits: Annotated[list[Path] | None, typer.Option("--remits", metavar="PATH...", help="835 files, or folders of them")] = None,
    beside: Beside,
    outcomes: Annotated[Path | None, typer.Option("--outcomes", help="efforts and what came of them")] = None,
    model: Model = "champion",
    mapping: MappingFile = None,
    as_of: AsOf = None,
    prospect: Annotated[bool, typer.Option("--prospect", help="use no identity of patients or claims, and write none")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="keep the result for the service: its opportunity page and its API")] = False,
    client: Annotated[str, typer.Option("--client", help="provider organisation whose audit is kept")] = "default",
    as_json: Json = False,
) -> None:
    """Audit a ledger against its remittances: what was posted wrongly, what is still owed, what must be paid back, and why."""
    from recoup.inputs import Inputs
    from recoup.memory import give_back

    paths = (*(remits or ()), *(more or ()))
    if writeoffs is None and not paths:
        raise typer.BadParameter("nothing to audit; give --writeoffs, --remits or both")
    if prospect and paths:
        raise typer.BadParameter("835 files name patients and claims; with --prospect give a ledger alone")
    sources = Sources(writeoffs, paths, outcomes, mapping, beside, prospect)
    day, chosen = as_of or today(), settings()
    with bars() as shown:
        inputs = Inputs(chosen, mapping=mapping, rejects=out / "rejects.csv", today=today(), bars=shown)
        ran = run(sources, load_scorer(model, chosen), inputs, out, day_number(day), shown)
        give_back()
        write(out, ran)
        if keep:
            _keep(ran, client)
    _tell(Teller(as_json=as_json), ran, out)


def run(sources: Sources, scorer: Scorer, inputs: Inputs, out: Path, day: int, shown: Bars) -> Ran:
    """Audit what the sources hold, as of the morning of a day; what an earlier audit left in the folder is carried on."""
    import numpy as np

    from features.tables import OUTCOMES, WRITEOFFS
    from recoup.memory import give_back
    from recoup.report.workbook import read_answers
    from serving.findings.clock import overpayment_table
    from serving.findings.later import later_outcomes
    from serving.findings.report import report
    from serving.findings.validation import ANSWER

    words = scorer.vocabulary.overlay()
    imported = _import(sources, shown) if sources.remits else None
    remits = _as_remits(sources, imported) if imported is not None else None
    if sources.writeoffs is not None:
        ledger = inputs.read(sources.writeoffs, WRITEOFFS, words)
    else:
        assert imported is not None
        ledger = _candidates(imported, words)
    if tables := inputs.beside(sources.beside, words):
        use_tables(scorer, tables)
    if sources.is_prospect:
        _forget(ledger)
    efforts = inputs.read(sources.outcomes, OUTCOMES, words) if sources.outcomes is not None else None
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
        answers=answers,
        progress=shown.of("audit"),
    )
    case, told = made.case, made.document
    if remits is not None:
        iso = str(np.datetime64(day, "D"))
        if case.is_ledger:
            later = later_outcomes(ledger, remits, case.is_reversed, iso).columns
        elif imported is not None:
            from datetime import date

            later = imported.outcomes(date.fromisoformat(iso)).columns
    told["rejected"] = inputs.rejected
    overpayments = overpayment_table(case, made.findings, _earlier(out / OVERPAYMENTS))
    out.mkdir(parents=True, exist_ok=True)
    inputs.write_rejects(out / "rejects.csv")
    reading = [words for name, read in inputs.reads.items() for words in reading_words(name, read)]
    return Ran(made.findings, overpayments, later, told, made.sample, answers, reading)


def _import(sources: Sources, shown: Bars) -> RemitImport:
    from features.intake import mapping as mappings
    from features.intake.remits.import_ import import_remits

    names = mappings.load(sources.mapping) if sources.mapping else None
    return import_remits(list(sources.remits), mapping=names, progress=shown.of("remits"), today=today())


def _as_remits(sources: Sources, imported: RemitImport) -> Remits:
    from features.intake import mapping as mappings
    from serving.findings.remits import Remits

    groups = mappings.load(sources.mapping).groups if sources.mapping else {}
    return Remits(imported.remits, imported.chains, imported.issues, groups)


def _candidates(imported: RemitImport, words: Any) -> Batch:
    """Return what the remittances alone say as rows of the ledger that nobody posted."""
    from features.intake.cells import latest_day
    from features.intake.remits.export import write_candidates
    from features.intake.table_file import read_table
    from features.tables import WRITEOFFS, Batch, empty_columns

    if not imported.candidates["writeoff_id"]:
        return Batch(WRITEOFFS, empty_columns(WRITEOFFS, 0), words)
    with tempfile.TemporaryDirectory(prefix="recoup-audit-") as scratch:
        path = Path(scratch) / "candidates.parquet"
        write_candidates(path, imported.candidates)
        return read_table(path, WRITEOFFS, vocabulary=words, latest=latest_day(today())).batch


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
    from features.intake.output import replace_file, write_table
    from features.intake.remits.events import OUTCOME_COLUMNS
    from recoup.report.audit import audit_html
    from recoup.report.pdf import audit_pdf
    from recoup.report.workbook import audit_workbook
    from serving.findings.validation import ANSWER, NOTE

    findings, overpayments = ran.findings.table(), ran.overpayments
    write_table(out / FINDINGS, findings)
    write_table(out / OVERPAYMENTS, overpayments)
    write_table(out / OUTCOMES_FILE, {name: [value or None for value in ran.later.get(name, [])] for name in OUTCOME_COLUMNS})
    files = {
        DOCUMENT: json.dumps(ran.result, indent=1, allow_nan=False).encode(),
        REPORT: audit_html(ran.result).encode(),
        SUMMARY: audit_pdf(ran.result),
        WORKBOOK: audit_workbook(ran.result, findings, overpayments, ran.sample, answer=ANSWER, note=NOTE, answers=ran.answers),
    }
    for name, content in files.items():
        replace_file(out / name, partial(_put, content=content))


def _keep(ran: Ran, client: str) -> None:
    from recoup.identity import opened_gate, operator
    from serving.store.audits import keep

    who = operator(client)
    with opened_gate(settings()) as gate, gate.store.write() as unit:
        keep(unit, client, ran.result, ran.overpayments, at=gate.now(), by=who.subject)
        gate.log.tell(unit, who, "job.run", [ran.result["as_of"]])


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def _earlier(path: Path) -> dict[str, dict[str, str]]:
    """Return the list that an earlier audit left in the folder, with what people wrote into it."""
    with suppress(FileNotFoundError), path.open(newline="", encoding="utf-8") as file:
        return {
            row["overpayment_id"]: {k: v or "" for k, v in row.items() if k} for row in csv.DictReader(file) if row.get("overpayment_id")
        }
    return {}


def report_audit(
    audit_folder: Annotated[Path, typer.Option("--audit", help="folder that `recoup audit` wrote")],
    out: Annotated[Path, typer.Option(help="page to write, .html")],
    month: Annotated[str | None, typer.Option(help="as 2026-10; default the last whole month before the audit")] = None,
    before: Annotated[Path | None, typer.Option(help="folder of an earlier audit, to say what changed")] = None,
    as_json: Json = False,
) -> None:
    """Write the month on one page: key figures against the month and the year before, and what changed since an earlier audit."""
    from features.intake.output import replace_file
    from recoup.report.monthly import monthly, monthly_html

    told = monthly(_document(audit_folder), month, _document(before) if before is not None else None)
    replace_file(out, partial(_put, content=monthly_html(told).encode()))
    tell = Teller(as_json=as_json)
    tell.json(told)
    tell.line(f"{told['month']} is in {out}")


def _document(folder: Path) -> dict[str, Any]:
    """Read the document of an audit.

    Raises
    ------
    UsageError
        When the folder holds none.
    """
    from features.errors import UsageError

    path = folder / DOCUMENT
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError) as error:
        raise UsageError(f"{path}: not the document of an audit; `recoup audit --out {folder}` writes it") from error
    if not isinstance(told, dict) or not {"as_of", "kpis", "opportunity"} <= told.keys():
        raise UsageError(f"{path}: not the document of an audit")
    return told


def _tell(tell: Teller, ran: Ran, out: Path) -> None:
    told = ran.result
    tell.json({"out": str(out), **told})
    tell.lines(ran.reading)
    rules = [one for one in told["rules"] if one["findings"] and one["severity"] != "info"]
    rows = [[one["rule"], one["severity"], f"{one['findings']:,}", f"${one['amount']:,.0f}"] for one in rules]
    tell.table(["rule", "severity", "findings", "at stake"], rows, right=["findings", "at stake"])
    tell.lines(f"  not run: {one['rule']} {one['not_run']}" for one in told["rules"] if one["not_run"])
    steps = {one["step"]: one for one in told["opportunity"]["steps"]}
    low, high = told["opportunity"]["expected_band"]
    what = "written off" if told["is_ledger"] else "adjusted by payers"
    tell.lines(f"  note: {words}" for words in told["warnings"])
    tell.line(
        f"${steps['total']['dollars']:,.0f} {what}; at most ${steps['gross']['dollars']:,.0f} could still come, "
        f"${steps['expected']['dollars']:,.0f} is expected (${low:,.0f} to ${high:,.0f}), by {told['opportunity']['basis']}"
    )
    owed = told["overpayments"]
    if owed["findings"]:
        tell.line(f"{owed['findings']:,} possible overpayments are in {out / OVERPAYMENTS}, netted against nothing")
    tell.line(f"the report is {out / REPORT}; every finding is in {out / FINDINGS}")
