"""The versions of the store's tables: where a database stands, and bringing it up or down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from features.errors import Misconfigured, Unavailable, UsageError
from serving.store.schema import METADATA
from serving.store.store import Store, Unit

FOLDER = Path(__file__).parent
ONE_AT_A_TIME = 8_153_407
"""Key of the advisory lock that migrations of one PostgreSQL database take turns at; any number would do."""


def head() -> str:
    """Return the version that this program needs."""
    found = _script().get_current_head()
    assert found is not None
    return found


def history() -> list[tuple[str, str]]:
    """Return every version and what it brought, oldest first."""
    return [(script.revision, script.doc) for script in reversed(list(_script().walk_revisions()))]


def current(store: Store) -> str | None:
    """Return the version that a database is at; None: it is empty."""
    with store.read() as unit:
        return MigrationContext.configure(unit.connection).get_current_revision()


def up(store: Store, to: str = "head") -> list[str]:
    """Bring a database up to a version; all steps or none. Several processes may try at once: one does it.

    Returns
    -------
    list of str
        The versions that were brought in; empty when it was there already.
    """
    script = _script()
    return _run(store, script, to, lambda at: script._upgrade_revs(_known(script, to), at))


def down(store: Store, to: str) -> list[str]:
    """Bring a database down to a version, or to `base`, which is empty; all steps or none, and their rows are gone.

    Returns
    -------
    list of str
        The versions that were taken out.
    """
    script = _script()
    return _run(store, script, to, lambda at: script._downgrade_revs(_known(script, to), at))


def up_if_behind(store: Store) -> None:
    """Bring a database up unless it is at the newest version, or at one that this program does not know."""
    at = current(store)
    if at != head() and (at is None or at in dict(history())):
        up(store)


def check(store: Store) -> None:
    """Raise unless a database is at the version that this program needs.

    Raises
    ------
    Unavailable
        When it is empty, behind, or ahead of this program.
    """
    at = current(store)
    if at == head():
        return
    if at is None:
        raise Unavailable("the store is empty; `recoup store up` makes its tables")
    if at in dict(history()):
        raise Unavailable(f"the store is at version {at}, this program needs {head()}; `recoup store up` brings it there")
    raise Unavailable(f"the store is at version {at}, which is newer than this program ({head()}); install the newer recoup")


def _run(store: Store, script: ScriptDirectory, to: str, steps: Callable[[Any], list[Any]]) -> list[str]:
    done: list[str] = []

    def planned(at: Any, context: MigrationContext) -> list[Any]:
        found = steps(at)
        done.extend(step.revision.revision for step in found)
        return found

    with store.write() as unit:
        _take_turn(unit)
        with EnvironmentContext(_config(), script, fn=planned, destination_rev=to) as environment:
            environment.configure(connection=unit.connection, target_metadata=METADATA, transactional_ddl=True)
            environment.run_migrations()
    return done


def _take_turn(unit: Unit) -> None:
    if unit.is_postgresql:
        unit.connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
        unit.connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")


def _known(script: ScriptDirectory, to: str) -> str:
    names = ["head", "base", *(revision.revision for revision in script.walk_revisions())]
    if to not in names:
        raise UsageError(f"{to!r} is no version of the store; there are {', '.join(names)}")
    return to


def _script() -> ScriptDirectory:
    found = ScriptDirectory.from_config(_config())
    if len(found.get_heads()) != 1:
        raise Misconfigured(
            f"the store has {len(found.get_heads())} newest versions ({', '.join(found.get_heads())}); one must follow the other"
        )
    return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("version_locations", str(FOLDER / "versions").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
