"""`/v1/jobs`: a file in, a number back; what came of it is asked for later."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from serving.access import Identity
from serving.api.identity import require
from serving.api.once import Changing, Once, Told
from serving.api.problems import Problem
from serving.jobs.failpoints import FailPoints
from serving.jobs.folder import File, Incoming
from serving.jobs.task import KINDS
from serving.jobs.worker import Shop
from serving.store import jobs as kept
from serving.store.jobs import QUEUED, Job
from serving.store.store import Unit

MOST_LISTED = 100
MOST_UNENDED = 50
"""Files of one client that wait at once, of up to 512 MB each: nobody fills the disk of all."""

RETRY_SECONDS = 60
MOST_REASONS = 1_000_000
RESULT_TYPES = {".csv": "text/csv", ".zip": "application/zip"}
_ID = re.compile(r"[0-9a-f]{32}")


class JobAnswer(BaseModel):
    """A job, and what came of it so far."""

    job_id: str
    kind: str
    state: str
    attempt: int
    created_at: datetime
    changed_at: datetime
    input_bytes: int
    result: str | None
    result_bytes: int | None
    account: dict[str, Any] | None
    problem: str | None


class JobsAnswer(BaseModel):
    """The latest jobs, newest first."""

    jobs: list[JobAnswer]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a file."""

    kind: str
    options: Mapping[str, Any]


def asked(
    kind: Annotated[str, Query(description="; ".join(f"`{kind}`: {words}" for kind, words in KINDS.items()))],
    as_of: Annotated[date | None, Query(description="the morning to score on; today where it is missing")] = None,
    reasons: Annotated[int | None, Query(ge=0, le=MOST_REASONS, description="how many of the first ranks get reasons; 5000")] = None,
    keep: Annotated[bool, Query(description="of an audit: whether the reports of the service tell of it from then on")] = False,
) -> Asked:
    """Return what the query asks for.

    Raises
    ------
    Problem
        With status 422 when there is no such kind of job.
    """
    if kind not in KINDS:
        raise Problem(422, f"kinds of jobs are {', '.join(KINDS)}", errors=[(["query", "kind"], "not_a_kind")])
    if keep and kind != "audit":
        raise Problem(422, "only an audit is kept", errors=[(["query", "keep"], "not_an_audit")])
    return Asked(kind, {"as_of": None if as_of is None else as_of.isoformat(), "reasons": reasons, "keep": keep})


def add_jobs(app: FastAPI, shop: Shop, points: FailPoints) -> None:
    """Add the routes."""
    arrivals = Arrivals(shop, points)

    @app.post(
        "/v1/jobs",
        status_code=202,
        response_model=JobAnswer,
        tags=["jobs"],
        summary="Hand in a file to be worked on",
        responses={429: {"description": "too many files of this client wait"}},
        openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(_TYPES, _BINARY)}},
    )
    async def hand_in(
        request: Request, who: Annotated[Identity, require("job.run")], once: Once, what: Annotated[Asked, Depends(asked)]
    ) -> Response:
        """Take a file as the body of the request: CSV, CSV in gzip, Parquet or 835, up to 512 MB; which it is, is seen by how it begins.

        For an audit also a ZIP of a practice: `writeoffs.csv`, `outcomes.csv`, `contract_rates.csv`, `payer_rules.csv`,
        `writeoff_policies.csv`, `reference_fees.csv`, `citations.csv` (or `.csv.gz`, `.parquet`) and a folder `remits`, each where it is at
        hand. Its result is a ZIP of report, summary, workbook, document and tables, as `recoup audit` writes them.
        """
        check_asked(what, who, shop.today())
        return await arrivals.take(request, once, who, what)

    @app.get("/v1/jobs", response_model=JobsAnswer, tags=["jobs"], summary="The latest jobs")
    def latest(who: Annotated[Identity, require("job.run")]) -> JobsAnswer:
        """List the latest 100 jobs of the caller's organisation, newest first."""
        with shop.store.read() as unit:
            found = kept.latest(unit, who.client_id, MOST_LISTED)
        return JobsAnswer(jobs=[_answer(job) for job in found if _sees(who, job)])

    @app.get("/v1/jobs/{job_id}", response_model=JobAnswer, tags=["jobs"], summary="What came of a file")
    def one(job_id: str, who: Annotated[Identity, require("job.run")]) -> JobAnswer:
        """Tell the state of a job (queued, running, done, failed), and its account or problem when it ended."""
        with shop.store.read() as unit:
            return _answer(_found(unit, who, job_id))

    @app.get(
        "/v1/jobs/{job_id}/result",
        response_class=FileResponse,
        tags=["jobs"],
        summary="The file that a job made",
        responses={409: {"description": "the job has not ended, or it failed"}, 410: {"description": "the result was thrown away"}},
    )
    def result(job_id: str, who: Annotated[Identity, require("job.run")]) -> FileResponse:
        """Send the result of a job that is done."""
        with shop.store.write() as unit:
            job = _found(unit, who, job_id)
            if job.state != kept.DONE:
                raise Problem(409, f"the job is {job.state}; its result comes when it is done")
            if job.result is None or not (shop.folder / job.job_id / job.result).is_file():
                raise Problem(410, "the result was thrown away some days after it was made; hand the file in again")
            shop.tell(unit, who, "job.run", [job.job_id], purpose="the result was read")
        path: Path = shop.folder / job.job_id / job.result
        name = f"{job.kind}-{job.job_id}{path.suffix}"
        return FileResponse(path, media_type=RESULT_TYPES[path.suffix], filename=name, headers={"ETag": f'"{job.result_hash}"'})


_TYPES = (
    "text/csv",
    "application/gzip",
    "application/zip",
    "application/vnd.apache.parquet",
    "application/edi-x12",
    "application/octet-stream",
)
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def check_asked(what: Asked, who: Identity, today: date) -> None:
    """Return if somebody may have this made of a file.

    Raises
    ------
    Problem
        With status 403 when it would be of facilities that they do not see, 422 when it is of a day to come.
    """
    if what.options["keep"] and who.facilities is not None:
        raise Problem(403, "reports tell of all facilities: who sees only some of them keeps no audit")
    if what.kind == "load" and who.facilities is not None:
        raise Problem(403, "a ledger is of all facilities: who sees only some of them loads none")
    if what.options["keep"] and (what.options["as_of"] or "") > today.isoformat():
        # The latest one is told: one of a day to come would be it until then.
        raise Problem(422, "an audit is kept of a day that has come", errors=[(["query", "as_of"], "in_future")])


class Arrivals:
    """Files on their way in. Belongs to one event loop.

    Parameters
    ----------
    shop
        Where jobs are handed in.
    points
        Where it dies, in tests.
    """

    def __init__(self, shop: Shop, points: FailPoints) -> None:
        self._shop, self._points = shop, points
        self._coming: Counter[str] = Counter()

    async def take(self, request: Request, once: Changing, who: Identity, what: Asked) -> Response:
        """Take the file of a request, and put it into the queue.

        Raises
        ------
        Problem
            With status 429 when too many of the client's files wait already, before one more lies on the disk.
        """
        waiting = await run_in_threadpool(self._unended, who)
        # One more than may wait is let in: it may be one that was handed in before, sent again.
        if waiting + self._coming[who.client_id] > MOST_UNENDED:
            raise _too_many()
        self._coming[who.client_id] += 1
        try:
            return await self._keep(request, once, who, what)
        finally:
            self._coming[who.client_id] -= 1

    async def _keep(self, request: Request, once: Changing, who: Identity, what: Asked) -> Response:
        job_id = secrets.token_hex(16)
        incoming = await run_in_threadpool(Incoming, self._shop.folder / job_id)
        try:
            async for part in request.stream():
                incoming.add(part)
            file = await run_in_threadpool(incoming.end)
            self._points.reach("upload-written")
            answer, is_mine = await run_in_threadpool(self._queue, once, who, job_id, what, file)
        except BaseException:
            incoming.drop()
            raise
        if not is_mine:
            incoming.drop()
        self._points.reach("upload-recorded")
        return answer

    def _unended(self, who: Identity) -> int:
        with self._shop.store.read() as unit:
            return kept.unended(unit, who.client_id)

    def _queue(self, once: Changing, who: Identity, job_id: str, what: Asked, file: File) -> tuple[Response, bool]:
        """Put a file into the queue; tell whether it is this one, and not an earlier sending of it."""
        now = self._shop.clock()
        job = Job(
            who.client_id, job_id, what.kind, QUEUED, who.subject, what.options, file.name, file.hash, file.bytes,
            0, None, None, None, None, None, None, None, now, now,
        )  # fmt: skip
        made: list[str] = []

        def act(unit: Unit) -> Told:
            if kept.unended(unit, who.client_id) >= MOST_UNENDED:
                raise _too_many()
            kept.add(unit, job)
            self._shop.tell(unit, who, "job.run", [job_id])
            self._points.reach("upload-recording")
            made.append(job_id)
            return Told(202, _answer(job).model_dump(mode="json"), {"Location": f"/v1/jobs/{job_id}"})

        options = "&".join(f"{name}={value}" for name, value in sorted(what.options.items()))
        return once.change(self._shop.store, who, f"{what.kind}?{options} {file.hash}", act), bool(made)


def _too_many() -> Problem:
    words = f"{MOST_UNENDED} files wait to be worked on; send more when some are done"
    return Problem(429, words, headers={"Retry-After": str(RETRY_SECONDS)})


def _found(unit: Unit, who: Identity, job_id: str) -> Job:
    job = kept.find(unit, who.client_id, job_id) if _ID.fullmatch(job_id) else None
    if job is None or not _sees(who, job):
        raise Problem(404, "there is no such job")
    return job


def _sees(who: Identity, job: Job) -> bool:
    """A file may hold rows of every facility: who sees only some of them sees only files of their own."""
    return who.client_id == job.client_id and (who.facilities is None or who.subject == job.subject)


def _answer(job: Job) -> JobAnswer:
    told = {name: getattr(job, name) for name in JobAnswer.model_fields}
    return JobAnswer(**told | {"account": None if job.account is None else dict(job.account)})
