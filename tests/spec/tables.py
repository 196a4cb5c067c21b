"""Tables written as Markdown: one case a line, readable as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def cases(name: str) -> Iterator[dict[str, str]]:
    """Give one dictionary for each row of the table in a file beside this one."""
    yield from rows(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def rows(text: str) -> Iterator[dict[str, str]]:
    """Give one dictionary for each row; what is no row of a table is prose.

    Examples
    --------
    >>> list(rows("| a | b |\\n|---|---|\\n| 1 | x y |"))
    [{'a': '1', 'b': 'x y'}]
    """
    head: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("|") or set(line) <= set("|- "):
            continue
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")]
        if head is None:
            head = cells
            continue
        assert len(cells) == len(head), line
        yield dict(zip(head, cells, strict=True))
