"""Who may do what: identities, and one table of actions by role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from features.errors import NotPermitted, UsageError

DEFAULT_CLIENT = "default"
"""The provider organisation of rows and identities that name none."""

BOOTSTRAP = "api_key"
"""Subject of the key that stands in the settings."""

EMERGENCY = "break_glass"
"""How an identity was shown that somebody opened for themselves in an emergency."""


class Role(StrEnum):
    """What somebody is to the practice; an identity has exactly one."""

    VIEWER = "viewer"
    WORKER = "worker"
    LEAD = "lead"
    ANALYST = "analyst"
    ADMIN = "admin"
    SERVICE = "service"


ROLES: Mapping[Role, str] = {
    Role.VIEWER: "looks, changes nothing",
    Role.WORKER: "works write-offs from the queue",
    Role.LEAD: "works, and runs the queue: assigns, sets capacity, approves",
    Role.ANALYST: "reports, jobs and models; works no write-offs",
    Role.ADMIN: "people, keys, settings and the access log, and everything else",
    Role.SERVICE: "a program of the practice: scores, jobs, the queue, outcomes",
}
"""Every role in a few words."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a route or a command does, and the roles that may.

    Parameters
    ----------
    name
        The noun, a dot and the verb.
    meaning
        What it lets somebody do.
    roles
        Who may.
    is_told
        Whether each use is written to the access log: it shows or changes rows of patients, or rights.
    in_emergency
        Whether who may do it may also in an emergency, which opens all rows of the client to them: it is part of seeing and working rows.
    """

    name: str
    meaning: str
    roles: frozenset[Role]
    is_told: bool = True
    in_emergency: bool = False


def _action(name: str, meaning: str, roles: str, *, is_told: bool = True, in_emergency: bool = False) -> Action:
    return Action(name, meaning, frozenset(Role(word) for word in roles.split()), is_told, in_emergency)


_ALL = "viewer worker lead analyst admin service"

_TABLE = (
    _action("api.describe", "read the description of the API", _ALL, is_told=False, in_emergency=True),
    _action("metrics.read", "read counts of the service", "analyst admin service", is_told=False),
    # Nothing is read from the store and nothing kept; the rows are the caller's own.
    _action("scores.make", "score write-offs that are sent", "worker lead analyst admin service", is_told=False, in_emergency=True),
    _action("queue.read", "see the queue", _ALL, in_emergency=True),
    _action("queue.work", "take, release, skip, snooze, wake and close items", "worker lead admin service", in_emergency=True),
    _action("queue.assign", "give items to others, group them in projects", "lead admin"),
    _action("queue.settings", "set capacity and the share of sample checks", "lead admin"),
    _action("writeoff.read", "see one write-off with its reasons", _ALL, in_emergency=True),
    _action("packet.read", "make the letter and its papers", "worker lead admin service", in_emergency=True),
    _action("packet.attach", "put files behind a letter, or take them away", "worker lead admin service", in_emergency=True),
    _action("outcome.record", "say what came of an effort", "worker lead admin service", in_emergency=True),
    _action("reversal.approve", "approve that the ledger takes a write-off back", "lead admin"),
    _action("export.read", "take many write-offs out as a file", "lead analyst admin"),
    _action("job.run", "upload a file to be scored or audited, read the result", "lead analyst admin service"),
    _action("model.read", "see models and their cards", "viewer worker lead analyst admin service", is_told=False, in_emergency=True),
    _action("model.promote", "change the model that serves", "analyst admin"),
    _action("report.read", "read reports of sums", "viewer lead analyst admin service", is_told=False),
    _action("posting.read", "see who has more findings of posting than others, for training", "lead admin"),
    _action("overpayment.read", "see what may be owed back", "lead admin"),
    _action("overpayment.decide", "write down what was found out about what may be owed back", "lead admin"),
    _action("session.own", "see who one is, stay signed in, change one's password, sign out", _ALL, is_told=False, in_emergency=True),
    _action("user.manage", "add, change and bar people", "admin"),
    _action("key.manage", "make and revoke keys of programs", "admin"),
    _action(
        "access.break",
        "see and work all rows of the client in an emergency, with a reason, for an hour",
        "worker lead admin",
        in_emergency=True,
    ),
    _action("trail.read", "verify and export the access log", "admin"),
)

ACTIONS: Mapping[str, Action] = {action.name: action for action in _TABLE}
"""Every action by its name; routes name theirs, and `docs/security.md` shows this table."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody known: a person, a program with a key, or whoever runs the command line.

    Parameters
    ----------
    subject
        Name for the access log: `person:ID`, `key:ID`.
    kind
        How the identity was shown: `session`, `key`, `break_glass`, `break_glass_admin` or `command`.
    role
        What it may do.
    client_id
        The one organisation whose rows it sees.
    facilities
        The facilities it sees; None for all of the client's.
    origin
        Where from, for the access log: an address, or `command` for the command line.
    purpose
        Why, where a reason had to be given.
    """

    subject: str
    kind: str
    role: Role
    client_id: str = DEFAULT_CLIENT
    facilities: frozenset[str] | None = None
    origin: str = "command"
    purpose: str = ""

    def at(self, origin: str) -> Identity:
        """Return the same identity, seen to come from somewhere; every request asks for it, and `dataclasses.replace` takes its time."""
        return Identity(self.subject, self.kind, self.role, self.client_id, self.facilities, origin, self.purpose)

    def may(self, action: str) -> bool:
        """Tell whether the role holds an action; in an emergency only what belongs to seeing and working rows.

        >>> worker = Identity("person:ana", "session", Role.WORKER)
        >>> worker.may("queue.work"), worker.may("user.manage")
        (True, False)
        >>> lead = Identity("person:lea", EMERGENCY, Role.LEAD)
        >>> lead.may("queue.work"), lead.may("reversal.approve")
        (True, False)
        >>> worker.may("queue.wrok")
        Traceback (most recent call last):
        features.errors.UsageError: 'queue.wrok' is not an action; did you mean queue.work?
        """
        named = named_action(action)
        return self.role in named.roles and (named.in_emergency or not self.is_emergency)

    def check(self, action: str) -> None:
        """Return if `may` says so.

        Raises
        ------
        NotPermitted
            When it does not.
        """
        if not self.may(action):
            meaning = named_action(action).meaning
            if self.is_emergency:
                raise NotPermitted(f"an emergency is for seeing and working rows; a {self.role} may not {meaning} in it ({action})")
            raise NotPermitted(f"a {self.role} may not {meaning} ({action})")

    @property
    def is_emergency(self) -> bool:
        """Whether somebody opened all rows of the client to themselves: with rights of deciding, one person would be two."""
        return self.kind == EMERGENCY

    @property
    def may_work_for_others(self) -> bool:
        """Whether they may act on what is assigned to somebody else: who assigns, and who stands in for somebody in an emergency."""
        return self.may("queue.assign") or (self.is_emergency and self.may("queue.work"))

    def sees(self, client_id: str, facility_id: str | None = None) -> bool:
        """Tell whether a row of this client and facility is this identity's to see; a row without facility is its client's.

        >>> ana = Identity("person:ana", "session", Role.WORKER, "north", frozenset({"F1"}))
        >>> ana.sees("north", "F1"), ana.sees("north"), ana.sees("north", "F2"), ana.sees("south", "F1")
        (True, True, False, False)
        """
        if client_id != self.client_id:
            return False
        return self.facilities is None or facility_id is None or facility_id in self.facilities


def named_action(name: str) -> Action:
    """Return the action of a name.

    Raises
    ------
    UsageError
        When there is none.
    """
    if name not in ACTIONS:
        close = get_close_matches(name, ACTIONS, n=1)
        raise UsageError(f"{name!r} is not an action; " + (f"did you mean {close[0]}?" if close else f"actions are {', '.join(ACTIONS)}"))
    return ACTIONS[name]


def named_role(name: str) -> Role:
    """Return the role of a name.

    >>> named_role("boss")
    Traceback (most recent call last):
    features.errors.UsageError: 'boss' is not a role; roles are viewer, worker, lead, analyst, admin, service
    """
    if name not in set(Role):
        raise UsageError(f"{name!r} is not a role; roles are {', '.join(Role)}")
    return Role(name)
