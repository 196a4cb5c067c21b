"""The gate that the settings describe: people, keys and the access log, around the store."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from features.errors import Misconfigured
from recoup.settings import Settings
from recoup.store import open_store
from serving.access import DEFAULT_CLIENT, Identity, Role
from serving.identity.gate import Gate

if TYPE_CHECKING:
    from serving.identity.provider import Provider


@contextmanager
def opened_gate(settings: Settings) -> Iterator[Gate]:
    """Open the gate for the length of a block; the first call makes the store and the keys.

    Raises
    ------
    RecoupError
        When the store or the keys cannot be had.
    """
    with open_store(settings) as store:
        yield Gate.open(store, settings.home, head=settings.trail_head)


def provider_of(settings: Settings) -> Provider | None:
    """Return the identity provider that the settings name; None where they name none.

    Raises
    ------
    Misconfigured
        When they name it in part.
    """
    told = (settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_roles)
    if not any(told):
        return None
    issuer, client_id, secret, roles = told
    if issuer is None or client_id is None or secret is None or roles is None:
        raise Misconfigured("an identity provider needs all of oidc_issuer, oidc_client_id, oidc_client_secret and oidc_roles")
    from serving.identity.provider import Provider, Registration, RoleClaims

    claims = RoleClaims.parse(roles)
    return Provider(Registration(issuer, client_id, secret, claims, settings.oidc_client_claim, settings.oidc_facility_claim))


def operator(client_id: str = DEFAULT_CLIENT) -> Identity:
    """Return whoever runs the command line: who reads the keys under `home` may do everything, and is named in the access log."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        name = "unnamed"
    return Identity(f"operator:{name}", "command", Role.ADMIN, client_id)
