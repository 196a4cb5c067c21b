"""The manual: every command, option, setting and exit code, as one page.

``python -m recoup.manual > docs/cli.md`` (or ``make docs``) writes it; a test holds the page to the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from typer.core import TyperCommand, TyperGroup, TyperOption

from features.errors import RecoupError
from recoup.cli.run import UNEXPECTED, program
from recoup.dictionary import grid
from recoup.settings import FILE, PREFIX, Settings

OPENING = """# Commands

This page is made from the code by `make docs`; it is not edited by hand. `recoup COMMAND --help` says the same.

File formats go by the ending: `.csv`, `.csv.gz`, `.parquet` (a folder of Parquet files is one table); `-` is standard input or output.
`--as-of D` is the morning of D: what became known on D or later is not used. What cannot be read is rejected row by row into
`<out>.rejects.csv`. With `--json`, a report is one JSON document on standard output; progress goes to standard error.
"""

SETTINGS = f"""## Settings

A flag wins over a variable `{PREFIX}<NAME>`, that over `./{FILE}`, that over the default. An unknown setting is an error. Nothing is
written outside `home` but what `--out` and its like name.
"""

EXIT_CODES = """## Exit codes

Errors are one line on standard error: what, where, what is allowed, what came. A file or folder to read that is not there ends every
command with 74 and `PATH: cannot be read: No such file or directory`, before anything is read or written.
"""


def manual() -> str:
    """Return the page."""
    commands = [_command(name, command) for name, command in documented_commands()]
    return "\n".join([OPENING, *commands, SETTINGS, _settings(), EXIT_CODES, _exit_codes()])


def documented_commands() -> Iterator[tuple[str, TyperCommand]]:
    """Yield every command by the words that call it, groups opened."""
    yield from _open("recoup", program())


def _open(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for word, inner in command.commands.items():
            yield from _open(f"{name} {word}", inner)
    elif isinstance(command, TyperCommand):
        yield name, command


def _command(name: str, command: TyperCommand) -> str:
    rows, words = [], [name]
    for parameter in command.params:
        placeholder = parameter.metavar or (parameter.name or "").upper()
        if isinstance(parameter, TyperOption):
            label = ", ".join(f"`{word}`" for word in (*parameter.opts, *parameter.secondary_opts))
            words += [parameter.opts[0], placeholder] if parameter.required else []
        else:
            label = f"`{placeholder}`"
            words.append(placeholder)
        rows.append([label, "required" if parameter.required else _default(parameter.default), getattr(parameter, "help", None) or ""])
    text = " ".join((command.help or "").split())
    parts = [f"## {name}\n\n{text}\n\n```console\n{' '.join(words)}{' [OPTIONS]' if rows else ''}\n```\n"]
    if rows:
        parts.append(grid(["", "default", "meaning"], rows))
    return "\n".join(parts)


def _default(value: object) -> str:
    return "" if value is None or value is False else f"`{value}`"


def _settings() -> str:
    rows = [[f"`{name}`", f"`{PREFIX}{name.upper()}`", value and f"`{value}`", meaning] for name, value, _, meaning in Settings().rows()]
    return grid(["setting", "variable", "default", "meaning"], rows)


def _exit_codes() -> str:
    meanings: dict[int, list[str]] = {
        0: ["All went well"],
        2: ["The command line is not understood"],
        UNEXPECTED: ["A fault of recoup itself"],
        130: ["Stopped by Ctrl-C"],
    }
    # A client of the service has errors of its own; those of commands stand in one place.
    for kind in (kind for kind in RecoupError.__subclasses__() if kind.__module__ == RecoupError.__module__):
        meanings.setdefault(kind.exit_code, []).append((kind.__doc__ or "").splitlines()[0].rstrip("."))
    return grid(["code", "meaning"], [[str(code), "; ".join(dict.fromkeys(texts))] for code, texts in sorted(meanings.items())])


if __name__ == "__main__":
    sys.stdout.write(manual())
