"""The last act on each item, so that whoever did it can take it back at once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, get_type_hints

from sqlalchemy import BigInteger, Column, Table, Text, select

from serving.store.items import WORK
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit
from serving.worklist.events import Effort
from serving.worklist.item import Item, State
from serving.worklist.shelf import Undo

undos = Table(
    "item_undos",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("content", Document, nullable=False),
)
"""One row per item; `content` holds the work on it before the act, the efforts that the act spoke of, and its requests."""


def remember(unit: Unit, undo: Undo) -> None:
    """Remember an act, in the place of the one before."""
    content = {
        "work": {name: _told(getattr(undo.before, name)) for name in WORK},
        "efforts": [
            {"key": list(key), "was": None if effort is None else {name: _told(value) for name, value in asdict(effort).items()}}
            for key, effort in undo.efforts.items()
        ],
        "reversals": list(undo.reversals),
    }
    row = {"client_id": undo.before.client_id, "item_id": undo.before.item_id, "version": undo.version, "at": undo.at, "by": undo.by}
    unit.upsert(undos, [row | {"content": content}], update=["version", "at", "by", "content"])


def recall(unit: Unit, item: Item) -> Undo | None:
    """Return the last act on an item; None if there is none."""
    statement = select(undos).where(undos.c.client_id == item.client_id, undos.c.item_id == item.item_id)
    row = unit.connection.execute(statement).mappings().first()
    if row is None:
        return None
    work: dict[str, Any] = _read(Item, row["content"]["work"])
    before = Item(item.client_id, item.item_id, item.remedy, item.worth, **(work | {"state": State(work["state"])}))
    efforts = {
        (told["key"][0], told["key"][1]): None if told["was"] is None else Effort(**_read(Effort, told["was"]))
        for told in row["content"]["efforts"]
    }
    return Undo(before, row["version"], row["at"], row["by"], efforts, tuple(row["content"]["reversals"]))


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _read(kind: type[Item] | type[Effort], told: dict[str, Any]) -> dict[str, Any]:
    """Return values as the fields of a kind hold them: days and moments are text in JSON."""
    hints = {name: str(hint) for name, hint in get_type_hints(kind).items()}
    moments = {name for name, hint in hints.items() if "datetime.datetime" in hint}
    days = {name for name, hint in hints.items() if "datetime.date" in hint} - moments
    readers = dict.fromkeys(moments, datetime.fromisoformat) | dict.fromkeys(days, date.fromisoformat)
    return {name: readers[name](value) if value is not None and name in readers else value for name, value in told.items()}
