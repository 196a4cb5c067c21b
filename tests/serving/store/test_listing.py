"""Lists: every item once, in order, page by page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from features.errors import BadData, UsageError
from serving.access import Identity, Role
from serving.store import listing, outcomes
from serving.store.store import Store
from serving.worklist.events import Effort
from serving.worklist.item import Item, State
from serving.worklist.listing import Page, Query, Sort, Which
from tests.serving.worklist.queues import ANA, BEN, NOW, TODAY, item_of, put

QUEUE = [
    item_of(
        n,
        payer_id=f"P{n % 3}",
        carc=str(50 + n % 2),
        facility_id=(None, "F1", "F2")[n % 3],
        value_per_hour=100 * (n // 4),
        expected=1_000 - n,
        deadline_on=None if n % 5 == 0 else TODAY + timedelta(days=(7 * n) % 11),
        deadline_source="default",
    )
    for n in range(40)
]


def read(store: Store, query: Query, who: Identity = ANA) -> Page:
    with store.read() as unit:
        return listing.page(unit, who, query, now=NOW, today=TODAY)


def walk(store: Store, query: Query, who: Identity = ANA) -> list[Item]:
    found: list[Item] = []
    after = None
    while True:
        page = read(store, Query(query.which, query.sort, query.payer_id, size=query.size, after=after), who)
        assert len(page.items) <= query.size
        found += page.items
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("size", [1, 7, 40, 200])
@pytest.mark.parametrize(
    ("sort", "key"),
    [
        (Sort.VALUE, lambda item: (-item.worth.value_per_hour, item.item_id)),
        (Sort.EXPECTED, lambda item: (-item.worth.expected, item.item_id)),
        (Sort.DUE, lambda item: (item.due_on or TODAY + timedelta(days=10_000), item.item_id)),
    ],
)
def test_pages_hold_every_item_once_in_order(store: Store, sort: Sort, key: object, size: int) -> None:
    put(store, QUEUE)
    assert callable(key)
    found = walk(store, Query(sort=sort, size=size))
    assert [item.item_id for item in found] == [item.item_id for item in sorted(QUEUE, key=key)]


def test_filters_and_sums_agree(store: Store) -> None:
    put(store, QUEUE)
    query = Query(payer_id="P1", carc="51", least_expected=970, due_before=TODAY + timedelta(days=8))
    wanted = [
        item
        for item in QUEUE
        if item.worth.payer_id == "P1"
        and item.worth.carc == "51"
        and item.worth.expected >= 970
        and item.due_on is not None
        and item.due_on < TODAY + timedelta(days=8)
    ]
    assert 0 < len(wanted) < 10
    assert {item.item_id for item in read(store, query).items} == {item.item_id for item in wanted}
    with store.read() as unit:
        sums = listing.totals(unit, ANA, query, now=NOW, today=TODAY)
    assert (sums.items, sums.expected, sums.hours) == (len(wanted), sum(item.worth.expected for item in wanted), float(len(wanted)))


def test_a_list_shows_ones_own_client_and_facilities_only(store: Store) -> None:
    put(store, QUEUE)
    bound = Identity("person:fay", "session", Role.WORKER, facilities=frozenset({"F1"}))
    found = walk(store, Query(), bound)
    assert {item.worth.facility_id for item in found} == {None, "F1"}
    assert walk(store, Query(), Identity("person:sam", "session", Role.ADMIN, "other")) == []


def test_each_list_shows_its_items(store: Store) -> None:
    week = timedelta(days=7)
    states = {
        Which.READY: item_of(1),
        Which.MINE: item_of(2, assigned_to=ANA.subject),
        Which.FOLLOW_UP: item_of(3, state=State.SENT, follow_up_on=TODAY),
        Which.SENT: item_of(4, state=State.SENT, follow_up_on=TODAY + week),
        Which.CHECKS: item_of(5, in_lot=True),
        Which.LAPSED: item_of(6, deadline_on=TODAY - week, deadline_source="statute"),
        Which.ASLEEP: item_of(7, snoozed_until=TODAY + week),
        Which.DRAFTED: item_of(8, state=State.DRAFTED),
        Which.NEXT_LEVEL: item_of(9, state=State.NEXT_LEVEL),
        Which.WON: item_of(10, state=State.WON),
        Which.LOST: item_of(11, state=State.LOST),
        Which.SKIPPED: item_of(12, state=State.SKIPPED),
        Which.CLOSED: item_of(13, state=State.CLOSED),
    }
    gone = item_of(14, state=State.WITHDRAWN)
    put(store, [*states.values(), gone])
    found = {which: {item.item_id for item in walk(store, Query(which))} for which in Which}
    for which, item in states.items():
        assert item.item_id in found[which]
    alone = {Which.MINE, Which.FOLLOW_UP, Which.CHECKS, Which.LAPSED, Which.ASLEEP, Which.WON, Which.LOST, Which.SKIPPED, Which.CLOSED}
    assert {which: len(found[which]) for which in alone} == dict.fromkeys(alone, 1)
    assert found[Which.ALL] == {item.item_id for item in states.values()}
    with store.read() as unit:
        assert listing.counts(unit, ANA, now=NOW, today=TODAY) == {which: len(ids) for which, ids in found.items()}


def test_a_weeks_hours_take_the_best_items_that_fit(store: Store) -> None:
    put(store, QUEUE)
    with store.read() as unit:
        sums = listing.week(unit, ANA, 5.0, today=TODAY).all
    best = sorted(QUEUE, key=lambda item: (-item.worth.value_per_hour, item.item_id))[:5]
    assert (sums.items, sums.expected, sums.hours) == (5, sum(item.worth.expected for item in best), 5.0)


def test_of_a_week_what_brings_more_than_it_costs_is_summed_apart(store: Store) -> None:
    put(store, [item_of(1, net=100), item_of(2, net=0, value_per_hour=0), item_of(3, net=-300, value_per_hour=-300), item_of(4, net=400)])
    with store.read() as unit:
        all_fit, three, one = (listing.week(unit, ANA, hours, today=TODAY) for hours in (5.0, 3.0, 1.0))
    assert (all_fit.all.items, all_fit.all.net, all_fit.stop_below) == (4, 200, None)
    assert (all_fit.paying.items, all_fit.paying.net, all_fit.paying.expected, all_fit.paying.hours) == (2, 500, 500, 2.0)
    assert (three.all.items, three.paying, three.stop_below) == (3, all_fit.paying, 0)
    assert (one.all, one.stop_below) == (one.paying, 400) and one.all.items == 1


def test_all_that_waits_is_counted_as_the_week_counts_it(store: Store) -> None:
    near, far = TODAY + timedelta(days=7), TODAY + timedelta(days=8)
    queue = [
        item_of(1),
        item_of(2, net=-200, value_per_hour=-200),
        item_of(3, snoozed_until=near),
        item_of(4, snoozed_until=far),
        item_of(5, snoozed_until=TODAY),
        item_of(6, deadline_on=TODAY - timedelta(days=1), deadline_source="statute"),
    ]
    put(store, queue)
    with store.read() as unit:
        waiting, week = listing.waiting(unit, ANA, today=TODAY), listing.week(unit, ANA, 100.0, today=TODAY)
    assert (waiting.all, waiting.paying) == (week.all, week.paying)
    assert (waiting.all.items, waiting.paying.items, waiting.waking) == (4, 3, 1)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("C0003059", "i0001"), ("c0003059", "i0001"), ("w-abc", "i0002"), ("W-ABC", "i0002"), ("i0003-0", "i0003"), ("I0003-0", "i0003")],
)
def test_an_item_is_found_by_its_claim_or_write_off_in_capitals_or_not(store: Store, asked: str, shown: str) -> None:
    put(store, [item_of(1, claim_id="C0003059"), item_of(2, claim_id="w-ABC"), item_of(3), item_of(4, claim_id="c0003059x")])
    assert [item.item_id for item in read(store, Query(Which.ALL, claim_id=asked)).items] == [shown]


def test_a_claim_as_it_was_typed_goes_before_one_in_other_letters_and_before_a_write_off(store: Store) -> None:
    put(store, [item_of(1, claim_id="ab"), item_of(2, claim_id="AB"), item_of(3), item_of(4, claim_id="i0003-0")])
    assert [item.item_id for item in read(store, Query(Which.ALL, claim_id="AB")).items] == ["i0002"]
    assert [item.item_id for item in read(store, Query(Which.ALL, claim_id="i0003-0")).items] == ["i0004"]


def test_what_is_not_theirs_is_not_found(store: Store) -> None:
    put(store, [item_of(1, facility_id="F2")])
    bound = Identity("person:fay", "session", Role.WORKER, facilities=frozenset({"F1"}))
    stranger = Identity("person:sam", "session", Role.ADMIN, "other")
    for number in ("C1", "c1", "i0001-0", "I0001-0"):
        assert [len(read(store, Query(Which.ALL, claim_id=number), who).items) for who in (ANA, bound, stranger)] == [1, 0, 0]


def test_what_somebody_holds_is_theirs_while_the_lease_lasts(store: Store) -> None:
    later, before = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)
    held = {"leased_to": BEN.subject, "leased_until": later}
    queue = [
        item_of(1, assigned_to=ANA.subject),
        item_of(2, **held),
        item_of(3, assigned_to=ANA.subject, **held),
        item_of(4, leased_to=BEN.subject, leased_until=before),
        item_of(5),
    ]
    put(store, queue)
    with store.read() as unit:
        sums = listing.sums_by(unit, ANA, Query(), "holder", now=NOW, today=TODAY)
    assert {name: total.items for name, total in sums.items()} == {ANA.subject: 1, BEN.subject: 2, None: 2}
    assert {item.item_id for item in read(store, Query(assigned_to=BEN.subject)).items} == {"i0002", "i0003"}


def test_what_came_in_is_summed_net_by_item_and_for_a_whole_list(store: Store) -> None:
    queue = [item_of(n, state=State.WON) for n in (1, 2)] + [item_of(3, state=State.LOST), item_of(4, client_id="other", state=State.WON)]
    put(store, queue, parts=2)
    told = {"status": "recovered", "resolved_on": TODAY - timedelta(days=2), "worked_on": TODAY - timedelta(days=9)}
    said = [
        Effort("i0001-0", "E1", recovered=8_000, **told),  # type: ignore[arg-type]
        Effort("i0001-1", "E1", recovered=2_000, taken_back=500, **told),  # type: ignore[arg-type]
        Effort("i0003-0", "E1", recovered=100, **told),  # type: ignore[arg-type]
    ]
    with store.write() as unit:
        outcomes.record(unit, "default", said, source="file", today=TODAY, at=NOW, by="test")
        assert listing.came_of(unit, ANA, ["i0001", "i0002", "i0003", "i0004"]) == {"i0001": 9_500, "i0003": 100}
        came = {which: listing.came_in(unit, ANA, Query(which), now=NOW, today=TODAY) for which in (Which.WON, Which.LOST, Which.SENT)}
    assert sum(came.values()) == 9_600 and came[Which.SENT] == 0


@pytest.mark.parametrize("cursor", ["", "x", "é", "W10=", "WzEsMiwzXQ==", "a" * 500, "WyJ2YWx1ZV9wZXJfaG91ciIsMWU5OTksImEiXQ=="])
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(BadData):
        read(store, Query(after=cursor))


def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    put(store, QUEUE)
    cursor = read(store, Query(size=5)).next
    assert cursor is not None
    with pytest.raises(BadData):
        read(store, Query(sort=Sort.DUE, after=cursor))


def test_a_page_has_a_largest_size() -> None:
    with pytest.raises(UsageError, match="1 to 200"):
        Query(size=201)
