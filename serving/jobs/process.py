"""Starts the process of a job, and ends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from serving.jobs.task import Task

HANDED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""Variables that the process gets; what is a secret of the service stays with the service."""

ALWAYS = {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "PYTHONHASHSEED": "0"}


class Process:
    """The process of one attempt; it is spawned, not forked, and ends when this one does.

    Parameters
    ----------
    task
        What it is told; its folder must be there.
    environment
        The variables of this process.
    program
        The module that it runs.
    """

    def __init__(self, task: Task, environment: Mapping[str, str], program: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(task.out),
            env={name: environment[name] for name in HANDED_ON if name in environment} | ALWAYS,
            start_new_session=True,
        )
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(task.as_json().encode() + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            # It ended already; its exit code says why.
            pass

    def wait(self, seconds: float) -> int | None:
        """Return the exit code (negative: the signal that ended it), or None when it is still at work after some time."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """End it now, if it has not ended."""
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
        if self._popen.stdin is not None and not self._popen.stdin.closed:
            try:
                self._popen.stdin.close()
            except BrokenPipeError:
                pass
