"""Options that several commands share, and the edge where the clock and the environment are read."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from recoup.settings import Settings


def parse_day(text: str | date) -> date:
    """Read a day like 2026-11-01; a default is a day already."""
    if isinstance(text, date):
        return text
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day like 2026-11-01") from None


def parse_shares(text: str) -> tuple[float, ...]:
    """Read shares of the hours like 0.05,0.1."""
    try:
        shares = tuple(float(part) for part in text.split(","))
        if not all(0 < share <= 1 for share in shares):
            raise ValueError
        return shares
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of shares like 0.05,0.1,0.2, each above 0 and at most 1") from None


Writeoffs = Annotated[Path, typer.Option("--writeoffs", help="table of write-offs: .csv, .csv.gz, .parquet, a folder of Parquet, or -")]
Outcomes = Annotated[Path, typer.Option("--outcomes", help="table of efforts and what came of them")]
Contracts = Annotated[Path | None, typer.Option("--contracts", help="table of contract rates")]
PayerRules = Annotated[Path | None, typer.Option("--payer-rules", help="table of payers' time limits")]
Policies = Annotated[Path | None, typer.Option("--policies", help="table of the practice's write-off policies")]
ReferenceFees = Annotated[Path | None, typer.Option("--reference-fees", help="fees of reference schedules that contract rates refer to")]
Citations = Annotated[Path | None, typer.Option("--citations", help="passages that a letter may quote, kept with the model")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="TOML file with the practice's own names; `recoup doctor FILE` proposes one")
]
AsOf = Annotated[date | None, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="the morning of this day; default today")]
Model = Annotated[str, typer.Option("--model", help="a model folder, a version number, or an alias")]
Json = Annotated[bool, typer.Option("--json", help="print the report as JSON")]


def settings(**flags: object) -> Settings:
    """Read the settings of this run."""
    return Settings.read(flags, os.environ, folder=Path.cwd())


def tracking_uri() -> str | None:
    """Return another MLflow than our own, if the environment names one."""
    return os.environ.get("MLFLOW_TRACKING_URI") or None


def today() -> date:
    """Return the day on the wall."""
    return date.today()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
