"""Keys of programs: made once, shown once, known by their digest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from features.errors import BadData, UsageError
from serving.access import Identity, Role
from serving.identity.keyring import Keyring, new_id, new_secret
from serving.store import keys
from serving.store.keys import ApiKey
from serving.store.store import Store
from serving.store.trail import AccessLog

MEMORY_SECONDS = 1.0
"""How long a key that was looked up is believed: a revoked one is refused at most this much later."""

LONGEST_OWNER = 100
KIND = "key"


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key; `secret` is shown now and never again."""

    secret: str = field(repr=False)
    row: ApiKey


class Programs:
    """Makes, finds and revokes keys of programs.

    Parameters
    ----------
    store, log
        Where they are kept, and where it is told.
    ring
        The pepper of their digests.
    now
        The time, with its zone.
    """

    def __init__(self, store: Store, log: AccessLog, ring: Keyring, now: Callable[[], datetime]) -> None:
        self._store, self._log, self._ring, self._now = store, log, ring, now
        self._known: dict[str, tuple[float, Identity]] = {}

    def make(
        self,
        by: Identity,
        role: Role,
        *,
        owner: str,
        facilities: frozenset[str] | None = None,
        expires_at: datetime | None = None,
    ) -> MadeKey:
        """Make a key for the client of whoever asks.

        Raises
        ------
        NotPermitted
            When they may not.
        BadData
            When the owner is blank or long, or the end lies in the past.
        """
        by.check("key.manage")
        now = self._now()
        if not owner.strip() or len(owner) > LONGEST_OWNER or not owner.isprintable():
            raise BadData(f"a key has an owner who answers for it: 1 to {LONGEST_OWNER} letters")
        if expires_at is not None and expires_at <= now:
            raise BadData("the key would have expired already")
        secret = new_secret()
        row = ApiKey(
            client_id=by.client_id,
            key_id=new_id(),
            digest=self._ring.digest(KIND, secret),
            owner=owner.strip(),
            role=role,
            created_at=now,
            created_by=by.subject,
            facilities=facilities,
            expires_at=expires_at,
        )
        with self._store.write() as unit:
            keys.add(unit, row)
            self._log.tell(unit, by, "key.make", [row.key_id])
        return MadeKey(secret, row)

    def revoke(self, by: Identity, key_id: str) -> ApiKey:
        """Close a key of the client of whoever asks; it opens nothing a second later.

        Raises
        ------
        NotPermitted
            When they may not.
        UsageError
            When this client has no such key.
        """
        by.check("key.manage")
        with self._store.write() as unit:
            found = keys.by_id(unit, key_id)
            if found is None or found.client_id != by.client_id:
                raise UsageError("there is no key of this id; `recoup key list` shows them")
            keys.revoke(unit, key_id, self._now())
            self._log.tell(unit, by, "key.revoke", [key_id])
        return found

    def every(self, client_id: str | None = None) -> Sequence[ApiKey]:
        """Return all keys, of one client if named."""
        with self._store.read() as unit:
            return keys.every(unit, client_id)

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key of an id."""
        with self._store.read() as unit:
            return keys.by_id(unit, key_id)

    def digest(self, secret: str) -> str:
        """Return what is known of a key."""
        return self._ring.digest(KIND, secret)

    def remembered(self, digest: str) -> Identity | None:
        """Return whose key this is, if that was looked up within the last second; it waits for nothing."""
        found = self._known.get(digest)
        return found[1] if found is not None and time.monotonic() - found[0] < MEMORY_SECONDS else None

    def look_up(self, digest: str) -> Identity | None:
        """Return whose key this is; None for nobody's, one that expired or one that was revoked."""
        asked = time.monotonic()
        with self._store.read() as unit:
            found = keys.of_digest(unit, digest)
        if found is None or not found.is_open(self._now()):
            self._known.pop(digest, None)
            return None
        identity = Identity(found.subject, KIND, found.role, found.client_id, found.facilities)
        # From before the reading: what is revoked while it is read is not believed longer.
        self._known[digest] = (asked, identity)
        return identity
