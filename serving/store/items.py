"""Work items: where the work on each stands, what scoring says of it, and the queries that a queue needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Float,
    Index,
    Integer,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    text,
    true,
    update,
)

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit
from serving.worklist.item import READY, Item, State, Worth
from serving.worklist.shelf import Wanted

items = Table(
    "work_items",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("remedy", Text, nullable=False),
    Column("payer_id", Text, nullable=False),
    Column("claim_id", Text),
    Column("facility_id", Text),
    Column("carc", Text),
    Column("family", Text),
    Column("category", Text),
    Column("writeoffs", Integer, nullable=False),
    Column("written_off", BigInteger, nullable=False),
    Column("recoverable", BigInteger, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("probability", Float, nullable=False),
    Column("hours", Float, nullable=False),
    Column("value_per_hour", BigInteger, nullable=False),
    Column("deadline_on", Date),
    Column("deadline_source", Text),
    Column("as_of", Date, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("effort", Integer, nullable=False),
    Column("changed_at", Moment),
    Column("changed_by", Text),
    Column("assigned_to", Text),
    Column("leased_to", Text),
    Column("leased_until", Moment),
    Column("snoozed_until", Date),
    Column("worked_on", Date),
    Column("sent_on", Date),
    Column("follow_up_on", Date),
    Column("decided_on", Date),
    Column("reason", Text),
    Column("project_id", Text),
    Column("in_lot", Boolean, nullable=False),
    Column("lot_share", Float, nullable=False),
    Column("lot_order", Float, nullable=False),
    Column("came_with", Text),
    Column("chosen", Text),
    Column("chance", Float),
    Column("next_deadline_on", Date),
    Column("next_deadline_source", Text),
    Column("is_ready", Boolean, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("lapses_on", Date),
)
"""One row per client and item; the last three follow from the others, and are kept so that the queue can be searched by them; an item
without a last day is due on the last day there is, so that databases sort it alike."""

_c = items.c
_IS_WAITING_CHECK = and_(_c.in_lot, _c.state == State.OPEN.value, _c.worked_on.is_(None))


def _index(name: str, *columns: Any, flags: str = "", where: str = "") -> None:
    """Add an index, if wanted of rows only that have these flags: as each database writes them in the queries below."""
    ones, trues = " AND ".join(f"{flag} = 1" for flag in flags.split()), " AND ".join(flags.split())
    partial: dict[str, Any] = {"sqlite_where": text(where or ones), "postgresql_where": text(where or trues)} if flags or where else {}
    Index(f"ix_work_items_{name}", *columns, **partial)


# What a turn asks of an item beside its place: it stands in the indexes of turns, so that those passed over cost no look at the row.
_ASKED = (_c.lapses_on, _c.snoozed_until, _c.leased_until, _c.assigned_to, _c.facility_id)

# What is worked next: by value, of one payer, before it lapses and as a sample check.
_index("ready", _c.client_id, _c.value_per_hour.desc(), _c.item_id, *_ASKED, flags="is_ready")
_index("ready_payer", _c.client_id, _c.payer_id, _c.value_per_hour.desc(), _c.item_id, flags="is_ready")
_index("ready_lapses", _c.client_id, _c.lapses_on, _c.value_per_hour, _c.item_id, *_ASKED[1:], flags="is_ready")
_index("lot", _c.client_id, _c.lot_order, _c.item_id, _c.state, _c.worked_on, *_ASKED, flags="in_lot is_ready")
# What lists are sorted and searched by.
_index("ready_expected", _c.client_id, _c.expected.desc(), _c.item_id, flags="is_ready")
_index("ready_due", _c.client_id, _c.due_on, _c.item_id, flags="is_ready")
_index("state", _c.client_id, _c.state, _c.value_per_hour.desc(), _c.item_id)
_index("follow_up", _c.client_id, _c.state, _c.follow_up_on, _c.item_id)
_index("assigned", _c.client_id, _c.assigned_to, _c.value_per_hour.desc(), where="assigned_to IS NOT NULL")
_index("leased", _c.client_id, _c.leased_to, where="leased_to IS NOT NULL")
_index("claim", _c.client_id, _c.claim_id)
_index("project", _c.client_id, _c.project_id, where="project_id IS NOT NULL")

WORTH = tuple(name for name in Worth.__dataclass_fields__)
"""Columns that scoring writes."""

WORK = tuple(name for name in Item.__dataclass_fields__ if name not in ("client_id", "item_id", "remedy", "worth"))
"""Columns that people's work writes."""


def of_row(row: RowMapping) -> Item:
    """Return the item that a row is."""
    worth = Worth(**{name: row[name] for name in WORTH})
    work = {name: row[name] for name in WORK}
    return Item(row["client_id"], row["item_id"], row["remedy"], worth, **(work | {"state": State(row["state"])}))


def to_row(item: Item) -> dict[str, Any]:
    """Return the row that an item is."""
    return {"client_id": item.client_id, "item_id": item.item_id, "remedy": item.remedy, **asdict(item.worth), **_work(item)}


def _work(item: Item) -> dict[str, Any]:
    found = {name: getattr(item, name) for name in WORK}
    due = item.due_on or date.max
    return found | {
        "state": item.state.value,
        "is_ready": item.state in READY,
        "due_on": due,
        "lapses_on": item.lapses_on,
    }


def find(unit: Unit, client_id: str, item_id: str, *, lock: bool = False) -> Item | None:
    """Return an item, if wanted locked until the transaction ends; None if there is none."""
    statement = select(items).where(_c.client_id == client_id, _c.item_id == item_id)
    row = unit.connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return None if row is None else of_row(row)


def find_many(unit: Unit, client_id: str, item_ids: Sequence[str], *, lock: bool = False) -> dict[str, Item]:
    """Return those items that are there, by id; at most some thousands at once."""
    # In one order, so that two who lock the same items do not wait for each other.
    statement = select(items).where(_c.client_id == client_id, _c.item_id.in_(item_ids)).order_by(_c.item_id)
    rows = unit.connection.execute(statement.with_for_update() if lock else statement).mappings()
    return {row["item_id"]: of_row(row) for row in rows}


def keep_work(unit: Unit, item: Item, *, seen: int) -> bool:
    """Write what people changed; False if the item is no longer at version `seen`."""
    changed = update(items).where(_c.client_id == item.client_id, _c.item_id == item.item_id, _c.version == seen).values(_work(item))
    return unit.connection.execute(changed).rowcount == 1


def keep_scored(unit: Unit, changed: Sequence[Item]) -> None:
    """Write items with what scoring says of them; of those that are there, work, state and version stay, but for OPEN and WITHDRAWN."""
    unit.upsert(items, [to_row(item) for item in changed], update=["remedy", *WORTH, "state", "is_ready", "due_on", "lapses_on"])


def best(unit: Unit, wanted: Wanted, most: int) -> list[Item]:
    """Return the first items that may be offered, locked; those that another transaction holds are passed over.

    One's own come first, then those whose last day is near, then the others; each by value per hour and id.
    """
    mine, free = _c.assigned_to == wanted.subject, _c.assigned_to.is_(None)
    near = and_(free, _c.lapses_on <= wanted.today + timedelta(days=wanted.pin_days), _c.value_per_hour > 0)
    by_value = (_c.value_per_hour.desc(), _c.item_id)
    # A sum has no index: of the few that lapse soon all are looked at, instead of all items in order of value until one lapses soon.
    sorted_apart = ((_c.value_per_hour + 0).desc(), _c.item_id)
    found: list[str] = []
    for group, order in ((mine, sorted_apart), (near, sorted_apart), (free, by_value)):
        if len(found) < most:
            others = _c.item_id.not_in(found) if found else true()
            found += _locked(unit, _offered(wanted).where(group, others).order_by(*order).limit(most - len(found)))
    there = find_many(unit, wanted.client_id, found)
    return [there[item_id] for item_id in found]


def next_check(unit: Unit, wanted: Wanted) -> Item | None:
    """Return the first sample check that waits, locked; None if none does."""
    statement = _offered(wanted).where(_IS_WAITING_CHECK).order_by(_c.lot_order, _c.item_id).limit(1)
    return next((find(unit, wanted.client_id, item_id) for item_id in _locked(unit, statement)), None)


def waiting_checks(unit: Unit, wanted: Wanted) -> int:
    """Return how many sample checks wait."""
    statement = select(func.count()).select_from(items).where(*_conditions(wanted), _IS_WAITING_CHECK)
    return int(unit.connection.execute(statement).scalar_one())


def _locked(unit: Unit, statement: Select[Any]) -> list[str]:
    return list(unit.connection.execute(statement.with_for_update(skip_locked=True)).scalars())


def _offered(wanted: Wanted) -> Select[Any]:
    return select(_c.item_id).where(*_conditions(wanted))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    narrowed = {_c.payer_id: wanted.payer_id, _c.carc: wanted.carc, _c.remedy: wanted.remedy, _c.project_id: wanted.project_id}
    return [
        _c.client_id == wanted.client_id,
        _c.is_ready,
        in_facilities(wanted.facilities),
        or_(_c.assigned_to.is_(None), _c.assigned_to == wanted.subject),
        or_(_c.leased_until.is_(None), _c.leased_until <= wanted.now),
        or_(_c.snoozed_until.is_(None), _c.snoozed_until <= wanted.today),
        or_(_c.lapses_on.is_(None), _c.lapses_on >= wanted.today),
        *(column == value for column, value in narrowed.items() if value is not None),
    ]


def in_facilities(facilities: frozenset[str] | None) -> ColumnElement[bool]:
    """Return the condition that an item is of these facilities, or of none."""
    return true() if facilities is None else or_(_c.facility_id.is_(None), _c.facility_id.in_(sorted(facilities)))


def of_claim(unit: Unit, client_id: str, claim_id: str) -> list[Item]:
    """Return the items of a claim, by id; those withdrawn left out."""
    statement = select(items).where(_c.client_id == client_id, _c.claim_id == claim_id, _c.state != State.WITHDRAWN.value)
    return [of_row(row) for row in unit.connection.execute(statement.order_by(_c.item_id).limit(50)).mappings()]
