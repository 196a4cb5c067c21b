"""Runs commands as a user would, in this process or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from recoup.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed and exited with."""

    code: int
    out: str
    err: str


class Commands:
    """Runs `recoup` in this process with a home of its own.

    Parameters
    ----------
    home
        RECOUP_HOME.
    folder
        The working directory, where a recoup.toml would count.
    """

    def __init__(self, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.home, self._capfd = home, capfd
        monkeypatch.setenv("RECOUP_HOME", str(home))
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        monkeypatch.chdir(folder)

    def __call__(self, *arguments: object) -> Ran:
        """Run one command."""
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        printed = self._capfd.readouterr()
        return Ran(left.value.code if isinstance(left.value.code, int) else 0, printed.out, printed.err)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of a process of its own, without any other setting of recoup's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECOUP_", "MLFLOW_"))}
    root = str(Path(__file__).parents[2])
    return {**kept, "RECOUP_HOME": str(home), "PYTHONPATH": root, "OMP_NUM_THREADS": "1", **more}


def start(*arguments: object, home: Path, folder: Path, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "recoup.cli", *(str(argument) for argument in arguments)],
        env=environment(home, **(variables or {})),
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
