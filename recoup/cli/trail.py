"""Commands on the access log: `trail verify`, `trail export`, `trail copy`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.options import Json, settings, to_file
from recoup.cli.telling import Teller

if TYPE_CHECKING:
    from serving.identity.gate import Gate
    from serving.trail import Head


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The access log: who did what to which rows.")
    group.command("verify")(verify)
    group.command("export")(export)
    group.command("copy")(copy)
    app.add_typer(group, name="trail")


def verify(
    head: Annotated[str | None, typer.Option(metavar="N:MAC", help="an end noted elsewhere, as this and an export print it")] = None,
    as_json: Json = False,
) -> None:
    """Check that no line of the log was changed, dropped, added, reordered or cut off; exit 1 when one was."""
    from recoup.identity import opened_gate

    tell, chosen, known = Teller(as_json=as_json), settings(), None if head is None else _head(head)
    tell.store(chosen)
    with opened_gate(chosen) as gate:
        verdict = gate.log.verify(gate.store, known=known)
    end = f"{verdict.head.sequence}:{verdict.head.mac.hex()}"
    tell.json({"holds": verdict.holds, "lines": verdict.lines, "head": end, "fault": verdict.fault})
    tell.line(f"the access log holds: {verdict.lines:,} lines" if verdict.holds else f"the access log does not hold: {verdict.fault}")
    tell.line(f"end {end}")
    if not verdict.holds:
        raise typer.Exit(1)


def export(
    out: Annotated[Path, to_file("file of JSON lines; - is standard output", "--out")] = Path("-"),
    client: Annotated[str | None, typer.Option("--client", help="only lines of this organisation")] = None,
) -> None:
    """Write the log as JSON lines, with the end that `trail verify --head` takes as the last; the export itself is logged first."""
    from features.intake.output import replace_file
    from recoup.identity import opened_gate, operator

    with opened_gate(settings()) as gate:
        with gate.store.write() as unit:
            gate.log.tell(unit, operator(client) if client else operator(), "trail.read", [client] if client else [])
        if str(out) == "-":
            sys.stdout.writelines(_lines(gate, client))
            return
        replace_file(out, lambda file: file.writelines(line.encode() for line in _lines(gate, client)))
    Teller().line(f"the access log is in {out}")


def copy() -> None:
    """Make the copy of the log's end anew, after it was moved to another disk or a backup was restored; verify first."""
    from recoup.identity import opened_gate, operator

    with opened_gate(settings()) as gate:
        made = gate.log.copy_anew(gate.store, operator())
    Teller().line(f"the end of the log is copied: line {made.sequence}")


def _lines(gate: Gate, client: str | None) -> Iterator[str]:
    with gate.store.read() as unit:
        for line in gate.log.lines(unit, client_id=client):
            act = line.act()
            shown = {
                "sequence": line.sequence,
                "at": datetime.fromtimestamp(act.at / 1_000_000, UTC).isoformat(),
                "subject": act.subject,
                "client": act.client_id,
                "action": act.action,
                "ids": act.ids,
                "origin": act.origin,
                "outcome": act.outcome,
                "purpose": act.purpose,
                "head": f"{line.sequence}:{line.mac.hex()}",
            }
            yield json.dumps(shown) + "\n"


def _head(text: str) -> Head:
    from serving.trail import Head

    number, _, mac = text.partition(":")
    try:
        if not number.isascii() or not number.isdigit() or len(mac) != 64:
            raise ValueError
        return Head(int(number), bytes.fromhex(mac))
    except ValueError:
        raise typer.BadParameter("an end is written as its line's number, a colon and 64 hex digits") from None
