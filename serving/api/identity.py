"""Who calls, and whether they may: every route names its action as a typed parameter, or says why it is open to anybody.

::

    @app.get("/v1/queue")
    def queue(who: Annotated[Identity, require("queue.read")]) -> ...:

    @app.get("/livez")
    def livez(nobody: Annotated[None, anybody("a load balancer has no key")]) -> ...:

Never middleware that looks at the path: what a path means is decided by the router alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from features.errors import Misconfigured, NotPermitted
from serving.access import Identity, named_action
from serving.api.problems import Problem


class Keys:
    """The keys that open the service; only keyed digests are held.

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
        return hmac.new(self._pepper, key.encode("utf-8", "replace"), hashlib.sha256).digest()


def new_key() -> str:
    """Return a fresh key of 256 bits."""
    return secrets.token_urlsafe(32)


def identify(request: Request) -> Identity | None:
    """Return who sends a request; None for nobody known."""
    keys: Keys = request.app.state.keys
    return keys.identity(request.headers.get("authorization"))


@dataclass(frozen=True, slots=True)
class Permission:
    """A dependency that gives the identity of a request if it may do an action; else it answers 401 or 403.

    It is a coroutine, so that it costs no thread.
    """

    action: str

    async def __call__(self, request: Request) -> Identity:
        """Return who calls."""
        identity = identify(request)
        if identity is None:
            raise unauthorised()
        try:
            identity.check(self.action)
        except NotPermitted as error:
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
