"""What does not answer for a while: told once when it goes and once when it is back, with how long, however often it is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

QUIET_SECONDS = 60.0
"""Something that comes and goes is told of once in so many seconds."""

SETTLED_SECONDS = 1.0
"""It is back once it answers so long after it last did not: while it goes, some callers are still answered."""


class Outage:
    """Tells the log when something goes and when it is back.

    Parameters
    ----------
    log
        Where it is told.
    name
        What it is, such as `the database`.
    clock
        Seconds that never go back.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> log, at = SimpleNamespace(warning=lambda event, **told: print(event, told)), iter([0.0, 0.5, 1.0, 1.1, 90.0])
    >>> outage = Outage(log, "the database", clock=lambda: next(at))
    >>> outage.over(), outage.met("Unavailable"), outage.met("Unavailable"), outage.over(), outage.over()
    the database does not answer {'kind': 'Unavailable', 'seconds': 0.5}
    the database answers again {'seconds': 90.0}
    (None, None, None, None, None)
    """

    def __init__(self, log: Any, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._name, self._clock, self._lock = log, name, clock, threading.Lock()
        self._answered: float | None = None
        self._since: float | None = None
        self._missed = float("-inf")
        self._is_told, self._next = False, float("-inf")

    def met(self, kind: str) -> None:
        """Note that it did not answer, by the kind of the error; seconds are since it last did."""
        with self._lock:
            now = self._missed = self._clock()
            if self._since is None:
                self._since = now if self._answered is None else self._answered
            if self._is_told or now < self._next:
                return
            self._is_told, self._next = True, now + QUIET_SECONDS
            self._log.warning(f"{self._name} does not answer", kind=kind, seconds=round(now - self._since, 1))

    def over(self) -> None:
        """Note that it answered."""
        with self._lock:
            now = self._clock()
            if now < self._missed + SETTLED_SECONDS:
                return
            self._answered, since, is_told = now, self._since, self._is_told
            self._since, self._is_told = None, False
            if is_told and since is not None:
                self._log.warning(f"{self._name} answers again", seconds=round(now - since, 1))
