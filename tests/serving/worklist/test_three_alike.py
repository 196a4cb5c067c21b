"""Whatever people do in whatever order, memory, SQLite and PostgreSQL hold the same items, efforts, choices and requests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from features.errors import RecoupError
from serving.access import Identity
from serving.store import items, policies, reversals
from serving.store.store import Store
from serving.worklist.desk import Desk, Offer
from serving.worklist.item import Item
from serving.worklist.policy import Policy
from serving.worklist.shelf import MemoryShelf
from tests.serving.store_fixtures import DATABASES, MakeUrl
from tests.serving.worklist.queues import ANA, BEN, LEA, NOW, TODAY, Day, Office, item_of, memory_office, put, store_office

CLIENTS = itertools.count(1)
POLICY = Policy(lease_minutes=20, sample_turn=0.5, approval_over=5_000)
PEOPLE = st.sampled_from([ANA, BEN, LEA])
SIZE = 6
NUMBERS = st.integers(1, SIZE)


class Offices(RuleBasedStateMachine):
    """Three offices with the same queue, in which the same is done."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        super().__init__()
        # A client of its own for each run: what another run did is as if it were not there.
        self.client = f"client-{next(CLIENTS)}"
        day = TODAY + timedelta(days=3)
        queue = [
            item_of(
                number,
                payer_id=f"P{number % 2}",
                in_lot=number in (2, 3),
                lot_share=0.3,
                lot_order=number / 10,
                came_with="load",
                deadline_on=day if number == 1 else None,
                deadline_source="statute" if number == 1 else None,
            )
            for number in range(1, SIZE + 1)
        ]
        # Ids are one table's; each run has write-offs of its own.
        self.queue = [replace(item, client_id=self.client) for item in queue]
        self.stores = stores
        for store in stores.values():
            put(store, self.queue, parts=2)
            with store.write() as unit:
                policies.keep(unit, self.client, POLICY, at=NOW, by="test")
        self.offices: dict[str, Office] = {"memory": memory_office(self.queue, 2, POLICY)}
        self.offices |= {kind: store_office(store) for kind, store in stores.items()}
        self.day = Day()
        for office in self.offices.values():
            office.day = self.day

    def everywhere(self, who: Identity, act: Callable[[Desk], object]) -> Any:
        """Do the same in all offices, and see that the same came of it."""
        draws = list(self.day.draws)
        found = {}
        for kind, office in self.offices.items():
            self.day.draws = list(draws)
            try:
                with office.desk(replace(who, client_id=self.client)) as desk:
                    found[kind] = act(desk)
            except RecoupError as error:
                found[kind] = (type(error), str(error))
        self.day.draws = []
        assert found["sqlite"] == found["memory"]
        assert found["postgresql"] == found["memory"]
        return found["memory"]

    def version(self, number: int) -> int:
        """Return the version that an item is at."""
        shelf = self.memory()
        return shelf.items[self.client, f"i{number:04d}"].version

    def memory(self) -> MemoryShelf:
        """Return the shelf in memory."""
        with self.offices["memory"].shelf() as shelf:
            assert isinstance(shelf, MemoryShelf)
            return shelf

    @rule(who=PEOPLE, draw=st.sampled_from([0.1, 0.9]))
    def take_next(self, who: Identity, draw: float) -> None:
        """Take the next item."""
        self.day.draws = [draw]
        offer = self.everywhere(who, lambda desk: desk.take_next())
        assert offer is None or isinstance(offer, Offer)

    @rule(who=PEOPLE, payer=st.sampled_from(["P0", "P1"]), same=st.booleans())
    def take_batch(self, who: Identity, payer: str, same: bool) -> None:
        """Take a batch of one payer."""
        self.everywhere(who, lambda desk: desk.take_batch(payer, most=10, same_reason=same))

    @rule(
        who=PEOPLE,
        number=NUMBERS,
        old=st.booleans(),
        name=st.sampled_from(["take", "release", "draft", "reopen", "undo", "lose", "next_level"]),
    )
    def simple(self, who: Identity, number: int, old: bool, name: str) -> None:
        """Do what needs nothing but the item; now and then with a version that is no longer the one."""
        version = self.version(number) - old
        act: Callable[[Desk], Callable[[str, int], Item]] = lambda desk: getattr(desk, name)  # noqa: E731
        self.everywhere(who, lambda desk: act(desk)(f"i{number:04d}", version))

    @rule(who=PEOPLE, number=NUMBERS, days=st.integers(0, 20), hours=st.sampled_from([0.0, 0.75]))
    def send(self, who: Identity, number: int, days: int, hours: float) -> None:
        """Send, with a day to ask again that may be none."""
        version, day = self.version(number), self.day.today + timedelta(days=days)
        self.everywhere(who, lambda desk: desk.send(f"i{number:04d}", version, follow_up_on=day, hours=hours))

    @rule(who=PEOPLE, number=NUMBERS, days=st.integers(1, 9))
    def put_off(self, who: Identity, number: int, days: int) -> None:
        """Ask again later, or snooze."""
        version, day = self.version(number), self.day.today + timedelta(days=days)
        self.everywhere(who, lambda desk: desk.follow_up(f"i{number:04d}", version, again_on=day))
        version = self.version(number)
        self.everywhere(who, lambda desk: desk.snooze(f"i{number:04d}", version, day))

    @rule(who=PEOPLE, number=NUMBERS, cents=st.integers(0, 12_000))
    def win(self, who: Identity, number: int, cents: int) -> None:
        """Win a sum."""
        version = self.version(number)
        self.everywhere(who, lambda desk: desk.win(f"i{number:04d}", version, cents=cents, hours=0.5))

    @rule(who=PEOPLE, number=NUMBERS, cents=st.integers(0, 12_000), name=st.sampled_from(["take_back", "pay_again"]))
    def change_win(self, who: Identity, number: int, cents: int, name: str) -> None:
        """Lose some of what was won, or win more."""
        version = self.version(number)
        self.everywhere(who, lambda desk: getattr(desk, name)(f"i{number:04d}", version, cents=cents))

    @rule(who=PEOPLE, number=NUMBERS, name=st.sampled_from(["skip", "close"]))
    def leave(self, who: Identity, number: int, name: str) -> None:
        """Skip or give up."""
        version = self.version(number)
        self.everywhere(who, lambda desk: getattr(desk, name)(f"i{number:04d}", version, "other"))

    @rule(number=NUMBERS, to=st.sampled_from([ANA.subject, BEN.subject, None]))
    def assign(self, number: int, to: str | None) -> None:
        """Give an item to somebody."""
        version = self.version(number)
        self.everywhere(LEA, lambda desk: desk.assign(f"i{number:04d}", version, to))

    @precondition(lambda self: self.day.now < NOW + timedelta(days=30))
    @rule(span=st.sampled_from([{"seconds": 10}, {"minutes": 21}, {"days": 2}]))
    def wait(self, span: dict[str, float]) -> None:
        """Let time pass."""
        self.day.pass_(**span)

    @invariant()
    def hold_the_same(self) -> None:
        """Compare what the three hold."""
        shelf = self.memory()
        for store in self.stores.values():
            with store.read() as unit:
                there = items.find_many(unit, self.client, [item.item_id for item in self.queue])
                asked = {one.reversal_id: one for item in self.queue for one in reversals.of_item(unit, self.client, item.item_id)}
            assert there == {item_id: item for (_, item_id), item in shelf.items.items()}
            assert asked == {reversal_id: one for (_, reversal_id), one in shelf.reversals.items()}
        for (client, writeoff_id, effort_id), effort in shelf.efforts.items():
            for kind in DATABASES:
                with self.offices[kind].shelf() as other:
                    assert other.effort(client, writeoff_id, effort_id) == effort


def test_memory_and_both_databases_are_alike(migrated: MakeUrl, request: pytest.FixtureRequest) -> None:
    stores = {kind: Store.open(migrated(kind)) for kind in DATABASES}
    for store in stores.values():
        request.addfinalizer(store.close)

    class Run(Offices):
        """On these stores."""

        def __init__(self) -> None:
            super().__init__(stores)

    few = settings(
        max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
    )
    run_state_machine_as_test(Run, settings=few)
