"""The worker: takes jobs from the queue, one at a time, and sees each to its end or leaves it to another one.

It may die at any moment. What a job made is kept under its own name before the store says that the job is done, and the store says so only
to the worker that holds the job: a job whose worker was not heard of for a while is begun again by another, and nobody finishes it twice.
"""

from __future__ import annotations

import json
import secrets
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from features.errors import BundleRefused, RecoupError, StorageFailed, TryAgain, Unavailable
from models.bundle import read_manifest
from serving.access import Identity, Role
from serving.jobs.failpoints import CHILD, FailPoints
from serving.jobs.folder import keep, sweep, tidy
from serving.jobs.known import write_known
from serving.jobs.process import Process
from serving.jobs.sealed import Sealed
from serving.jobs.task import ACCOUNT, KEPT, Bundle, Known, Limits, Problem, Task
from serving.jobs.work import LEDGER, RESULT
from serving.log import logger
from serving.outage import Outage
from serving.store import answers, audits
from serving.store import jobs as kept
from serving.store.jobs import Job, Outcome
from serving.store.store import Store, Unit

SCORED = ("score", "load", "audit")
"""Kinds of job that score."""

MOST_ATTEMPTS = 5
LEASE_SECONDS = 30.0
LOOK_SECONDS = 0.5
PROGRAM = "serving.jobs.child"
MOST_SECONDS = 3600.0
KEEP_RESULTS = timedelta(days=7)
KEEP_ANSWERS = timedelta(days=1)
SWEEP_SECONDS = 600.0

log = logger("recoup.worker")

Tell: TypeAlias = Callable[..., None]
"""Writes a line of the access log within a transaction, as `AccessLog.tell` does: (unit, who, action, ids)."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a worker works with.

    Parameters
    ----------
    store
        Where jobs stand.
    folder
        Where their files are.
    model
        Returns the model that serves; None: expert rates.
    costs
        Dollars an hour costs, and an action costs beside.
    patients_key
        File of the key by which patient ids are hashed.
    clock, today
        The moment, with its zone, and the day on the wall.
    tell
        Writes the access log.
    environment
        The variables of this process.
    limits
        What the process of a job may use.
    lease_seconds
        A worker that was not heard of for so long is taken for dead.
    program
        The module that the process of a job runs: `serving.jobs.child`, or one that can make more kinds and knows what came since.
    codes
        Folder of licensed lists of codes; None: our own tables alone.
    """

    store: Store
    folder: Path
    model: Callable[[], Bundle | None]
    costs: tuple[float, float]
    patients_key: Path
    clock: Callable[[], datetime]
    today: Callable[[], date]
    tell: Tell
    environment: Mapping[str, str]
    limits: Limits = Limits()
    lease_seconds: float = LEASE_SECONDS
    program: str = PROGRAM
    codes: Path | None = None


class Lost(Exception):
    """Somebody else has the job by now."""


class Stopped(Exception):
    """This worker was told to stop."""


class Worker:
    """Works until it is told to stop.

    Parameters
    ----------
    shop
        What it works with.
    points
        Where it dies, in tests.
    """

    def __init__(self, shop: Shop, points: FailPoints = FailPoints()) -> None:  # noqa: B008 - it is frozen
        self._shop, self._points = shop, points
        self._name = secrets.token_hex(8)
        self._swept = float("-inf")
        self._outage = Outage(log, "the store or the disk")

    def run(self, stop: threading.Event) -> None:
        """Work on what comes until `stop` is set; what is being worked on then goes back into the queue."""
        while not stop.is_set():
            try:
                self.sweep()
                is_idle = not self.work_one(stop)
                self._outage.over()
                if is_idle:
                    stop.wait(LOOK_SECONDS)
            except Unavailable:
                # The store tells of itself, once for all who ask it.
                stop.wait(LOOK_SECONDS)
            except (TryAgain, StorageFailed) as error:
                self._outage.met(type(error).__name__)
                stop.wait(LOOK_SECONDS)
            except Exception as error:
                from serving.log import where

                log.error("unexpected error", kind=type(error).__name__, where=where(error))
                stop.wait(LOOK_SECONDS)

    def work_one(self, stop: threading.Event | None = None) -> bool:
        """Work on one job; False if none waits."""
        shop = self._shop
        with shop.store.write() as unit:
            now = shop.clock()
            job = kept.claim(unit, self._name, now, self._lease(now))
        if job is None:
            return False
        self._points.reach("job-claimed")
        log.info("job begun", job_id=job.job_id, kind=job.kind, attempt=job.attempt)
        try:
            outcome = self._work(job, stop or threading.Event())
        except Lost:
            log.warning("job lost to another worker", job_id=job.job_id)
            return True
        except Stopped:
            with shop.store.write() as unit:
                kept.give_back(unit, job, shop.clock(), counts=False)
            return True
        if outcome is None:
            with shop.store.write() as unit:
                kept.give_back(unit, job, shop.clock(), counts=True)
            log.warning("job to be tried again", job_id=job.job_id, attempt=job.attempt)
            return True
        self._finish(job, outcome)
        return True

    def _work(self, job: Job, stop: threading.Event) -> Outcome | None:
        """Return what came of a job; None if it is to be tried again."""
        if job.attempt > MOST_ATTEMPTS:
            return Outcome(problem=f"it was begun {MOST_ATTEMPTS} times and never ended; the file may need more than a job may use")
        outcome = _made(job)
        if outcome is None:
            outcome = self._make(job, stop)
        if outcome is None or outcome.problem is not None or job.kind != "load":
            return outcome
        return self._load(job, outcome)

    def _make(self, job: Job, stop: threading.Event) -> Outcome | None:
        """Have the job's own process make its result."""
        folder = self._folder(job)
        out = folder / f"attempt-{job.attempt}"
        tidy(folder, [job.input])
        out.mkdir(mode=0o700, exist_ok=True)
        code = self._watch(job, Process(self._task(job, out), self._shop.environment, self._shop.program), stop)
        self._points.reach("child-ended")
        if code != 0:
            return self._failed(job, code, Problem.read(out))
        name = RESULT[job.kind]
        if job.kind == "load":
            keep(out / LEDGER, folder, LEDGER)
        if job.options.get("keep"):
            keep(out / KEPT, folder, KEPT)
        result = keep(out / name, folder, name)
        account = json.loads((out / ACCOUNT).read_text())
        self._points.reach("result-kept")
        outcome = Outcome(result.name, result.hash, result.bytes, account)
        if job.kind == "load":
            # From here on another worker goes on with these scores: other ones would not fit the chunks that are in.
            with self._shop.store.write() as unit:
                if not kept.note_result(unit, job, outcome):
                    raise Lost
        return outcome

    def _watch(self, job: Job, process: Process, stop: threading.Event) -> int:
        """Hold the job while its process works, and return what that exited with."""
        shop = self._shop
        began = last = shop.clock()
        self._points.reach("child-started")
        try:
            while (code := process.wait(min(0.2, shop.lease_seconds / 4))) is None:
                now = shop.clock()
                if stop.is_set():
                    raise Stopped
                if (now - began).total_seconds() > MOST_SECONDS:
                    return -signal.SIGXCPU
                if (now - last).total_seconds() > shop.lease_seconds / 3:
                    last = now
                    self._hold(job, now)
            return code
        finally:
            process.end()

    def _hold(self, job: Job, now: datetime) -> None:
        """Say that this worker is still there; a store that is away for a moment is asked again."""
        try:
            with self._shop.store.write() as unit:
                if not kept.renew(unit, job, self._lease(now)):
                    raise Lost
        except (TryAgain, Unavailable) as error:
            log.warning("the lease of a job could not be renewed", job_id=job.job_id, kind=type(error).__name__)

    def _failed(self, job: Job, code: int, problem: Problem | None) -> Outcome | None:
        """What a process that did not end well means: a problem of the file, or something to be tried again."""
        log.warning("the process of a job failed", job_id=job.job_id, exit_code=code, attempt=job.attempt)
        if code == -signal.SIGXCPU:
            return Outcome(
                problem=f"it needs more than the {self._shop.limits.cpu_seconds} seconds that a job may use; send parts of the file"
            )
        if problem is not None and problem.exit_code in (1, 2, 65, 74):
            return Outcome(problem=problem.words)
        if job.attempt < MOST_ATTEMPTS:
            return None
        return Outcome(problem=problem.words if problem is not None else f"its process was ended {MOST_ATTEMPTS} times by the system")

    def _load(self, job: Job, outcome: Outcome) -> Outcome:
        """Put what was scored into the queue, chunk by chunk; chunks that are in are passed over."""
        from features.intake.table_file import read_table
        from features.tables import WRITEOFFS
        from features.vocabulary import Vocabulary
        from serving.store.loading import load
        from serving.worklist.scored import SCORES

        folder, words, shop = self._folder(job), Vocabulary(), self._shop

        def after_chunk(unit: Unit, ids: object) -> None:
            self._points.reach("chunk-loading")
            if not kept.renew(unit, job, self._lease(shop.clock())):
                raise Lost

        self._points.reach("load-began")
        try:
            done = load(
                shop.store,
                read_table(folder / LEDGER, WRITEOFFS, vocabulary=words).batch,
                read_table(folder / RESULT["load"], SCORES, vocabulary=words).batch,
                client_id=job.client_id,
                identity=f"{job.input_hash} {outcome.result_hash}",
                clock=shop.clock,
                progress=lambda _: self._points.reach("chunk-loaded"),
                after_chunk=after_chunk,
            )
        except (TryAgain, Unavailable, StorageFailed):
            raise
        except RecoupError as error:
            return replace(outcome, problem=str(error))
        loaded = {"writeoffs": done.writeoffs, "items_new": done.items_new, "items_withdrawn": done.items_withdrawn}
        return replace(outcome, account={**(outcome.account or {}), "loaded": loaded})

    def _finish(self, job: Job, outcome: Outcome) -> None:
        shop = self._shop
        state = "done" if outcome.problem is None else "failed"
        self._points.reach("job-finishing")
        with shop.store.write() as unit:
            if not kept.finish(unit, job, outcome, shop.clock()):
                log.warning("job lost to another worker", job_id=job.job_id)
                return
            if job.options.get("keep") and outcome.problem is None:
                audits.keep(unit, job.client_id, *self._kept(job), at=shop.clock(), by=job.subject)
            who = Identity(job.subject, "job", Role.SERVICE, job.client_id)
            shop.tell(unit, who, "job.run", [job.job_id], outcome=state)
        self._points.reach("job-finished")
        log.info("job ended", job_id=job.job_id, kind=job.kind, state=state, attempt=job.attempt)
        tidy(self._folder(job), [outcome.result] if outcome.result and outcome.problem is None else [])

    def _kept(self, job: Job) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        """Return what an audit left for the store."""
        told = json.loads((self._folder(job) / KEPT).read_text())
        return told["document"], told["overpayments"]

    def sweep(self) -> None:
        """Throw away what is no longer wanted, now and then: old results and answers, and what a worker that died left of ended jobs."""
        shop, now = self._shop, self._shop.clock()
        if now.timestamp() - self._swept < SWEEP_SECONDS:
            return
        self._swept = now.timestamp()
        with shop.store.write() as unit:
            answers.forget(unit, now - KEEP_ANSWERS)
            known, ended = kept.ids(unit), kept.results(unit)
            old = kept.ended_before(unit, now - KEEP_RESULTS, 100)
            for job in old:
                kept.forget_result(unit, job)
        for job_id, result in ended.items():
            tidy(shop.folder / job_id, [result] if result else [])
        for job in old:
            tidy(self._folder(job), [])
        sweep(shop.folder, known, now.timestamp())

    def _task(self, job: Job, out: Path) -> Task:
        shop = self._shop
        bundle, today = shop.model(), shop.today().isoformat()
        told: dict[str, Any] = {"as_of": today, "reasons": 5000, "today": today}
        options = told | {name: value for name, value in job.options.items() if value is not None}
        return Task(
            job.kind,
            Sealed(str(self._folder(job) / job.input), job.input_hash),
            str(out.resolve()),
            job.client_id,
            options,
            bundle,
            shop.costs,
            str(shop.patients_key.resolve()),
            shop.limits,
            known=None if bundle is None else self._known(job, bundle, out.resolve(), date.fromisoformat(options["as_of"])),
            codes=None if shop.codes is None else str(shop.codes.resolve()),
            fail_at=self._points.at if self._points.at in CHILD and job.attempt == 1 else None,
        )

    def _known(self, job: Job, bundle: Bundle, out: Path, as_of: date) -> Known | None:
        """Set down what the client knew by the day, of which the job's own process sees no more than this."""
        if job.kind not in SCORED:
            return None
        try:
            cut = date.fromisoformat(read_manifest(Path(bundle.folder))["cut"])
        except BundleRefused:
            # Its own process refuses it too, and says why.
            return None
        with self._shop.store.read() as unit:
            known = write_known(unit, job.client_id, out, cut=cut, as_of=as_of)
        if known is not None:
            # Reading it may have taken a while.
            self._hold(job, self._shop.clock())
        return known

    def _folder(self, job: Job) -> Path:
        return (self._shop.folder / job.job_id).resolve()

    def _lease(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._shop.lease_seconds)


def _made(job: Job) -> Outcome | None:
    """What an earlier worker left of a job that it could not end."""
    if job.result is None:
        return None
    return Outcome(job.result, job.result_hash, job.result_bytes, job.account)
