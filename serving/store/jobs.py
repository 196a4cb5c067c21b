"""Jobs: files that were handed in to be worked on, who works on each and until when, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Row, Table, Text, and_, func, insert, or_, select, update

from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

jobs = Table(
    "jobs",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("options", Document, nullable=False),
    Column("input", Text, nullable=False),
    Column("input_hash", Text, nullable=False),
    Column("input_bytes", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", Moment),
    Column("result", Text),
    Column("result_hash", Text),
    Column("result_bytes", BigInteger),
    Column("account", Document),
    Column("problem", Text),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("ix_jobs_waiting", "state", "created_at"),
)
"""One row per client and job. `worker` and `lease_until` say who works on it; `input` and `result` are names of files in its folder."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it is stored; see `jobs`."""

    client_id: str
    job_id: str
    kind: str
    state: str
    subject: str
    options: Mapping[str, Any]
    input: str
    input_hash: str
    input_bytes: int
    attempt: int
    worker: str | None
    lease_until: datetime | None
    result: str | None
    result_hash: str | None
    result_bytes: int | None
    account: Mapping[str, Any] | None
    problem: str | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a result, or a problem in words that hold no value of a row."""

    result: str | None = None
    result_hash: str | None = None
    result_bytes: int | None = None
    account: Mapping[str, Any] | None = None
    problem: str | None = None


def add(unit: Unit, job: Job) -> None:
    """Put a new job into the queue."""
    unit.connection.execute(insert(jobs).values({column.name: getattr(job, column.name) for column in jobs.columns}))


def find(unit: Unit, client_id: str, job_id: str) -> Job | None:
    """Return a client's job; None if it has none of that number."""
    row = unit.connection.execute(select(jobs).where(jobs.c.client_id == client_id, jobs.c.job_id == job_id)).first()
    return None if row is None else _job(row)


def latest(unit: Unit, client_id: str, most: int) -> list[Job]:
    """Return a client's latest jobs, newest first."""
    newest = select(jobs).where(jobs.c.client_id == client_id).order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(most)
    return [_job(row) for row in unit.connection.execute(newest)]


def unended(unit: Unit, client_id: str) -> int:
    """Return how many of a client's jobs wait or are worked on."""
    waiting = select(func.count()).where(jobs.c.client_id == client_id, jobs.c.state.in_((QUEUED, RUNNING)))
    return int(unit.connection.execute(waiting).scalar_one())


def claim(unit: Unit, worker: str, now: datetime, until: datetime) -> Job | None:
    """Take the oldest job that waits, or whose worker has not been heard of; None if there is none.

    Two workers never get the same: a row is locked while it is taken, and others pass over it.
    """
    waits = or_(jobs.c.state == QUEUED, and_(jobs.c.state == RUNNING, jobs.c.lease_until < now))
    oldest = select(jobs).where(waits).order_by(jobs.c.created_at, jobs.c.job_id).limit(1).with_for_update(skip_locked=True)
    row = unit.connection.execute(oldest).first()
    if row is None:
        return None
    found = _job(row)
    taken = {"state": RUNNING, "worker": worker, "lease_until": until, "attempt": found.attempt + 1, "changed_at": now}
    unit.connection.execute(update(jobs).where(_the(found)).values(taken))
    return find(unit, found.client_id, found.job_id)


def renew(unit: Unit, job: Job, until: datetime) -> bool:
    """Hold a job for longer; False if somebody else has it by now."""
    return _change(unit, job, {"lease_until": until})


def note_result(unit: Unit, job: Job, outcome: Outcome) -> bool:
    """Say what a job made while it goes on; whoever takes it over begins there. False if somebody else has it by now."""
    return _change(unit, job, {name: getattr(outcome, name) for name in ("result", "result_hash", "result_bytes", "account")})


def finish(unit: Unit, job: Job, outcome: Outcome, now: datetime) -> bool:
    """Say what came of a job; False, and nothing is said, if somebody else has it by now."""
    told = {name: getattr(outcome, name) for name in ("result", "result_hash", "result_bytes", "account", "problem")}
    state = DONE if outcome.problem is None else FAILED
    return _change(unit, job, told | {"state": state, "worker": None, "lease_until": None, "changed_at": now})


def give_back(unit: Unit, job: Job, now: datetime, *, counts: bool) -> bool:
    """Put a job back into the queue; `counts`: this attempt was one. False if somebody else has it by now."""
    attempt = job.attempt if counts else job.attempt - 1
    return _change(unit, job, {"state": QUEUED, "worker": None, "lease_until": None, "attempt": attempt, "changed_at": now})


def depths(unit: Unit) -> dict[str, int]:
    """Return how many jobs are in each state."""
    counted = unit.connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state))
    return {state: count for state, count in counted}


def ended_before(unit: Unit, moment: datetime, most: int) -> list[Job]:
    """Return jobs that ended before a moment and still name a result, oldest first."""
    old = (
        select(jobs)
        .where(jobs.c.state == DONE, jobs.c.result.is_not(None), jobs.c.changed_at < moment)
        .order_by(jobs.c.changed_at)
        .limit(most)
    )
    return [_job(row) for row in unit.connection.execute(old)]


def forget_result(unit: Unit, job: Job) -> None:
    """Say that the result of a job was thrown away."""
    unit.connection.execute(update(jobs).where(_the(job)).values(result=None))


def results(unit: Unit) -> dict[str, str | None]:
    """Return the file that each ended job keeps; None for those that failed or whose result was thrown away."""
    ended = select(jobs.c.job_id, jobs.c.state, jobs.c.result).where(jobs.c.state.in_((DONE, FAILED)))
    return {job_id: result if state == DONE else None for job_id, state, result in unit.connection.execute(ended)}


def ids(unit: Unit) -> set[str]:
    """Return the number of every job."""
    return {job_id for (job_id,) in unit.connection.execute(select(jobs.c.job_id))}


def _the(job: Job) -> Any:
    return and_(jobs.c.client_id == job.client_id, jobs.c.job_id == job.job_id)


def _change(unit: Unit, job: Job, values: Mapping[str, Any]) -> bool:
    """Change a job that this worker holds."""
    held = update(jobs).where(_the(job), jobs.c.state == RUNNING, jobs.c.worker == job.worker, jobs.c.attempt == job.attempt)
    return unit.connection.execute(held.values(dict(values))).rowcount == 1


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)
