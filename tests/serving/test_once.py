"""A change that is asked for twice is made once, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.access import Identity, Role
from serving.api.once import Changing, Told, Turns
from serving.api.problems import Problem
from serving.store import answers, counts
from serving.store.store import Store, Unit

ANA = Identity("key:ana", "key", Role.SERVICE, "north")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def count(unit: Unit) -> Told:
    """Count one more request: a change that can be seen."""
    counts.add(unit, {("north", "key:ana", NOON): (1, 10)})
    return Told(201, {"made": counts.since(unit, "north", NOON)[0]["requests"]}, {"Location": "/v1/things/1"})


def counted(store: Store) -> int:
    with store.read() as unit:
        return sum(row["requests"] for row in counts.since(unit, "north", NOON))


@pytest.fixture
def ask(store: Store) -> Callable[..., Any]:
    turns = Turns()

    def asked(
        key: str | None, body: bytes = b"{}", who: Identity = ANA, act: Callable[[Unit], Told] = count, place: str = "POST /a"
    ) -> Any:
        return Changing(place, key, turns).change(store, who, body, act)

    return asked


def test_the_same_request_is_answered_alike_and_changes_nothing(store: Store, ask: Callable[..., Any]) -> None:
    first, second = ask("k"), ask("k")
    assert (first.status_code, first.body) == (second.status_code, second.body) == (201, b'{"made":1}')
    assert second.headers["location"] == "/v1/things/1" and counted(store) == 1


def test_without_a_key_each_request_is_a_change(store: Store, ask: Callable[..., Any]) -> None:
    ask(None)
    ask(None)
    assert counted(store) == 2


def test_another_body_or_another_place_under_the_same_key_is_422(store: Store, ask: Callable[..., Any]) -> None:
    ask("k")
    for change in ({"body": b"[]"}, {"place": "POST /b"}):
        with pytest.raises(Problem) as refused:
            ask("k", **change)
        assert refused.value.status == 422
    assert counted(store) == 1


def test_a_key_is_its_callers_own(store: Store, ask: Callable[..., Any]) -> None:
    ask("k")
    ask("k", who=Identity("key:bob", "key", Role.SERVICE, "north"))
    ask("k", who=Identity("key:ana", "key", Role.SERVICE, "south"))
    assert counted(store) == 3


def test_a_change_that_fails_is_undone_and_may_be_asked_for_again(store: Store, ask: Callable[..., Any]) -> None:
    def broken(unit: Unit) -> Told:
        count(unit)
        raise Problem(409, "not now")

    with pytest.raises(Problem, match="not now"):
        ask("k", act=broken)
    assert counted(store) == 0
    assert ask("k").status_code == 201 and counted(store) == 1


def test_while_the_first_is_at_it_the_second_is_409(store: Store, ask: Callable[..., Any]) -> None:
    inside, go = threading.Event(), threading.Event()

    def slow(unit: Unit) -> Told:
        inside.set()
        assert go.wait(10)
        return count(unit)

    first = threading.Thread(target=ask, args=("k",), kwargs={"act": slow})
    first.start()
    assert inside.wait(10)
    with pytest.raises(Problem) as refused:
        ask("k")
    assert refused.value.status == 409 and refused.value.headers == {"Retry-After": "1"}
    go.set()
    first.join()
    assert ask("k").body == b'{"made":1}' and counted(store) == 1


def test_processes_that_do_not_know_each_other_make_the_change_once(store: Store) -> None:
    told: list[int] = []

    def ask_elsewhere() -> None:
        try:
            told.append(Changing("POST /a", "k", Turns()).change(store, ANA, b"{}", count).status_code)
        except Problem as problem:
            told.append(problem.status)

    threads = [threading.Thread(target=ask_elsewhere) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(store) == 1 and set(told) <= {201, 409} and 201 in told


def test_answers_are_forgotten_when_they_are_old(store: Store, ask: Callable[..., Any]) -> None:
    ask("k")
    with store.write() as unit:
        assert answers.forget(unit, datetime.now(UTC) - timedelta(hours=1)) == 0
        assert answers.forget(unit, datetime.now(UTC) + timedelta(hours=1)) == 1
    ask("k")
    assert counted(store) == 2
