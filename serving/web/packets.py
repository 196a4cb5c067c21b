"""The papers of an item as files: letter and worksheet, Word and PDF."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import RecoupError
from serving.identity.visits import Visit
from serving.web.items import ItemId
from serving.web.site import Site
from serving.web.visitors import visitor


def add_packets(app: FastAPI, site: Site) -> None:
    """Add the files."""

    @app.get("/items/{item_id}/packet.{form}", include_in_schema=False)
    def packet(
        request: Request, item_id: ItemId, form: Literal["docx", "pdf"], visit: Annotated[Visit, visitor("packet.read")]
    ) -> Response:
        return written(request, visit, item_id, form, is_worksheet=False)

    @app.get("/items/{item_id}/worksheet.{form}", include_in_schema=False)
    def worksheet(
        request: Request, item_id: ItemId, form: Literal["docx", "pdf"], visit: Annotated[Visit, visitor("packet.read")]
    ) -> Response:
        return written(request, visit, item_id, form, is_worksheet=True)

    def written(request: Request, visit: Visit, item_id: str, form: Literal["docx", "pdf"], *, is_worksheet: bool) -> Response:
        try:
            content = site.needed_papers().of_items(visit.identity, [item_id], form, is_worksheet=is_worksheet)
        except RecoupError as error:
            return site.message(
                request, visit, error.http_status, str(error), heading="There are no papers for this", back=f"/items/{item_id}"
            )
        return site.file_of(f"{'worksheet' if is_worksheet else 'packet'}-{item_id}", form, content)
