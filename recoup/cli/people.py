"""Commands on people and rights: `user add`, `list`, `role`, `reset`, `bar`, `unbar`, `link`, `break-glass`; `access explain`, `table`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.keys import Client, Facilities, RoleOption
from recoup.cli.options import Json, settings
from recoup.cli.telling import Teller

if TYPE_CHECKING:
    from recoup.settings import Settings
    from serving.access import Identity
    from serving.identity.gate import Gate
    from serving.store.people import Person

Name = Annotated[str, typer.Argument(metavar="NAME", help="what they sign in with")]
MOST_PASSWORD = 1000


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("People who sign in.")
    for name, command in (
        ("add", add),
        ("list", show),
        ("role", role),
        ("reset", reset),
        ("bar", bar),
        ("unbar", unbar),
        ("link", link),
        ("break-glass", break_glass),
    ):
        group.command(name)(command)
    app.add_typer(group, name="user")
    rights = group_of_commands("Who may do what.")
    rights.command("explain")(explain)
    rights.command("table")(table)
    app.add_typer(rights, name="access")


def add(
    name: Name,
    role: RoleOption,
    client: Client = "default",
    facility: Facilities = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")] = False,
    as_json: Json = False,
) -> None:
    """Add a person; prints a password that must be changed at the first sign-in, unless one is given."""
    from recoup.identity import opened_gate, operator
    from serving.access import named_role

    tell, named = Teller(as_json=as_json), named_role(role)
    password = sys.stdin.read(MOST_PASSWORD).rstrip("\r\n") if password_stdin else None
    with opened_gate(settings()) as gate:
        person, made = gate.accounts.add(
            operator(client), name, named, facilities=frozenset(facility) if facility else None, password=password
        )
    tell.json({"name": person.name, "role": person.role, "client": person.client_id, **({"password": made} if made else {})})
    tell.line(f"{person.name} may sign in as {person.role} of {person.client_id}")
    if made:
        tell.line(f"password for the first time: {made}")


def show(
    client: Annotated[str | None, typer.Option("--client", help="only people of this organisation")] = None, as_json: Json = False
) -> None:
    """List the people."""
    from recoup.identity import opened_gate

    tell = Teller(as_json=as_json)
    with opened_gate(settings()) as gate:
        rows, now = gate.accounts.everybody(client), gate.now()
    states = ["barred" if row.is_barred else "locked" if row.is_locked(now) else "open" for row in rows]
    tell.json(
        [
            {
                "name": row.name,
                "client": row.client_id,
                "role": row.role,
                "facilities": None if row.facilities is None else sorted(row.facilities),
                "state": state,
                "signs_in_by": "provider" if row.password_hash is None else "password",
            }
            for row, state in zip(rows, states, strict=True)
        ]
    )
    shown = [
        [row.name, row.client_id, row.role, "all" if row.facilities is None else ", ".join(sorted(row.facilities)), state]
        for row, state in zip(rows, states, strict=True)
    ]
    tell.table(["name", "client", "role", "facilities", "state"], shown)


def role(name: Name, role: RoleOption, facility: Facilities = None) -> None:
    """Give a person another role; without --facility they see all of their client's."""
    from serving.access import named_role

    named = named_role(role)
    _change(
        name, lambda gate, by: gate.accounts.set_role(by, name, named, frozenset(facility) if facility else None), f"{name} is {named} now"
    )


def reset(name: Name, as_json: Json = False) -> None:
    """Give a person a new password, which must be changed at the next sign-in; their sessions end."""
    from recoup.identity import opened_gate

    tell = Teller(as_json=as_json)
    with opened_gate(settings()) as gate:
        made = gate.accounts.reset(_operator_of(gate, name), name)
    tell.json({"name": name, "password": made})
    tell.line(f"password for the next time: {made}")


def bar(name: Name) -> None:
    """Keep a person out; their sessions end at once."""
    _change(name, lambda gate, by: gate.accounts.bar(by, name), f"{name} is kept out")


def unbar(name: Name) -> None:
    """Let a person in again, also one who was locked out by wrong passwords."""
    _change(name, lambda gate, by: gate.accounts.unbar(by, name), f"{name} may sign in again")


def link(
    name: Name,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="how long it is good")] = 15,
    as_json: Json = False,
) -> None:
    """Print an address that signs a person in once; give it to nobody else."""
    from recoup.identity import opened_gate

    chosen, tell = settings(), Teller(as_json=as_json)
    with opened_gate(chosen) as gate:
        secret = gate.accounts.link(_operator_of(gate, name), name, minutes=minutes)
    address = _entrance(chosen, secret)
    tell.json({"name": name, "address": address, "minutes": minutes})
    tell.line(f"open {address}")
    tell.line(f"it works once, within {minutes} minutes")


def break_glass(
    name: Name,
    reason: Annotated[str, typer.Option(help="why; it stands in the access log with everything that is done")],
    as_json: Json = False,
) -> None:
    """Open an hour of emergency access as admin for a person, as when the identity provider is down; loudly logged."""
    from recoup.identity import opened_gate

    chosen, tell = settings(), Teller(as_json=as_json)
    with opened_gate(chosen) as gate:
        secret = gate.visits.break_glass_link(_operator_of(gate, name), _person(gate, name), reason)
    address = _entrance(chosen, secret)
    tell.json({"name": name, "address": address})
    tell.line(f"open {address}")
    tell.line("it works once, within 15 minutes, and ends an hour after it was opened; everything that is done is logged with the reason")


def explain(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="a person's name, a key's id, or a role")],
    asked: Annotated[str, typer.Argument(metavar="ACTION|ROUTE", help="an action such as queue.work, or a route such as 'GET /v1/queue'")],
    as_json: Json = False,
) -> None:
    """Say whether somebody may do something, and why; exit 77 when not."""
    from recoup.rights import explained

    tell = Teller(as_json=as_json)
    said = explained(settings(), subject, asked)
    tell.json({"subject": subject, "action": said.action, "route": said.route, "role": said.role, "may": said.may, "because": said.because})
    tell.lines(said.because)
    if not said.may:
        raise typer.Exit(77)


def table(as_json: Json = False) -> None:
    """Show which roles may do what."""
    from serving.access import ACTIONS, Role

    tell = Teller(as_json=as_json)
    tell.json({action.name: sorted(action.roles) for action in ACTIONS.values()})
    rows = [[action.name, *("yes" if role in action.roles else "-" for role in Role), action.meaning] for action in ACTIONS.values()]
    tell.table(["action", *Role, "what it lets one do"], rows)


def _entrance(chosen: Settings, secret: str) -> str:
    return f"{chosen.public_url or f'http://127.0.0.1:{chosen.port}'}/enter?token={secret}"


def _change(name: str, do: Callable[[Gate, Identity], None], words: str) -> None:
    from recoup.identity import opened_gate

    with opened_gate(settings()) as gate:
        do(gate, _operator_of(gate, name))
    Teller().line(words)


def _operator_of(gate: Gate, name: str) -> Identity:
    from recoup.identity import operator

    return operator(_person(gate, name).client_id)


def _person(gate: Gate, name: str) -> Person:
    from features.errors import UsageError

    found = gate.accounts.find(name)
    if found is None:
        raise UsageError("nobody signs in with this name; `recoup user list` shows who does")
    return found
