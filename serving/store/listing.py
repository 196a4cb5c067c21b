"""Lists of items, page by page, and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from serving.access import Identity
from serving.store.efforts import efforts
from serving.store.items import in_facilities, items, of_row
from serving.store.reversals import reversals
from serving.store.scores import scores
from serving.store.store import Unit
from serving.worklist.item import State
from serving.worklist.listing import Decided, Page, Query, Sort, Totals, Week, Which, cursor_of, read_cursor
from serving.worklist.reversals import ReversalState

_c = items.c
_COLUMN = {Sort.VALUE: _c.value_per_hour, Sort.EXPECTED: _c.expected, Sort.DUE: _c.due_on, Sort.FOLLOW_UP: _c.follow_up_on}
_DESCENDING = (Sort.VALUE, Sort.EXPECTED)
_NARROWED = ("payer_id", "carc", "family", "category", "remedy", "facility_id", "project_id")
_STATES: dict[Which, list[str]] = {which: [which.value] for which in Which if which.value in {state.value for state in State}}
_STATES[Which.ALL] = [state.value for state in State if state is not State.WITHDRAWN]
"""Lists that are all items of some states."""
_DONE = [state.value for state in (State.WON, State.LOST, State.SKIPPED, State.CLOSED, State.WITHDRAWN)]
MOST_NAMED = 200
"""Items of one claim that are looked at."""
WAKING_DAYS = 7
"""Days within which an item that sleeps has to wake to be counted in the week's work."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a week's work is chosen from.

    Parameters
    ----------
    all, paying
        Sums of all of it, and of what of it brings more than it costs.
    waking
        How many of all sleep now and wake within `WAKING_DAYS`.
    """

    all: Totals
    paying: Totals
    waking: int


def page(unit: Unit, who: Identity, query: Query, *, now: datetime, today: date) -> Page:
    """Return one page of what somebody may see.

    Raises
    ------
    BadData
        When the cursor is of no list, or of one in another order.
    """
    sort = query.order
    column = _COLUMN[sort]
    statement = select(items).where(*_conditions(unit, who, query, now, today))
    if sort is Sort.FOLLOW_UP and query.which is not Which.FOLLOW_UP:
        statement = statement.where(_c.follow_up_on.is_not(None))
    if query.after is not None:
        place, item_id = read_cursor(query.after, sort)
        beyond = column < place if sort in _DESCENDING else column > place
        # Said twice, so that an index can begin at the place.
        reached = column <= place if sort in _DESCENDING else column >= place
        statement = statement.where(reached, or_(beyond, _c.item_id > item_id))
    ordered = statement.order_by(column.desc() if sort in _DESCENDING else column, _c.item_id).limit(query.size + 1)
    found = [of_row(row) for row in unit.connection.execute(ordered).mappings()]
    shown = tuple(found[: query.size])
    return Page(shown, cursor_of(shown[-1], sort) if len(found) > query.size else None)


def totals(unit: Unit, who: Identity, query: Query, *, now: datetime, today: date) -> Totals:
    """Return the sums over a whole list."""
    return _sums(unit, _conditions(unit, who, query, now, today))


def _sums(unit: Unit, conditions: Sequence[ColumnElement[bool]]) -> Totals:
    sums = [func.coalesce(func.sum(column), 0) for column in (_c.written_off, _c.expected, _c.net, _c.hours)]
    row = unit.connection.execute(select(func.count(), *sums).select_from(items).where(*conditions)).one()
    return Totals(int(row[0]), int(row[1]), int(row[2]), int(row[3]), round(float(row[4]), 2))


def sums_by(unit: Unit, who: Identity, query: Query, name: str, *, now: datetime, today: date) -> dict[str | None, Totals]:
    """Return the sums of a list by one of the columns that lists are narrowed by, such as `payer_id`; what is to bring most first.

    By `holder` they are those of whoever has the items: who holds one on lease, as those of a batch, else who was given it.
    """
    if name not in (*_NARROWED, "assigned_to", "holder", "state"):
        raise KeyError(name)
    # A label of its own, so that the group is what is selected, not bound values that only look alike.
    place = (case((_c.leased_until > now, _c.leased_to), else_=_c.assigned_to) if name == "holder" else _c[name]).label("place")
    columns = (_c.written_off, _c.expected, _c.net, _c.hours)
    inner = select(place, *columns).where(*_conditions(unit, who, query, now, today)).subquery()
    sums = [func.coalesce(func.sum(inner.c[column.name]), 0) for column in columns]
    grouped = select(inner.c.place, func.count(), *sums).group_by(inner.c.place)
    rows = sorted(unit.connection.execute(grouped).all(), key=lambda row: (-int(row[3]), row[0] or ""))
    return {row[0]: Totals(int(row[1]), int(row[2]), int(row[3]), int(row[4]), round(float(row[5]), 2)) for row in rows}


def came_in(unit: Unit, who: Identity, query: Query, *, now: datetime, today: date) -> int:
    """Return the cents that came in for the items of a whole list, net of what was taken back."""
    statement = select(_CAME).select_from(_WORKED.join(items, and_(_c.client_id == scores.c.client_id, _c.item_id == scores.c.item_id)))
    return int(unit.connection.execute(statement.where(*_conditions(unit, who, query, now, today))).scalar_one())


_NAMED_AT_ONCE = 5000
"""So many items are named in one statement: databases take no more than some ten thousand names."""


def came_of(unit: Unit, who: Identity, item_ids: Sequence[str]) -> dict[str, int]:
    """Return the cents that came in for some items, net of what was taken back, by item that any effort is known of."""
    s, found = scores.c, dict[str, int]()
    for start in range(0, len(item_ids), _NAMED_AT_ONCE):
        some = s.item_id.in_(item_ids[start : start + _NAMED_AT_ONCE])
        statement = select(s.item_id, _CAME).select_from(_WORKED).where(s.client_id == who.client_id, some).group_by(s.item_id)
        found |= {row[0]: int(row[1]) for row in unit.connection.execute(statement)}
    return found


def refused_of(unit: Unit, who: Identity, item_ids: Sequence[str]) -> frozenset[str]:
    """Return which of some items have a request to the ledger that a second person refused."""
    r = reversals.c
    statement = select(r.item_id).where(r.client_id == who.client_id, r.item_id.in_(item_ids), r.state == ReversalState.REFUSED.value)
    return frozenset(unit.connection.execute(statement).scalars())


# By the write-offs that are in an item now, as the page of an item sums them: an effort made elsewhere counts, whoever told of it.
_WORKED = scores.join(efforts, and_(efforts.c.client_id == scores.c.client_id, efforts.c.writeoff_id == scores.c.writeoff_id))
_CAME = func.coalesce(func.sum(func.coalesce(efforts.c.recovered, 0) - efforts.c.taken_back), 0)


def counts(unit: Unit, who: Identity, *, now: datetime, today: date) -> dict[Which, int]:
    """Return how many items each list has, for the tabs above them."""
    mine = [_c.client_id == who.client_id, in_facilities(who.facilities)]
    rows = unit.connection.execute(select(_c.state, func.count()).where(*mine).group_by(_c.state))
    by_state: dict[str, int] = {row[0]: int(row[1]) for row in rows}
    found = {}
    for which in Which:
        if which in _STATES:
            found[which] = sum(by_state.get(state, 0) for state in _STATES[which])
        else:
            statement = select(func.count()).select_from(items).where(*_conditions(unit, who, Query(which), now, today))
            found[which] = int(unit.connection.execute(statement).scalar_one())
    return found


def _conditions(unit: Unit, who: Identity, query: Query, now: datetime, today: date) -> list[ColumnElement[bool]]:
    narrowed: list[ColumnElement[bool]] = [_c[name] == value for name in _NARROWED if (value := getattr(query, name)) is not None]
    if query.assigned_to is not None:
        narrowed.append(_has(query.assigned_to, now))
    if query.claim_id is not None:
        narrowed.append(_c.item_id.in_(_named(unit, who, query.claim_id)))
    if query.due_before is not None:
        narrowed.append(_c.due_on < query.due_before)
    if query.pinned_before is not None:
        narrowed += [_c.lapses_on >= today, _c.lapses_on < query.pinned_before, _c.value_per_hour > 0]
    if query.least_expected is not None:
        narrowed.append(_c.expected >= query.least_expected)
    return [_c.client_id == who.client_id, in_facilities(who.facilities), _which(who, query.which, now, today), *narrowed]


def _has(subject: str, now: datetime) -> ColumnElement[bool]:
    """Return the condition that somebody was given an item, or holds it."""
    return or_(_c.assigned_to == subject, and_(_c.leased_to == subject, _c.leased_until > now))


def _named(unit: Unit, who: Identity, number: str) -> list[str]:
    """Return the ids of items of a claim of this number, else of those that hold a write-off of this number; in capitals or not.

    As it is written first, which an index answers; only what is not found so is looked for among all numbers.
    """
    s = scores.c
    for as_asked in (lambda column: column == number, lambda column: func.lower(column) == func.lower(number)):
        for column, item_id, client_id in ((_c.claim_id, _c.item_id, _c.client_id), (s.writeoff_id, s.item_id, s.client_id)):
            statement = select(item_id).where(client_id == who.client_id, item_id.is_not(None), as_asked(column))
            if found := list(unit.connection.execute(statement.limit(MOST_NAMED)).scalars()):
                return found
    return []


def _which(who: Identity, which: Which, now: datetime, today: date) -> ColumnElement[bool]:
    conditions: dict[Which, Any] = {
        Which.READY: and_(
            _c.is_ready,
            or_(_c.lapses_on.is_(None), _c.lapses_on >= today),
            or_(_c.snoozed_until.is_(None), _c.snoozed_until <= today),
        ),
        Which.MINE: and_(
            _c.state.not_in(_DONE), or_(_c.assigned_to == who.subject, and_(_c.leased_to == who.subject, _c.leased_until > now))
        ),
        Which.FOLLOW_UP: and_(_c.state == State.SENT.value, _c.follow_up_on <= today),
        Which.CHECKS: and_(_c.in_lot, _c.is_ready, _c.state == State.OPEN.value, _c.worked_on.is_(None)),
        Which.LAPSED: and_(_c.is_ready, _c.lapses_on < today),
        Which.ASLEEP: and_(_c.is_ready, _c.snoozed_until > today),
        Which.ALL: _c.state != State.WITHDRAWN.value,
    }
    found: ColumnElement[bool] = conditions[which] if which in conditions else _c.state == which.value
    return found


def batches(unit: Unit, who: Identity, most: int, *, now: datetime, today: date) -> dict[str, Totals]:
    """Return, by payer, the sums of the best items that wait at it, as many as a batch holds; what brings most net first."""
    place = func.row_number().over(partition_by=_c.payer_id, order_by=(_c.value_per_hour.desc(), _c.item_id))
    columns = (_c.payer_id, _c.written_off, _c.expected, _c.net, _c.hours)
    inner = select(*columns, place.label("place")).where(*_conditions(unit, who, Query(), now, today)).subquery()
    sums = [func.sum(inner.c[name]) for name in ("written_off", "expected", "net", "hours")]
    rows = unit.connection.execute(
        select(inner.c.payer_id, func.count(), *sums).where(inner.c.place <= most).group_by(inner.c.payer_id)
    ).all()
    rows = sorted(rows, key=lambda row: (-int(row[4]), row[0]))
    return {row[0]: Totals(int(row[1]), int(row[2]), int(row[3]), int(row[4]), round(float(row[5]), 2)) for row in rows}


def decided(unit: Unit, who: Identity, *, since: date) -> Decided:
    """Return what was predicted of the items that were decided since a day, and what came in for them."""
    e = efforts.c
    came = select(func.coalesce(func.sum(func.coalesce(e.recovered, 0) - e.taken_back), 0)).where(
        e.client_id == _c.client_id, e.item_id == _c.item_id
    )
    inner = (
        select(_c.expected, _c.in_lot, came.scalar_subquery().label("came"))
        .where(
            _c.client_id == who.client_id,
            in_facilities(who.facilities),
            _c.state.in_((State.WON.value, State.LOST.value)),
            _c.decided_on >= since,
        )
        .subquery()
    )
    sums = select(
        func.count(),
        func.coalesce(func.sum(case((inner.c.came > 0, 1), else_=0)), 0),
        func.coalesce(func.sum(inner.c.expected), 0),
        func.coalesce(func.sum(inner.c.came), 0),
        func.coalesce(func.sum(case((inner.c.in_lot, 1), else_=0)), 0),
    )
    return Decided(*(int(value) for value in unit.connection.execute(sums.select_from(inner)).one()))


def week(unit: Unit, who: Identity, hours: float, *, today: date) -> Week:
    """Return what the best items that fit into so many hours would bring: the queue from its top, as far as the hours go.

    What sleeps and wakes within `WAKING_DAYS` is of it, because it waits before the week is over; see `waiting` for all of that.
    Rows are read one after the other only until the hours are spent: a week's are some hundreds of items among a hundred thousand.
    """
    statement = (
        select(_c.written_off, _c.expected, _c.net, _c.hours, _c.value_per_hour)
        .where(*_of_the_week(who, today))
        .order_by(_c.value_per_hour.desc(), _c.item_id)
        .execution_options(yield_per=500)
    )
    found = paying = Totals(0, 0, 0, 0, 0.0)
    least: int | None = None
    is_whole = True
    with unit.connection.execute(statement) as rows:
        for row in rows:
            if found.hours + row.hours > hours:
                is_whole = False
                break
            least = int(row.value_per_hour)
            found = found.plus(row.written_off, row.expected, row.net, row.hours)
            # The best come first, so these are the sums until the first that costs more than it brings.
            paying = found if least > 0 else paying
    return Week(found.rounded(), paying.rounded(), None if is_whole else least)


def waiting(unit: Unit, who: Identity, *, today: date) -> Waiting:
    """Return the sums of all that the items of a `week` are chosen from, so that the two can be compared."""
    conditions = _of_the_week(who, today)
    paying = _sums(unit, [*conditions, _c.value_per_hour > 0])
    return Waiting(_sums(unit, conditions), paying, _sums(unit, [*conditions, _c.snoozed_until > today]).items)


def _of_the_week(who: Identity, today: date) -> list[ColumnElement[bool]]:
    return [
        _c.client_id == who.client_id,
        _c.is_ready,
        in_facilities(who.facilities),
        or_(_c.lapses_on.is_(None), _c.lapses_on >= today),
        or_(_c.snoozed_until.is_(None), _c.snoozed_until <= today + timedelta(days=WAKING_DAYS)),
    ]
