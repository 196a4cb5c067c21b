"""Commands on keys of programs: `key create`, `key list`, `key revoke`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.options import Json, settings
from recoup.cli.telling import Teller

Client = Annotated[str, typer.Option("--client", help="organisation whose rows it sees")]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, worker, lead, analyst, admin or service")]
Facilities = Annotated[list[str] | None, typer.Option("--facility", help="a facility to see, may be repeated; default all of the client's")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("Keys of programs.")
    group.command("create")(create)
    group.command("list")(show)
    group.command("revoke")(revoke)
    app.add_typer(group, name="key")


def create(
    role: RoleOption,
    client: Client = "default",
    owner: Annotated[str, typer.Option(help="who answers for it: a person or a system")] = "unnamed program",
    facility: Facilities = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="days until it expires; default never")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it: now, and never again. The first call makes the store."""
    from recoup.identity import opened_gate, operator
    from serving.access import named_role

    chosen, tell = settings(), Teller(as_json=as_json)
    named = named_role(role)
    with opened_gate(chosen) as gate:
        expires_at = None if days is None else gate.now() + timedelta(days=days)
        made = gate.programs.make(
            operator(client), named, owner=owner, facilities=frozenset(facility) if facility else None, expires_at=expires_at
        )
    row = made.row
    tell.json({"key": made.secret, "id": row.key_id, "role": row.role, "client": row.client_id, "expires_at": _moment(row.expires_at)})
    tell.line(made.secret)
    tell.line(f"id {row.key_id}, role {row.role}, client {row.client_id}; it is not shown again. Send it as `Authorization: Bearer KEY`")


def show(
    client: Annotated[str | None, typer.Option("--client", help="only keys of this organisation")] = None, as_json: Json = False
) -> None:
    """List the keys; none is shown."""
    from recoup.identity import opened_gate

    tell = Teller(as_json=as_json)
    with opened_gate(settings()) as gate:
        rows, now = gate.programs.every(client), gate.now()
    states = ["revoked" if row.revoked_at else "open" if row.is_open(now) else "expired" for row in rows]
    tell.json(
        [
            {
                "id": row.key_id,
                "client": row.client_id,
                "role": row.role,
                "facilities": None if row.facilities is None else sorted(row.facilities),
                "owner": row.owner,
                "state": state,
                "created_at": _moment(row.created_at),
                "created_by": row.created_by,
                "expires_at": _moment(row.expires_at),
                "revoked_at": _moment(row.revoked_at),
            }
            for row, state in zip(rows, states, strict=True)
        ]
    )
    table = [
        [row.key_id, row.client_id, row.role, row.owner, state, _moment(row.created_at) or "", _moment(row.expires_at) or "never"]
        for row, state in zip(rows, states, strict=True)
    ]
    tell.table(["id", "client", "role", "owner", "state", "made", "expires"], table)


def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="id of the key, not the key")], as_json: Json = False) -> None:
    """Close a key; services refuse it within a second."""
    from recoup.identity import opened_gate, operator

    tell = Teller(as_json=as_json)
    with opened_gate(settings()) as gate:
        found = gate.programs.find(key_id)
        row = gate.programs.revoke(operator(found.client_id) if found is not None else operator(), key_id)
    tell.json({"id": row.key_id, "revoked": True})
    tell.line(f"key {row.key_id} of {row.owner} opens nothing any more")


def _moment(at: object) -> str | None:
    from datetime import datetime

    return at.isoformat(timespec="seconds") if isinstance(at, datetime) else None
