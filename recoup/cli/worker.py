"""The command `worker`."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated

import typer

from recoup.cli.options import settings, today
from recoup.cli.telling import Teller


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(
    once: Annotated[bool, typer.Option("--once", help="end when no job waits any more")] = False,
) -> None:
    """Work on the files that were handed in as jobs, one at a time; as many of these as you like may run, on one store and one home.

    It ends on SIGTERM or Ctrl-C: what it works on goes back into the queue. What a worker held that died is taken up by another when its
    lease has run out (setting `job_lease`).
    """
    from recoup.identity import opened_gate
    from recoup.shop import fail_points, shop_of
    from serving.jobs.worker import Worker
    from serving.log import write_to

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    chosen, tell = settings(), Teller()
    with opened_gate(chosen) as gate:
        works = Worker(shop_of(chosen, gate, today), fail_points())
        tell.line("working on jobs")
        tell.flush()
        write_to(sys.stderr)
        gate.store.tell_outages()
        if once:
            while not stop.is_set() and works.work_one(stop):
                pass
        else:
            works.run(stop)
