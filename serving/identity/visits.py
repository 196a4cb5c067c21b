"""Signing in, staying in and leaving: server-side sessions of people."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from features.errors import BadData, NotPermitted
from serving.access import DEFAULT_CLIENT, EMERGENCY, Identity, Role
from serving.identity.accounts import LINK, LINK_MINUTES, NAME
from serving.identity.keyring import Keyring, new_id, new_secret
from serving.identity.passwords import Passwords
from serving.identity.refusals import Refusals
from serving.identity.vouched import Vouched, other_name
from serving.log import logger
from serving.store import people, sessions
from serving.store.people import Person
from serving.store.sessions import Session
from serving.store.store import Store, Unit
from serving.store.trail import AccessLog

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
WARNING = timedelta(minutes=2)
"""How long before the end a page warns and offers to stay (WCAG 2.2.1: at least 20 seconds)."""

SEEN_EVERY = timedelta(seconds=30)
"""How exactly use is noted: not every request is a write."""

JOURNEY, JOURNEY_LASTS = "provider", timedelta(minutes=10)

EMERGENCY_LASTS = timedelta(minutes=60)
SHORTEST_REASON, LONGEST_REASON = 10, 200

FREE_FAILURES = 5
LONGEST_LOCK = timedelta(minutes=15)

REFUSED = "name or password is wrong, or there were too many wrong ones: then wait 15 minutes"
"""One answer for all that can be wrong, so that nobody learns which names there are."""

KIND, ADMIN_KIND = "session", "break_glass_admin"
"""Of the daily work, and of an emergency that whoever runs the command line opened with all rights of an admin."""

EMERGENCIES = (EMERGENCY, ADMIN_KIND)

log = logger("recoup.identity")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a browser that is signed in.

    Parameters
    ----------
    identity
        Who it is, and what for.
    person
        Their row.
    digest
        Of the session.
    form_token
        What forms of this session must bring along.
    idle_ends, ends
        When the session ends if nothing is done, and in any case.
    """

    identity: Identity
    person: Person
    digest: str = field(repr=False)
    form_token: str = field(repr=False)
    idle_ends: datetime
    ends: datetime

    def seconds_left(self, now: datetime) -> int:
        """Return for how many seconds the session goes on if nothing is done."""
        return max(0, int((min(self.idle_ends, self.ends) - now).total_seconds()))

    @property
    def must_change_password(self) -> bool:
        """Whether nothing but a new password is open to them."""
        return self.person.is_temporary

    @property
    def is_emergency(self) -> bool:
        """Whether this is a session of an emergency, with its reason in `identity.purpose`."""
        return self.identity.kind in EMERGENCIES

    def is_form_of(self, token: str | None) -> bool:
        """Tell whether a form came from a page of this session."""
        return token is not None and hmac.compare_digest(self.form_token.encode(), token.encode("utf-8", "replace"))


class Visits:
    """Opens, finds and ends sessions.

    Parameters
    ----------
    store, trail
        Where they are kept, and where it is told.
    refusals
        Counts refused attempts, of which the first of a minute are told one by one.
    ring
        The pepper of digests.
    passwords
        How passwords are checked.
    now
        The time, with its zone.
    """

    def __init__(
        self, store: Store, trail: AccessLog, refusals: Refusals, ring: Keyring, passwords: Passwords, now: Callable[[], datetime]
    ) -> None:
        self._store, self._trail, self._refusals = store, trail, refusals
        self._ring, self._passwords, self._now = ring, passwords, now

    def sign_in(self, name: str, password: str, origin: str) -> str:
        """Return the secret of a new session.

        Raises
        ------
        NotPermitted
            When name or password is wrong, the person is barred, or too many wrong passwords came; the words are always the same.
        """
        with self._store.read() as unit:
            person = people.named(unit, name) if NAME.fullmatch(name.lower()) else None
        # The same work for a name that nobody has, outside any transaction: it takes a tenth of a second.
        is_right = self._passwords.matches(person.password_hash if person is not None else None, password)
        with self._store.write() as unit:
            current = None if person is None else people.by_id(unit, person.person_id)
            opened = self._decide(unit, current, is_right, origin) if current is not None else None
            if current is None:
                self._refuse(unit, _stranger(origin), "session.open")
        if opened is None:
            raise NotPermitted(REFUSED)
        return opened

    def enter(self, secret: str, origin: str) -> str | None:
        """Spend a link on a session and return its secret; None if the link was never given, is spent or too old."""
        now = self._now()
        with self._store.write() as unit:
            found = sessions.spend_ticket(unit, self._ring.digest(LINK, secret), LINK, now)
            person = None if found is None else people.by_id(unit, found["person_id"])
            if found is None or person is None or person.is_barred:
                return None
            if "purpose" in found:
                return self._open(
                    unit, person, origin, kind=ADMIN_KIND, role=Role(found["role"]), purpose=found["purpose"], lasts=EMERGENCY_LASTS
                )
            return self._open(unit, person, origin)

    def depart(self, content: Mapping[str, str]) -> str:
        """Remember what a browser will need when it comes back from the identity provider; return the secret of its cookie."""
        secret = new_secret()
        with self._store.write() as unit:
            # Anybody may begin a journey: what nobody came back from is not kept.
            sessions.clear(unit, self._now())
            sessions.give_ticket(unit, self._ring.digest(JOURNEY, secret), JOURNEY, content, self._now() + JOURNEY_LASTS)
        return secret

    def come_back(self, secret: str | None) -> dict[str, str] | None:
        """Return what was remembered, once; None where nothing was, or too long ago."""
        if not secret:
            return None
        with self._store.write() as unit:
            return sessions.spend_ticket(unit, self._ring.digest(JOURNEY, secret), JOURNEY, self._now())

    def admit(self, vouched: Vouched, origin: str) -> str:
        """Return the secret of a session for somebody whom the identity provider vouches for; role and client are what it says now.

        Raises
        ------
        NotPermitted
            When this person is barred here.
        """
        with self._store.write() as unit:
            person = people.of_provider(unit, vouched.subject)
            if person is None:
                person = self._newcomer(unit, vouched)
            else:
                listed = None if vouched.facilities is None else sorted(vouched.facilities)
                people.change(unit, person.person_id, role=str(vouched.role), client_id=vouched.client_id, facilities=listed)
                person = replace(person, role=vouched.role, client_id=vouched.client_id, facilities=vouched.facilities)
            if not person.is_barred:
                return self._open(unit, person, origin)
            refused = Identity(person.subject, KIND, person.role, person.client_id, origin=origin)
            self._refuse(unit, refused, "session.open")
        raise NotPermitted("this account is barred here; ask an administrator")

    def _newcomer(self, unit: Unit, vouched: Vouched) -> Person:
        """Somebody who signs in for the first time; a name that a local account has is not taken over."""
        is_free = NAME.fullmatch(vouched.name) is not None and people.named(unit, vouched.name) is None
        person = Person(
            client_id=vouched.client_id,
            person_id=new_id(),
            name=vouched.name if is_free else other_name(vouched.subject),
            role=vouched.role,
            created_at=self._now(),
            facilities=vouched.facilities,
            provider_subject=vouched.subject,
        )
        people.add(unit, person)
        return person

    def of(self, secret: str | None, origin: str, *, is_use: bool = True) -> Visit | None:
        """Return the visit that a cookie stands for; None if it stands for none, or its time is over.

        Parameters
        ----------
        is_use
            Whether this keeps the session from going idle; False where a page only asks how long there is left.
        """
        if not secret:
            return None
        digest, now = self._ring.digest(KIND, secret), self._now()
        with self._store.read() as unit:
            session = sessions.of_digest(unit, digest)
            person = None if session is None else people.by_id(unit, session.person_id)
        if session is None or person is None or person.is_barred or now >= min(session.ends_at, session.seen_at + IDLE):
            return None
        seen = session.seen_at
        if is_use and now - seen >= SEEN_EVERY:
            with self._store.write() as unit:
                sessions.see(unit, digest, now)
            seen = now
        return Visit(_identity(person, session, origin), person, digest, self._form_token(digest), seen + IDLE, session.ends_at)

    def close(self, visit: Visit) -> None:
        """Sign out."""
        with self._store.write() as unit:
            if sessions.close(unit, visit.digest):
                self._trail.tell(unit, visit.identity, "session.close")

    def change_password(self, visit: Visit, old: str, new: str) -> None:
        """Change one's own password; all other sessions of the person end.

        Raises
        ------
        NotPermitted
            When the old one is wrong.
        BadData
            When the new one may not be taken, or is the old one.
        """
        if visit.person.is_locked(self._now()):
            raise NotPermitted("there were too many wrong passwords; wait 15 minutes")
        if not self._passwords.matches(visit.person.password_hash, old):
            with self._store.write() as unit:
                self._fail(unit, visit.person)
                self._refuse(unit, visit.identity, "user.password")
            raise NotPermitted("the password that you have now is not this one")
        if old == new:
            raise BadData("the new password is the old one")
        hashed = self._passwords.hash(new, name=visit.person.name)
        with self._store.write() as unit:
            people.change(unit, visit.person.person_id, password_hash=hashed, is_temporary=False, failures=0, locked_until=None)
            sessions.close_all(unit, visit.person.person_id, but=visit.digest)
            self._trail.tell(unit, visit.identity, "user.password", [visit.person.name])

    def break_glass(self, visit: Visit, reason: str) -> str:
        """Open a session for an emergency and return its secret: all of the client's rows, for an hour, every act with the reason.

        The role stays the person's own, and only its rights of seeing and working rows hold: what decides, sets, exports or audits is for
        the session of the daily work, where it is bound to the facilities that the person has.

        Raises
        ------
        NotPermitted
            When whoever asks may not.
        BadData
            When the reason is missing or short.
        """
        by, person = visit.identity, visit.person
        purpose = _checked_reason(by, person, reason)
        with self._store.write() as unit:
            secret = self._open(unit, person, by.origin, kind=EMERGENCY, purpose=purpose, lasts=EMERGENCY_LASTS)
            self._tell_emergency(unit, by, person, person.role, purpose)
        return secret

    def break_glass_link(self, by: Identity, person: Person, reason: str) -> str:
        """Return the secret of a link that opens such a session once, as admin: for whoever runs the command line. Raises as above."""
        purpose = _checked_reason(by, person, reason)
        secret, content = new_secret(), {"person_id": person.person_id, "role": str(Role.ADMIN), "purpose": purpose}
        with self._store.write() as unit:
            sessions.give_ticket(unit, self._ring.digest(LINK, secret), LINK, content, self._now() + timedelta(minutes=LINK_MINUTES))
            self._tell_emergency(unit, by, person, Role.ADMIN, purpose)
        return secret

    def _tell_emergency(self, unit: Unit, by: Identity, person: Person, role: Role, purpose: str) -> None:
        self._trail.tell(unit, by, "access.break", [person.name, str(role)], purpose=purpose)
        # Loudly, but without the reason, which may name somebody; the access log has it.
        unit.afterwards.append(lambda: log.warning("emergency access opened", subject=person.subject, role=str(role)))

    def _decide(self, unit: Unit, person: Person, is_right: bool, origin: str) -> str | None:
        now = self._now()
        is_locked = person.is_locked(now)
        if is_right and not is_locked and not person.is_barred:
            if person.failures:
                people.change(unit, person.person_id, failures=0, locked_until=None)
            return self._open(unit, person, origin)
        if not is_right and not is_locked:
            self._fail(unit, person)
        self._refuse(unit, Identity(person.subject, KIND, person.role, person.client_id, origin=origin), "session.open")
        return None

    def _refuse(self, unit: Unit, who: Identity, action: str) -> None:
        if self._refusals.is_told(who, action):
            self._trail.tell(unit, who, action, outcome="refused")

    def _fail(self, unit: Unit, person: Person) -> None:
        failures = person.failures + 1
        wait = lock_after(failures)
        people.change(unit, person.person_id, failures=failures, locked_until=self._now() + wait if wait else None)

    def _open(
        self,
        unit: Unit,
        person: Person,
        origin: str,
        *,
        kind: str = KIND,
        role: Role | None = None,
        purpose: str = "",
        lasts: timedelta = LONGEST,
    ) -> str:
        now, secret = self._now(), new_secret()
        session = Session(
            digest=self._ring.digest(KIND, secret),
            person_id=person.person_id,
            kind=kind,
            opened_at=now,
            seen_at=now,
            ends_at=now + lasts,
            role=role,
            purpose=purpose,
        )
        sessions.clear(unit, now)
        sessions.open_session(unit, session)
        self._trail.tell(unit, _identity(person, session, origin), "session.open")
        return secret

    def _form_token(self, digest: str) -> str:
        return self._ring.digest("form", digest)


def _checked_reason(by: Identity, person: Person, reason: str) -> str:
    by.check("access.break")
    plain = " ".join(reason.split())
    if not SHORTEST_REASON <= len(plain) <= LONGEST_REASON or not plain.isprintable():
        raise BadData(f"an emergency has a reason, in {SHORTEST_REASON} to {LONGEST_REASON} letters")
    if by.kind in EMERGENCIES:
        raise NotPermitted("an emergency is not opened from within another; sign in anew")
    if person.is_barred or person.client_id != by.client_id:
        raise NotPermitted("an emergency is opened for somebody of this client who may sign in")
    return plain


def lock_after(failures: int) -> timedelta:
    """Return how long an account is locked after so many wrong passwords in a row.

    >>> [lock_after(count).seconds // 60 for count in (1, 4, 5, 6, 7, 8, 9, 100)]
    [0, 0, 1, 2, 4, 8, 15, 15]
    """
    if failures < FREE_FAILURES:
        return timedelta()
    return min(timedelta(minutes=2 ** min(failures - FREE_FAILURES, 10)), LONGEST_LOCK)


def _identity(person: Person, session: Session, origin: str) -> Identity:
    is_emergency = session.kind in EMERGENCIES
    return Identity(
        person.subject,
        session.kind,
        session.role or person.role,
        person.client_id,
        None if is_emergency else person.facilities,
        origin,
        session.purpose,
    )


def _stranger(origin: str) -> Identity:
    """Nobody known; what was typed as a name is not told: people type passwords there."""
    return Identity("unknown", KIND, Role.VIEWER, DEFAULT_CLIENT, origin=origin)
