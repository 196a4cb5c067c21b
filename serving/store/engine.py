"""Connections to the two databases, set up so that an acknowledged change is never lost."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from features.errors import Misconfigured, StorageFailed, Unavailable

WAIT_SECONDS = 5.0
"""How long a transaction waits for its turn before it says "try again"."""

WRITES = "recoup_writes"
"""Execution option of connections whose transactions write."""

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Engines:
    """The way to read and the way to write; both are one engine on PostgreSQL.

    SQLite has one writer: writes of this process take turns at a single connection, in order, instead of polling for the file's lock;
    other processes are waited for by `busy_timeout`.
    """

    reading: Engine
    writing: Engine

    def dispose(self) -> None:
        """Close all connections."""
        self.reading.dispose()
        self.writing.dispose()


def connect(url: str, *, wait_seconds: float = WAIT_SECONDS) -> Engines:
    """Return engines for a database URL; nothing is connected yet, but a SQLite file is made, readable by its owner only.

    Parameters
    ----------
    url
        `sqlite:///relative/path`, `sqlite:////absolute/path` or `postgresql://user:password@host:port/name`.
    wait_seconds
        How long a transaction waits for its turn.

    Raises
    ------
    Misconfigured
        When the URL is none, or of another database.
    StorageFailed
        When the file cannot be made.

    Examples
    --------
    >>> connect("mysql://somewhere/recoup")
    Traceback (most recent call last):
    features.errors.Misconfigured: database_url names mysql; recoup keeps its store in sqlite or postgresql
    """
    parsed = _parsed(url)
    name = parsed.get_backend_name()
    if name == "sqlite":
        return _sqlite(parsed, wait_seconds)
    if name == "postgresql":
        return _postgresql(parsed, wait_seconds)
    raise Misconfigured(f"database_url names {name}; recoup keeps its store in sqlite or postgresql")


def place(url: str) -> str:
    """Say which kind of database a URL names, and where; never a user's password.

    Raises
    ------
    Misconfigured
        When the URL is none.

    Examples
    --------
    >>> place("sqlite:///var/recoup.db"), place("postgresql://recoup:secret@db.example/office?sslmode=require")
    ('SQLite, var/recoup.db', 'PostgreSQL, database office on db.example')
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return f"SQLite, {parsed.database}"
    # A socket stands behind the question mark, and so may a password.
    host = parsed.host or parsed.query.get("host") or "this machine"
    return f"PostgreSQL, database {parsed.database} on {host}" + (f":{parsed.port}" if parsed.port else "")


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # The text may hold a password.
        raise Misconfigured(
            "database_url is not a database URL; like postgresql://recoup@localhost/recoup or sqlite:///recoup.db"
        ) from None


def is_wal_safe(version: Version) -> bool:
    """Tell whether a SQLite library has no WAL-reset bug (3.7.0 to 3.51.2; mended in 3.51.3, 3.50.7 and 3.44.6).

    >>> [is_wal_safe(version) for version in ((3, 40, 1), (3, 44, 6), (3, 50, 6), (3, 50, 7), (3, 51, 2), (3, 51, 3), (3, 53, 0))]
    [False, True, False, True, False, True, True]
    """
    if version >= (3, 51, 3):
        return True
    return version[:2] in ((3, 44), (3, 50)) and version >= {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}[version[:2]]


def _sqlite(url: URL, wait: float) -> Engines:
    if not url.database or url.database == ":memory:":
        raise Misconfigured("database_url names no file; like sqlite:////var/lib/recoup/recoup.db")
    if not is_wal_safe(pysqlite3.sqlite_version_info):
        raise Unavailable(f"SQLite {pysqlite3.sqlite_version} can lose data in WAL mode; install pysqlite3 0.6 or later")
    _make_private(Path(url.database))
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": wait}
    plain = url.set(drivername="sqlite+pysqlite")
    reading = create_engine(
        plain, module=pysqlite3, poolclass=QueuePool, pool_size=8, max_overflow=24, connect_args=arguments, hide_parameters=True
    )
    writing = create_engine(
        plain,
        module=pysqlite3,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=wait,
        connect_args=arguments,
        hide_parameters=True,
    ).execution_options(**{WRITES: True})
    for engine in (reading, writing):
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    event.listen(reading, "connect", _only_read)
    return Engines(reading, writing)


def _make_private(path: Path) -> None:
    """Make the file before SQLite would, so that its rights are ours; its journal files take the same."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageFailed(f"{path}: the store cannot be opened: {error.strerror}") from error


def _set_pragmas(connection: Any, record: object) -> None:
    # The driver would begin transactions by itself, deferred and only before some statements: `_begin` does it.
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _only_read(connection: Any, record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _begin(connection: Connection) -> None:
    """A write that began as a read cannot be waited for (busy_timeout does not cover the upgrade): it begins as a write."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


def _postgresql(url: URL, wait: float) -> Engines:
    """PostgreSQL at its default isolation: rows that a transaction decides on are locked by it, or checked by version."""
    options = f"-c lock_timeout={round(wait * 1000)}ms -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        module=psycopg,
        pool_size=10,
        max_overflow=30,
        pool_timeout=wait,
        # A connection that a restart of the server cut is replaced before it is used.
        pool_pre_ping=True,
        connect_args={"connect_timeout": max(2, round(wait)), "options": options, "application_name": "recoup"},
        hide_parameters=True,
    )
    return Engines(engine.execution_options(postgresql_readonly=True), engine.execution_options(**{WRITES: True}))
