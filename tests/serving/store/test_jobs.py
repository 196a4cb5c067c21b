"""Who gets a job, and who may say what came of it, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from serving.store import jobs as kept
from serving.store.jobs import Job, Outcome
from serving.store.store import Store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)


def job(number: int) -> Job:
    created = NOW + timedelta(seconds=number)
    return Job(
        "north", f"{number:032x}", "score", kept.QUEUED, "key:n", {"as_of": None}, "input.csv", "0" * 64, 5,
        0, None, None, None, None, None, None, None, created, created,
    )  # fmt: skip


def test_jobs_are_taken_in_order_and_each_by_one(store: Store) -> None:
    with store.write() as unit:
        for number in (2, 0, 1):
            kept.add(unit, job(number))
    taken: list[str] = []

    def take(name: str) -> None:
        for _ in range(3):
            with store.write() as unit:
                found = kept.claim(unit, name, NOW, LATER)
            if found is not None:
                taken.append(found.job_id)

    threads = [threading.Thread(target=take, args=(f"worker {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [job(number).job_id for number in range(3)]
    with store.read() as unit:
        assert kept.depths(unit) == {"running": 3}
        assert [found.job_id for found in kept.latest(unit, "north", 2)] == [job(2).job_id, job(1).job_id]
        assert kept.latest(unit, "south", 2) == [] and kept.find(unit, "south", job(0).job_id) is None


def test_a_job_whose_worker_was_not_heard_of_is_another_ones(store: Store) -> None:
    with store.write() as unit:
        kept.add(unit, job(0))
        old = kept.claim(unit, "old", NOW, NOW + timedelta(seconds=1))
    with store.write() as unit:
        assert kept.claim(unit, "new", NOW, LATER) is None
        new = kept.claim(unit, "new", NOW + timedelta(seconds=2), LATER)
    assert old is not None and new is not None and (old.attempt, new.attempt) == (1, 2)
    outcome = Outcome("scores.csv", "1" * 64, 7, {"scored": 3})
    with store.write() as unit:
        assert not kept.finish(unit, old, outcome, NOW) and not kept.renew(unit, old, LATER)
        assert not kept.give_back(unit, old, NOW, counts=True) and not kept.note_result(unit, old, outcome)
        assert kept.renew(unit, new, LATER) and kept.finish(unit, new, outcome, LATER) and not kept.finish(unit, new, outcome, LATER)
        done = kept.find(unit, "north", job(0).job_id)
        assert done is not None and (done.state, done.account, done.worker) == ("done", {"scored": 3}, None)
        assert kept.ended_before(unit, LATER + timedelta(seconds=1), 5) == [done]
        kept.forget_result(unit, done)
        assert kept.ended_before(unit, LATER + timedelta(seconds=1), 5) == []
