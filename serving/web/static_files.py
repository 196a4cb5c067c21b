"""The style sheet, the scripts and the icon of the pages, which anybody may read."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from serving.api.identity import anybody

STATIC = {
    "recoup.css": "text/css; charset=utf-8",
    "recoup.svg": "image/svg+xml",
    "recoup.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
}
CACHED = {"cache-control": "public, max-age=86400"}
"""They say nothing of anybody, so browsers may keep them."""


def add_static(app: FastAPI) -> None:
    """Add the files."""

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str, nobody: Annotated[None, anybody("a style sheet says nothing")]) -> Response:
        if name not in STATIC:
            return PlainTextResponse("there is no such file", 404)
        return Response((files("serving.web") / "static" / name).read_bytes(), media_type=STATIC[name], headers=CACHED)
