"""What is turned away, when, and that health never is."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from serving.api.admission import LARGE_BYTES, MOST_BYTES, Admission, Busy


class Slow:
    """An application that reads its body, then works until it is told to end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.at_work += 1
        await self.end.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Caller:
    """One request: its parts, and what was answered."""

    def __init__(self, app: Admission, path: str = "/v1/scores", method: str = "POST") -> None:
        self.parts: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self.task = asyncio.ensure_future(app({"type": "http", "path": path, "method": method, "headers": []}, self.parts.get, self.send))

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def body(self, content: bytes, *, more: bool = False) -> Caller:
        self.parts.put_nowait({"type": "http.request", "body": content, "more_body": more})
        return self

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_is_at_work_is_bounded_and_the_rest_is_told_to_come_again() -> None:
    async def run() -> None:
        inner = Slow()
        app = Admission(inner, most=2)
        first = [Caller(app).body(b"x") for _ in range(2)]
        await turns()
        third, health = Caller(app).body(b"x"), Caller(app, "/livez", "GET").body(b"")
        await turns()
        assert inner.at_work == 3 and third.status == 503
        assert dict(third.sent[0]["headers"])[b"retry-after"] == b"1"
        inner.end.set()
        await turns()
        assert [caller.status for caller in (*first, health)] == [200, 200, 200]
        again = Caller(app).body(b"x")
        await turns()
        assert again.status == 200

    asyncio.run(run())


def test_who_sends_slowly_holds_no_place() -> None:
    async def run() -> None:
        inner = Slow()
        app = Admission(inner, most=2)
        slow = [Caller(app).body(b"x", more=True) for _ in range(20)]
        await turns()
        quick = [Caller(app).body(b"x") for _ in range(2)]
        await turns()
        assert inner.at_work == 2
        slow[0].body(b"y")
        await turns()
        # Its body is whole now, and there is no place: the application is told so where it reads.
        assert isinstance(slow[0].task.exception(), Busy)
        inner.end.set()
        await turns()
        assert [caller.status for caller in quick] == [200, 200]
        for caller in slow[1:]:
            caller.task.cancel()
        await turns()

    asyncio.run(run())


def test_small_bodies_share_a_number_of_bytes() -> None:
    async def run() -> None:
        inner = Slow()
        app = Admission(inner)
        body = b"x" * (LARGE_BYTES - 1)
        callers = [Caller(app).body(body) for _ in range(8)]
        await turns()
        fits = MOST_BYTES // len(body)
        assert 1 < inner.at_work == fits < 8
        assert [isinstance(caller.task.exception(), Busy) for caller in callers[fits:]] == [True] * (8 - fits)
        inner.end.set()
        await turns()
        again = [Caller(app).body(body) for _ in range(fits)]
        await turns()
        assert [caller.status for caller in again] == [200] * fits

    asyncio.run(run())


def test_large_bodies_have_places_of_their_own() -> None:
    async def run() -> None:
        inner = Slow()
        app = Admission(inner, most=3, most_large=1)
        Caller(app).body(b"x" * LARGE_BYTES)
        await turns()
        refused, small = Caller(app).body(b"x" * LARGE_BYTES), Caller(app).body(b"x")
        await turns()
        assert isinstance(refused.task.exception(), Busy) and inner.at_work == 2
        inner.end.set()
        await turns()
        assert small.status == 200

    asyncio.run(run())


class Sending(Slow):
    """An application that has begun its answer, and is held up by who reads it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.at_work += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b""})


def test_who_reads_slowly_holds_no_place_but_a_large_one() -> None:
    async def run() -> None:
        inner = Sending()
        app = Admission(inner, most=2, most_large=1)
        readers = [Caller(app).body(b"x") for _ in range(10)]
        looking = [Caller(app, "/v1/jobs/0/result", "GET").body(b"") for _ in range(10)]
        large = Caller(app).body(b"x" * LARGE_BYTES)
        await turns()
        assert [caller.status for caller in (*readers, *looking, large)] == [200] * 21
        refused = Caller(app).body(b"x" * LARGE_BYTES)
        await turns()
        assert isinstance(refused.task.exception(), Busy)
        inner.end.set()
        await turns()
        again = Caller(app).body(b"x" * LARGE_BYTES)
        await turns()
        assert again.status == 200
        # Every place was given back once, and none twice.
        assert (app._small, app._bytes, app._large, app._open) == (0, 0, 0, 0)

    asyncio.run(run())
