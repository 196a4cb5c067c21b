"""Who calls, and whether they may: every route names its action as a typed parameter, or says why it is open to anybody.

::

    @app.get("/v1/queue")
    def queue(who: Annotated[Identity, require("queue.read")]) -> ...:

    @app.get("/livez")
    def livez(nobody: Annotated[None, anybody("a load balancer has no key")]) -> ...:

Never middleware that looks at the path: what a path means is decided by the router alone.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from features.errors import Misconfigured, NotPermitted
from serving.access import Identity, named_action
from serving.api.problems import Problem
from serving.identity.gate import Gate
from serving.identity.programs import Programs

COOKIE, SECURE_COOKIE = "recoup_session", "__Host-recoup_session"
"""Name of the session's cookie; over https with the prefix that browsers hold to its flags."""

FORM_HEADER = "x-form-token"
SAFE = ("GET", "HEAD", "OPTIONS")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Keys:
    """Keys that stand in the settings, or are made for one run; only keyed digests are held.

    Parameters
    ----------
    keys
        Key to the identity that shows it.

    Examples
    --------
    >>> from serving.access import Role
    >>> keys = Keys({"k" * 32: Identity("key:ours", "key", Role.SERVICE)})
    >>> keys.identity("Bearer " + "k" * 32).subject, keys.identity("Bearer x"), keys.identity(None)
    ('key:ours', None, None)
    """

    def __init__(self, keys: dict[str, Identity]) -> None:
        self._pepper = secrets.token_bytes(32)
        self._identities = {self._digest(key): identity for key, identity in keys.items()}

    def identity(self, authorization: str | None) -> Identity | None:
        """Return who sends this Authorization header; None for nobody known."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return None
        shown = self._digest(key.strip())
        # Every digest is compared, in constant time each.
        found = [identity for digest, identity in self._identities.items() if hmac.compare_digest(digest, shown)]
        return found[0] if found else None

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode("utf-8", "replace"), "sha256")


async def identify(request: Request) -> Identity | None:
    """Return who sends a request; None for nobody known."""
    header = request.headers.get("authorization")
    keys: Keys = request.app.state.keys
    gate: Gate | None = request.app.state.gate
    found = keys.identity(header)
    if found is None and gate is not None:
        found = await (_of_key(gate.programs, header) if header is not None else _of_session(gate, request))
    return None if found is None else found.at(origin(request))


async def _of_key(programs: Programs, header: str) -> Identity | None:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        return None
    digest = programs.digest(secret.strip())
    # Only a key that was not seen within the last second costs a thread and a look into the store.
    return programs.remembered(digest) or await run_in_threadpool(programs.look_up, digest)


async def _of_session(gate: Gate, request: Request) -> Identity | None:
    """Pages of ours may call the API with the cookie of the session; what changes something must come from our own pages."""
    secret = session_cookie(request)
    if secret is None:
        return None
    if request.method not in SAFE:
        check_from_here(request)
    visit = await run_in_threadpool(gate.visits.of, secret, origin(request))
    if visit is None:
        return None
    if request.method not in SAFE and not visit.is_form_of(request.headers.get(FORM_HEADER)):
        raise Problem(403, f"send the form token of the session as `{FORM_HEADER}`, or use a key")
    if visit.must_change_password:
        raise Problem(403, "the password must be changed first")
    return visit.identity


def origin(request: Request) -> str:
    """Return the address that a request came from, for the access log."""
    return request.client.host if request.client is not None else "unknown"


def session_cookie(request: Request) -> str | None:
    """Return the secret of the session that a browser sends."""
    here = address(request)
    return None if here is None else request.cookies.get(cookie_name(here))


def cookie_name(here: str) -> str:
    """Return the name of the session's cookie at an address of this service."""
    return SECURE_COOKIE if here.startswith("https:") else COOKIE


def address(request: Request) -> str | None:
    """Return the address by which a browser reached this service; None if it is not one of ours.

    Ours are `public_url` and this machine. Any other name was made to lead here by somebody else (DNS rebinding): no session there.
    """
    host, configured = request.headers.get("host", ""), request.app.state.public_url
    if configured is not None and host == urlsplit(configured).netloc:
        return str(configured)
    if urlsplit(f"//{host}").hostname in LOOPBACK:
        return f"{request.url.scheme}://{host}"
    return None


def check_from_here(request: Request) -> None:
    """Return if a browser sent this from a page of this service: against forms that others plant (CSRF).

    `Sec-Fetch-Site` cannot be set by scripts; browsers without it send `Origin` with what changes something.

    Raises
    ------
    Problem
        With status 403 when it did not, or does not say.
    """
    site, sent = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_ours = sent == address(request) if sent is not None else site is not None
    if not is_ours or site not in (None, "same-origin"):
        raise Problem(403, "a session changes something only from a page of this service")


@dataclass(frozen=True, slots=True)
class Permission:
    """A dependency that gives the identity of a request if it may do an action; else it answers 401 or 403.

    It is a coroutine, so that it costs no thread.
    """

    action: str

    async def __call__(self, request: Request) -> Identity:
        """Return who calls."""
        identity = await identify(request)
        if identity is None:
            raise unauthorised()
        try:
            identity.check(self.action)
        except NotPermitted as error:
            gate: Gate | None = request.app.state.gate
            if gate is not None:
                await run_in_threadpool(gate.refusals.tell, gate.store, identity, self.action)
            raise Problem(403, str(error)) from None
        return identity


@dataclass(frozen=True, slots=True)
class Open:
    """A dependency that lets anybody in, with the reason why."""

    reason: str

    async def __call__(self) -> None:
        """Let pass."""


def require(action: str) -> Any:
    """Return the dependency by which a route gets its identity; Any, as `fastapi.Depends` is.

    >>> require("queue.wrok")
    Traceback (most recent call last):
    features.errors.UsageError: 'queue.wrok' is not an action; did you mean queue.work?
    """
    return Depends(Permission(named_action(action).name))


def anybody(reason: str) -> Any:
    """Return the dependency by which a route says that it is open, and why."""
    return Depends(Open(reason))


def policy(route: BaseRoute) -> Permission | Open | None:
    """Return what a route asks of who calls; None for a route that forgot to."""
    if not isinstance(route, APIRoute):
        return None
    found = list(_policies(route.dependant))
    permissions = [item for item in found if isinstance(item, Permission)]
    return permissions[0] if permissions else found[0] if found else None


def policies(app: FastAPI) -> list[tuple[str, str, Permission | Open]]:
    """Return method, path and policy of every route that has one."""
    return [
        (method, route.path, found)
        for route in app.routes
        if isinstance(route, APIRoute) and (found := policy(route)) is not None
        for method in sorted(route.methods or ())
    ]


def check_policies(app: FastAPI) -> None:
    """Return if every route of an application has a policy.

    Raises
    ------
    Misconfigured
        When one has none: the service does not start with a door that nobody thought about.
    """
    forgotten = [str(getattr(route, "path", route)) for route in app.routes if policy(route) is None]
    if forgotten:
        raise Misconfigured(f"routes without a policy: {', '.join(forgotten)}; add `require(ACTION)` or `anybody(REASON)`")


def unauthorised() -> Problem:
    """Return the answer to a call without identity."""
    return Problem(401, "send `Authorization: Bearer KEY`", headers={"WWW-Authenticate": "Bearer"})


def _policies(dependant: Dependant) -> Iterator[Permission | Open]:
    if isinstance(dependant.call, Permission | Open):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _policies(inner)
