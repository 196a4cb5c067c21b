"""The command `audit`: a ledger, remittances or both in; what is wrong, what is still owed and why it happens, out."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.cli.options import (
    AsOf,
    Citations,
    Contracts,
    Json,
    MappingFile,
    Model,
    PayerRules,
    Policies,
    ReferenceFees,
    settings,
    today,
)
from recoup.cli.scoring import load_scorer, prepare
from recoup.cli.telling import Teller, reading_words
from recoup.progress import Bars, bars
from recoup.trial import day_number, use_tables

if TYPE_CHECKING:
    from features.intake.remits.candidates import TextColumns
    from features.intake.remits.import_ import RemitImport
    from features.tables import Batch
    from recoup.inputs import Inputs
    from serving.findings.audit import Audit
    from serving.findings.remits import Remits

FINDINGS, OVERPAYMENTS, OUTCOMES_FILE = "findings.csv", "overpayments.csv", "outcomes.csv"


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


def audit(
    out: Annotated[Path, typer.Option(help="folder for the report and its tables")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[PATH...]", help="further 835 files or folders")] = None,
    writeoffs: Annotated[
        Path | None, typer.Option("--writeoffs", help="table of write-offs; without it the remits alone are audited")
    ] = None,
    remits: Annotated[list[Path] | None, typer.Option("--remits", metavar="PATH...", help="835 files, or folders of them")] = None,
    contracts: Contracts = None,
    payer_rules: PayerRules = None,
    outcomes: Annotated[Path | None, typer.Option("--outcomes", help="efforts and what came of them")] = None,
    model: Model = "champion",
    policies: Policies = None,
    reference_fees: ReferenceFees = None,
    citations: Citations = None,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    prospect: Annotated[bool, typer.Option("--prospect", help="use no identity of patients or claims, and write none")] = False,
    as_json: Json = False,
) -> None:
    """Audit a ledger against its remittances: what was posted wrongly, what is still owed, what must be paid back, and why."""
    from recoup.inputs import Beside

    paths = (*(remits or ()), *(more or ()))
    if writeoffs is None and not paths:
        raise typer.BadParameter("nothing to audit; give --writeoffs, --remits or both")
    beside = Beside(contracts, payer_rules, policies, reference_fees, citations)
    sources = Sources(writeoffs, paths, outcomes, mapping, beside, prospect)
    day = as_of or today()
    with bars() as shown:
        inputs, found, later = _run(sources, out, model, day_number(day), shown)
        _write(out, found, later)
        inputs.write_rejects(out / "rejects.csv")
    _tell(Teller(as_json=as_json), inputs, found, out)


def _run(sources: Sources, out: Path, model: str, day: int, shown: Bars) -> tuple[Inputs, Audit, TextColumns]:
    import numpy as np

    from features.tables import OUTCOMES, WRITEOFFS
    from recoup.inputs import Inputs
    from serving.findings.audit import audit as run
    from serving.findings.audit import look
    from serving.findings.later import later_outcomes

    chosen = settings()
    scorer = load_scorer(model, chosen)
    inputs = Inputs(chosen, mapping=sources.mapping, rejects=out / "rejects.csv", today=today(), bars=shown)
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
    prepare(scorer, ledger, efforts, day)
    later: TextColumns = {}
    case = look(ledger, scorer=scorer, as_of=day, remits=remits, efforts=efforts, is_ledger=sources.writeoffs is not None)
    if remits is not None:
        iso = str(np.datetime64(day, "D"))
        if case.is_ledger:
            later = later_outcomes(ledger, remits, case.is_reversed, iso).columns
        elif imported is not None:
            from datetime import date

            later = imported.outcomes(date.fromisoformat(iso)).columns
    return inputs, run(case, progress=shown.of("audit")), later


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
    from features.tables import WRITEOFFS

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


def _write(out: Path, found: Audit, later: Mapping[str, list[str]]) -> None:
    from features.intake.output import write_table
    from features.intake.remits.recoveries import OUTCOME_COLUMNS
    from serving.findings.clock import overpayment_table

    out.mkdir(parents=True, exist_ok=True)
    write_table(out / FINDINGS, found.findings.table())
    write_table(out / OVERPAYMENTS, overpayment_table(found.case, found.findings, _earlier(out / OVERPAYMENTS)))
    write_table(out / OUTCOMES_FILE, {name: [value or None for value in later.get(name, [])] for name in OUTCOME_COLUMNS})


def _earlier(path: Path) -> dict[str, dict[str, str]]:
    """Return the list that an earlier audit left in the folder, with what people wrote into it."""
    with suppress(FileNotFoundError), path.open(newline="", encoding="utf-8") as file:
        return {
            row["overpayment_id"]: {k: v or "" for k, v in row.items() if k} for row in csv.DictReader(file) if row.get("overpayment_id")
        }
    return {}


def _tell(tell: Teller, inputs: Inputs, found: Audit, out: Path) -> None:
    from features.money import NULL

    findings = found.findings
    counts = []
    for number, rule in enumerate(findings.rules):
        rows = (findings.rule == number).nonzero()[0]
        cents = findings.cents[rows]
        if len(rows):
            counts.append(
                {"rule": rule.id, "severity": rule.severity, "findings": len(rows), "amount": int(cents[cents != NULL].sum()) / 100}
            )
    tell.json({"out": str(out), "rules": counts, "not_run": found.not_run})
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    rows = [[one["rule"], one["severity"], f"{one['findings']:,}", f"${one['amount']:,.0f}"] for one in counts if one["severity"] != "info"]
    tell.table(["rule", "severity", "findings", "at stake"], rows, right=["findings", "at stake"])
    tell.lines(f"  not run: {rule} {why}" for rule, why in found.not_run.items())
    tell.line(f"every finding is in {out / FINDINGS}")
