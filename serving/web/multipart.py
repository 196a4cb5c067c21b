"""Reads what a browser sends for a form with a file (RFC 7578), strictly: what no browser writes is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_PARTS = 50
_BOUNDARY = re.compile(r'multipart/form-data\s*;\s*boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?\s*', re.IGNORECASE)
_DISPOSITION = re.compile(rb'form-data; name="([^"\r\n]{1,100})"(?:; filename="([^"\r\n]{0,400})")?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A field: its name, the bytes of its value, and whether it is a file."""

    name: str
    content: bytes
    is_file: bool


def boundary_in(content_type: str) -> bytes | None:
    """Return the boundary that a content type names; None when it is of another kind.

    >>> boundary_in("multipart/form-data; boundary=----x1"), boundary_in("text/plain")
    (b'----x1', None)
    """
    found = _BOUNDARY.fullmatch(content_type.strip())
    return found[1].encode() if found is not None else None


def read_parts(body: bytes, boundary: bytes) -> list[Part]:
    """Return the fields of a body, in order.

    Raises
    ------
    ValueError
        When it is not of the form that browsers write.

    Examples
    --------
    >>> body = b'--x\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\none\\r\\n--x--\\r\\n'
    >>> read_parts(body, b"x")
    [Part(name='a', content=b'one', is_file=False)]
    >>> read_parts(body[:-6], b"x")
    Traceback (most recent call last):
    ValueError: the body does not end as it should
    """
    mark = b"--" + boundary
    if not body.startswith(mark + b"\r\n"):
        raise ValueError("the body does not begin as it should")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)[1:]
    if pieces[-1].rstrip(b"\r\n") != b"--":
        raise ValueError("the body does not end as it should")
    if len(pieces) - 1 > MOST_PARTS:
        raise ValueError("the body has too many fields")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    head, separator, content = piece.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"\r\n") or len(head) > 2000:
        raise ValueError("a field has no head")
    for line in head[2:].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            found = _DISPOSITION.fullmatch(value.strip())
            if found is None:
                raise ValueError("a field has no name")
            return Part(found[1].decode("utf-8"), content, found[2] is not None)
    raise ValueError("a field has no name")
