"""What a database says when it fails, as errors of recoup; the texts name no value of a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from features.errors import CheckFailed, RecoupError, StorageFailed, TryAgain, Unavailable

BUSY = ("database is locked", "database table is locked", "database is busy")
FULL = ("database or disk is full", "disk i/o error", "readonly database", "malformed", "not a database")
AGAIN_STATES = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, lock not available (PostgreSQL 18, appendix A)."""

REFUSED = ("authentication failed", "no password supplied")
NO_DATABASE = re.compile(r'database "[^"]*" does not exist')
"""PostgreSQL says these before there is a connection, without a SQLSTATE."""

FULL_STATES = ("53100", "58030")
"""Disk full, I/O error."""


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn failures of the database that leave this block into errors of recoup."""
    try:
        yield
    except DBAPIError as error:
        raise fault(error) from error
    except PoolTimeout as error:
        raise TryAgain("the database is busy with other requests; try again") from error


def fault(error: DBAPIError) -> RecoupError:
    """Return the error of recoup that a failure of the database is."""
    state, text = str(getattr(error.orig, "sqlstate", None) or ""), str(error.orig).lower()
    if isinstance(error, IntegrityError):
        return CheckFailed(f"the store refused a change that breaks its rules{_constraint(error)}")
    if state in AGAIN_STATES or any(words in text for words in BUSY):
        return TryAgain("somebody else is changing the same rows; try again")
    if state in FULL_STATES or any(words in text for words in FULL):
        return StorageFailed("the store cannot write: its disk is full, read-only or damaged")
    if "no such table" in text or "no such column" in text or state in ("42P01", "42703"):
        return Unavailable("the store is of another version than this program; `recoup store up` brings it to this one")
    if not state and any(words in text for words in REFUSED):
        return Unavailable("the database refuses the user or the password of `database_url`")
    if not state and NO_DATABASE.search(text):
        return Unavailable("the server has no database of the name in `database_url`; `createdb` makes one")
    return Unavailable(f"the database does not answer{f' (SQLSTATE {state})' if state else ''}; see `database_url` in `recoup config show`")


def _constraint(error: IntegrityError) -> str:
    """Name the constraint where the database does: PostgreSQL always, SQLite with columns in its place."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name:
        return f" ({name})"
    _, colon, columns = str(error.orig).partition("constraint failed: ")
    return f" ({columns})" if colon else ""
