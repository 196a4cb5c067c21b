"""Says when a page was read to its end."""

from __future__ import annotations

import threading

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Watch:
    """ASGI middleware that says when a page was read to its end."""

    def __init__(self, app: ASGIApp, path: str, seen: threading.Event) -> None:
        self._app, self._path, self._seen = app, path, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._app(scope, receive, watched)
        if scope["type"] == "http" and scope["path"] == self._path and status == 200:
            self._seen.set()
