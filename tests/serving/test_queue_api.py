"""`/v1` of the queue over a whole application, by the typed client: on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.scorer import Scorer
from serving.access import Role
from serving.api.app import Service as Built
from serving.api.app import create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.client import Refused, Service, Transport
from serving.identity.gate import Gate
from serving.store import outcomes, writeoffs
from serving.store.store import Store
from serving.worklist.policy import Policy
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.identity.clocks import BOSS, PASSWORD, gate_on, small_gate
from tests.serving.store.rows import stored_writeoff
from tests.serving.worklist.queues import TODAY, item_of, put

QUEUE = [item_of(n, payer_id=f"P{n % 2}", facility_id=(None, "F1", "F2")[n % 3]) for n in range(1, 31)]
TOMORROW = TODAY + timedelta(days=1)


class House:
    """A service on a store with thirty items, and its callers."""

    def __init__(self, gate: Gate, home: Path) -> None:
        self.gate = gate
        champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
        self.app = create_app(Built(champion, Keys({}), lambda: TODAY, gate=self.gate))
        put(gate.store, QUEUE, parts=2, policy=Policy(sample_turn=0.0))

    def send(self) -> Transport:
        """Return a transport into the application."""

        def sent(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
            answer = Client(self.app).request(method, path, content=body, headers=headers)
            return answer.status_code, answer.content

        return sent

    def caller(self, role: Role = Role.SERVICE, client_id: str = "default", **more: Any) -> Service:
        """Return a caller with a key of its own."""
        boss = replace(BOSS, client_id=client_id)
        return Service(self.send(), self.gate.programs.make(boss, role, owner="test", **more).secret)


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    return House(gate_on(store, tmp_path), tmp_path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Return a house whose callers change nothing."""
    home = tmp_path_factory.mktemp("small")
    made = House(small_gate(home), home)
    yield made
    made.gate.store.close()


def refused(call: Any, status: int) -> Refused:
    with pytest.raises(Refused) as raised:
        call()
    assert raised.value.status == status, raised.value
    return raised.value


def test_an_item_goes_from_the_queue_to_the_ledger(house: House) -> None:
    ours = house.caller()
    taken = ours.take_next()
    assert taken is not None and (taken.item.item_id, taken.chosen, taken.chance) == ("i0030", "greedy", 1.0)
    item = ours.dispose(taken.item, "send", follow_up_date=TOMORROW.isoformat(), channel="portal", hours=0.5, note="by the portal")
    assert (item.state, item.follow_up_date, item.version) == ("sent", TOMORROW, 2)
    item = ours.dispose(item, "win", amount="150.01", decided_date=TODAY.isoformat())
    assert item.state == "won"
    told = ours.item(item.item_id)
    assert told.item == item and [entry.act for entry in told.story] == ["taken", "note", "sent", "won"]
    assert sorted(effort.recovered_amount or 0 for effort in told.efforts) == [75.0, 75.01]
    assert told.lines[0].writeoff["writeoff_amount"] == 200.0 and told.lines[0].score["recoverable_amount"] == 100.0
    assert ours.writeoff("i0030-0").item == item


def test_what_was_won_falls_by_what_the_payer_takes_back_and_the_outcomes_say_so(house: House) -> None:
    ours = house.caller()
    item = ours.item("i0030").item
    assert item is not None
    refused(lambda: ours.dispose(item, "take_back", amount="1.00"), 409)
    item = ours.dispose(item, "win", amount="150.01")
    refused(lambda: ours.dispose(item, "take_back"), 422)
    refused(lambda: ours.dispose(item, "take_back", amount="150.02"), 422)
    item = ours.dispose(item, "take_back", amount="50.01", decided_date=TODAY.isoformat())
    item = ours.dispose(item, "pay_again", amount="10.00")
    told = ours.item("i0030")
    assert item.state == "won" and [entry.act for entry in told.story] == ["won", "taken_back", "paid"]
    assert sum(effort.recovered_amount or 0 for effort in told.efforts) == 160.01
    with house.gate.store.read() as unit:
        written = outcomes.outcomes_of(unit, "default", Scorer.prior().vocabulary)
    assert [int(written.columns[name].sum()) for name in ("recovered_amount", "taken_back_amount")] == [16_001, 5_001]


def test_a_list_is_walked_filtered_and_summed(house: House) -> None:
    ours = house.caller(Role.VIEWER)
    assert [item.item_id for item in ours.every_item(size=7)] == [f"i{n:04d}" for n in range(30, 0, -1)]
    page = ours.queue(payer_id="P1", least_expected="21.00", totals=True)
    assert [item.item_id for item in page.items] == ["i0029", "i0027", "i0025", "i0023", "i0021"]
    assert page.totals is not None and (page.totals.items, page.totals.expected_recovery) == (5, 125.0)


def test_two_callers_never_get_the_same_item_and_a_batch_is_of_one_payer(house: House) -> None:
    one, two = house.caller(), house.caller()
    batch = one.take_batch("P1", 10)
    assert {taken.item.payer_id for taken in batch} == {"P1"} and len(batch) == 10
    second = two.take_next(payer_id="P1")
    assert second is not None and second.item.item_id not in {taken.item.item_id for taken in batch}
    assert refused(lambda: two.dispose(batch[0].item, "draft"), 409).detail.startswith("item i0029 is held by key:")
    assert one.release(batch[0].item).leased_to is None


def test_a_change_of_what_was_changed_meanwhile_says_both_versions(house: House) -> None:
    ours = house.caller()
    taken = ours.take_next()
    assert taken is not None
    ours.dispose(taken.item, "draft")
    assert "you saw version 1, it is at version 2" in refused(lambda: ours.skip(taken.item, "other"), 409).detail


def test_what_is_sent_or_decided_before_the_remittance_is_refused(house: House) -> None:
    with house.gate.store.write() as unit:
        known = {"claim_id": "C30", "service_date": date(2026, 7, 1), "remit_date": date(2026, 8, 9)}
        writeoffs.keep(unit, [stored_writeoff(f"i0030-{n}", writeoff_amount=20_000, **known) for n in range(2)])
    ours = house.caller()
    item = ours.item("i0030").item
    assert item is not None
    said: tuple[dict[str, Any], ...] = (
        {"act": "send", "follow_up_date": TOMORROW.isoformat(), "sent_date": "1995-01-01"},
        {"act": "win", "amount": "10.00", "decided_date": "2026-08-08"},
        {"act": "lose", "decided_date": "2026-08-08"},
    )
    for one in said:
        told = refused(lambda one=one: ours.dispose(item, **one), 422).detail
        assert "is not before 2026-08-09, the day of its remittance, nor after 2026-11-02" in told
    sent = ours.dispose(item, "send", follow_up_date=TOMORROW.isoformat(), sent_date="2026-08-09")
    told = refused(lambda: ours.dispose(sent, "next_level", decided_date="2026-08-08"), 422).detail
    assert told == "decided_on is not before 2026-08-09, the day it was sent, nor after 2026-11-02; 2026-08-08 came"


def test_an_item_is_given_to_who_works_and_sees_it(house: House) -> None:
    for name, role, places in (
        ("ana", Role.WORKER, None),
        ("fay", Role.WORKER, {"F1"}),
        ("vic", Role.VIEWER, None),
        ("out", Role.LEAD, None),
    ):
        house.gate.accounts.add(BOSS, name, role, password=PASSWORD, facilities=frozenset(places) if places else None)
    house.gate.accounts.add(replace(BOSS, client_id="north"), "nora", Role.WORKER, password=PASSWORD)
    house.gate.accounts.bar(BOSS, "out")
    lead = house.caller(Role.LEAD)
    theirs = lead.item("i0002").item
    assert theirs is not None and theirs.facility_id == "F2"
    for to in ("person:nora", "person:out", "person:nobody", "ana"):
        assert refused(lambda to=to: lead.assign(theirs, to), 422).detail.endswith("there is nobody of that name")
    assert "person:vic is a viewer" in refused(lambda: lead.assign(theirs, "person:vic"), 422).detail
    assert "facility F2, which person:fay does not see" in refused(lambda: lead.assign(theirs, "person:fay"), 422).detail
    assert lead.assign(theirs, "person:ana").assigned_to == "person:ana"


def test_a_turn_that_is_asked_for_twice_is_one_turn(house: House) -> None:
    ours = house.caller()
    first, second = ours.take_next(once="turn-1"), ours.take_next(once="turn-1")
    assert first == second
    assert len(ours.queue(which="mine").items) == 1


def test_outcomes_are_stated_once_all_or_none(house: House) -> None:
    ours = house.caller()
    said = {"writeoff_id": "i0001-0", "effort_id": "E1", "worked_date": "2026-09-01", "status": "recovered", "recovered_amount": "50.00"}
    said |= {"resolved_date": "2026-10-01"}
    assert (ours.record([said]).events, ours.record([said]).events) == (1, 0)
    assert refused(lambda: ours.record([said | {"effort_id": "E2"}, said | {"writeoff_id": "nobody"}]), 404)
    found = ours.item("i0001")
    assert found.item is not None and found.item.state == "won"
    assert [effort.effort_id for effort in found.efforts] == ["E1"]
    wrong = refused(lambda: ours.record([said | {"recovered_amount": "-1"}, said | {"status": "lost"}]), 422)
    assert set(wrong.places) == {(("outcomes", 0, "recovered_amount"), "below_minimum"), (("outcomes", 1, "status"), "not_listed")}


def test_what_was_put_off_is_woken(house: House) -> None:
    worker = house.caller(Role.WORKER)
    item = worker.item("i0003").item
    assert item is not None
    asleep = worker.snooze(item, TOMORROW.isoformat())
    woken = worker.wake(asleep)
    assert (asleep.snoozed_until, woken.snoozed_until, woken.state) == (TOMORROW, None, "open")
    assert "awake" in refused(lambda: worker.wake(woken), 409).detail


def test_a_stranger_and_somebody_of_another_facility_find_nothing(house: House) -> None:
    stranger = house.caller(Role.ADMIN, "north")
    bound = house.caller(Role.LEAD, facilities=frozenset({"F1"}))
    theirs = house.caller().item("i0002").item
    assert theirs is not None
    for who in (stranger, bound):
        assert refused(lambda who=who: who.item("i0002"), 404).detail == "there is no such item"
        refused(lambda who=who: who.writeoff("i0002-0"), 404)
        for act in (lambda who: who.release(theirs), lambda who: who.skip(theirs, "other"), lambda who: who.snooze(theirs, "2026-12-01")):
            refused(lambda who=who, act=act: act(who), 404)
        for said in ({"act": "draft"}, {"act": "win", "amount": 5}, {"act": "undo"}):
            refused(lambda who=who, said=said: who.dispose(theirs, **said), 404)
        refused(lambda who=who: who.assign(theirs, "person:x"), 404)
    said = {"writeoff_id": "i0002-0", "worked_date": "2026-09-01", "status": "pending"}
    refused(lambda: stranger.record([said]), 404)
    assert stranger.queue().items == [] and stranger.take_next() is None
    assert {item.facility_id for item in bound.every_item()} == {None, "F1"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("next", {"payer_id": ""}),
        ("next", {"payer_id": "x" * 201}),
        ("next", {"payer_id": "a\x00b"}),
        ("next", {"payer_id": "\ud800"}),
        ("next", {"batch": 9, "payer_id": "P1"}),
        ("next", {"strange": 1}),
        ("next", []),
        ("i0001/release", {}),
        ("i0001/release", {"version": "0"}),
        ("i0001/release", {"version": -1}),
        ("i0001/release", {"version": 2**63}),
        ("i0001/skip", {"version": 0, "reason": "dull"}),
        ("i0001/skip", {"version": 0, "reason": "other", "note": "x" * 4001}),
        ("i0001/snooze", {"version": 0, "until": 20261201}),
        ("i0001/snooze", {"version": 0, "until": "2026-13-01"}),
        ("i0001/disposition", {"version": 0, "act": "fly"}),
        ("i0001/disposition", {"version": 0, "act": "win", "amount": "1e400"}),
        ("i0001/disposition", {"version": 0, "act": "win", "amount": "NaN"}),
        ("i0001/disposition", {"version": 0, "act": "win", "amount": "0.001"}),
        ("i0001/disposition", {"version": 0, "act": "win", "amounts": {"a": -1}}),
        ("i0001/disposition", {"version": 0, "act": "draft", "hours": "inf"}),
    ],
)
def test_a_body_that_is_not_of_the_form_is_422_and_not_repeated(small: House, path: str, body: object) -> None:
    key = small.gate.programs.make(BOSS, Role.SERVICE, owner="test").secret
    headers = {"Authorization": f"Bearer {key}"}
    answer = Client(small.app).post(f"/v1/queue/{path}", json.dumps(body).encode(), headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not any(value in answer.text for value in ("dull", "1e400", "NaN", "fly", "xxx"))


@pytest.mark.parametrize("query", ["which=no", "size=0", "size=201", "after=%00", "payer_id=", "due_before=5", "claim_id=C1", "after=zzz"])
def test_a_list_that_is_asked_for_wrongly_is_422(small: House, query: str) -> None:
    key = small.gate.programs.make(BOSS, Role.SERVICE, owner="test").secret
    assert Client(small.app).get(f"/v1/queue?{query}", {"Authorization": f"Bearer {key}"}).status_code == 422


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"act": "send"}, "follow_up_date"),
        ({"act": "win"}, "amount"),
        ({"act": "win", "amount": 5, "amounts": {"a": 5}}, "amount"),
        ({"act": "close"}, "reason"),
        ({"act": "win", "amount": 0}, "more than nothing"),
    ],
)
def test_a_disposition_that_lacks_what_it_needs_says_so(small: House, said: dict[str, Any], words: str) -> None:
    ours = small.caller()
    item = ours.item("i0001").item
    assert item is not None
    assert words in refused(lambda: ours.dispose(item, **said), 422).detail


def test_every_read_and_change_is_in_the_access_log(house: House, store: Store) -> None:
    ours = house.caller()
    ours.queue(size=2)
    taken = ours.take_next()
    assert taken is not None
    ours.dispose(taken.item, "draft")
    ours.item("i0001")
    with store.read() as unit:
        acts = [(line.act().action, len(line.act().ids)) for line in house.gate.log.lines(unit)]
    assert acts[-4:] == [("queue.read", 2), ("queue.work", 1), ("queue.work", 1), ("writeoff.read", 3)]
    assert house.gate.log.verify(store).holds
