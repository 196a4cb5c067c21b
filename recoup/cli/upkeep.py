"""Commands of upkeep: `doctor`, `config show`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recoup.cli.options import Json, settings, today, tracking_uri
from recoup.cli.telling import Teller, reading_json
from recoup.progress import bars

if TYPE_CHECKING:
    from recoup.doctor import Examination


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("doctor")(doctor)
    group = typer.Typer(no_args_is_help=True, help="The settings of this run.")
    group.command("show")(show_config)
    app.add_typer(group, name="config")


def doctor(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="a table of the practice, in its own words")] = None,
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


def show_config(as_json: Json = False) -> None:
    """Show every setting, its value and where that comes from."""
    rows, tell = settings().rows(), Teller(as_json=as_json)
    tell.json({name: {"value": value, "source": source, "meaning": meaning} for name, value, source, meaning in rows})
    tell.table(["setting", "value", "from", "meaning"], rows)
