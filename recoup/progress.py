"""Progress on standard error while a terminal watches; nothing otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Step: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is; 0: nobody knows."""

WORDS = 40


class Bars:
    """One line for each piece of work, the current one moving.

    Parameters
    ----------
    progress
        Where they are drawn; None draws nothing.
    is_still
        Nobody draws them anew but their steps.
    """

    def __init__(self, progress: Progress | None, *, is_still: bool = False) -> None:
        self._progress, self._is_still = progress, is_still
        self._tasks: dict[str, TaskID] = {}

    def of(self, work: str) -> Step:
        """Return the callback of a piece of work that tells its steps."""

        def step(name: str, done: int, total: int) -> None:
            self._show(work, f"{work}: {name}"[:WORDS], done, total)

        return step

    def rows(self, work: str) -> Callable[[int], None]:
        """Return the callback of a piece of work that tells how many rows came, nobody knowing how many there are."""
        seen = 0

        def count(rows: int) -> None:
            nonlocal seen
            seen += rows
            self._show(work, f"{work}: {seen:,} rows"[:WORDS], 0, 0)

        return count

    def rate(self, work: str) -> Step:
        """Return the callback of a piece of work that tells how many rows of it are done; it is shown with its speed."""
        begun: dict[str, float] = {}

        def step(name: str, done: int, total: int) -> None:
            seconds = time.monotonic() - begun.setdefault(name, time.monotonic())
            speed = f" {done / seconds:,.0f} rows/s" if seconds > 0.5 else ""
            self._show(work, f"{name}: {done:,}{speed}"[:WORDS], done, total)

        return step

    def _show(self, work: str, words: str, done: int, total: int) -> None:
        if self._progress is None:
            return
        if work not in self._tasks:
            for task in self._tasks.values():
                self._progress.stop_task(task)
            self._tasks[work] = self._progress.add_task(words, total=total or None)
        self._progress.update(self._tasks[work], description=words, completed=done, total=total or None, refresh=self._is_still)


@contextmanager
def bars(stream: TextIO | None = None, *, ticks: bool = True) -> Iterator[Bars]:
    """Draw progress on a terminal while the block runs, and take it away at its end.

    `ticks`: a thread moves it on between two steps; without, processes can be forked beside it.
    """
    stream = stream if stream is not None else sys.stderr
    if not stream.isatty():
        yield Bars(None)
        return
    # Here, not above: most commands run where nobody watches, and the help draws nothing.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=stream), transient=True, auto_refresh=ticks) as progress:
        yield Bars(progress, is_still=not ticks)
