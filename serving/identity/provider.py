"""Signing in with the practice's own identity provider: OpenID Connect, authorization code with PKCE.

References
----------
OpenID Connect Core 1.0, 3.1.3.7 (what an ID token must hold); RFC 7636 (PKCE); RFC 9207 (issuer in the answer).
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from features.errors import Misconfigured, NotPermitted, Unavailable
from serving.access import DEFAULT_CLIENT, Role
from serving.identity.keyring import new_secret
from serving.identity.vouched import Journey, Vouched

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures that are believed; never what the token itself asks for alone."""

LEEWAY_SECONDS = 60
WAIT_SECONDS = 10
FRESH_SECONDS = 3600
LOOPBACK = ("127.0.0.1", "localhost", "::1")

REFUSED = "the identity provider did not vouch for this sign-in; begin anew"
NO_ROLE = "the identity provider knows you, but gives you no role here; ask an administrator"


@dataclass(frozen=True, slots=True)
class RoleClaims:
    """Which values of a claim give which role; the first that fits counts.

    Parameters
    ----------
    claim
        Name of the claim, such as `groups`; its value is text or a list of texts.
    roles
        Values and the roles that they give.
    """

    claim: str
    roles: tuple[tuple[str, Role], ...]

    @classmethod
    def parse(cls, text: str) -> RoleClaims:
        """Read `groups: Billing Leads=lead, Billing=worker`.

        >>> RoleClaims.parse("groups: Billing Leads=lead, Billing=worker").role({"groups": ["Staff", "Billing"]})
        <Role.WORKER: 'worker'>
        >>> RoleClaims.parse("groups: Billing=boss")
        Traceback (most recent call last):
        features.errors.Misconfigured: oidc_roles is written like `groups: Billing Leads=lead, Billing=worker`, with roles of the table
        """
        claim, _, rest = text.partition(":")
        pairs = [part.rpartition("=")[::2] for part in rest.split(",") if part.strip()]
        if not claim.strip() or not pairs or any(not value.strip() or role.strip() not in set(Role) for value, role in pairs):
            raise Misconfigured("oidc_roles is written like `groups: Billing Leads=lead, Billing=worker`, with roles of the table")
        return cls(claim.strip(), tuple((value.strip(), Role(role.strip())) for value, role in pairs))

    def role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the role that claims give; None for none."""
        held = texts(claims.get(self.claim))
        return next((role for value, role in self.roles if value in held), None)


@dataclass(frozen=True, slots=True)
class Registration:
    """What the provider and this service agreed on.

    Parameters
    ----------
    issuer
        The provider's address, exactly as its tokens name it.
    client_id, client_secret
        What this service is called there, and how it proves that.
    roles
        Who gets which role.
    client_claim, facility_claim
        Claims that name the organisation and the facilities; None: everybody is of `default`, and sees all facilities.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: RoleClaims
    client_claim: str | None = None
    facility_claim: str | None = None

    def __post_init__(self) -> None:
        if not _is_safe(self.issuer):
            raise Misconfigured("oidc_issuer is an address with https; http is for this machine only")


class Provider:
    """An identity provider.

    Parameters
    ----------
    registration
        What was agreed on.
    """

    def __init__(self, registration: Registration) -> None:
        self.registration = registration
        self.name = urlsplit(registration.issuer).hostname or registration.issuer
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None

    def begin(self, answer_to: str) -> tuple[str, Journey]:
        """Return where to send the browser, and what to remember until it comes back to `answer_to`.

        Raises
        ------
        Unavailable
            When the provider does not answer.
        """
        journey = Journey(new_secret(), new_secret(), new_secret())
        with self._session(answer_to) as session:
            url, _ = session.create_authorization_url(
                self._endpoint("authorization_endpoint"), state=journey.state, code_verifier=journey.verifier, nonce=journey.nonce
            )
        return str(url), journey

    def finish(self, journey: Journey, answer_to: str, answer: Mapping[str, str]) -> Vouched:
        """Return whom the provider vouches for, from what the browser brought back.

        Raises
        ------
        NotPermitted
            When it vouches for nobody, or for somebody who has no role here.
        Unavailable
            When it does not answer.
        """
        registration = self.registration
        if not hmac.compare_digest(answer.get("state", "").encode("utf-8", "replace"), journey.state.encode()) or "code" not in answer:
            raise NotPermitted(REFUSED)
        if answer.get("iss", registration.issuer) != registration.issuer:
            # RFC 9207: the answer of another provider (mix-up).
            raise NotPermitted(REFUSED)
        token = self._exchange(journey, answer_to, answer["code"])
        claims = self._claims(token, journey)
        role = registration.roles.role(claims)
        if role is None:
            raise NotPermitted(NO_ROLE)
        subject = str(claims["sub"])
        client_id = DEFAULT_CLIENT if registration.client_claim is None else _text(claims.get(registration.client_claim))
        if client_id is None:
            raise NotPermitted(NO_ROLE)
        facilities = None if registration.facility_claim is None else frozenset(texts(claims.get(registration.facility_claim)))
        name = _text(claims.get("preferred_username")) or _text(claims.get("email")) or ""
        return Vouched(f"{registration.issuer} {subject}", name.lower(), role, client_id, facilities)

    def _exchange(self, journey: Journey, answer_to: str, code: str) -> str:
        endpoint = self._endpoint("token_endpoint")
        with self._session(answer_to) as session:
            try:
                token = session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=journey.verifier,
                    timeout=WAIT_SECONDS,
                    allow_redirects=False,
                )
            except RequestException as error:
                raise self._silent() from error
            except (OAuthError, ValueError) as error:
                raise NotPermitted(REFUSED) from error
        found = token.get("id_token") if isinstance(token, dict) else None
        if not isinstance(found, str):
            raise NotPermitted(REFUSED)
        return found

    def _claims(self, token: str, journey: Journey) -> dict[str, Any]:
        registration = self.registration
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": registration.issuer},
            aud={"essential": True, "value": registration.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": journey.nonce},
        )
        try:
            claims = self._decoded(token)
            rules.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise NotPermitted(REFUSED) from error
        audience = claims["aud"]
        if (isinstance(audience, list) and len(audience) > 1 or "azp" in claims) and claims.get("azp") != registration.client_id:
            raise NotPermitted(REFUSED)
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        if self._keys is not None:
            try:
                return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError):
                # The provider may have changed its keys: they are asked for once more.
                pass
        self._keys = KeySet.import_key_set(self._get(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
        return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims

    def _endpoint(self, name: str) -> str:
        url = self._known().get(name)
        if not isinstance(url, str) or not _is_safe(url):
            raise Unavailable(f"the identity provider names no {name} with https")
        return url

    def _known(self) -> dict[str, Any]:
        if self._metadata is None or time.monotonic() - self._metadata[0] > FRESH_SECONDS:
            found = self._get(f"{self.registration.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.registration.issuer:
                raise Misconfigured("the identity provider calls itself otherwise than oidc_issuer does")
            self._metadata = (time.monotonic(), found)
        return self._metadata[1]

    def _get(self, url: str) -> dict[str, Any]:
        with self._session("") as session:
            try:
                answer = session.get(url, withhold_token=True, timeout=WAIT_SECONDS, allow_redirects=False)
                found = answer.json() if answer.status_code == 200 else None
            except (RequestException, ValueError) as error:
                raise self._silent() from error
        if not isinstance(found, dict):
            raise self._silent()
        return found

    def _session(self, answer_to: str) -> OAuth2Session:
        return OAuth2Session(
            self.registration.client_id,
            self.registration.client_secret,
            scope="openid profile email",
            redirect_uri=answer_to,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic",
        )

    def _silent(self) -> Unavailable:
        return Unavailable(f"the identity provider {self.name} does not answer as it should; sign in with a password, or try again")


def texts(value: object) -> list[str]:
    """Return what a claim holds as texts: one, several, or none.

    >>> texts("a"), texts(["a", 3, "b"]), texts(None), texts({"a": 1})
    (['a'], ['a', 'b'], [], [])
    """
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() and len(value) <= 100 and value.isprintable() else None


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or parts.scheme == "http" and parts.hostname in LOOPBACK)
