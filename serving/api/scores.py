"""`POST /v1/scores`: rows in, scores out, nothing kept but counts."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from features.tables import WRITEOFFS, Kind
from serving.access import Identity
from serving.api.bodies import body_bytes
from serving.api.direct import DirectRoute
from serving.api.identity import require
from serving.api.questions import Answer, Question, ScoresRequest, answer, day, is_past, read_question
from serving.api.together import Together
from serving.champion import BatchScorer, Champion, Loaded

SMALL_BYTES = 8 * 1024
"""A body up to this size is read on the event loop: sooner done than handed to a thread."""


class ScoresAnswer(BaseModel):
    """Scores in the order of the request."""

    model_version: str
    as_of: date
    scores: list[dict[str, Any]]
    issues: list[str]


def _openapi() -> dict[str, Any]:
    """The body as OpenAPI describes it; it is read by hand, so that an error never repeats it."""
    schema = ScoresRequest.model_json_schema()
    rows = schema["properties"]["writeoffs"]
    rows["items"] = {
        "type": "object",
        "required": [column.name for column in WRITEOFFS.columns if not column.nullable],
        "properties": {column.name: {"type": _json_types(column.kind), "description": column.meaning} for column in WRITEOFFS.columns},
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _json_types(kind: Kind) -> list[str]:
    return {
        Kind.MONEY: ["number", "string", "null"],
        Kind.NUMBER: ["number", "string", "null"],
        Kind.INT: ["integer", "string", "null"],
    }.get(kind, ["boolean", "string", "null"] if kind is Kind.BOOL else ["string", "null"])


def add_scores(app: FastAPI) -> None:
    """Add the route; on the application itself, so that it knows its whole path."""
    together = Together()

    async def scores(request: Request, who: Annotated[Identity, require("scores.make")]) -> Response:
        """Score up to 10,000 write-offs as of a morning; the same rows give the same scores, and nothing is stored."""
        body, state = await body_bytes(request), request.app.state
        if len(body) > SMALL_BYTES:
            return await run_in_threadpool(_scored, body, state, who)
        question = read_question(body, today=state.today())
        if len(question.rows) != 1 or is_past(question, state.today()):
            return await run_in_threadpool(_answered, question, state, who)
        loaded: Loaded[BatchScorer] = state.champion.current(who.client_id)
        return _response(state, who, loaded, question.as_of, await together.answer(question, loaded))

    app.router.add_api_route(
        "/v1/scores",
        scores,
        methods=["POST"],
        response_model=ScoresAnswer,
        openapi_extra=_openapi(),
        summary="Score write-offs",
        tags=["scores"],
        route_class_override=DirectRoute,
    )


def _scored(body: bytes, state: State, who: Identity) -> Response:
    return _answered(read_question(body, today=state.today()), state, who)


def _answered(question: Question, state: State, who: Identity) -> Response:
    """Answer with what the client knows now, or knew on a morning that is past."""
    champion: Champion[BatchScorer] = state.champion
    loaded = champion.on(who.client_id, question.as_of) if is_past(question, state.today()) else champion.current(who.client_id)
    return _response(state, who, loaded, question.as_of, answer(question, loaded))


def _response(state: State, who: Identity, loaded: Loaded[BatchScorer], as_of: int, found: Answer) -> Response:
    state.metrics.rows(len(found.scores))
    state.counted.add(who, len(found.scores))
    told = {"model_version": loaded.scorer.version, "as_of": day(as_of).isoformat(), "scores": found.scores, "issues": found.issues}
    return Response(_ENCODE(told).encode(), media_type="application/json")


_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
