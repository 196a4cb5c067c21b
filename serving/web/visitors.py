"""The door of the pages: who is signed in, as a typed parameter of each page.

::

    @app.get("/queue")
    def queue(visit: Annotated[Visit, visitor("queue.read")]) -> Response: ...

    @app.post("/items/{item_id}/skip")
    def skip(item_id: str, visit: Annotated[Visit, visitor("queue.work")], form: Form) -> Response: ...

Whoever is not signed in is sent to the sign-in page. What changes something must come from a page of ours (its `Origin`), with the form
token of the session: as field `form_token`, or as header `X-Form-Token` from a script of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from features.errors import NotPermitted
from serving.access import Identity, named_action
from serving.api.identity import FORM_HEADER, SAFE, Permission, check_from_here, origin, session_cookie
from serving.api.problems import Problem
from serving.identity.gate import Gate
from serving.identity.visits import Visit
from serving.web.forms import Fields, read_fields
from serving.web.rendering import page

FORM_FIELD = "form_token"
SIGN_IN, SIGN_OUT, PASSWORD = "/sign-in", "/sign-out", "/password"


class Elsewhere(Exception):
    """The visitor must see another page first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Refusal(Problem):
    """An answer that is an error, shown as a page."""


@dataclass(frozen=True, slots=True)
class Visitor(Permission):
    """A dependency that gives the visit of a request, if its role may do an action.

    Parameters
    ----------
    action
        The action.
    is_for_newcomers
        Whether who must change the password first may come in.
    file_bytes
        What a file that comes with the form may have; 0: no file is taken.
    """

    is_for_newcomers: bool = False
    file_bytes: int = 0

    async def __call__(self, request: Request) -> Visit:  # type: ignore[override]
        """Return the visit."""
        gate = gate_of(request)
        visit = await run_in_threadpool(gate.visits.of, session_cookie(request), origin(request))
        if visit is None:
            raise Elsewhere(sign_in_path(request))
        if request.method not in SAFE:
            request.state.form = await _checked_form(request, visit, self.file_bytes)
        if visit.must_change_password and not self.is_for_newcomers:
            raise Elsewhere(PASSWORD)
        try:
            visit.identity.check(self.action)
        except NotPermitted as error:
            await run_in_threadpool(gate.refusals.tell, gate.store, visit.identity, self.action)
            raise Refusal(403, str(error)) from None
        return visit


async def _checked_form(request: Request, visit: Visit, file_bytes: int) -> Fields:
    try:
        check_from_here(request)
        form = await read_fields(request, file_bytes=file_bytes)
    except Problem as problem:
        raise Refusal(problem.status, str(problem)) from None
    if not visit.is_form_of(request.headers.get(FORM_HEADER) or form.one(FORM_FIELD)):
        raise Refusal(403, "this form is from an older session; open the page again")
    return form


def gate_of(request: Request) -> Gate:
    """Return the gate that a request came in by: what is stored, and who may see it."""
    gate: Gate = request.app.state.gate
    return gate


def visitor(action: str, *, is_for_newcomers: bool = False, file_bytes: int = 0) -> Any:
    """Return the dependency by which a page gets its visit; Any, as `fastapi.Depends` is."""
    return Depends(Visitor(named_action(action).name, is_for_newcomers, file_bytes))


def check(request: Request, who: Identity, action: str) -> None:
    """Return if somebody holds an action that their form asks for beyond that of the page; a refusal is told, as that of a page is.

    Raises
    ------
    NotPermitted
        When they do not.
    """
    try:
        who.check(action)
    except NotPermitted:
        gate = gate_of(request)
        gate.refusals.tell(gate.store, who, action)
        raise


def _form(request: Request) -> Fields:
    form: Fields = request.state.form
    return form


Form = Annotated[Fields, Depends(_form)]
"""The typed parameter by which a page takes the fields of its form; it stands after the visit, which has checked them."""


def add_door(app: FastAPI) -> None:
    """Send who is not signed in to the sign-in page, from every page that asks for a visit; show refusals as pages."""
    app.add_exception_handler(Elsewhere, _lead_elsewhere)
    app.add_exception_handler(Refusal, _refuse)


def sign_in_path(request: Request) -> str:
    """Return where to sign in, and come back to this page afterwards; of a form that was sent too late, that it was not kept."""
    if request.method not in SAFE:
        # Who signs out has typed nothing.
        return SIGN_IN if request.url.path == SIGN_OUT else f"{SIGN_IN}?lost=yes"
    path = request.url.path
    return SIGN_IN if path == "/" else f"{SIGN_IN}?next={quote(path)}"


def safe_next(path: str) -> str:
    """Return a path of this service to go on to after signing in; anything else leads home.

    >>> safe_next("/items/abc"), safe_next("//evil.example"), safe_next("https://evil.example"), safe_next("/\\\\evil"), safe_next("")
    ('/items/abc', '/', '/', '/', '/')
    """
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable() and len(path) <= 500
    return path if is_ours else "/"


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return page("refused.html.j2", error.status, text=str(error))


async def _lead_elsewhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, Elsewhere)
    if request.headers.get("hx-request") == "true":
        # A redirect would be followed by the script and its page swapped into a part of this one.
        return Response(status_code=204, headers={"HX-Redirect": error.path, "Vary": "HX-Request"})
    return RedirectResponse(error.path, 303)
