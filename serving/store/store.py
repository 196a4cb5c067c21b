"""The store and its transactions: everything that is kept is read and changed within one unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from features.errors import Unavailable
from serving.log import logger
from serving.outage import Outage
from serving.store.engine import WAIT_SECONDS, WRITES, Engines, connect
from serving.store.faults import faults_told

log = logger("recoup.store")


@dataclass(frozen=True, slots=True)
class Unit:
    """One transaction; functions of the store's nouns take it first.

    Parameters
    ----------
    connection
        The SQLAlchemy connection, within the transaction.
    afterwards
        What is to be done outside the database once the transaction is kept; it must not fail.
    """

    connection: Connection
    afterwards: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_postgresql(self) -> bool:
        """Whether rows can be locked one by one; SQLite has one writer at a time, who needs no other lock."""
        return self.connection.dialect.name == "postgresql"

    @property
    def is_writing(self) -> bool:
        """Whether it was begun to write."""
        return bool(self.connection.get_execution_options().get(WRITES))

    def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], *, update: Sequence[str] = ()) -> None:
        """Insert rows; a row whose primary key is there changes it in these columns instead (none: it is left as it was).

        All rows have the same keys.
        """
        if not rows:
            return
        statement = postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)
        key = [column.name for column in table.primary_key]
        changed = {name: statement.excluded[name] for name in update}
        told = (
            statement.on_conflict_do_update(index_elements=key, set_=changed)
            if changed
            else statement.on_conflict_do_nothing(index_elements=key)
        )
        self.connection.execute(told, list(rows))


class Store:
    """A database that is open.

    Examples
    --------
    >>> import tempfile
    >>> store = Store.open(f"sqlite:///{tempfile.mkdtemp()}/recoup.db")
    >>> with store.write() as unit:
    ...     print(unit.connection.exec_driver_sql("SELECT 1").scalar())
    1
    >>> store.close()
    """

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._outage: Outage | None = None

    @classmethod
    def open(cls, url: str, *, wait_seconds: float = WAIT_SECONDS) -> Store:
        """Open the database of a URL (see `serving.store.engine.connect`); it connects when it is first used.

        `wait_seconds` is how long a transaction waits for its turn before it raises TryAgain.
        """
        return cls(connect(url, wait_seconds=wait_seconds))

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """Begin a transaction that changes something; it is kept when the block ends, and undone when an error leaves it.

        Raises
        ------
        TryAgain
            When others held the database, or the same rows, for too long.
        Unavailable
            When the database does not answer.
        StorageFailed
            When its disk fails.
        CheckFailed
            When the change breaks a rule of the database.
        """
        with self._watched(), self._engines.writing.begin() as connection:
            unit = Unit(connection)
            yield unit
        for do in unit.afterwards:
            do()

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """Begin a transaction that only reads; writing in it fails. Raises as `write` does."""
        with self._watched(), self._engines.reading.begin() as connection:
            yield Unit(connection)

    def tell_outages(self) -> None:
        """Tell the log from now on when the database goes and when it is back: for programs that stay and ask it again and again."""
        self._outage = Outage(log, "the database")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            with faults_told():
                yield
        except Unavailable as error:
            # Only what the database said: who is within a transaction may miss something else.
            if self._outage is not None and isinstance(error.__cause__, DBAPIError):
                self._outage.met(type(error).__name__)
            raise
        if self._outage is not None:
            self._outage.over()

    def close(self) -> None:
        """Close all connections."""
        self._engines.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *left: object) -> None:
        self.close()
