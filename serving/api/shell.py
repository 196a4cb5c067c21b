"""The outermost layer: security headers on every answer, no exception text in any answer or log."""

from __future__ import annotations

import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.metrics import Metrics
from serving.api.problems import Problem, problem_response
from serving.log import logger, where

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
SLOW_SECONDS = 1.0
GONE = 499
"""How a request counts whose caller did not wait."""

log = logger("recoup.service")


class Shell:
    """ASGI middleware around everything else.

    An exception that nobody expected becomes a 500 without detail. The log names its type and the lines it passed, because its
    text may hold what was sent.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = [header for header in _HEADERS if header[0] not in present]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = GONE
        except Exception as error:
            log.error("unexpected error", kind=type(error).__name__, where=where(error), route=_route(scope))
            if status == 0:
                await problem_response(Problem(500, "something went wrong on our side"))(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.request(_route(scope), status, seconds)
            if seconds > SLOW_SECONDS:
                log.warning("slow request", route=_route(scope), method=scope["method"], status=status, milliseconds=round(1e3 * seconds))


def _route(scope: Scope) -> str:
    """The route's template; a path that matched none may hold anything."""
    return str(getattr(scope.get("route"), "path", "none"))
