"""How many write-offs each caller had scored in each minute: counted in memory, written to the store now and then, never by a request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from features.errors import RecoupError
from serving.access import Identity
from serving.log import logger
from serving.regularly import regularly
from serving.store import counts
from serving.store.store import Store

EVERY_SECONDS = 10.0

log = logger("recoup.counts")

Key = tuple[str, str, int]
"""Client, caller and minute since 1970."""


class Counted:
    """Counts requests and rows. Threads may share it.

    Examples
    --------
    >>> from serving.access import Role
    >>> counted = Counted(minute=lambda: 5)
    >>> counted.add(Identity("key:a", "key", Role.SERVICE, "north"), 10)
    >>> counted.add(Identity("key:a", "key", Role.SERVICE, "north"), 1)
    >>> counted.take()
    {('north', 'key:a', 5): (2, 11)}
    >>> counted.take()
    {}
    """

    def __init__(self, minute: Callable[[], int] = lambda: int(time.time() // 60)) -> None:
        self._minute, self._lock = minute, threading.Lock()
        self._counts: dict[Key, tuple[int, int]] = {}

    def add(self, who: Identity, rows: int) -> None:
        """Count one request."""
        key = (who.client_id, who.subject, self._minute())
        with self._lock:
            before = self._counts.get(key, (0, 0))
            self._counts[key] = (before[0] + 1, before[1] + rows)

    def take(self) -> dict[Key, tuple[int, int]]:
        """Return what was counted since the last time."""
        with self._lock:
            found, self._counts = self._counts, {}
        return found

    def give_back(self, found: dict[Key, tuple[int, int]]) -> None:
        """Take back what could not be written."""
        with self._lock:
            for key, (requests, rows) in found.items():
                now = self._counts.get(key, (0, 0))
                self._counts[key] = (now[0] + requests, now[1] + rows)

    def write(self, store: Store) -> None:
        """Write what was counted; kept for the next time when the store is away."""
        found = self.take()
        if not found:
            return
        told = {(client, subject, datetime.fromtimestamp(60 * at, UTC)): count for (client, subject, at), count in found.items()}
        try:
            with store.write() as unit:
                counts.add(unit, told)
        except RecoupError as error:
            self.give_back(found)
            log.warning("counts could not be written", kind=type(error).__name__, count=len(found))

    @contextmanager
    def writing(self, store: Store, every: float = EVERY_SECONDS) -> Iterator[None]:
        """Write every so many seconds, and once more when this block ends."""
        try:
            with regularly(lambda: self.write(store), every, "counts"):
                yield
        finally:
            self.write(store)
