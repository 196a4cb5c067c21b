"""Commands of upkeep: `doctor`, `config show`, `backup`, `restore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recoup.cli.apart import Files, keep_apart
from recoup.cli.group import group_of_commands
from recoup.cli.options import Json, as_file, as_there, settings, to_file, today, tracking_uri
from recoup.cli.telling import Teller, reading_json
from recoup.progress import bars

if TYPE_CHECKING:
    from recoup.doctor import Examination


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("doctor")(doctor)
    app.command("backup")(backup)
    app.command("restore")(restore)
    group = group_of_commands("The settings of this run.")
    group.command("show")(show_config)
    app.add_typer(group, name="config")


def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="a table of the practice, in its own words",
            callback=as_there,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check this installation; or look at FILE, say which table it is, and print a mapping for it (`recoup doctor FILE > mapping.toml`)."""
    tell = Teller(as_json=as_json)
    good = _check_environment(tell) if file is None else _check_file(file, tell)
    if not good:
        raise typer.Exit(1)


def _check_environment(tell: Teller) -> bool:
    from recoup.doctor import environment

    checks = environment(settings(), tracking_uri())
    failed = [check.name for check in checks if check.state == "fail"]
    tell.json([{"name": check.name, "state": check.state, "words": check.words} for check in checks])
    tell.table(["", "what", "how it is"], [[check.state, check.name, check.words] for check in checks])
    tell.line(f"to be mended: {', '.join(failed)}" if failed else "everything that is needed is there")
    return not failed


def _check_file(file: Path, tell: Teller) -> bool:
    from recoup.doctor import examine

    with bars() as shown:
        found = examine(file, today=today(), progress=shown.rows(file.name))
    tell.json(_file_json(found))
    tell.line(found.toml().rstrip("\n"))
    return found.is_readable


def _file_json(found: Examination) -> dict[str, object]:
    from recoup.doctor import rejects_by_rule

    read = found.read
    return {
        "table": found.table.name,
        "mapping": found.proposal.toml,
        "missing": list(found.proposal.missing),
        "ignored": list(found.proposal.ignored),
        "columns": [asdict(guess) for guess in found.proposal.guesses],
        "read": None if read is None else reading_json(read),
        "rejects": [] if read is None else [{"column": c, "rule": rule, "count": n} for (c, rule), n in rejects_by_rule(read)],
    }


def backup(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="the file to write, such as recoup-2026-11-23.tar", callback=as_file)],
    keys: Annotated[Path | None, to_file("also write the keys of the home, to a file that is kept elsewhere")] = None,
    as_json: Json = False,
) -> None:
    """Write the store and the model that serves to one file, while the service runs; the file is read back before it counts.

    The keys (`RECOUP_HOME/keys`) are not in it: without them a copy of the store opens nothing, and API keys, sessions and the chain of the
    access log cannot be checked. Keep them in another place with --keys.
    """
    from recoup.backup import back_up
    from recoup.store import FILE as STORE
    from serving.identity.keyring import FOLDER as KEYS

    chosen = settings()
    held: dict[str, Files] = {"the store": chosen.home / STORE, "a key of the home": sorted((chosen.home / KEYS).glob("*.key"))}
    keep_apart(held, {"FILE": out, "--keys": keys})
    tell = Teller(as_json=as_json)
    tell.store(chosen)
    made = back_up(chosen, out, keys)
    tell.json({"file": str(out), "version": made.version, "made_at": made.made_at, "rows": made.rows, "keys": str(keys) if keys else None})
    tell.line(f"{sum(made.rows.values()):,} rows of {len(made.rows)} tables are in {out}, read back and verified")
    tell.line(f"the keys are in {keys}" if keys else "the keys are not in it; keep a copy of them elsewhere (--keys FILE)")


def restore(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="a file that `recoup backup` wrote",
            callback=as_there,
        ),
    ],
    verify: Annotated[bool, typer.Option("--verify", help="only read it and say what is in it")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into an empty store and home; the database may be the other one, so this is also the way from SQLite to PostgreSQL."""
    from recoup import backup as backups

    tell = Teller(as_json=as_json)
    told = backups.verify(file) if verify else backups.restore(settings(), file)
    tell.json({"file": str(file), "version": told.version, "made_at": told.made_at, "rows": told.rows})
    tell.line(f"{sum(told.rows.values()):,} rows of {told.made_at}" + (": the file is whole" if verify else " are in the store"))
    if not verify:
        tell.line("put the keys into RECOUP_HOME/keys before the service starts; then run `recoup trail verify`")


def show_config(as_json: Json = False) -> None:
    """Show every setting, its value and where that comes from."""
    rows, tell = settings().rows(), Teller(as_json=as_json)
    tell.json({name: {"value": value, "source": source, "meaning": meaning} for name, value, source, meaning in rows})
    tell.table(["setting", "value", "from", "meaning"], rows)
