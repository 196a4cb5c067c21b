"""The gate: everything by which the service knows who calls, around one store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from serving.identity.accounts import Accounts
from serving.identity.keyring import FOLDER, Keyring
from serving.identity.passwords import Passwords
from serving.identity.programs import Programs
from serving.identity.refusals import Refusals
from serving.identity.visits import Visits
from serving.store.store import Store
from serving.store.trail import AccessLog
from serving.trail import Chain, HeadFile

HEAD = "trail.head"


def utc_now() -> datetime:
    """Return the time on the wall."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may come in, and the log of what they do.

    Parameters
    ----------
    store
        Where everything is kept.
    log
        The access log.
    refusals
        Attempts that were refused.
    programs, accounts, visits
        Keys of programs; people as an administrator sees them; people who are signed in.
    now
        The time, with its zone.
    """

    store: Store
    log: AccessLog
    refusals: Refusals
    programs: Programs
    accounts: Accounts
    visits: Visits
    now: Callable[[], datetime]

    @classmethod
    def open(
        cls,
        store: Store,
        home: Path,
        *,
        head: Path | None = None,
        passwords: Passwords | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> Gate:
        """Open the gate of a store.

        Parameters
        ----------
        home
            The folder that holds the keys; they are made where there are none.
        head
            Where the end of the access log is copied to; by default beside the keys.
        """
        ring, hasher = Keyring.open(home), passwords or Passwords()
        chain = Chain(ring.trail)
        log = AccessLog(chain, HeadFile(head or home / FOLDER / HEAD, chain))
        log.begin(store)
        refusals = Refusals(log, now)
        return cls(
            store,
            log,
            refusals,
            Programs(store, log, ring, now),
            Accounts(store, log, ring, hasher, now),
            Visits(store, log, refusals, ring, hasher, now),
            now,
        )

    def has_anybody(self) -> bool:
        """Tell whether any person or program was given a way in."""
        now = self.now()
        return any(key.is_open(now) for key in self.programs.every()) or any(not person.is_barred for person in self.accounts.everybody())
