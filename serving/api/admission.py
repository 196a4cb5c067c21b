"""Admission: more work than can be done in time is turned away at once, with the word when to come again; health always answers."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.problems import Problem, problem_response

EXEMPT = frozenset({"/livez", "/readyz"})
MOST = 48
"""Requests at work at once. At some 0.5 ms each, the last of them waits some hundredths of a second."""

MOST_BYTES = 192 * 1024
"""Of their bodies together: a row is some 500 bytes and 0.2 ms, so the last of them waits a tenth of a second or two."""

MOST_LARGE = 2
LARGE_BYTES = 64 * 1024
"""A body from this size on is more than a hundred rows: it is counted apart, and never waits for many small ones to be done."""

MOST_OPEN = 1024
"""Requests whose body is still on its way, or at work."""

RETRY_SECONDS = 1
BUSY = "the service has as much work as it can do in time; try again"


class Busy(HTTPException):
    """Turned away after the body came: the work of those before is not done."""

    def __init__(self) -> None:
        super().__init__(503, BUSY, {"Retry-After": str(RETRY_SECONDS)})


class Admission:
    """ASGI middleware that counts what is at work. Belongs to one event loop.

    A request counts from when its body is whole until its answer begins: who sends or reads slowly holds nobody up. Only a large one
    keeps its place to the end, because its answer is large too and waits in memory. It is refused sooner where there is no place already.

    Parameters
    ----------
    app
        What is behind.
    most, most_large
        Requests at work at once; of them with a body of `LARGE_BYTES` or more.
    """

    def __init__(self, app: ASGIApp, most: int = MOST, most_large: int = MOST_LARGE) -> None:
        self._app, self._most, self._most_large = app, most, most_large
        self._open = self._small = self._bytes = self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or turn it away."""
        if scope["type"] != "http" or scope["path"] in EXEMPT:
            await self._app(scope, receive, send)
            return
        if self._open >= MOST_OPEN or not self._has_place(0):
            await problem_response(Problem(503, BUSY, headers={"Retry-After": str(RETRY_SECONDS)}))(scope, receive, send)
            return
        request = _Counted(self, receive)
        self._open += 1
        if scope["method"] in ("GET", "HEAD"):
            request.admit()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.begin_answer()
            await send(message)

        try:
            await self._app(scope, request.receive, answer)
        finally:
            self._open -= 1
            request.leave()

    def _has_place(self, size: int) -> bool:
        if size >= LARGE_BYTES:
            return self._large < self._most_large
        return self._small < self._most and (self._bytes + size <= MOST_BYTES or self._small == 0)


class _Counted:
    """One request: what came of its body, and the place it holds."""

    def __init__(self, admission: Admission, receive: Receive) -> None:
        self._admission, self._receive = admission, receive
        self._bytes = 0
        self._is_large: bool | None = None
        self._has_left = False

    async def receive(self) -> Message:
        """Hand on a message; the last one of a body takes a place.

        Raises
        ------
        Busy
            When there is none.
        """
        message = await self._receive()
        if self._is_large is None and not self._has_left and message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.admit()
        return message

    def admit(self) -> None:
        """Take a place."""
        if not self._admission._has_place(self._bytes):
            raise Busy
        self._is_large = self._bytes >= LARGE_BYTES
        self._count(1)

    def begin_answer(self) -> None:
        """The work is done; what is left is to send it."""
        if self._is_large is False:
            self.leave()

    def leave(self) -> None:
        """Give the place back, once."""
        if self._is_large is not None:
            self._count(-1)
        self._is_large, self._has_left = None, True

    def _count(self, change: int) -> None:
        if self._is_large:
            self._admission._large += change
        else:
            self._admission._small += change
            self._admission._bytes += change * self._bytes
