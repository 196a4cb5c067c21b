"""`recoup queue load` killed with SIGKILL, at a named place or at a random moment, and begun again: what is in the queue then."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from functools import cached_property

from benchmarks.site import ROWS, Counts, Site, ledger

TRIES = 20


class Loads:
    """Loads of one ledger into the queues of one client after the other.

    Parameters
    ----------
    site
        Where.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        site.home.mkdir(parents=True, exist_ok=True)
        self._ledger, self._scores = site.home / "load-writeoffs.csv", site.home / "load-scores.csv"
        self._ledger.write_bytes(ledger())
        self._run("score", "--writeoffs", str(self._ledger), "--out", str(self._scores), "--as-of", "2026-11-01", "--workers", "1")

    @cached_property
    def seconds(self) -> float:
        """Return how long a load takes that nobody kills."""
        began = time.monotonic()
        self._load(_client())
        return time.monotonic() - began

    @cached_property
    def _calm(self) -> Counts:
        """Return what a load leaves that nobody kills."""
        client = _client()
        self._load(client)
        return self._left(client)

    def killed_once(self, *, fail_at: str | None = None, after: float = 0.0) -> list[str]:
        """Kill a load at a fail-point, or after some seconds, and begin it again twice; return what is wrong with what is left."""
        client, calm = _client(), self._calm
        victim = self._site.start(*self._words(client), fail_at=fail_at)
        if fail_at is None:
            try:
                victim.wait(after)
            except subprocess.TimeoutExpired:
                victim.kill()
        code, wrong = victim.wait(120), []
        if fail_at is not None and code != -signal.SIGKILL:
            wrong.append(f"the fail-point was never reached (exit code {code})")
        self._load(client)
        left = self._left(client)
        wrong += [] if left == calm else [f"left are {left}, without a kill {calm}"]
        self._load(client)
        wrong += [] if self._left(client) == left else ["a third load changed something"]
        return wrong

    def _left(self, client: str) -> Counts:
        """Return how many rows a client has of each kind, and how many write-offs the access log tells of; each once."""
        import json

        from sqlalchemy import func, select

        from serving.store.items import items
        from serving.store.loads import load_chunks, loads
        from serving.store.scores import scores
        from serving.store.trail import access_log
        from serving.store.writeoffs import writeoffs

        with self._site.open() as (gate, _), gate.store.read() as unit:
            counts = {
                table.name: int(
                    unit.connection.execute(select(func.count()).select_from(table).where(table.c.client_id == client)).scalar_one()
                )
                for table in (writeoffs, scores, items, load_chunks, loads)
            }
            counts["ended"] = int(
                unit.connection.execute(select(func.count(loads.c.ended_at)).where(loads.c.client_id == client)).scalar_one()
            )
            lines = unit.connection.execute(select(access_log.c.ids).where(access_log.c.client_id == client)).scalars()
            told = [one for line in lines for one in json.loads(line)]
        counts["told"], counts["told apart"] = len(told), len(set(told))
        assert counts["told apart"] in (0, ROWS), counts
        return counts

    def _load(self, client: str) -> None:
        self._run(*self._words(client))

    def _words(self, client: str) -> Sequence[str]:
        return "queue", "load", "--writeoffs", str(self._ledger), "--scores", str(self._scores), "--client", client

    def _run(self, *words: str) -> None:
        # PostgreSQL works on for a while for a process that was killed, and holds what that had locked: who comes meanwhile is told to
        # try again.
        for _ in range(TRIES):
            code = self._site.start(*words).wait(300)
            if code != os.EX_TEMPFAIL:
                break
            time.sleep(1.0)
        assert code == 0, f"recoup {words[0]} ended with {code}"


def _client() -> str:
    return f"c{secrets.token_hex(4)}"
