"""Whether somebody may do something, explained: by the table of roles, the person's or key's row, and the routes of the service.

``python -m recoup.rights > docs/rights.md`` (or ``make docs``) writes the table as a page; a test holds the page to the code.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from features.errors import UsageError
from recoup.dictionary import grid
from recoup.identity import opened_gate
from recoup.settings import Settings
from serving.access import ACTIONS, ROLES, Action, Role, named_action
from serving.api.identity import Open, Permission
from serving.identity.gate import Gate

OPEN = "(open)"


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer and its reasons.

    Parameters
    ----------
    action
        What was asked for; `(open)` for a route that anybody may call.
    route
        The route, where one was asked for.
    role
        The role of the subject.
    may
        The answer.
    because
        Sentences.
    """

    action: str
    route: str | None
    role: Role
    may: bool
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Subject:
    role: Role
    words: str
    is_kept_out: bool = False


def explained(settings: Settings, subject: str, asked: str) -> Explanation:
    """Explain whether a subject may do an action, or call a route.

    Parameters
    ----------
    subject
        A person's name, a key's id, or a role.
    asked
        An action's name, or a method and path of the service, such as `GET /v1/queue`.

    Raises
    ------
    UsageError
        When there is no such subject, action or route.
    """
    with opened_gate(settings) as gate:
        route, policy = _route(settings, gate, asked) if "/" in asked else (None, Permission(named_action(asked).name))
        found = _Subject(Role(subject), f"{subject} is a role") if subject in set(Role) else _subject(gate, subject)
    if isinstance(policy, Open):
        return Explanation(OPEN, route, found.role, True, (f"{route} is open to anybody: {policy.reason}",))
    action = named_action(policy.action)
    is_in_table = found.role in action.roles
    roles = ", ".join(role for role in Role if role in action.roles)
    because = [found.words]
    if route is not None:
        because.append(f"{route} asks for {action.name}")
    because.append(f"{action.name} (to {action.meaning}) is given to {roles}: {'so yes' if is_in_table else 'so no'}")
    if found.is_kept_out and is_in_table:
        because.append("but the way in is closed: so no")
    because.append("rows of other clients and facilities are as if they were not there (404)")
    return Explanation(action.name, route, found.role, is_in_table and not found.is_kept_out, tuple(because))


def _subject(gate: Gate, name: str) -> _Subject:
    person, key, now = gate.accounts.find(name), gate.programs.find(name), gate.now()
    if person is not None:
        sees = "all facilities" if person.facilities is None else f"facilities {', '.join(sorted(person.facilities))}"
        state = ", and is barred" if person.is_barred else ", and is locked for some minutes" if person.is_locked(now) else ""
        words = f"{person.name} signs in as {person.role} of {person.client_id}, {sees}{state}"
        return _Subject(person.role, words, bool(state))
    if key is not None:
        sees = "all facilities" if key.facilities is None else f"facilities {', '.join(sorted(key.facilities))}"
        state = "" if key.is_open(now) else ", and is revoked" if key.revoked_at else ", and has expired"
        return _Subject(key.role, f"key {key.key_id} of {key.owner} is {key.role} of {key.client_id}, {sees}{state}", bool(state))
    raise UsageError(f"{name!r} is no person, no key and no role; `recoup user list` and `recoup key list` show who there is")


def _route(settings: Settings, gate: Gate, asked: str) -> tuple[str, Permission | Open]:
    from recoup.cli.service import routes

    table = routes(settings, gate)
    method, _, path = asked.rpartition(" ")
    found = [(f"{m} {p}", policy) for m, p, policy in table if _fits(p, path) and (not method or m == method.upper())]
    if not found:
        raise UsageError(f"{asked!r} is no route; routes are {', '.join(f'{m} {p}' for m, p, _ in table)}")
    return found[0]


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(part.startswith("{") or part == word for part, word in zip(parts, given, strict=True))


PAGE = """# Rights

This page is made from the code by `make docs`; it is not edited by hand. Each route of the service names the one action that it needs:
`recoup access explain NAME 'GET /v1/queue'` says for a person, a key or a role whether it may, and why. The description of the API
(`GET /v1/openapi.json`) names action and roles of each route too. A row of another client, or of a facility that one does not see, is
answered as if it were not there.

In an emergency (`access.break`) one keeps one's own role, and sees and works the rows of all facilities of the client; of the rights of the
role only those hold that say so under "in an emergency".

## Roles
"""


def rights() -> str:
    """Return the page of roles and actions."""
    roles = grid(["role", "for whom"], [[f"`{role}`", words] for role, words in ROLES.items()])
    head = ["action", *Role, "in an emergency", "lets one", "in the access log"]
    rows = [
        [
            f"`{action.name}`",
            *("yes" if role in action.roles else "" for role in Role),
            "yes" if action.in_emergency else "",
            action.meaning,
            "each use" if action.is_told else "refusals",
        ]
        for action in ACTIONS.values()
    ]
    return "\n".join([PAGE, roles, "## Actions\n", grid(head, rows)])


def _told(action: Action) -> str:
    return "each use" if action.is_told else "refusals"


if __name__ == "__main__":
    sys.stdout.write(rights())
