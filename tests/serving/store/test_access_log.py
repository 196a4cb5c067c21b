"""The access log in the database: with its act or not at all, append-only, and every tampering found."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from features.errors import BadData, CheckFailed, RecoupError, Unavailable
from serving.access import Identity, Role
from serving.store import sessions
from serving.store.store import Store, Unit
from serving.store.trail import AccessLog, access_log, access_log_head
from serving.store.writeoffs import writeoffs
from serving.trail import Chain, Head, HeadFile
from tests.serving.store.rows import stored_writeoff
from tests.serving.store.tampering import LINES, TAMPERINGS, unlock

ANA = Identity("person:ana", "session", Role.WORKER, origin="10.0.0.7")
CHAIN = Chain(b"k" * 32)


@pytest.fixture
def trail(store: Store, tmp_path: Path) -> AccessLog:
    """Return an empty log on the store, whose head is copied to a file."""
    made = AccessLog(CHAIN, HeadFile(tmp_path / "trail.head", CHAIN))
    made.begin(store)
    return made


def fill(store: Store, trail: AccessLog, count: int) -> None:
    for number in range(count):
        with store.write() as unit:
            trail.tell(unit, ANA, "writeoff.read", [f"W{number}"])


def count(store: Store) -> int:
    with store.read() as unit:
        return unit.connection.execute(select(func.count()).select_from(access_log)).scalar_one()


def test_what_was_told_is_read_and_holds(store: Store, trail: AccessLog, tmp_path: Path) -> None:
    with store.write() as unit:
        trail.tell(unit, ANA, "queue.work", ["W1", "W2"], outcome="refused", purpose="because")
        trail.tell(unit, ANA, "queue.read")
    with store.read() as unit:
        acts = [line.act() for line in trail.lines(unit)]
    assert [(act.subject, act.action, act.ids, act.origin, act.outcome, act.purpose) for act in acts] == [
        ("person:ana", "queue.work", ("W1", "W2"), "10.0.0.7", "refused", "because"),
        ("person:ana", "queue.read", (), "10.0.0.7", "done", ""),
    ]
    verdict = trail.verify(store)
    assert verdict.holds and verdict.lines == 2
    assert HeadFile(tmp_path / "trail.head", CHAIN).read() == verdict.head


def test_an_empty_log_holds(store: Store, trail: AccessLog) -> None:
    assert trail.verify(store).holds and trail.verify(store).lines == 0


def test_an_act_that_cannot_be_told_is_not_done(store: Store, trail: AccessLog) -> None:
    with pytest.raises(BadData), store.write() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("W1")])
        trail.tell(unit, ANA, "queue.work", ["\x00"])
    with store.write() as unit:
        unit.connection.execute(delete(access_log_head))
    with pytest.raises(Unavailable, match="lost its end"), store.write() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("W1")])
        trail.tell(unit, ANA, "queue.work", ["W1"])
    with store.read() as unit:
        assert unit.connection.execute(select(func.count()).select_from(writeoffs)).scalar_one() == 0


def test_an_act_that_fails_is_not_told(store: Store, trail: AccessLog, tmp_path: Path) -> None:
    fill(store, trail, 1)
    with pytest.raises(ZeroDivisionError), store.write() as unit:
        trail.tell(unit, ANA, "queue.work", ["W1"])
        raise ZeroDivisionError
    head = HeadFile(tmp_path / "trail.head", CHAIN).read()
    assert count(store) == 1 and head is not None and head.sequence == 1 and trail.verify(store).holds


@pytest.mark.parametrize("words", ["UPDATE access_log SET subject = 'x'", "DELETE FROM access_log WHERE sequence = 2"])
def test_the_database_refuses_to_change_a_line(store: Store, trail: AccessLog, words: str) -> None:
    fill(store, trail, 3)
    with pytest.raises(CheckFailed), store.write() as unit:
        unit.connection.execute(text(words))
    assert trail.verify(store).holds and count(store) == 3


def test_lines_of_many_threads_have_no_gap(store: Store, trail: AccessLog) -> None:
    threads = [threading.Thread(target=fill, args=(store, trail, 10)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = trail.verify(store)
    assert verdict.holds and verdict.lines == 60


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_a_tampering_by_who_owns_the_database_is_found(
    store: Store, trail: AccessLog, tamper: Callable[[Unit, random.Random], None]
) -> None:
    fill(store, trail, LINES)
    with store.write() as unit:
        unlock(unit)
        tamper(unit, random.Random(7))
    verdict = trail.verify(store)
    assert not verdict.holds and verdict.lines < LINES, verdict


def test_a_copy_that_is_gone_is_found_and_made_anew_on_purpose_only(
    store: Store, trail: AccessLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store, trail, 2)
    (tmp_path / "trail.head").unlink()
    trail.begin(store)
    fill(store, trail, 1)
    assert count(store) == 3 and "not copied" in caplog.text
    assert "gone" in str(trail.verify(store).fault)
    assert trail.copy_anew(store, ANA).sequence == 4 and trail.verify(store).holds


def test_a_log_that_does_not_hold_gets_no_new_copy(store: Store, trail: AccessLog) -> None:
    fill(store, trail, 3)
    with store.write() as unit:
        unlock(unit)
        unit.connection.execute(delete(access_log).where(access_log.c.sequence == 2))
    with pytest.raises(CheckFailed, match="line 2 is missing"):
        trail.copy_anew(store, ANA)


def test_a_restored_log_is_copied_anew_on_purpose(store: Store, trail: AccessLog) -> None:
    fill(store, trail, 6)
    with store.write() as unit:
        unlock(unit)
        unit.connection.execute(delete(access_log).where(access_log.c.sequence > 4))
        mac = unit.connection.execute(select(access_log.c.mac).where(access_log.c.sequence == 4)).scalar_one()
        unit.connection.execute(update(access_log_head).values(sequence=4, mac=mac))
    assert "ends at line 4, but line 6" in str(trail.verify(store).fault)
    trail.copy_anew(store, ANA)
    verdict = trail.verify(store)
    assert verdict.holds and verdict.lines == 5


def test_a_head_from_an_export_is_held_against_the_log(store: Store, trail: AccessLog) -> None:
    fill(store, trail, 4)
    head = trail.verify(store).head
    fill(store, trail, 2)
    assert trail.verify(store, known=head).holds
    assert "another" in str(trail.verify(store, known=Head(head.sequence - 1, head.mac)).fault)
    assert "ends at line 6, but line 9" in str(trail.verify(store, known=Head(9, head.mac)).fault)


def test_a_ticket_is_spent_once(store: Store) -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    with store.write() as unit:
        sessions.give_ticket(unit, "d" * 64, "link", {"person_id": "p"}, now + timedelta(minutes=5))
    spent: list[dict[str, str] | None] = []

    def spend() -> None:
        try:
            with store.write() as unit:
                spent.append(sessions.spend_ticket(unit, "d" * 64, "link", now))
        except RecoupError:
            spent.append(None)

    threads = [threading.Thread(target=spend) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(spent, key=str) == [None, None, None, None, {"person_id": "p"}]
