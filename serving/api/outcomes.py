"""`/v1/outcomes`: what came of efforts, stated by programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import BadData
from features.intake.cells import latest_day
from features.intake.records import read_records
from features.intake.rejects import Reject
from features.tables import OUTCOMES
from features.vocabulary import Vocabulary
from serving.access import Identity
from serving.api.asking import described, read_body
from serving.api.bodies import Body
from serving.api.identity import require
from serving.api.once import Once, Told
from serving.api.problems import Place, Problem
from serving.store.outcomes import said_by
from serving.store.rows import rows_of
from serving.store.store import Store, Unit
from serving.wire.outcomes import OutcomesAsked, OutcomesTold
from serving.worklist.events import Effort
from serving.worklist.worklist import Worklist

_EXAMPLE = {
    "writeoff_id": "W-100017",
    "effort_id": "E-1",
    "worked_date": "2026-10-01",
    "action": "appeal",
    "resolved_date": "2026-11-02",
    "status": "recovered",
    "recovered_amount": "240.00",
    "hours_spent": "0.75",
}


def add_outcomes(app: FastAPI, store: Store, worklist: Worklist) -> None:
    """Add the route."""

    @app.post(
        "/v1/outcomes",
        response_model=OutcomesTold,
        summary="State what came of efforts",
        tags=["outcomes"],
        openapi_extra=described(OutcomesAsked, {"outcomes": [_EXAMPLE]}),
        responses={404: {"description": "a write-off is not there, or not the caller's to see; nothing was recorded"}},
    )
    def outcomes(request: Request, who: Annotated[Identity, require("outcome.record")], once: Once, body: Body) -> Response:
        """State up to 1,000 efforts as they are now, all or none; what is news is recorded, what is known already changes nothing."""
        asked = read_body(body, OutcomesAsked)
        said = read_efforts(asked.outcomes, today=request.app.state.today())

        def act(unit: Unit) -> Told:
            return Told(200, OutcomesTold.of(worklist.record_in(unit, who, said)).model_dump(mode="json"))

        return once.change(store, who, body, act)


def read_efforts(rows: list[dict[str, str | int | bool | None]], *, today: date) -> list[Effort]:
    """Read outcomes as efforts.

    Raises
    ------
    Problem
        With status 422 and the places that are wrong.
    """
    try:
        read = read_records(rows, OUTCOMES, vocabulary=Vocabulary(), latest=latest_day(today))
    except BadData:
        raise Problem(422, "some outcomes cannot be read", errors=[(["outcomes"], "column_twice")]) from None
    if read.rejects:
        raise Problem(422, "some outcomes cannot be read", errors=_places(read.rejects))
    return [said_by(row) for row in rows_of(read.batch)]


def _places(rejects: Iterable[Reject]) -> list[tuple[Place, str]]:
    return [(["outcomes", reject.row - 1, reject.column or "*"], reject.rule.value) for reject in rejects]
