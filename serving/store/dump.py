"""Every row of the store as text and back: the same from either database into either."""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, LargeBinary, Table, func, insert, select, text

import serving.store
from features.errors import CheckFailed
from serving.store.schema import METADATA, Moment
from serving.store.store import Unit

AT_ONCE = 2_000

SEEDED = ("access_log_head",)
"""Tables that have a row before anything happened."""


def tables() -> list[Table]:
    """Return every table, those that others refer to first."""
    for module in pkgutil.iter_modules(serving.store.__path__):
        if not module.ispkg:
            importlib.import_module(f"serving.store.{module.name}")
    return list(METADATA.sorted_tables)


def hold_still(unit: Unit) -> None:
    """See one state of all tables for the rest of the transaction, whatever others change; the first thing to be done in it."""
    if unit.is_postgresql:
        unit.connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    else:
        # SQLite takes its picture with the first read.
        unit.connection.execute(text("SELECT count(*) FROM alembic_version"))


def rows_of(unit: Unit, table: Table) -> Iterator[str]:
    """Yield each row of a table as a line of JSON, in the order of its key."""
    ordered = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=AT_ONCE)
    for row in unit.connection.execute(ordered).mappings():
        told = {column.name: _told(row[column.name]) for column in table.columns}
        yield json.dumps(told, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def add_rows(unit: Unit, table: Table, lines: Iterable[str]) -> int:
    """Put rows into a table that is empty; return how many.

    Raises
    ------
    CheckFailed
        When there are rows already.
    """
    if table.name not in SEEDED and unit.connection.execute(select(func.count()).select_from(table)).scalar_one():
        raise CheckFailed(f"the store has rows in {table.name}; a backup is restored into an empty store")
    count = 0
    for block in _blocks(table, lines):
        if table.name in SEEDED:
            unit.upsert(table, block, update=[column.name for column in table.columns if not column.primary_key])
        else:
            unit.connection.execute(insert(table), block)
        count += len(block)
    _count_on(unit, table)
    return count


def _blocks(table: Table, lines: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
    block: list[dict[str, Any]] = []
    for line in lines:
        row = json.loads(line)
        block.append({column.name: _read(column.type, row[column.name]) for column in table.columns})
        if len(block) >= AT_ONCE:
            yield block
            block = []
    if block:
        yield block


def _count_on(unit: Unit, table: Table) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    column = table.autoincrement_column
    if unit.is_postgresql and column is not None:
        highest = select(func.max(column))
        if (last := unit.connection.execute(highest).scalar()) is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            unit.connection.execute(select(func.setval(sequence, last)))


def _told(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _read(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, LargeBinary) else value
