"""The read-only page of the write-offs worth working, behind a one-time token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.background import BackgroundTask

from serving.api.identity import anybody
from serving.web import figures
from serving.web.door import COOKIE, SESSION_SECONDS, Door
from serving.web.toplist import TopList

STATIC = {
    "recoup.css": "text/css; charset=utf-8",
    "recoup.svg": "image/svg+xml",
    "recoup.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
}
CACHED = {"cache-control": "public, max-age=86400"}
"""They say nothing of anybody, so browsers may keep them."""


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Page:
    """The page, its door, and what to do each time it was read to the end."""

    top: TopList
    door: Door
    answered: Callable[[], None] = field(default=_nothing)


def add_page(app: FastAPI, page: Page) -> None:
    """Add the page at `/`."""
    templates = _templates()
    html = templates.get_template("top.html.j2").render(top=page.top)
    closed = templates.get_template("closed.html.j2").render()

    @app.get("/", include_in_schema=False)
    def top(request: Request, nobody: Annotated[None, anybody("the page has a door of its own")], token: str | None = None) -> Response:
        is_open = page.door.is_open(request.cookies.get(COOKIE))
        if token is not None:
            return _enter(page.door, token, is_open=is_open, closed=closed)
        if not is_open:
            return HTMLResponse(closed, 401)
        return HTMLResponse(html, background=BackgroundTask(page.answered))


def add_static(app: FastAPI) -> None:
    """Add the style sheet and its like, which anybody may read."""

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str, nobody: Annotated[None, anybody("a style sheet says nothing")]) -> Response:
        if name not in STATIC:
            return PlainTextResponse("there is no such file", 404)
        return Response((files("serving.web") / "static" / name).read_bytes(), media_type=STATIC[name], headers=CACHED)


def _enter(door: Door, token: str, *, is_open: bool, closed: str) -> Response:
    """Spend the token; the redirect takes it out of the address bar and the history."""
    session = door.enter(token)
    if session is None and not is_open:
        return HTMLResponse(closed, 401)
    response = RedirectResponse("/", 303)
    if session is not None:
        response.set_cookie(COOKIE, session, max_age=SESSION_SECONDS, path="/", httponly=True, samesite="strict")
    return response


def _templates() -> Environment:
    loader = PackageLoader("serving.web")
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates.filters.update(dollars=figures.dollars, count=figures.count, hours=figures.hours, sentence=figures.sentence)
    return templates
