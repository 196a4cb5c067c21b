"""Commands of upkeep: `config show`."""

from __future__ import annotations

import typer

from recoup.cli.options import Json, settings
from recoup.cli.telling import Teller


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The settings of this run.")
    group.command("show")(show_config)
    app.add_typer(group, name="config")


def show_config(as_json: Json = False) -> None:
    """Show every setting, its value and where that comes from."""
    rows, tell = settings().rows(), Teller(as_json=as_json)
    tell.json({name: {"value": value, "source": source, "meaning": meaning} for name, value, source, meaning in rows})
    tell.table(["setting", "value", "from", "meaning"], rows)
