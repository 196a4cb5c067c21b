"""An error that the service answers with in JSON is a page to a browser: what went wrong in words, and a way back."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.web.rendering import page

PROBLEM = b"application/problem+json"
HEADINGS = {
    404: "There is no such page",
    413: "That is too large",
    422: "The form cannot be read",
    500: "Something went wrong on our side",
    503: "There is too much to do just now",
}
ADVICE = {
    500: "Nothing of what you sent was kept. Try again; if it happens again tell whoever runs this service, with the time.",
    503: "Nothing was changed. Try again in a moment.",
}


class ProblemPages:
    """ASGI middleware that shows errors as pages where a page was asked for; programs get them as they are.

    Without it a browser would show raw JSON, and a script that swaps pages would show nothing at all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and an error back as a page."""
        if scope["type"] != "http" or not wants_page(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def show(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and dict(message["headers"]).get(b"content-type", b"").startswith(PROBLEM):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _answer(start, body)(scope, receive, send)

        await self._app(scope, receive, show)


def wants_page(scope: Scope) -> bool:
    """Tell whether a browser asks for a page.

    >>> wants_page({"path": "/queue", "headers": [(b"accept", b"text/html")]}), wants_page({"path": "/v1/queue", "headers": []})
    (True, False)
    """
    if scope["path"].startswith(("/v1/", "/static/")):
        return False
    headers = dict(scope["headers"])
    return b"text/html" in headers.get(b"accept", b"") or headers.get(b"hx-request") == b"true"


def _answer(start: Message, body: bytes) -> ASGIApp:
    status = int(start["status"])
    told = json.loads(body)
    text = ADVICE.get(status) or str(told.get("detail") or told.get("title") or "")
    answer = page("refused.html.j2", status, heading=HEADINGS.get(status, "This is not possible"), text=text)
    kept = {b"content-type", b"content-length", *(name.lower() for name, _ in answer.raw_headers)}
    answer.raw_headers += [(name, value) for name, value in start["headers"] if name.lower() not in kept]
    return answer
