"""Commands on code lists: `codes import`."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.options import Json, as_there, parse_day, settings
from recoup.cli.telling import Teller

_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The lists of adjustment and remark codes.")
    group.command("import")(import_codes)
    # A group of one command stays a group.
    group.callback()(_codes)
    app.add_typer(group, name="codes")


def _codes() -> None:
    """The lists of adjustment and remark codes."""


def import_codes(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV of codes: code, kind (carc, rarc, group, plb), start, stop, and text if wanted", callback=as_there
        ),
    ],
    effective: Annotated[date, typer.Option(parser=parse_day, metavar="DATE", help="the day from which this list is in force")],
    replace: Annotated[bool, typer.Option("--replace", help="put it in the place of another list of that day")] = False,
    as_json: Json = False,
) -> None:
    """Keep a licensed code list under RECOUP_HOME/codes: its dates stand over those of recoup, codes recoup does not know are named."""
    from features.codes.licensed import keep_list, read_list
    from features.codes.tables import Codes

    with file.open(encoding="utf-8-sig", newline="") as stream:
        listed = read_list(stream, file.name)
    path = keep_list(listed, settings().home / "codes", effective, replace=replace)
    ours = Codes.load()
    held = {"carc": ours.carcs, "rarc": ours.rarcs, "plb": ours.plbs, "group": ours.groups}
    new = sorted({f"{item.kind} {item.code}" for item in listed if item.code not in held[item.kind]})
    counts = Counter(item.kind for item in listed)
    tell = Teller(as_json=as_json)
    tell.json({"kept": str(path), "effective": effective.isoformat(), "codes": dict(sorted(counts.items())), "unknown": new})
    tell.line(f"kept {', '.join(f'{count} {kind}' for kind, count in sorted(counts.items()))} as of {effective} in {path}")
    if new:
        shown = ", ".join(new[:_SHOWN]) + (" ..." if len(new) > _SHOWN else "")
        tell.line(f"recoup has no meaning for {len(new)} of them, which are triaged as unknown: {shown}")
