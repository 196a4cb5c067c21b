"""Request bodies: bounded while they are read, and strict JSON, in which NaN and 1e400 are no numbers."""

from __future__ import annotations

import json
from typing import Annotated, NoReturn

from fastapi import Depends, Request

from serving.api.problems import Problem
from serving.wire.numeral import Numeral

MOST_BYTES = 16 * 1024 * 1024


async def body_bytes(request: Request) -> bytes:
    """Return the body; 413 as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MOST_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _too_large()
    return bytes(body)


def strict_json(body: bytes) -> object:
    """Parse JSON text.

    Numbers with a fraction stay the text that was sent (a `Numeral`), so that money reaches its own reader digit by digit.

    Raises
    ------
    Problem
        With status 422 when the text is not JSON in UTF-8; NaN, Infinity and numbers beyond a double are not.

    Examples
    --------
    >>> strict_json(b'{"writeoff_amount": 12.10}')
    {'writeoff_amount': '12.10'}
    >>> strict_json(b'[NaN]')
    Traceback (most recent call last):
    serving.api.problems.Problem: the body is not JSON
    """
    try:
        return _DECODE(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        # `from None`: the parser's own message and its `doc` hold what was sent.
        raise Problem(422, "the body is not JSON", errors=[(["body"], _kind(error))]) from None


def _kind(error: Exception) -> str:
    return "json_too_deep" if isinstance(error, RecursionError) else "json_invalid"


def _refuse(name: str) -> NoReturn:
    raise ValueError("not a number")


def _decimal(text: str) -> Numeral:
    if float(text) in (float("inf"), float("-inf")):
        raise ValueError("beyond a double")
    return Numeral(text)


_DECODE = json.JSONDecoder(parse_constant=_refuse, parse_float=_decimal).decode


def _too_large() -> Problem:
    return Problem(413, f"the body is larger than {MOST_BYTES // 1024 // 1024} MB; score larger files with `recoup score`")


Body = Annotated[bytes, Depends(body_bytes)]
"""The typed parameter by which a route takes a bounded body; it stands after the identity, which is then known before a byte is read."""
