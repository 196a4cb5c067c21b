"""Who calls: programs show a key, and every route under /v1 names the identity that it needs as a parameter."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from serving.api.problems import Problem


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who may call: a name for the log, and a role."""

    name: str
    role: str


class Keys:
    """The keys that open the service; only keyed digests are held.

    Parameters
    ----------
    keys
        Key to the identity that shows it.

    Examples
    --------
    >>> keys = Keys({"k" * 32: Identity("service", "service")})
    >>> keys.identity("Bearer " + "k" * 32).name, keys.identity("Bearer x"), keys.identity(None)
    ('service', None, None)
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


def caller(request: Request) -> Identity:
    """Return the identity of a request, or answer 401."""
    keys: Keys = request.app.state.keys
    identity = keys.identity(request.headers.get("authorization"))
    if identity is None:
        raise unauthorised()
    return identity


def unauthorised() -> Problem:
    """Return the answer to a call without identity."""
    return Problem(401, "send `Authorization: Bearer KEY`", headers={"WWW-Authenticate": "Bearer"})


Caller = Annotated[Identity, Depends(caller)]
"""The typed parameter by which a route says that it needs an identity."""
