"""What commands print: a short account for a person, or JSON for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from features.intake.table_read import TableRead
    from recoup.settings import Settings

MOST_ISSUES = 12
WIDE = 200


class Teller:
    """Prints the account of one command.

    Parameters
    ----------
    as_json
        True: one JSON document on standard output, and no other word there.
    to_stderr
        True where standard output carries the table itself.
    """

    def __init__(self, *, as_json: bool = False, to_stderr: bool = False) -> None:
        self.as_json = as_json
        self._stream: TextIO = sys.stderr if to_stderr else sys.stdout
        # A file or a pipe has no width: names and ids stay whole there.
        width = None if self._stream.isatty() else WIDE
        self._console = Console(file=self._stream, highlight=False, soft_wrap=True, markup=False, width=width)

    def json(self, document: Any) -> None:
        """Print the document if a program asked for it."""
        if self.as_json:
            self._stream.write(json.dumps(document, indent=1, allow_nan=False, default=str) + "\n")

    def line(self, text: str = "") -> None:
        """Print a line for a person."""
        if not self.as_json:
            self._console.print(text)

    def store(self, settings: Settings) -> None:
        """Say which store a command works on: a cron job that reads no settings of the service works on one of its own."""
        from recoup.store import place_of

        self.line(f"store: {place_of(settings)}")

    def flush(self) -> None:
        """Let whoever reads the stream see what was printed."""
        self._stream.flush()

    def lines(self, texts: Iterable[str]) -> None:
        """Print lines for a person."""
        for text in texts:
            self.line(text)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> None:
        """Print a table for a person; columns named in `right` are aligned to the right."""
        if self.as_json:
            return
        numbers = set(right)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in head:
            table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table, soft_wrap=False)


def reading_words(name: str, read: TableRead) -> list[str]:
    """Say what reading a table gave."""
    words = f"{name}: {read.rows_read:,} rows read, {read.rows_rejected:,} rejected"
    if read.zero_amounts:
        words += f", {read.zero_amounts:,} of zero dollars left out"
    issues = [f"  note: {issue.message}" for issue in read.issues[:MOST_ISSUES]]
    more = len(read.issues) - MOST_ISSUES
    return [words, *issues, *([f"  and {more} more notes"] if more > 0 else [])]


def reading_json(read: TableRead) -> dict[str, Any]:
    """Return what reading a table gave, for programs."""
    return {
        "rows_read": read.rows_read,
        "rows_rejected": read.rows_rejected,
        "zero_amounts": read.zero_amounts,
        "issues": [{"code": issue.code, "column": issue.column, "count": issue.count, "message": issue.message} for issue in read.issues],
    }


def payer_words(payers: Iterable[str]) -> list[str]:
    """Say how many payers are written in several ways; nobody makes one of them but a mapping.

    >>> payer_words(["Fulton PPO", "FULTON PPO", "Acme"])  # doctest: +ELLIPSIS
    ['  note: written in several ways that differ only in case or spaces: 1 payer, in 2 ways, each ...']
    """
    from features.intake.spellings import spellings
    from serving.findings.words import counted

    found = spellings(payers)
    if not found:
        return []
    ways = sum(map(len, found))
    return [
        f"  note: written in several ways that differ only in case or spaces: {counted(len(found), 'payer')}, in {ways:,} ways, each a "
        "payer of its own here; [payers] of a mapping makes them one, and `recoup doctor` proposes it"
    ]


def named(words: Sequence[str], most: int = 8) -> str:
    """Name the first words of a list and count the others.

    >>> named(["A", "B", "C"], most=2)
    'A, B and 1 more'
    """
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"
