"""People of a practice as an administrator sees them: added, changed, barred, given a new password."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from features.errors import BadData, UsageError
from serving.access import Identity, Role
from serving.identity.keyring import Keyring, new_id, new_secret
from serving.identity.passwords import Passwords
from serving.store import people, sessions
from serving.store.people import Person
from serving.store.store import Store, Unit
from serving.store.trail import AccessLog

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
LINK = "link"
LINK_MINUTES = 15
LONGEST_LINK_MINUTES = 24 * 60


class Accounts:
    """People who may sign in.

    Parameters
    ----------
    store, log
        Where they are kept, and where it is told.
    ring
        The pepper of digests of links.
    passwords
        How passwords are hashed.
    now
        The time, with its zone.
    """

    def __init__(self, store: Store, log: AccessLog, ring: Keyring, passwords: Passwords, now: Callable[[], datetime]) -> None:
        self._store, self._log, self._ring, self._passwords, self._now = store, log, ring, passwords, now

    def add(
        self, by: Identity, name: str, role: Role, *, facilities: frozenset[str] | None = None, password: str | None = None
    ) -> tuple[Person, str]:
        """Add a person to the client of whoever asks.

        Parameters
        ----------
        name
            What they sign in with: letters, digits and `._@+-`, in any case.
        password
            None makes one, which must be changed at the first sign-in.

        Returns
        -------
        (Person, str)
            And the password that was made; empty where one was given.
        """
        by.check("user.manage")
        name = name.lower()
        if NAME.fullmatch(name) is None:
            raise BadData("a name to sign in with has 1 to 100 letters, digits or ._@+- and begins with a letter or digit")
        made = "" if password is not None else new_password()
        person = Person(
            client_id=by.client_id,
            person_id=new_id(),
            name=name,
            role=role,
            created_at=self._now(),
            facilities=facilities,
            password_hash=self._passwords.hash(password or made, name=name),
            is_temporary=password is None,
        )
        with self._store.write() as unit:
            if people.named(unit, name) is not None:
                raise UsageError("somebody signs in with this name already; `recoup user list` shows who")
            people.add(unit, person)
            self._log.tell(unit, by, "user.add", [name, str(role)])
        return person, made

    def everybody(self, client_id: str | None = None) -> Sequence[Person]:
        """Return all people, of one client if named."""
        with self._store.read() as unit:
            return people.everybody(unit, client_id)

    def find(self, name: str) -> Person | None:
        """Return the person of a name."""
        with self._store.read() as unit:
            return people.named(unit, name)

    def set_role(self, by: Identity, name: str, role: Role, facilities: frozenset[str] | None) -> None:
        """Give a person another role and other facilities; their sessions take it up with the next request."""
        listed = None if facilities is None else sorted(facilities)
        self._change(by, name, "user.role", [str(role)], role=str(role), facilities=listed)

    def bar(self, by: Identity, name: str) -> None:
        """Keep a person out: no sign-in, and every session ends."""
        self._change(by, name, "user.bar", ends_sessions=True, is_barred=True)

    def unbar(self, by: Identity, name: str) -> None:
        """Let a person in again, and forget wrong passwords."""
        self._change(by, name, "user.unbar", is_barred=False, failures=0, locked_until=None)

    def reset(self, by: Identity, name: str) -> str:
        """Give a person a new password, which must be changed at the next sign-in; every session ends. Returns the password."""
        made = new_password()
        hashed = self._passwords.hash(made, name=name)
        self._change(by, name, "user.reset", ends_sessions=True, password_hash=hashed, is_temporary=True, failures=0, locked_until=None)
        return made

    def link(self, by: Identity, name: str, *, minutes: int = LINK_MINUTES) -> str:
        """Return the secret of a link that signs a person in once, within minutes."""
        by.check("user.manage")
        if not 1 <= minutes <= LONGEST_LINK_MINUTES:
            raise BadData(f"a link is good for 1 to {LONGEST_LINK_MINUTES} minutes")
        secret = new_secret()
        with self._store.write() as unit:
            person = self._of(unit, by, name)
            content = {"person_id": person.person_id}
            sessions.give_ticket(unit, self._ring.digest(LINK, secret), LINK, content, self._now() + timedelta(minutes=minutes))
            self._log.tell(unit, by, "user.link", [person.name])
        return secret

    def _change(self, by: Identity, name: str, act: str, ids: Sequence[str] = (), *, ends_sessions: bool = False, **columns: Any) -> None:
        by.check("user.manage")
        with self._store.write() as unit:
            person = self._of(unit, by, name)
            people.change(unit, person.person_id, **columns)
            if ends_sessions:
                sessions.close_all(unit, person.person_id)
            self._log.tell(unit, by, act, [person.name, *ids])

    def _of(self, unit: Unit, by: Identity, name: str) -> Person:
        person = people.named(unit, name)
        if person is None or person.client_id != by.client_id:
            raise UsageError("nobody signs in with this name; `recoup user list` shows who does")
        return person


def new_password() -> str:
    """Return a password of 100 random bits that can be read out on the telephone.

    >>> import re
    >>> bool(re.fullmatch("([a-z2-9]{5}-){3}[a-z2-9]{5}", new_password()))
    True
    """
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))
