"""Commands on the database of the service: `store show`, `store up`, `store down`."""

from __future__ import annotations

from typing import Annotated

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.options import Json, settings
from recoup.cli.telling import Teller


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The database of the service and the version of its tables.")
    group.command("show")(show)
    group.command("up")(up)
    group.command("down")(down)
    app.add_typer(group, name="store")


def show(as_json: Json = False) -> None:
    """Show at which version the tables are, and which versions there are; exit 69 when they are not at the one needed."""
    from recoup.store import database_url
    from serving.store import migrations
    from serving.store.store import Store

    tell = Teller(as_json=as_json)
    with Store.open(database_url(settings())) as store:
        at, needed = migrations.current(store), migrations.head()
        tell.json({"version": at, "needed": needed, "versions": [{"version": v, "brought": words} for v, words in migrations.history()]})
        tell.table(["version", "brought", ""], [[v, words, "here" if v == at else ""] for v, words in migrations.history()])
        tell.flush()
        migrations.check(store)


def up(
    to: Annotated[str, typer.Argument(metavar="[VERSION]", help="a version of `recoup store show`")] = "head",
    as_json: Json = False,
) -> None:
    """Bring the tables up to a version, by default the one that this program needs; all steps or none."""
    from recoup.store import database_url
    from serving.store import migrations
    from serving.store.store import Store

    with Store.open(database_url(settings())) as store:
        _tell(Teller(as_json=as_json), migrations.up(store, to), "brought in", migrations.current(store))


def down(
    to: Annotated[str, typer.Argument(metavar="VERSION", help="a version of `recoup store show`, or base for none")],
    yes: Annotated[bool, typer.Option("--yes", help="do it: rows of what is taken out are lost")] = False,
    as_json: Json = False,
) -> None:
    """Take the tables down to a version; the rows of what is taken out are lost, so make a backup first."""
    from features.errors import UsageError
    from recoup.store import database_url
    from serving.store import migrations
    from serving.store.store import Store

    if not yes:
        raise UsageError(f"going down to {to} loses the rows of what is taken out; say --yes, after a backup")
    with Store.open(database_url(settings())) as store:
        _tell(Teller(as_json=as_json), migrations.down(store, to), "taken out", migrations.current(store))


def _tell(tell: Teller, done: list[str], words: str, at: str | None) -> None:
    tell.json({"changed": done, "version": at})
    tell.line(
        f"{words}: {', '.join(done)}; the store is at {at or 'no version'}"
        if done
        else f"nothing to do; the store is at {at or 'no version'}"
    )
