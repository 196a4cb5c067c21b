"""The door of the pages: a one-time token lets a browser in, a cookie keeps it in."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable

COOKIE = "recoup_session"
SESSION_SECONDS = 12 * 3600
MOST_SESSIONS = 1000


class Door:
    """Tokens that were handed out and sessions that they opened; only their digests are kept.

    A token opens one session and is then spent. A session ends after twelve hours, and with the process.

    Parameters
    ----------
    now
        Seconds on a clock that never goes back.

    Examples
    --------
    >>> door = Door()
    >>> token = door.token()
    >>> session = door.enter(token)
    >>> door.is_open(session), door.enter(token) is None, door.is_open("guess")
    (True, True, False)
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._tokens: set[bytes] = set()
        self._sessions: dict[bytes, float] = {}

    def token(self) -> str:
        """Return a new token of 256 bits."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens.add(_digest(token))
        return token

    def enter(self, token: str) -> str | None:
        """Spend a token on a session; None if it was never given or is spent."""
        digest = _digest(token)
        with self._lock:
            if digest not in self._tokens or len(self._sessions) >= MOST_SESSIONS:
                return None
            self._tokens.remove(digest)
            session = secrets.token_urlsafe(32)
            self._sessions[_digest(session)] = self._now() + SESSION_SECONDS
            return session

    def is_open(self, session: str | None) -> bool:
        """Whether this session may read pages."""
        if not session:
            return False
        digest = _digest(session)
        with self._lock:
            end = self._sessions.get(digest)
            if end is not None and end <= self._now():
                del self._sessions[digest]
            return end is not None and end > self._now()


def _digest(secret: str) -> bytes:
    # Looking up a digest leaks no timing about the secret itself, which has 256 random bits.
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
