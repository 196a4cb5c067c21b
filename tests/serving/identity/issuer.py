"""A small OpenID provider that listens on loopback: it signs real tokens, holds clients to PKCE, and can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "recoup", "a secret that both know"
ANSWER = "http://127.0.0.1/sign-in/answer"


@dataclass
class Issuer:
    """What the provider says and does; tests change it."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "u-7", "preferred_username": "Ana", "groups": ["Staff", "Billing"]})
    changes: dict[str, Any] = field(default_factory=dict)
    keys: list[RSAKey] = field(default_factory=lambda: [new_key("k1")])
    signs_with: RSAKey | None = None
    header: dict[str, Any] = field(default_factory=dict)
    forger: Callable[[dict[str, Any]], str] | None = None
    calls_itself: str | None = None
    is_down: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def id_token(self, nonce: str) -> str:
        """Return the token for a person who signed in."""
        now = int(time.time())
        base = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in (base | self.claims | self.changes).items() if value is not None}
        if self.forger is not None:
            return self.forger(claims)
        key = self.signs_with or self.keys[-1]
        header = {"alg": "RS256", "kid": key.kid, **self.header}
        return jwt.encode(
            header, {name: value for name, value in claims.items() if value is not None}, key, algorithms=[str(header["alg"])]
        )


def new_key(kid: str) -> RSAKey:
    """Return a fresh key."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Run a provider for the length of a block."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            issuer.seen.append(parts.path)
            if issuer.is_down:
                self._send(503, {})
            elif parts.path == "/.well-known/openid-configuration":
                self._send(200, _metadata(issuer))
            elif parts.path == "/jwks":
                self._send(200, dict(KeySet(list(issuer.keys)).as_dict(private=False)))
            elif parts.path == "/authorize":
                self._authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
            else:
                self._send(404, {})

        def do_POST(self) -> None:
            issuer.seen.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status, document = _exchange(issuer, self.headers["authorization"], {name: v[0] for name, v in parse_qs(body).items()})
            self._send(status, document)

        def _authorize(self, asked: dict[str, str]) -> None:
            """Sign the one person in at once, as if they had typed their password."""
            is_known = (asked["client_id"], asked["redirect_uri"], asked["response_type"]) == (CLIENT, ANSWER, "code")
            if not is_known or asked["code_challenge_method"] != "S256" or "openid" not in asked["scope"].split():
                return self._send(400, {"error": "invalid_request"})
            code = secrets.token_urlsafe(16)
            issuer.codes[code] = asked
            self.send_response(302)
            self.send_header("Location", f"{ANSWER}?{urlencode({'code': code, 'state': asked['state'], 'iss': issuer.url})}")
            self.end_headers()

        def _send(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield issuer
    server.shutdown()
    server.server_close()
    thread.join()


def _metadata(issuer: Issuer) -> dict[str, Any]:
    return {
        "issuer": issuer.calls_itself or issuer.url,
        "authorization_endpoint": f"{issuer.url}/authorize",
        "token_endpoint": f"{issuer.url}/token",
        "jwks_uri": f"{issuer.url}/jwks",
    }


def _exchange(issuer: Issuer, authorization: str | None, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """The token endpoint: the client's secret, a code that is good once, its address, and the verifier of its challenge."""
    if authorization != "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode():
        return 401, {"error": "invalid_client"}
    asked = issuer.codes.pop(sent.get("code", ""), None)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
    if asked is None or sent.get("redirect_uri") != asked["redirect_uri"] or challenge != asked["code_challenge"]:
        return 400, {"error": "invalid_grant"}
    return 200, {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": issuer.id_token(asked["nonce"])}
