"""Commands on the queue of the service: `queue load`, `outcomes`, `show`, `export`, `reversals`, `set`."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.cli.apart import REJECTS, keep_apart
from recoup.cli.group import group_of_commands
from recoup.cli.options import AsOf, Json, MappingFile, Writeoffs, as_file, as_there, from_file, settings, to_file, today
from recoup.cli.telling import Teller, reading_words
from recoup.progress import bars

if TYPE_CHECKING:
    from serving.worklist.listing import Totals

Client = Annotated[str, typer.Option("--client", help="provider organisation whose queue it is")]
DEFAULT = "default"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The queue that people work: what comes in, what came of it, and how it is run.")
    for name, command in (
        ("load", load),
        ("outcomes", outcomes),
        ("show", show),
        ("export", export),
        ("reversals", reversals),
        ("set", set_),
    ):
        group.command(name)(command)
    app.add_typer(group, name="queue")


def load(
    writeoffs: Writeoffs,
    scores: Annotated[Path, from_file("what `recoup score` wrote of them")],
    remit_lines: Annotated[Path | None, from_file("table of remit lines, shown beside the items of their claims")] = None,
    mapping: MappingFile = None,
    client: Client = DEFAULT,
    as_json: Json = False,
) -> None:
    """Put scored write-offs into the queue; the same files again change nothing, and a load that was cut short goes on."""
    from features.tables import REMIT_LINES, WRITEOFFS
    from features.vocabulary import Vocabulary
    from recoup.identity import opened_gate, operator
    from recoup.inputs import Inputs
    from recoup.queue import identity_of
    from recoup.queue import load as load_queue
    from recoup.shop import fail_points
    from serving.store.loading import load_remit_lines
    from serving.worklist.scored import SCORES

    chosen, words, rejects = settings(), Vocabulary(), scores.with_name(scores.name + ".rejects.csv")
    keep_apart({"--writeoffs": writeoffs, "--scores": scores, "--remit-lines": remit_lines, "--mapping": mapping}, {REJECTS: rejects})
    identity = identity_of(scores, writeoffs, mapping)
    tell = Teller(as_json=as_json)
    tell.store(chosen)
    with bars() as shown, opened_gate(chosen) as gate:
        inputs = Inputs(chosen, mapping=mapping, rejects=rejects, today=today(), bars=shown)
        ledger, scored = inputs.read(writeoffs, WRITEOFFS, words), inputs.read(scores, SCORES, words)
        done = load_queue(gate, operator(client), ledger, scored, identity=identity, points=fail_points(), progress=shown.rows("queue"))
        lines = inputs.read(remit_lines, REMIT_LINES, words) if remit_lines is not None else None
        told = load_remit_lines(gate.store, lines, client_id=client) if lines is not None else 0
    inputs.write_rejects()
    tell.json({**asdict(done), "is_repeated": done.is_repeated, "remit_lines": told, "rejects": str(rejects) if inputs.rejected else None})
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    if done.is_repeated:
        tell.line(f"these files are in the queue already: {done.writeoffs:,} write-offs; nothing was changed")
        return
    tell.line(
        f"{done.writeoffs:,} write-offs in the queue of {client}: {done.items_new:,} new items, {done.checks_drawn:,} of them drawn as"
        f" sample checks; {done.items_withdrawn:,} items withdrawn"
    )


def outcomes(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="table of outcomes, such as `recoup import-remits --outcomes` writes",
            callback=as_there,
        ),
    ],
    remits: Annotated[bool, typer.Option("--remits", help="they come from 835 files: they answer what people logged")] = False,
    mapping: MappingFile = None,
    client: Client = DEFAULT,
    as_json: Json = False,
) -> None:
    """Record what came of efforts; what is known already is nothing new, what changed is a correction, what was taken back an event."""
    from features.tables import OUTCOMES
    from features.vocabulary import Vocabulary
    from recoup.identity import opened_gate, operator
    from recoup.inputs import Inputs
    from recoup.queue import record

    chosen, rejects = settings(), file.with_name(file.name + ".rejects.csv")
    keep_apart({"FILE": file, "--mapping": mapping}, {REJECTS: rejects})
    with bars() as shown, opened_gate(chosen) as gate:
        inputs = Inputs(chosen, mapping=mapping, rejects=rejects, today=today(), bars=shown)
        said = inputs.read(file, OUTCOMES, Vocabulary())
        done = record(gate, operator(client), said, source="remit" if remits else "file", today=today())
    inputs.write_rejects()
    tell = Teller(as_json=as_json)
    tell.json({**asdict(done), "rejects": str(rejects) if inputs.rejected else None})
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    tell.line(f"{done.stated:,} outcomes: {done.events:,} events were news, {done.items:,} items changed")
    if done.unknown:
        tell.line(f"  note: {done.unknown:,} are on write-offs that the queue does not have; load these first")


def show(client: Client = DEFAULT, as_json: Json = False) -> None:
    """Show how many items each list has, what waits is worth, and what a week's hours would bring."""
    from recoup.identity import opened_gate, operator
    from serving.worklist.worklist import Worklist

    with opened_gate(settings()) as gate:
        found = Worklist(gate.store, clock=gate.now, today=today).overview(operator(client))
    tell = Teller(as_json=as_json)
    tell.json(
        {
            "as_of": found.as_of,
            "model_version": found.model_version,
            "lists": {which.value: count for which, count in found.counts.items()},
            "ready": _dollars(found.ready),
            "week": _dollars(found.week.all),
            "settings": asdict(found.policy),
        }
    )
    if found.as_of is None:
        tell.line("the queue is empty; `recoup queue load` fills it")
        return
    tell.line(f"scores of {found.as_of} by model {found.model_version}")
    tell.table(["list", "items"], [[which.value.replace("_", " "), f"{count:,}"] for which, count in found.counts.items()], right=["items"])
    tell.line(f"what waits: {_words(found.ready)}")
    tell.line(f"the best of it that {found.policy.hours_per_week:g} hours are enough for: {_words(found.week.all)}")
    if found.week.paying.items < found.week.all.items:
        tell.line(f"of these bring more than they cost: {_words(found.week.paying)}; the rest cost more than they bring")


def _dollars(sums: Totals) -> dict[str, Any]:
    from features.money import format_cents

    money = {name: format_cents(getattr(sums, name)) for name in ("written_off", "expected", "net")}
    return {"items": sums.items, **money, "hours": sums.hours}


def _words(sums: Totals) -> str:
    from recoup.report.figures import dollars

    expected, net = dollars(sums.expected / 100), dollars(sums.net / 100)
    return f"{sums.items:,} items, {sums.hours:,.0f} hours, {expected} expected, {net} net of the work"


def export(
    outcomes: Annotated[Path | None, to_file("table of outcomes to write, as `train` reads it")] = None,
    writeoffs: Annotated[Path | None, to_file("table of write-offs to write, as `train` reads it")] = None,
    as_of: AsOf = None,
    client: Client = DEFAULT,
    as_json: Json = False,
) -> None:
    """Write what the queue knows as tables that models learn from; with --as-of, as it was known on that morning."""
    from features.batch import Batch
    from features.errors import UsageError
    from features.intake.output import write_batch
    from features.vocabulary import Vocabulary
    from recoup.identity import opened_gate, operator
    from serving.store.outcomes import outcomes_of, writeoffs_of

    if outcomes is None and writeoffs is None:
        raise UsageError("name a file with --outcomes, --writeoffs or both")
    keep_apart({}, {"--outcomes": outcomes, "--writeoffs": writeoffs})
    written: dict[str, int] = {}
    who, chosen, tell = operator(client), settings(), Teller(as_json=as_json)
    tell.store(chosen)
    with opened_gate(chosen) as gate:
        tables: dict[Path, Batch] = {}
        with gate.store.write() as unit:
            if outcomes is not None:
                tables[outcomes] = outcomes_of(unit, client, Vocabulary(), as_of=as_of)
            if writeoffs is not None:
                tables[writeoffs] = writeoffs_of(unit, client, Vocabulary())
            gate.log.tell(unit, who, "export.read", [], purpose=f"export of {', '.join(str(len(table)) for table in tables.values())} rows")
        for path, table in tables.items():
            write_batch(path, table)
            written[str(path)] = len(table)
    tell.json({"written": written})
    tell.lines(f"{count:,} rows in {path}" for path, count in written.items())


def reversals(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="CSV for the ledger", callback=as_file)],
    batch: Annotated[str, typer.Option(help="name of this file; the same name gives the same requests again")],
    client: Client = DEFAULT,
    as_json: Json = False,
) -> None:
    """Write the approved requests to take write-offs back, each into one file only; negative dollars put a write-off back."""
    from features.intake.output import write_table
    from features.tables import Kind
    from recoup.identity import opened_gate, operator
    from serving.worklist.reversals import ledger_columns
    from serving.worklist.worklist import Worklist

    with opened_gate(settings()) as gate:
        found = Worklist(gate.store, clock=gate.now, today=today, tell=gate.log.tell).export_reversals(operator(client), batch)
    write_table(out, ledger_columns(found), kinds={"amount": Kind.MONEY})
    tell = Teller(as_json=as_json)
    tell.json({"out": str(out), "requests": len(found), "cents": sum(one.cents for one in found)})
    tell.line(f"{len(found):,} requests in {out}")


def set_(
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="settings to change; without any, all are shown")
    ] = None,
    client: Client = DEFAULT,
    as_json: Json = False,
) -> None:
    """Show or change how the queue is run: lease, capacity, sample checks, limit of approval."""
    from recoup.identity import opened_gate, operator
    from serving.worklist.policy import BOUNDS
    from serving.worklist.worklist import Worklist

    with opened_gate(settings()) as gate:
        worklist = Worklist(gate.store, clock=gate.now, today=today, tell=gate.log.tell)
        who = operator(client)
        policy = worklist.policy(who)
        if values:
            changed: dict[str, Any] = dict(_setting(text) for text in values)
            policy = worklist.set_policy(who, replace(policy, **changed))
    tell = Teller(as_json=as_json)
    tell.json(asdict(policy))
    tell.table(
        ["setting", "value", "meaning"], [[one.name, f"{getattr(policy, one.name):g}", BOUNDS[one.name][2]] for one in fields(policy)]
    )


def _setting(text: str) -> tuple[str, float]:
    """Read NAME=VALUE.

    >>> _setting("lease_minutes=15"), _setting("sample_share=0.05")
    (('lease_minutes', 15), ('sample_share', 0.05))
    """
    from serving.worklist.policy import Policy

    name, _, value = text.partition("=")
    kinds = {one.name: one.type for one in fields(Policy)}
    if name not in kinds:
        raise typer.BadParameter(f"{name!r} is not a setting of the queue; there are {', '.join(kinds)}")
    try:
        return name, int(value) if kinds[name] == "int" else float(value)
    except ValueError:
        raise typer.BadParameter(f"{name} is a number, not {value!r}") from None
