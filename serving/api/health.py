"""Health: whether the process answers, and whether all that it needs is there. Both answer however much else there is to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from features.errors import RecoupError
from serving.access import Identity
from serving.api.identity import anybody, require
from serving.api.metrics import CONTENT_TYPE, Metrics
from serving.champion import BatchScorer, Champion
from serving.gauges import fill, fill_drift
from serving.identity.gate import Gate
from serving.store import migrations
from serving.store.store import Store

FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
READY = "ready"
BY_PRIORS = "no model was promoted yet, priors serve"
"""What a first installation says of its model: it answers, so whoever balances load lets it in."""


class Readiness:
    """What the service needs, looked at once a second at most, by one thread however many ask."""

    def __init__(self, champion: Champion[BatchScorer], store: Store | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._champion, self._store, self._clock = champion, store, clock
        self._looked, self._problem = float("-inf"), ""
        self._turn = asyncio.Lock()

    async def parts(self) -> dict[str, str]:
        """Return each part, and `ready`, `BY_PRIORS` or what is wrong with it."""
        loaded = self._champion.current()
        told = {"model": READY}
        if loaded.is_prior:
            # Priors in the place of a model that was promoted would be other scores than everybody counts on.
            told["model"] = f"the promoted model does not load: {loaded.problem}" if loaded.is_refused else BY_PRIORS
        if self._store is None:
            return told
        async with self._turn:
            if self._clock() - self._looked > FRESH_SECONDS:
                try:
                    self._problem = await asyncio.wait_for(run_in_threadpool(self._look, self._store), PATIENCE_SECONDS)
                except TimeoutError:
                    self._problem = f"the database does not answer within {PATIENCE_SECONDS:.0f} seconds"
                self._looked = self._clock()
        return told | {"database": self._problem or READY}

    def _look(self, store: Store) -> str:
        try:
            migrations.check(store)
            return ""
        except RecoupError as error:
            return str(error)


def add_health(app: FastAPI, metrics: Metrics, champion: Champion[BatchScorer], gate: Gate | None, drift: Path | None = None) -> None:
    """Add the routes."""
    readiness = Readiness(champion, None if gate is None else gate.store)

    @app.get("/livez", tags=["health"], summary="Whether the process answers")
    async def livez(nobody: Annotated[None, anybody("whoever restarts the process has no key")]) -> dict[str, str]:
        """Answer."""
        return {"status": "alive"}

    @app.get(
        "/readyz",
        tags=["health"],
        summary="Whether it can answer: database, tables and the promoted model are there",
        responses={503: {"description": "something is missing; before the first promotion priors serve, which is ready"}},
    )
    async def readyz(nobody: Annotated[None, anybody("a load balancer has no key")]) -> JSONResponse:
        """Tell each part, and the version of the model."""
        parts = await readiness.parts()
        wrong = [words for words in parts.values() if words not in (READY, BY_PRIORS)]
        told = {"status": wrong[0] if wrong else READY, "model_version": champion.current().scorer.version, **parts}
        return JSONResponse(told, 503 if wrong else 200)

    @app.get("/metrics", tags=["health"], summary="Counts for Prometheus", response_class=PlainTextResponse)
    def read_metrics(who: Annotated[Identity, require("metrics.read")]) -> PlainTextResponse:
        """Tell counts, times, the depth of queues, the age of scores and whether drift rings."""
        loaded = champion.current()
        if gate is not None:
            fill(metrics.gauge, gate.store, app.state.today())
            refused = {"session.open": 0} | gate.refusals.totals()
            told = [({"action": action}, float(count)) for action, count in sorted(refused.items())]
            metrics.gauge("recoup_refused_attempts", "Attempts refused since the process began.", told)
        if drift is not None:
            fill_drift(metrics.gauge, drift)
        metrics.gauge("recoup_model_is_prior", "Whether expert rates serve for want of a model.", [({}, float(loaded.is_prior))])
        metrics.gauge("recoup_model_has_problem", "Whether the latest promotion is not served.", [({}, float(loaded.is_refused))])
        return PlainTextResponse(metrics.text(loaded.scorer.version), media_type=CONTENT_TYPE)
