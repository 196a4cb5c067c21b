"""`/v1/writeoffs`: one write-off with all that belongs to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path

from serving.access import Identity
from serving.api.identity import require
from serving.wire.fields import LONGEST_ID
from serving.wire.writeoffs import DetailTold
from serving.worklist.worklist import Worklist


def add_writeoffs(app: FastAPI, worklist: Worklist) -> None:
    """Add the route."""

    @app.get(
        "/v1/writeoffs/{writeoff_id}",
        response_model=DetailTold,
        summary="Read a write-off",
        tags=["queue"],
        responses={404: {"description": "there is no such write-off, or it is not the caller's to see"}},
    )
    def writeoff(
        who: Annotated[Identity, require("writeoff.read")],
        writeoff_id: Annotated[str, Path(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["W-100017"])],
    ) -> DetailTold:
        """Read the item that a write-off is in, with all that belongs to it; one that is in none comes alone, with `item` null."""
        return DetailTold.of(worklist.writeoff(who, writeoff_id))
