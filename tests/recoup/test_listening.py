"""Real sockets: slow callers lose theirs, honest ones are answered, and the service stops in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Annotated

import pytest
import uvicorn
from fastapi import Depends, FastAPI

from recoup.listening import Listener
from recoup.receipt import ReceiptDeadline
from serving.api.bodies import Body

SECONDS = 0.6


class Hasty(ReceiptDeadline):
    """Deadlines that a test can wait for."""

    receipt_seconds = SECONDS
    stall_seconds = SECONDS


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers, and how to stop it."""

    port: int
    server: uvicorn.Server


@pytest.fixture
def running() -> Iterator[Running]:
    """A small application behind our listener, with deadlines that a test can wait for."""
    app = FastAPI()

    @app.get("/livez")
    async def livez() -> str:
        return "alive"

    @app.post("/length")
    def length(body: Body) -> int:
        return len(body)

    @app.get("/slow")
    def slow(seconds: Annotated[float, Depends(lambda: 2 * SECONDS)]) -> str:
        time.sleep(seconds)
        return "done"

    @app.get("/much")
    async def much() -> str:
        return "x" * 20_000_000

    listener = Listener("127.0.0.1", 0, has_identity=False)
    listener.listen()
    started: list[uvicorn.Server] = []
    ready = threading.Event()

    def take(server: uvicorn.Server) -> None:
        started.append(server)
        ready.set()

    thread = threading.Thread(target=listener.serve, args=(app,), kwargs={"started": take, "protocol": Hasty})
    thread.start()
    assert ready.wait(10)
    yield Running(listener.socket.getsockname()[1], started[0])
    started[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def connect(running: Running, sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    made.sendall(sent)
    return made


def read(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nhost: a\r\n"])
def test_a_request_that_is_never_finished_ends_with_408(running: Running, sent: bytes) -> None:
    began = time.monotonic()
    with connect(running, sent) as connection:
        assert read(connection).startswith(b"HTTP/1.1 408 ")
    assert SECONDS * 0.9 < time.monotonic() - began < SECONDS + 3


def test_a_body_that_never_ends_loses_its_connection(running: Running) -> None:
    with connect(running, b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc") as connection:
        assert read(connection) == b""


def test_dripping_does_not_help(running: Running) -> None:
    began = time.monotonic()
    with connect(running, b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 10000\r\n\r\n") as connection:
        with pytest.raises(OSError):
            for _ in range(200):
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - began < SECONDS + 3


def test_a_second_request_on_a_connection_has_its_deadline_too(running: Running) -> None:
    with connect(running, b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n") as connection:
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"GET /liv")
        assert read(connection).startswith(b"HTTP/1.1 408 ")


def test_many_slow_callers_lose_theirs_while_health_answers(running: Running) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(running, b"POST /length HTTP/1.1\r\nhost:")) for _ in range(100)]
        with connect(running, b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n") as healthy:
            assert b"200 OK" in read(healthy)
        assert all(read(connection).startswith(b"HTTP/1.1 408 ") for connection in slow)


def test_an_answer_that_takes_long_to_make_is_given_time(running: Running) -> None:
    with connect(running, b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n") as connection:
        assert b"200 OK" in read(connection)


def test_an_honest_body_in_parts_is_read(running: Running) -> None:
    with connect(running, b"POST /length HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 300000\r\n\r\n") as connection:
        # Faster than the slowest rate, for longer than the deadline of an empty one.
        for _ in range(10):
            connection.sendall(b"x" * 30_000)
            time.sleep(0.1)
        assert read(connection).endswith(b"300000")


@pytest.mark.parametrize(("part", "all_of_it"), [(1 << 20, True), (512, False)], ids=["honest", "dripping"])
def test_a_slow_reader_gets_a_large_answer_and_a_dripping_one_does_not(running: Running, part: int, all_of_it: bool) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18 if all_of_it else 4096)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(b"GET /much HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        connection.settimeout(10)
        received, began, end = 0, time.monotonic(), time.monotonic() + 6 * SECONDS
        with suppress(ConnectionResetError):
            while found := connection.recv(part):
                received += len(found)
                # Taken at 5 MB a second, it takes several times as long as one may do nothing; a few kB a second are nothing.
                ahead = received / (5_000_000 if all_of_it else 5_000) - (time.monotonic() - began)
                time.sleep(max(0.0, ahead))
                if not all_of_it and time.monotonic() > end:
                    break
        if all_of_it:
            assert received > 20_000_000 and time.monotonic() - began > 4 * SECONDS
        else:
            # What lay in the buffers between us may still be read; then the connection is gone.
            with pytest.raises(ConnectionResetError):
                while found := connection.recv(1 << 20):
                    received += len(found)
                raise ConnectionResetError if received < 20_000_000 else AssertionError("all of it came")


def test_an_answer_that_nobody_reads_is_given_up(running: Running) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(b"GET /much HTTP/1.1\r\nhost: a\r\n\r\n")
        time.sleep(SECONDS + 1)
        connection.settimeout(10)
        received = 0
        with pytest.raises(ConnectionResetError):
            while part := connection.recv(1 << 20):
                received += len(part)
            raise ConnectionResetError if received < 20_000_000 else AssertionError("all of it came")


@pytest.mark.parametrize("part", [b"x-more: " + b"y" * 1000 + b"\r\n", b"y" * 1000], ids=["many headers", "one header"])
def test_headers_without_end_are_refused_before_they_fill_the_memory(running: Running, part: bytes) -> None:
    with connect(running, b"GET /livez HTTP/1.1\r\nhost: a\r\nx-first: ") as connection:
        sent = 0
        with suppress(ConnectionError):
            for _ in range(10_000):
                connection.sendall(part)
                sent += len(part)
        # What the sockets hold on the way is not yet the service's.
        assert sent < 9_000_000
    with connect(running, b"GET /livez HTTP/1.1\r\nhost: a\r\nx-long: " + b"y" * 70_000) as connection:
        with suppress(ConnectionError):
            assert read(connection).startswith(b"HTTP/1.1 431 ")
    # A head of a usual size before a large body is none too long, and neither are many requests on one connection.
    whole = b"POST /length HTTP/1.1\r\nhost: a\r\nx-some: " + b"y" * 8_000 + b"\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000
    with connect(running) as connection:
        for _ in range(12):
            connection.sendall(whole)
            answer = b""
            while not answer.endswith(b"300000"):
                answer += connection.recv(65536)


def test_what_is_in_flight_is_finished_when_the_service_stops(running: Running) -> None:
    with connect(running, b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n") as connection:
        time.sleep(0.2)
        running.server.should_exit = True
        assert b"200 OK" in read(connection)
