"""The papers of an item as files: letter and worksheet, Word and PDF, and what is enclosed with them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response

from features.errors import RecoupError
from serving.identity.visits import Visit
from serving.packet.cleaning import MOST_BYTES
from serving.web.items import ItemId
from serving.web.site import Site
from serving.web.visitors import Form, visitor

EnclosureId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


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
            return refused(request, visit, item_id, error, "There are no papers for this")
        return site.file_of(f"{'worksheet' if is_worksheet else 'packet'}-{item_id}", form, content)

    @app.post("/items/{item_id}/enclosures", include_in_schema=False)
    def enclose(
        request: Request, item_id: ItemId, visit: Annotated[Visit, visitor("packet.attach", file_bytes=MOST_BYTES)], form: Form
    ) -> Response:
        try:
            site.needed_files().attach(visit.identity, item_id, form.text("title", 120), form.file("file"))
        except RecoupError as error:
            return refused(request, visit, item_id, error, "The file was not added")
        return site.go(f"/items/{item_id}", "enclosed")

    @app.get("/items/{item_id}/enclosures/{enclosure_id}.pdf", include_in_schema=False)
    def enclosure(
        request: Request, item_id: ItemId, enclosure_id: EnclosureId, visit: Annotated[Visit, visitor("packet.read")]
    ) -> Response:
        try:
            content = site.needed_files().read(visit.identity, item_id, enclosure_id)
        except RecoupError as error:
            return refused(request, visit, item_id, error, "The file cannot be shown")
        return site.file_of(f"enclosure-{enclosure_id}", "pdf", content)

    @app.post("/items/{item_id}/enclosures/{enclosure_id}/remove", include_in_schema=False)
    def take_away(
        request: Request, item_id: ItemId, enclosure_id: EnclosureId, visit: Annotated[Visit, visitor("packet.attach")], form: Form
    ) -> Response:
        try:
            site.needed_files().remove(visit.identity, item_id, enclosure_id)
        except RecoupError as error:
            return refused(request, visit, item_id, error, "The file was not taken away")
        return site.go(f"/items/{item_id}", "file_removed")

    def refused(request: Request, visit: Visit, item_id: str, error: RecoupError, heading: str) -> Response:
        return site.message(request, visit, error.http_status, str(error), heading=heading, back=f"/items/{item_id}")
