"""The way over an identity provider: what is remembered meanwhile, and whom it vouches for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from serving.access import Role


@dataclass(frozen=True, slots=True)
class Vouched:
    """Somebody who signed in at the provider.

    Parameters
    ----------
    subject
        Issuer and subject: who this is, for good.
    name
        What they are called there; it may change, and somebody else may be called so here.
    role, client_id, facilities
        What the provider's claims give them.
    """

    subject: str
    name: str
    role: Role
    client_id: str
    facilities: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Journey:
    """What this service must remember while a browser is at the provider."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def other_name(subject: str) -> str:
    """Return a name for somebody whose own is taken or cannot be one.

    >>> other_name("https://id.example 7")
    'oidc-95de816c6a12'
    """
    return "oidc-" + hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()[:12]
