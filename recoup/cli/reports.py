"""Reports that are made again and again: `report monthly`, `report audit`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from recoup.cli.apart import keep_apart
from recoup.cli.audit import report_audit
from recoup.cli.group import group_of_commands
from recoup.cli.options import AsOf, MappingFile, from_file, settings, to_file, today
from recoup.cli.telling import Teller

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "monthly.py"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("Reports that are made again and again.")
    group.callback()(_reports)
    group.command("monthly")(monthly)
    group.command("audit")(report_audit)
    app.add_typer(group, name="report")


def _reports() -> None:
    """Reports that are made again and again."""


def monthly(
    folder: Annotated[Path, from_file("folder with writeoffs.csv and outcomes.csv, and contract_rates.csv and the others where kept")],
    out: Annotated[Path, to_file("the page, .html")],
    mapping: MappingFile = None,
    as_of: AsOf = None,
    notebook: Annotated[Path | None, from_file("notebook of percent format; default: notebooks/monthly.py of the checkout")] = None,
) -> None:
    """Run the notebook of the month on a practice's files, and make one page of it."""
    from features.intake.output import put_file
    from recoup.report.notebook import run_notebook

    keep_apart({"--folder": sorted(folder.glob("*.csv")), "--mapping": mapping, "--notebook": notebook}, {"--out": out})
    day: date = as_of or today()
    asked = {"folder": str(folder.resolve()), "home": str(settings().home.resolve()), "as_of": day.isoformat()}
    if mapping is not None:
        asked["mapping"] = str(mapping.resolve())
    page = run_notebook(notebook or NOTEBOOK, asked)
    put_file(out, page)
    Teller().line(f"the month is {out}")
