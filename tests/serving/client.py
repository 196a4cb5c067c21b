"""A client that calls an application in process, over httpx's own transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import httpx
from fastapi import FastAPI


class Client:
    """Sends requests to an application; cookies are kept, redirects are followed only where asked."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.cookies = httpx.Cookies()

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str | bytes] | None = None,
        follow_redirects: bool = False,
    ) -> httpx.Response:
        """Send one request; an iterable is sent in chunks, without a length."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=self.cookies) as client:
                body = content if isinstance(content, bytes) else _chunks(content)
                answer = await client.request(
                    method, httpx.URL("http://127.0.0.1" + path), content=body, headers=_bytes(headers), follow_redirects=follow_redirects
                )
                self.cookies = client.cookies
                return answer

        return asyncio.run(send())

    def get(self, path: str, headers: Mapping[str, str | bytes] | None = None, *, follow_redirects: bool = False) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, headers=headers, follow_redirects=follow_redirects)

    def post(self, path: str, content: bytes | Iterable[bytes], headers: Mapping[str, str | bytes] | None = None) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, content=content, headers=headers)


async def _chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _bytes(headers: Mapping[str, str | bytes] | None) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in (headers or {}).items()]
