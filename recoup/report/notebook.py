"""A notebook of percent format, run with parameters by papermill, as one page of HTML without code."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from features.errors import BadData, RecoupError, UsageError

_KINDS = {
    name: kind for kind in RecoupError.__subclasses__() for name in (kind.__name__, *(leaf.__name__ for leaf in kind.__subclasses__()))
}
"""What an error of ours is raised as again, by its name: leaves take words of their own."""

_MARK = re.compile(r"^# %%(?P<kind> \[markdown\])?(?P<rest>.*)$")


def cells(text: str) -> list[tuple[str, list[str], str]]:
    """Return the cells of a percent-format notebook: kind, tags, source.

    >>> cells('# %% [markdown]\\n# # Title\\n\\n# %% tags=["parameters"]\\nx = 1\\n')
    [('markdown', [], '# Title'), ('code', ['parameters'], 'x = 1')]
    """
    found: list[tuple[str, list[str], list[str]]] = []
    for line in text.splitlines():
        mark = _MARK.match(line)
        if mark:
            found.append(("markdown" if mark["kind"] else "code", re.findall(r'"(\w+)"', mark["rest"]), []))
        elif found:
            found[-1][2].append(line)
    return [
        (kind, tags, "\n".join(re.sub(r"^# ?", "", line) for line in lines).strip() if kind == "markdown" else "\n".join(lines).strip())
        for kind, tags, lines in found
    ]


def run_notebook(source: Path, parameters: Mapping[str, Any]) -> str:
    """Run a notebook with parameters and return it as HTML.

    Parameters
    ----------
    source
        Percent-format Python with one cell tagged `parameters`.
    parameters
        Name to value, put in place of those of that cell.

    Raises
    ------
    UsageError
        When the notebook is not there.
    RecoupError
        When a cell fails with an error of ours: one of that kind, with its words.
    BadData
        When it fails otherwise; its place and the kind of error are named, and no text, which may hold what was read.
    """
    import ipykernel.kernelspec
    import papermill
    from traitlets.config import Config

    if not source.is_file():
        raise UsageError(f"there is no notebook {source}; --notebook names one (the checkout has notebooks/monthly.py)")
    kernel = {"name": ipykernel.kernelspec.KERNEL_NAME, "display_name": "Python", "language": "python"}
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": _book(cells(source.read_text()))}
    with tempfile.TemporaryDirectory(prefix="recoup-notebook-") as scratch, warnings.catch_warnings(), _loop():
        # Jupyter's own warnings about sockets and event loops; nobody here can act on them.
        warnings.simplefilter("ignore")
        # Sockets in a private folder: over TCP anybody on this machine could listen.
        local = Config({"KernelManager": {"transport": "ipc", "ip": str(Path(scratch) / "kernel")}})
        path = Path(scratch) / "notebook.ipynb"
        path.write_text(json.dumps(book))
        try:
            done = papermill.execute_notebook(
                str(path), str(Path(scratch) / "done.ipynb"), parameters=dict(parameters), progress_bar=False, cwd=os.getcwd(), config=local
            )
        except papermill.PapermillExecutionError as error:
            if error.ename in _KINDS:
                raise _KINDS[error.ename](error.evalue) from error
            raise BadData(f"{source.name}: cell {error.cell_index} ended with {error.ename}") from error
    return _page(source.stem.capitalize(), "\n".join(_shown(cell) for cell in done.cells))


@contextmanager
def _loop() -> Iterator[None]:
    """Give Jupyter an event loop of its own, which it would make and leave open otherwise."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def _book(found: list[tuple[str, list[str], str]]) -> list[dict[str, Any]]:
    """Return cells as a notebook file holds them."""
    code: dict[str, Any] = {"outputs": [], "execution_count": None}
    return [
        {"id": f"cell-{i}", "cell_type": kind, "metadata": {"tags": tags}, "source": text, **(code if kind == "code" else {})}
        for i, (kind, tags, text) in enumerate(found)
    ]


def _shown(cell: Mapping[str, Any]) -> str:
    """Return a cell as HTML: words, and what code printed or showed; the code itself is left out."""
    from markdown_it import MarkdownIt

    if cell["cell_type"] == "markdown":
        return str(MarkdownIt().render(cell["source"]))
    parts = []
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream" and output["name"] == "stdout":
            parts.append(f"<pre>{escape(output['text'])}</pre>")
        elif "data" in output:
            table = output["data"].get("text/html")
            plain = f"<pre>{escape(output['data'].get('text/plain', ''))}</pre>"
            parts.append(f'<div class="scroll">{table}</div>' if table else plain)
    return "\n".join(parts)


def _page(title: str, body: str) -> str:
    style = files("recoup.report").joinpath("templates/style.css").read_text()
    plain = re.sub(r"<script.*?</script>|<style.*?</style>", "", body, flags=re.DOTALL)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}pre {{ white-space: pre-wrap; }}\n</style>\n</head>\n<body>\n<main>\n"
        f"{plain}\n</main>\n</body>\n</html>\n"
    )
