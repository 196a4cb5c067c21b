"""The analyst's page: the model that serves, how well it is calibrated, and whether payers have changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import Response

from serving.identity.visits import Visit
from serving.web.cards import marks
from serving.web.site import Site
from serving.web.visitors import visitor


def add_models(app: FastAPI, site: Site) -> None:
    """Add the page."""

    @app.get("/models", include_in_schema=False)
    def models(request: Request, visit: Annotated[Visit, visitor("model.read")]) -> Response:
        card = site.card()
        return site.page(
            request, visit, "models.html.j2", card=card, marks=marks(card.dots), may_promote=visit.identity.may("model.promote")
        )
