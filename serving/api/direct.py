"""A route whose handler asks for its permission itself: to have FastAPI solve what is known costs more than to read a write-off."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from serving.api.identity import Permission, policy


class DirectRoute(APIRoute):
    """A route to `async def endpoint(request, who) -> Response`.

    `who` is declared as on any other route (`Annotated[Identity, require(ACTION)]`), so that whoever walks the routes finds its policy;
    it is that same permission which the handler asks before anything is read. Errors are answered as those of any other route are: by the
    layer around the router.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        permission, endpoint = policy(self), self.endpoint
        assert isinstance(permission, Permission)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            who = await permission(request)
            response: Response = await endpoint(request, who)
            await response(scope, receive, send)

        # In place of what would open two stacks for dependencies that this route has not.
        self.app = answer
