"""A route whose handler asks for its permission itself: to have FastAPI solve what is known costs more than to read a write-off."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from serving.api.identity import Permission, policy


class DirectRoute(APIRoute):
    """A route to `async def endpoint(request, who) -> Response`.

    `who` is declared as on any other route (`Annotated[Identity, require(ACTION)]`), so that whoever walks the routes finds its policy;
    it is that same permission which the handler asks before anything is read.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        permission, endpoint = policy(self), self.endpoint
        assert isinstance(permission, Permission)

        async def handle(request: Request) -> Response:
            who = await permission(request)
            answer: Response = await endpoint(request, who)
            return answer

        return handle
