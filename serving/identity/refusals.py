"""Refused attempts, told to the access log without letting whoever makes them fill the disk.

Anybody can be refused as often as they like: a name that nobody has, a wrong password, a key without the right. The first attempts of a
minute are lines of their own, each in the transaction of what it changed; the further ones of the same subject are counted, and told in
one line when the minute is over: how many, and from where most. What a process that is killed had counted since the last line is lost; that
there was more than a few is told by then.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from features.errors import RecoupError
from serving.access import Identity
from serving.log import logger
from serving.regularly import regularly
from serving.store.store import Store
from serving.store.trail import AccessLog
from serving.trail import Act

FIRST = 10
"""Lines of their own that one subject gets for one action in a minute."""

MOST_ORIGINS = 64
NAMED_ORIGINS = 3
EVERY_SECONDS = 10.0

log = logger("recoup.identity")

Key = tuple[str, str, str, int]
"""Client, subject, action and minute since 1970."""


@dataclass
class _Counted:
    """Attempts of one key: how many had a line of their own, and the origins of the others."""

    told: int = 0
    others: Counter[str] = field(default_factory=Counter)


class Refusals:
    """Counts refused attempts. Threads may share it.

    Parameters
    ----------
    trail
        Where they are told.
    now
        The time, with its zone.

    Examples
    --------
    >>> from serving.access import Role
    >>> from serving.trail import Chain
    >>> refusals = Refusals(AccessLog(Chain(b"k" * 32), None), lambda: datetime(2026, 11, 2, 10, 15, tzinfo=UTC))
    >>> who = Identity("unknown", "session", Role.VIEWER, origin="192.0.2.7")
    >>> [refusals.is_told(who, "session.open") for _ in range(12)].count(True), refusals.totals()
    (10, {'session.open': 12})
    >>> [act.purpose for act in refusals.take(is_end=True)]
    ['2 more in the minute of 2026-11-02T10:15Z, from 192.0.2.7 (2)']
    """

    def __init__(self, trail: AccessLog, now: Callable[[], datetime]) -> None:
        self._trail, self._now, self._lock = trail, now, threading.Lock()
        self._counts: dict[Key, _Counted] = {}
        self._totals: Counter[str] = Counter()
        self._unwritten: list[Act] = []

    def is_told(self, who: Identity, action: str) -> bool:
        """Count an attempt, and say whether it has a line of its own."""
        key = (who.client_id, who.subject, action, self._minute())
        with self._lock:
            self._totals[action] += 1
            counted = self._counts.setdefault(key, _Counted())
            if counted.told < FIRST:
                counted.told += 1
                return True
            is_known = who.origin in counted.others or len(counted.others) < MOST_ORIGINS
            counted.others[who.origin if is_known else "elsewhere"] += 1
            return False

    def tell(self, store: Store, who: Identity, action: str) -> None:
        """Count an attempt that changes nothing else, and write its line if it has one of its own."""
        if self.is_told(who, action):
            with store.write() as unit:
                self._trail.tell(unit, who, action, outcome="refused")

    def totals(self) -> dict[str, int]:
        """Return how many attempts were refused since the process began, by action."""
        with self._lock:
            return dict(self._totals)

    def take(self, *, is_end: bool = False) -> list[Act]:
        """Return the lines about attempts that had none of their own, of minutes that are over, or of all at the end; once."""
        minute = self._minute()
        with self._lock:
            over = [key for key in self._counts if is_end or key[3] < minute]
            found = [(key, self._counts.pop(key).others) for key in over]
        return [self._line(key, others) for key, others in found if others] + self._take_unwritten()

    def write(self, store: Store, *, is_end: bool = False) -> None:
        """Write these lines; kept for the next time when the store is away."""
        acts = self.take(is_end=is_end)
        if not acts:
            return
        try:
            with store.write() as unit:
                for act in acts:
                    self._trail.append(unit, act)
            log.warning("more attempts were refused than are told one by one", count=len(acts))
        except RecoupError as error:
            with self._lock:
                self._unwritten = acts
            log.warning("refused attempts could not be told yet", kind=type(error).__name__, count=len(acts))

    @contextmanager
    def writing(self, store: Store, every: float = EVERY_SECONDS) -> Iterator[None]:
        """Write every so many seconds, and once more when this block ends."""
        try:
            with regularly(lambda: self.write(store), every, "refusals"):
                yield
        finally:
            self.write(store, is_end=True)

    def _minute(self) -> int:
        return int(self._now().timestamp() // 60)

    def _take_unwritten(self) -> list[Act]:
        with self._lock:
            acts, self._unwritten = self._unwritten, []
        return acts

    def _line(self, key: Key, others: Counter[str]) -> Act:
        client_id, subject, action, minute = key
        most = others.most_common(NAMED_ORIGINS)
        named = ", ".join(f"{origin} ({count:,})" for origin, count in most)
        more = f" and {len(others) - len(most)} more addresses" if len(others) > len(most) else ""
        when = datetime.fromtimestamp(60 * minute, UTC).strftime("%Y-%m-%dT%H:%MZ")
        purpose = f"{others.total():,} more in the minute of {when}, from {named}{more}"
        at = int(self._now().timestamp() * 1_000_000)
        return Act(at, subject, client_id, action, (), most[0][0], "refused", purpose)
