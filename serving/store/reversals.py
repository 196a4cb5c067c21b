"""Requests to the ledger to take write-offs back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import BigInteger, Column, ColumnElement, Date, Index, RowMapping, Table, Text, func, select, true, update

from serving.store.schema import METADATA, Moment
from serving.store.store import Unit
from serving.store.writeoffs import writeoffs
from serving.worklist.reversals import STANDING, Reversal, ReversalState

reversals = Table(
    "reversal_requests",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("reversal_id", Text, primary_key=True),
    Column("item_id", Text),
    Column("writeoff_id", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("batch_id", Text),
    Column("refused_for", Text),
    Column("note", Text),
    Index("ix_reversal_requests_state", "client_id", "state", "reversal_id"),
    Index("ix_reversal_requests_batch", "client_id", "batch_id"),
    Index("ix_reversal_requests_item", "client_id", "item_id"),
)
"""One row per request."""

_FIELDS = tuple(field.name for field in fields(Reversal))


def ask(unit: Unit, reversal: Reversal) -> None:
    """Add a request; one that is there under the same id stays."""
    unit.upsert(reversals, [asdict(reversal) | {"state": reversal.state.value}])


def find(unit: Unit, client_id: str, reversal_id: str) -> Reversal | None:
    """Return a request, locked until the transaction ends."""
    statement = select(reversals).where(reversals.c.client_id == client_id, reversals.c.reversal_id == reversal_id)
    row = unit.connection.execute(statement.with_for_update()).mappings().first()
    return None if row is None else _of_row(row)


def keep(unit: Unit, reversal: Reversal) -> None:
    """Write a request that was changed."""
    changing = ["state", "decided_by", "decided_at", "batch_id", "refused_for", "note"]
    unit.upsert(reversals, [asdict(reversal) | {"state": reversal.state.value}], update=changing)


def withdraw(unit: Unit, client_id: str, reversal_id: str) -> bool:
    """Withdraw a request; False if it went out already."""
    c = reversals.c
    there = (c.client_id == client_id) & (c.reversal_id == reversal_id) & (c.state != ReversalState.EXPORTED.value)
    return unit.connection.execute(update(reversals).where(there).values(state=ReversalState.WITHDRAWN.value)).rowcount == 1


def asked_of(unit: Unit, client_id: str, writeoff_ids: Sequence[str]) -> dict[str, int]:
    """Return the cents of requests that stand, by write-off that has any."""
    c = reversals.c
    stands = c.state.in_([state.value for state in STANDING])
    statement = select(c.writeoff_id, func.sum(c.cents)).where(c.client_id == client_id, c.writeoff_id.in_(writeoff_ids), stands)
    return {writeoff_id: int(cents) for writeoff_id, cents in unit.connection.execute(statement.group_by(c.writeoff_id))}


def in_state(
    unit: Unit, client_id: str, state: ReversalState, *, facilities: frozenset[str] | None, after: str = "", most: int = 100
) -> list[Reversal]:
    """Return requests in a state by id, those after an id; of write-offs of some facilities, or of none, where they are named."""
    c = reversals.c
    mine = c.client_id == client_id, c.state == state.value, c.reversal_id > after, _in_facilities(client_id, facilities)
    return [_of_row(row) for row in unit.connection.execute(select(reversals).where(*mine).order_by(c.reversal_id).limit(most)).mappings()]


def export(unit: Unit, client_id: str, batch_id: str, *, facilities: frozenset[str] | None) -> Sequence[Reversal]:
    """Give all approved requests to a file and return them; a file of that name that is there is returned as it was.

    Where facilities are named, only of their write-offs: another's have a file of their own under that name.
    """
    c = reversals.c
    mine = c.client_id == client_id, _in_facilities(client_id, facilities)
    of_batch = select(reversals).where(*mine, c.batch_id == batch_id).order_by(c.reversal_id)
    if (there := list(unit.connection.execute(of_batch).mappings())) == []:
        approved = update(reversals).where(*mine, c.state == ReversalState.APPROVED.value)
        unit.connection.execute(approved.values(state=ReversalState.EXPORTED.value, batch_id=batch_id))
        there = list(unit.connection.execute(of_batch).mappings())
    return [_of_row(row) for row in there]


def _in_facilities(client_id: str, facilities: frozenset[str] | None) -> ColumnElement[bool]:
    if facilities is None:
        return true()
    w = writeoffs.c
    seen = w.facility_id.is_(None) | w.facility_id.in_(sorted(facilities))
    return reversals.c.writeoff_id.in_(select(w.writeoff_id).where(w.client_id == client_id, seen))


def _of_row(row: RowMapping) -> Reversal:
    return Reversal(**({name: row[name] for name in _FIELDS} | {"state": ReversalState(row["state"])}))


def of_item(unit: Unit, client_id: str, item_id: str) -> list[Reversal]:
    """Return the requests of an item, by id."""
    c = reversals.c
    statement = select(reversals).where(c.client_id == client_id, c.item_id == item_id).order_by(c.reversal_id).limit(200)
    return [_of_row(row) for row in unit.connection.execute(statement).mappings()]
