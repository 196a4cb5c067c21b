"""A service that listens: the socket, the checks before it, and uvicorn around an application."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from features.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from recoup.receipt import ReceiptDeadline

GRACE_SECONDS = 9
IDLE_SECONDS = 15
BACKLOG = 1024


class Listener:
    """A bound socket and the address by which it is reached.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    has_identity
        Whether any key or person was given a way in. Without, only this machine may reach the service.

    Raises
    ------
    Misconfigured
        When others could reach a service that nobody configured an identity for.
    Unavailable
        When the address cannot be bound.
    """

    def __init__(self, host: str, port: int, *, has_identity: bool) -> None:
        if not has_identity and not is_loopback(host):
            raise Misconfigured(
                f"{host} can be reached by others: make a key (`recoup key create`), add a person (`recoup user add`) or set "
                "RECOUP_API_KEY first, or listen on 127.0.0.1"
            )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
        except OSError as error:
            self.socket.close()
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror or error}; --port 0 takes a free one") from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.socket.getsockname()[1]}"

    def listen(self) -> None:
        """Let callers in from now on; they wait until the service answers."""
        self.socket.listen(BACKLOG)

    def serve(
        self,
        app: FastAPI,
        *,
        started: Callable[[uvicorn.Server], None] | None = None,
        protocol: type[ReceiptDeadline] | None = None,
    ) -> None:
        """Answer until told to stop; `started` is called from another thread once the service answers."""
        import uvicorn
        import uvloop

        from recoup.receipt import ReceiptDeadline

        config = uvicorn.Config(
            app,
            http=protocol or ReceiptDeadline,
            loop=f"{uvloop.__name__}:new_event_loop",
            ws="none",
            log_config=None,
            # An access log would hold the one-time token, and ids of paths.
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=IDLE_SECONDS,
        )
        server = uvicorn.Server(config)
        if started is not None:
            threading.Thread(target=_when_started, args=(server, started), daemon=True).start()
        server.run(sockets=[self.socket])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "recoup.example")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _when_started(server: uvicorn.Server, started: Callable[[uvicorn.Server], None]) -> None:
    waiting = threading.Event()
    while not server.started and not server.should_exit:
        waiting.wait(0.02)
    if server.started:
        started(server)
