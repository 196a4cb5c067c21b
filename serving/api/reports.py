"""`/v1/reports`: sums that the latest audit found."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI

from features.errors import NotFound
from serving.access import Identity
from serving.api.identity import require
from serving.store import audits
from serving.store.store import Store
from serving.wire.reports import OpportunityTold


def add_reports(app: FastAPI, store: Store) -> None:
    """Add the route."""

    @app.get(
        "/v1/reports/opportunity",
        response_model=OpportunityTold,
        summary="What may still be collected",
        tags=["reports"],
        responses={404: {"description": "no audit was kept, or the caller does not see all facilities that it is of"}},
    )
    def opportunity(who: Annotated[Identity, require("report.read")]) -> OpportunityTold:
        """Tell what the latest audit that was kept found: from what was written off to what can still come, step by step, in dollars.

        `POST /v1/jobs?kind=audit&keep=true` and `recoup audit --keep` keep one. It is of all facilities of a client, so who sees only some
        of them is told of none.
        """
        with store.read() as unit:
            found = audits.latest(unit, who.client_id)
        if found is None or who.facilities is not None:
            raise NotFound("there is no audit to tell of; POST /v1/jobs?kind=audit&keep=true makes one")
        return OpportunityTold.of(found)
