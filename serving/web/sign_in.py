"""Pages for signing in and out, the password, and emergencies."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from features.errors import BadData, NotPermitted, RecoupError, TryAgain
from serving.access import ROLES
from serving.api.identity import address, anybody, check_from_here, cookie_name, origin, session_cookie
from serving.api.problems import Problem
from serving.identity.gate import Gate
from serving.identity.visits import LONGEST, LONGEST_REASON, SHORTEST_REASON, Visit
from serving.identity.vouched import Journey
from serving.web.forms import Fields, read_fields
from serving.web.rendering import page
from serving.web.visitors import Form, Refusal, safe_next, visitor

if TYPE_CHECKING:
    # It brings a client for HTTP along, which a service without a provider does not need.
    from serving.identity.provider import Provider

ANSWER = "/sign-in/answer"
JOURNEY_COOKIE = "recoup_sign_in"
SECONDS_LEFT = "session-seconds"
"""The header by which a script of ours learns how long the session lasts; it warns before."""

SPENT = "an address that signs somebody in works once, and not for long; ask for another one, or sign in with name and password"
LOST = "you were signed out before it was sent, so nothing of what you typed was kept; sign in and enter it again"
NOT_HERE = "signing in works at the address that `public_url` names, or on the machine itself"


async def _newcomers_form(request: Request) -> Fields:
    """The form of somebody who has no session yet: it must come from a page of ours, so that nobody is signed in unawares."""
    try:
        check_from_here(request)
        return await read_fields(request)
    except Problem as problem:
        raise Refusal(problem.status, str(problem)) from None


NewcomersForm = Annotated[Fields, Depends(_newcomers_form)]
Anyone = Annotated[None, anybody("whoever is not signed in comes here")]


def add_sign_in(app: FastAPI, gate: Gate) -> None:
    """Add the pages of a gate."""
    _add_door(app, gate)
    _add_account(app, gate)


def _add_door(app: FastAPI, gate: Gate) -> None:
    """Add the pages for coming in, staying and going."""

    @app.get("/sign-in", include_in_schema=False)
    def ask(request: Request, nobody: Anyone, next: str = "/", lost: str = "") -> Response:
        if gate.visits.of(session_cookie(request), origin(request)) is not None:
            return RedirectResponse(safe_next(next), 303)
        return _sign_in_page(request, safe_next(next), problem=LOST if lost == "yes" else "")

    @app.post("/sign-in", include_in_schema=False)
    def sign_in(request: Request, nobody: Anyone, form: NewcomersForm) -> Response:
        path = safe_next(form.one("next"))
        if address(request) is None:
            return _sign_in_page(request, path, 403, NOT_HERE)
        try:
            secret = gate.visits.sign_in(form.one("name"), form.exact("password"), origin(request))
        except (NotPermitted, TryAgain) as error:
            return _sign_in_page(request, path, error.http_status, str(error), name=form.one("name"))
        return with_session(request, RedirectResponse(path, 303), secret)

    @app.get("/enter", include_in_schema=False)
    def enter(request: Request, nobody: Anyone, token: str = "") -> Response:
        """Spend a one-time link; the page that follows takes it out of the address bar."""
        secret = gate.visits.enter(token, origin(request)) if address(request) is not None else None
        if secret is None:
            return page("refused.html.j2", 403, text=SPENT)
        return with_session(request, page("go_on.html.j2", path="/"), secret)

    @app.post("/sign-out", include_in_schema=False)
    def sign_out(request: Request, visit: Annotated[Visit, visitor("session.own", is_for_newcomers=True)], form: Form) -> Response:
        gate.visits.close(visit)
        answer = RedirectResponse("/sign-in", 303, {"Clear-Site-Data": '"cache"'})
        here = address(request) or ""
        answer.delete_cookie(cookie_name(here), path="/", secure=here.startswith("https:"), httponly=True, samesite="strict")
        return answer

    @app.post("/session/extend", include_in_schema=False)
    def extend(visit: Annotated[Visit, visitor("session.own")], form: Form) -> Response:
        """Stay signed in: that the visit was looked up has done it; the answer says how long the session now lasts."""
        return Response(status_code=204, headers={SECONDS_LEFT: str(visit.seconds_left(gate.now()))})


def _add_account(app: FastAPI, gate: Gate) -> None:
    """Add the pages of one's own account: what one may do, the password, an emergency."""

    @app.get("/account", include_in_schema=False)
    def account(visit: Annotated[Visit, visitor("session.own")]) -> Response:
        return page("account.html.j2", visit=visit, role=ROLES[visit.identity.role], may_break=visit.identity.may("access.break"))

    @app.get("/password", include_in_schema=False)
    def ask_password(visit: Annotated[Visit, visitor("session.own", is_for_newcomers=True)]) -> Response:
        return _password_page(visit)

    @app.post("/password", include_in_schema=False)
    def change_password(visit: Annotated[Visit, visitor("session.own", is_for_newcomers=True)], form: Form) -> Response:
        new = form.exact("new")
        if new != form.exact("again"):
            return _password_page(visit, 422, "the new password was not typed the same twice")
        try:
            gate.visits.change_password(visit, form.exact("old"), new)
        except (NotPermitted, BadData, TryAgain) as error:
            return _password_page(visit, error.http_status, str(error))
        return RedirectResponse("/", 303)

    @app.get("/emergency", include_in_schema=False)
    def ask_emergency(visit: Annotated[Visit, visitor("access.break")]) -> Response:
        return _emergency_page(visit)

    @app.post("/emergency", include_in_schema=False)
    def break_glass(request: Request, visit: Annotated[Visit, visitor("access.break")], form: Form) -> Response:
        try:
            secret = gate.visits.break_glass(visit, form.one("reason"))
        except (NotPermitted, BadData) as error:
            return _emergency_page(visit, error.http_status, str(error))
        return with_session(request, RedirectResponse("/", 303), secret)


def add_provider(app: FastAPI, gate: Gate, provider: Provider) -> None:
    """Add the way over an identity provider."""
    app.state.provider = provider

    @app.get("/sign-in/provider", include_in_schema=False)
    def depart(request: Request, nobody: Anyone, next: str = "/") -> Response:
        here = address(request)
        if here is None:
            return _sign_in_page(request, "/", 403, NOT_HERE)
        try:
            url, journey = provider.begin(here + ANSWER)
        except RecoupError as error:
            return _sign_in_page(request, safe_next(next), error.http_status, str(error))
        secret = gate.visits.depart({**asdict(journey), "next": safe_next(next)})
        answer = RedirectResponse(url, 303)
        # Lax, because the browser comes back from another site; it opens nothing, and only for ten minutes.
        answer.set_cookie(JOURNEY_COOKIE, secret, max_age=600, path=ANSWER, secure=here.startswith("https:"), httponly=True, samesite="lax")
        return answer

    @app.get(ANSWER, include_in_schema=False)
    def come_back(request: Request, nobody: Anyone) -> Response:
        here, found = address(request), gate.visits.come_back(request.cookies.get(JOURNEY_COOKIE))
        if here is None or found is None:
            return _sign_in_page(request, "/", 403, "this sign-in took too long, or was begun in another browser; begin anew")
        path = safe_next(found.pop("next"))
        try:
            vouched = provider.finish(Journey(**found), here + ANSWER, dict(request.query_params))
            secret = gate.visits.admit(vouched, origin(request))
        except RecoupError as error:
            answer: Response = _sign_in_page(request, path, error.http_status, str(error))
        else:
            answer = with_session(request, page("go_on.html.j2", path=path), secret)
        answer.delete_cookie(JOURNEY_COOKIE, path=ANSWER, secure=here.startswith("https:"), httponly=True, samesite="lax")
        return answer


def with_session(request: Request, answer: Response, secret: str) -> Response:
    """Return an answer that keeps the browser signed in, over https by a cookie that goes nowhere else."""
    here = address(request)
    if here is None:
        raise Refusal(403, NOT_HERE)
    answer.set_cookie(
        cookie_name(here),
        secret,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=here.startswith("https:"),
        httponly=True,
        samesite="strict",
    )
    return answer


def _sign_in_page(request: Request, path: str, status: int = 200, problem: str = "", *, name: str = "") -> Response:
    provider = getattr(request.app.state, "provider", None)
    return page("sign_in.html.j2", status, path=path, problem=problem, name=name, provider=provider)


def _password_page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    return page("password.html.j2", status, visit=visit, problem=problem)


def _emergency_page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    return page("emergency.html.j2", status, visit=visit, problem=problem, shortest=SHORTEST_REASON, longest=LONGEST_REASON)
