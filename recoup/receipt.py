"""A deadline for callers: who sends a request slower than anybody honest would, or reads no answer, loses the connection.

uvicorn waits for the rest of a request for ever, so a few hundred sockets that never finish one hold the service's files and memory; and
its parser keeps headers without end, so a single one could fill it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

if TYPE_CHECKING:
    import httptools


class ReceiptDeadline(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for the caller's part of the work; how long an answer takes to make is not the caller's fault.

    Attributes
    ----------
    receipt_seconds
        A request has arrived whole so long after its first byte, the first one after the connection was made, and
    slowest_bytes
        a second more for each so many bytes that came: a large file over a slow line is honest, a byte a second is not.
    stall_seconds
        An answer of which nobody takes `slowest_bytes` a second, looked at so often, is given up.
    most_head
        Bytes that a request's line and headers may have.
    """

    receipt_seconds = 8.0
    slowest_bytes = 32 * 1024
    stall_seconds = 8.0
    most_head = 64 * 1024

    parser: httptools.HttpRequestParser
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _began = 0.0
    _received = 0
    _head = 0
    _untaken = 0
    _is_in_head = True

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; wait on while they are not yet a whole request."""
        self._head += len(data)
        super().data_received(data)
        if self._is_in_head and self._head > self.most_head:
            self._stop_waiting()
            self.transport.write(TOO_LONG)
            self.transport.close()
            return
        if self._is_whole():
            self._stop_waiting()
        else:
            if self._timer is None:
                self._wait()
            self._received += len(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers are all there."""
        self._is_in_head, self._head = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is all there; the next one begins with what comes next."""
        self._is_in_head, self._head = True, 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Give the caller some time to take what was sent."""
        super().pause_writing()
        if self._stalled is None:
            self._watch_reader()

    def _watch_reader(self) -> None:
        self._untaken = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(self.stall_seconds, self._check_reader)

    def _check_reader(self) -> None:
        """An answer that was written at once is taken part by part: who goes on taking it is waited for."""
        if self._untaken - self.transport.get_write_buffer_size() < self.stall_seconds * self.slowest_bytes:
            self.transport.abort()
        else:
            self._watch_reader()

    def resume_writing(self) -> None:
        """The caller took some."""
        super().resume_writing()
        self._stop_stalling()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._stop_waiting()
        self._stop_stalling()
        super().connection_lost(exc)

    def _is_whole(self) -> bool:
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _wait(self) -> None:
        self._began, self._received = self.loop.time(), 0
        self._timer = self.loop.call_later(self.receipt_seconds, self._check)

    def _check(self) -> None:
        left = self._began + self.receipt_seconds + self._received / self.slowest_bytes - self.loop.time()
        if self.flow.read_paused:  # it is us who do not read
            left = max(left, 1.0)
        if left > 0:
            self._timer = self.loop.call_later(left, self._check)
            return
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(TOO_LATE)
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_stalling(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
