"""A command that has commands."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

_WHOLE = 10_000


class _Commands(TyperGroup):
    """Lists its commands with the whole first sentence of each, where Typer cuts it off at the edge of the screen."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(_WHOLE)) for name, command in commands if command is not None])


def group_of_commands(about: str) -> typer.Typer:
    """Return a group without commands, which tells what it is about if it is called alone."""
    # Boxes and colours would cost every command a tenth of a second: what draws them reads Markdown.
    return typer.Typer(
        cls=_Commands, help=about, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
