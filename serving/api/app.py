"""The application: health, scores, the API of the queue, and its pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from features.errors import RecoupError
from features.view import Viewer
from serving.access import Identity
from serving.api.admission import Admission
from serving.api.description import describe
from serving.api.health import add_health
from serving.api.identity import Keys, check_policies, identify, require, unauthorised
from serving.api.jobs import add_jobs
from serving.api.metrics import Metrics
from serving.api.models import add_models_api
from serving.api.once import Turns
from serving.api.outcomes import add_outcomes
from serving.api.packets import add_packets as add_packets_api
from serving.api.problems import Problem, answer_problem, problem_response
from serving.api.queue import add_worklist
from serving.api.reports import add_reports
from serving.api.scores import add_scores
from serving.api.shell import Shell
from serving.api.steering import add_steering
from serving.api.writeoffs import add_writeoffs
from serving.candidates import Candidates
from serving.champion import BatchScorer, Champion
from serving.counted import Counted
from serving.identity.gate import Gate
from serving.jobs.failpoints import FailPoints
from serving.jobs.worker import Shop
from serving.packet.papers import Papers
from serving.web.bulk import add_bulk
from serving.web.items import add_items
from serving.web.lead import add_lead
from serving.web.models import add_models
from serving.web.opportunity import add_opportunity
from serving.web.packets import add_packets
from serving.web.payers import add_payers
from serving.web.prevention import add_prevention
from serving.web.problem_pages import ProblemPages
from serving.web.projects import add_projects
from serving.web.queue import add_queue
from serving.web.sign_in import add_provider, add_sign_in
from serving.web.site import Site
from serving.web.static_files import add_static
from serving.web.visitors import add_door
from serving.worklist.sight import Sight
from serving.worklist.worklist import Worklist

if TYPE_CHECKING:
    from serving.identity.provider import Provider


UNTOLD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}
"""FastAPI's own telemetry would hand the texts of errors, and so what was sent, to whatever exporter the environment names."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the application is built from.

    Parameters
    ----------
    champion
        The model.
    keys
        Keys of the settings.
    today
        The day on the wall, for requests that name none.
    gate
        Stored keys, people and the access log; None where nothing is stored.
    public_url
        The address by which browsers reach the service, like https://recoup.example; None takes what they ask for.
    provider
        The identity provider that people may sign in with; None for none.
    shop
        Where jobs are handed in; None takes none.
    points
        Where the service dies, in tests.
    drift
        File of the latest look at drift.
    counted
        Counts of what was scored.
    site
        The pages of the work queue; they need a gate.
    papers
        Writes letters; None offers none to programs.
    candidates
        Models that may serve; None offers none to programs.
    """

    champion: Champion[BatchScorer]
    keys: Keys
    today: Callable[[], date]
    gate: Gate | None = None
    public_url: str | None = None
    provider: Provider | None = None
    shop: Shop | None = None
    points: FailPoints = field(default_factory=FailPoints)
    drift: Path | None = None
    counted: Counted = field(default_factory=Counted)
    site: Site | None = None
    papers: Papers | None = None
    candidates: Candidates | None = None


def create_app(service: Service) -> FastAPI:
    """Return the application; it opens nothing and starts nothing."""
    app = FastAPI(title="recoup", version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, telemetry=UNTOLD)
    metrics = Metrics()
    app.state.champion, app.state.keys, app.state.today, app.state.metrics = service.champion, service.keys, service.today, metrics
    app.state.turns, app.state.counted = Turns(), service.counted
    app.state.gate, app.state.public_url = service.gate, service.public_url
    add_scores(app)
    if service.shop is not None:
        add_jobs(app, service.shop, service.points)
    _add_description(app)
    add_health(app, metrics, service.champion, service.gate, service.drift)
    if service.gate is not None:
        add_static(app)
        worklist = worklist_of(service.gate, service.champion, service.today)
        app.state.worklist = worklist
        add_worklist(app, service.gate.store, worklist, service.papers)
        add_steering(app, service.gate.store, worklist)
        add_writeoffs(app, worklist)
        if service.papers is not None:
            add_packets_api(app, service.papers)
        add_outcomes(app, service.gate.store, worklist)
        add_reports(app, service.gate.store)
        if service.candidates is not None:
            add_models_api(app, service.gate.store, service.champion, service.candidates)
        add_door(app)
        add_sign_in(app, service.gate)
        if service.provider is not None:
            add_provider(app, service.gate, service.provider)
    if service.site is not None:
        add_queue(app, service.site)
        add_payers(app, service.site)
        add_projects(app, service.site)
        add_packets(app, service.site)
        add_bulk(app, service.site)
        add_lead(app, service.site)
        add_models(app, service.site)
        assert service.gate is not None
        add_opportunity(app, service.site, service.gate)
        add_prevention(app, service.site, service.gate)
        add_items(app, service.site)
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(RecoupError, _answer_recoup_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(Admission)
    app.add_middleware(Shell, metrics=metrics)
    if service.site is not None:
        app.add_middleware(ProblemPages)
    check_policies(app)
    return app


def worklist_of(gate: Gate, champion: Champion[BatchScorer], today: Callable[[], date]) -> Worklist:
    """Return the worklist of a store, told to its access log, seen by the rules of the model that serves."""

    def sight() -> Sight | None:
        scorer = champion.current().scorer
        viewer = getattr(scorer, "viewer", None)
        return Sight(viewer, scorer.vocabulary) if isinstance(viewer, Viewer) else None

    return Worklist(gate.store, clock=gate.now, today=today, tell=gate.log.tell, sight=sight)


def _add_description(app: FastAPI) -> None:
    @app.get("/v1/openapi.json", include_in_schema=False)
    def openapi(who: Annotated[Identity, require("api.describe")]) -> JSONResponse:
        """Describe the API."""
        return JSONResponse(describe(app))


def _answer_recoup_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RecoupError)
    return problem_response(Problem(error.http_status, str(error)))


def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(Problem(422, "the request is not of the form that the API describes", errors=_places(error)))


def _places(error: RequestValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    return [(tuple(item["loc"]), item["type"]) for item in error.errors()]


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    """No such route or method; a caller without identity does not learn which under /v1."""
    assert isinstance(error, HTTPException)
    if re.match(r"/+v1(/|$)", request.url.path):
        try:
            if await identify(request) is None:
                return problem_response(unauthorised())
        except (Problem, RecoupError) as refused:
            return problem_response(refused if isinstance(refused, Problem) else Problem(refused.http_status, str(refused)))
    headers = dict(error.headers) if error.headers else None
    return problem_response(
        Problem(error.status_code, "there is no such page" if error.status_code == 404 else str(error.detail), headers=headers)
    )
