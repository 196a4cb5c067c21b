"""`/v1/writeoffs/{id}/packet.docx` and `.pdf`: the letter for the work item that a write-off is in, and the worksheet of the staff."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Query
from fastapi.responses import Response

from serving.access import Identity
from serving.api.identity import require
from serving.packet.papers import MEDIA, Format, Papers
from serving.wire.fields import LONGEST_ID


def add_packets(app: FastAPI, papers: Papers) -> None:
    """Add the routes."""
    _add(app, papers, "docx")
    _add(app, papers, "pdf")


def _add(app: FastAPI, papers: Papers, form: Format) -> None:
    @app.get(
        f"/v1/writeoffs/{{writeoff_id}}/packet.{form}",
        summary=f"Write the letter of a write-off as {form.upper()}",
        tags=["queue"],
        response_class=Response,
        operation_id=f"packet_{form}",
        responses={
            200: {"content": {MEDIA[form]: {}}},
            404: {"description": "there is no such write-off, or it is not the caller's to see"},
            409: {"description": "a rule forbids the letter, or the score is older than the rules; the rule is named"},
        },
    )
    def packet(
        who: Annotated[Identity, require("packet.read")],
        writeoff_id: Annotated[str, Path(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["W-100017"])],
        worksheet: Annotated[bool, Query(description="the worksheet of the staff in place of the letter")] = False,
    ) -> Response:
        """Write the letter, to be signed and sent by a person; each read of an identity is in the access log."""
        content = papers.of_writeoff(who, writeoff_id, form, is_worksheet=worksheet)
        return Response(content, media_type=MEDIA[form], headers={"content-disposition": f'attachment; filename="packet.{form}"'})
