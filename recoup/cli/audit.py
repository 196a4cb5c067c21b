"""The commands `audit` and `report audit`: a ledger, remittances or both in; what is wrong, what is still owed and why it happens, out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.auditing import DOCUMENT, FINDINGS, OUTCOMES_FILE, OVERPAYMENTS, REPORT, SUMMARY, WORKBOOK, Sources, run, write
from recoup.beside import Beside
from recoup.cli.apart import flags, keep_apart
from recoup.cli.options import AsOf, Json, MappingFile, Model, as_there, from_file, settings, to_file, to_folder, today, with_tables
from recoup.cli.scoring import load_scorer
from recoup.cli.telling import Teller, reading_words
from recoup.days import day_number
from recoup.progress import bars

if TYPE_CHECKING:
    from recoup.auditing import Ran
    from recoup.cli.apart import Files
    from recoup.inputs import Inputs


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


@with_tables
def audit(
    *,
    out: Annotated[Path, to_folder("folder for the report and its tables")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[PATH...]", help="further 835 files or folders", callback=as_there)] = None,
    writeoffs: Annotated[Path | None, from_file("table of write-offs; without it the remits alone are audited", "--writeoffs")] = None,
    remits: Annotated[list[Path] | None, from_file("835 files, or folders of them", "--remits", metavar="PATH...")] = None,
    beside: Beside,
    outcomes: Annotated[Path | None, from_file("efforts and what came of them", "--outcomes")] = None,
    changes: Annotated[
        Path | None, from_file("table of changes of process, to say what each did before and after its day", "--changes")
    ] = None,
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
    written = _keep_files(
        out, paths, {"--writeoffs": writeoffs, "--outcomes": outcomes, "--changes": changes, "--mapping": mapping, **flags(beside)}
    )
    sources = Sources(writeoffs, paths, outcomes, mapping, beside, prospect, changes, written)
    day, chosen = as_of or today(), settings()
    with bars() as shown:
        inputs = Inputs(chosen, mapping=mapping, rejects=out / "rejects.csv", today=today(), bars=shown)
        ran = run(sources, load_scorer(model, chosen), inputs, out, day_number(day), shown)
        give_back()
        write(out, ran)
        if keep:
            _keep(ran, client)
    _tell(Teller(as_json=as_json), ran, inputs, out)


def _keep_files(out: Path, remits: Sequence[Path], named: Mapping[str, Files]) -> tuple[Path, ...]:
    """See that the audit writes over no file it reads, and return what it writes; folders of remittances may hold earlier audits."""
    names = (FINDINGS, OVERPAYMENTS, OUTCOMES_FILE, DOCUMENT, REPORT, SUMMARY, WORKBOOK, "rejects.csv")
    written = tuple(out / name for name in names)
    keep_apart({**named, "--remits": [path for path in remits if not path.is_dir()]}, {"--out": written})
    return written


def _keep(ran: Ran, client: str) -> None:
    from recoup.identity import opened_gate, operator
    from serving.store.audits import keep

    who = operator(client)
    with opened_gate(settings()) as gate, gate.store.write() as unit:
        keep(unit, client, ran.result, ran.overpayments, at=gate.now(), by=who.subject)
        gate.log.tell(unit, who, "job.run", [ran.result["as_of"]])


def report_audit(
    audit_folder: Annotated[Path, from_file("folder that `recoup audit` wrote", "--audit")],
    out: Annotated[Path, to_file("page to write, .html")],
    month: Annotated[str | None, typer.Option(help="as 2026-10; default the last whole month before the audit")] = None,
    before: Annotated[Path | None, from_file("folder of an earlier audit, to say what changed")] = None,
    as_json: Json = False,
) -> None:
    """Write the month on one page: key figures against the month and the year before, and what changed since an earlier audit."""
    from features.intake.output import put_file
    from recoup.report.monthly import monthly, monthly_html

    keep_apart({"--audit": audit_folder / DOCUMENT, "--before": before / DOCUMENT if before is not None else None}, {"--out": out})
    told = monthly(_document(audit_folder), month, _document(before) if before is not None else None)
    put_file(out, monthly_html(told))
    tell = Teller(as_json=as_json)
    tell.json(told)
    tell.line(f"{told['month']} is in {out}")


def _document(folder: Path) -> dict[str, Any]:
    """Read the document of an audit.

    Raises
    ------
    StorageFailed
        When the folder holds none.
    UsageError
        When what it holds is none.
    """
    from features.errors import StorageFailed, UsageError

    path = folder / DOCUMENT
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageFailed.reading(path, error) from error
    except ValueError as error:
        raise UsageError(f"{path}: not the document of an audit; `recoup audit --out {folder}` writes it") from error
    if not isinstance(told, dict) or not {"as_of", "kpis", "opportunity"} <= told.keys():
        raise UsageError(f"{path}: not the document of an audit")
    return told


def _tell(tell: Teller, ran: Ran, inputs: Inputs, out: Path) -> None:
    told = ran.result
    tell.json({"out": str(out), **told})
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    rules = [one for one in told["rules"] if one["findings"] and one["severity"] != "info"]
    rows = [[one["rule"], one["severity"], f"{one['findings']:,}", f"${one['amount']:,.0f}"] for one in rules]
    tell.table(["rule", "severity", "findings", "at stake"], rows, right=["findings", "at stake"])
    tell.lines(f"  not run: {one['rule']} {one['not_run']}" for one in told["rules"] if one["not_run"])
    from recoup.report.figures import dollars

    steps = {one["step"]: one for one in told["opportunity"]["steps"]}
    low, high = told["opportunity"]["expected_band"]
    what = "written off" if told["is_ledger"] else "adjusted by payers"
    tell.lines(f"  note: {words}" for words in (*told["warnings"], *(told["unworked"] or {}).get("warnings", ())))
    tell.line(
        f"{dollars(steps['total']['dollars'])} {what}; at most {dollars(steps['gross']['dollars'])} could still come, "
        f"{dollars(steps['expected']['dollars'])} is expected ({dollars(low)} to {dollars(high)}), by {told['opportunity']['basis']}"
    )
    owed = told["overpayments"]
    if owed["findings"]:
        tell.line(f"{owed['findings']:,} possible overpayments are in {out / OVERPAYMENTS}, netted against nothing")
    tell.line(f"the report is {out / REPORT}; every finding is in {out / FINDINGS}")
