"""One installation that benchmarks kill again and again: its home, its database, its variables, and a ledger to work on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from benchmarks.forked import Forked
from recoup.identity import opened_gate
from recoup.settings import Settings
from recoup.shop import shop_of
from serving.identity.gate import Gate
from serving.jobs.worker import Shop

ROWS = 2_100
"""Two chunks of a load."""

LEASE = 0.5
TODAY = date(2026, 11, 23)

Counts = dict[str, int]


@dataclass
class Site:
    """One installation that is killed again and again.

    Parameters
    ----------
    home, url
        Its folder and its database; None: SQLite in the folder.
    """

    home: Path
    url: str | None
    expected: dict[str, tuple[str | None, Counts]] = field(default_factory=dict)

    def variables(self, fail_at: str | None = None) -> dict[str, str]:
        """Return the variables of a process of it."""
        root = str(Path(__file__).parents[1])
        kept_ones = {name: value for name, value in os.environ.items() if not name.startswith(("RECOUP_", "MLFLOW_"))}
        told = {"RECOUP_HOME": str(self.home), "RECOUP_JOB_LEASE": str(LEASE), "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
        if self.url is not None:
            told["RECOUP_DATABASE_URL"] = self.url
        return kept_ones | told | ({} if fail_at is None else {"FAIL_AT": fail_at})

    @contextmanager
    def open(self) -> Iterator[tuple[Gate, Shop]]:
        """Open it in this process."""
        variables = {name: value for name, value in self.variables().items() if name.startswith("RECOUP_")}
        settings = Settings.read({}, variables, folder=None)
        with opened_gate(settings) as gate:
            yield gate, shop_of(settings, gate, lambda: TODAY, self.variables())

    def start(self, *words: str, fail_at: str | None = None) -> subprocess.Popen[bytes] | Forked:
        """Start a command; one that is to die at a named place from the very beginning, others with everything imported."""
        if fail_at is None:
            return Forked(words, self.variables(), self.home)
        command = [sys.executable, "-m", "recoup.cli", *words]
        return subprocess.Popen(command, env=self.variables(fail_at), cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_worker(self, fail_at: str | None = None) -> subprocess.Popen[bytes] | Forked:
        """Start a worker that works until nothing waits."""
        return self.start("worker", "--once", fail_at=fail_at)


def ledger() -> bytes:
    """Return a table of write-offs, one item a claim of two."""
    head = "writeoff_id,writeoff_date,payer_id,writeoff_amount,billed_amount,carc,group_code,claim_id"
    lines = [f"W{i},2026-10-0{1 + i % 9},P00{i % 3},{100 + i}.25,{300 + i}.00,197,CO,C{i // 2}" for i in range(ROWS)]
    return ("\n".join([head, *lines]) + "\n").encode()
