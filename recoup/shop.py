"""The shop for jobs that the settings describe, around the store and the access log."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from features.errors import RecoupError
from models.pointer import read_pointer
from recoup import job
from recoup.inputs import KEY_FILE
from recoup.settings import Settings
from serving.identity.gate import Gate
from serving.jobs.failpoints import FailPoints
from serving.jobs.task import Bundle
from serving.jobs.worker import Shop, Worker

FOLDER, CODES = "jobs", "codes"
FAIL_AT = "FAIL_AT"
"""The variable that names a fail-point; it is no setting, and only tests set it."""


def shop_of(settings: Settings, gate: Gate, today: Callable[[], date], environment: Mapping[str, str] = os.environ) -> Shop:
    """Return what jobs are handed in at and worked on with."""
    return Shop(
        gate.store,
        (settings.home / FOLDER).resolve(),
        lambda: champion_of(settings.home),
        (settings.hourly_cost, settings.action_outlay),
        settings.home / KEY_FILE,
        gate.now,
        today,
        gate.log.tell,
        dict(environment),
        lease_seconds=settings.job_lease,
        program=job.__name__,
        codes=settings.home / CODES,
    )


def fail_points(environment: Mapping[str, str] = os.environ) -> FailPoints:
    """Return where this process is to die."""
    return FailPoints(environment.get(FAIL_AT) or None)


def champion_of(home: Path) -> Bundle | None:
    """Return the model that serves; None where none does, or the pointer is damaged: the job says which model it had."""
    try:
        pointer = read_pointer(home)
    except RecoupError:
        return None
    return None if pointer is None else Bundle(str(pointer.champion.folder(home).resolve()), pointer.champion.bundle_hash)


@contextmanager
def working(shop: Shop, points: FailPoints, workers: int) -> Iterator[None]:
    """Work on jobs in threads of this process for the length of a block; what is at work when it ends goes back into the queue."""
    stop = threading.Event()
    threads = [threading.Thread(target=Worker(shop, points).run, args=(stop,), name=f"worker {i}", daemon=True) for i in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
