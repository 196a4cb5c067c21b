"""`/v1/models`: the models that are registered, and making another one serve."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path
from fastapi.responses import Response

from features.errors import NotFound, UsageError
from serving.access import Identity
from serving.api.asking import described, read_body
from serving.api.bodies import Body
from serving.api.identity import require
from serving.api.once import Once, Told
from serving.candidates import Candidates
from serving.champion import BatchScorer, Champion
from serving.store.store import Store
from serving.wire.models import ModelsTold, PromotionAsked, PromotionTold, WireModel

Version = Annotated[str, Path(pattern=r"^[0-9]{1,9}$", examples=["2"])]


def add_models_api(app: FastAPI, store: Store, champion: Champion[BatchScorer], candidates: Candidates) -> None:
    """Add the routes."""
    busy: dict[int | str, dict[str, Any]] = {503: {"description": "the registry is busy or does not answer; nothing was changed"}}

    @app.get("/v1/models", response_model=ModelsTold, summary="List models", tags=["models"], responses=busy)
    def models(who: Annotated[Identity, require("model.read")]) -> ModelsTold:
        """List what is registered, and say which version answers now."""
        return ModelsTold(serving=champion.current().scorer.version, models=[WireModel.of(one) for one in candidates.listed()])

    example = {"purpose": "held every gate of November", "past_gates": False}

    @app.post(
        "/v1/models/{version}/promote",
        response_model=PromotionTold,
        summary="Make a model serve",
        tags=["models"],
        responses={
            404: {"description": "no such version is registered"},
            409: {"description": "its gates did not hold, or were never asked, and `past_gates` was not said"},
            **busy,
        },
        openapi_extra=described(PromotionAsked, example),
    )
    def promote(who: Annotated[Identity, require("model.promote")], version: Version, once: Once, body: Body) -> Response:
        """Make a version the champion; the one before it stays registered, and promoting that one is the way back."""
        asked = read_body(body, PromotionAsked)

        def act() -> Told:
            try:
                candidates.pair(version)
            except UsageError:
                raise NotFound("no such version is registered") from None
            candidates.promote(who, version, asked.purpose, past_gates=asked.past_gates)
            return Told(200, PromotionTold(champion=version).model_dump(mode="json"))

        return once.change_elsewhere(store, who, body, act)
