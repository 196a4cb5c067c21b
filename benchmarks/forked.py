"""Commands of recoup in processes that begin with everything imported: hundreds can be killed while they work, not while they start.

Each is forked from one clean process that has imported what commands need and has opened nothing: no file, no database, no thread.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.forked_imports"])


class Forked:
    """One command; `wait` and `kill` are those of `subprocess.Popen`.

    Parameters
    ----------
    words
        Of the command line, behind `recoup`.
    variables
        All that it sees of the environment.
    folder
        Where it works.
    """

    def __init__(self, words: Sequence[str], variables: Mapping[str, str], folder: Path | None = None) -> None:
        self._process = _CONTEXT.Process(target=_run, args=(list(words), dict(variables), folder))
        self._process.start()

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code, negative for a signal; TimeoutExpired where it takes longer."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("recoup", seconds or 0.0)
        return code

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()


def _run(words: list[str], variables: dict[str, str], folder: Path | None) -> None:
    os.environ.clear()
    os.environ.update(variables)
    if folder is not None:
        os.chdir(folder)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
    from recoup.cli.run import main

    sys.argv = ["recoup", *words]
    main(words)
