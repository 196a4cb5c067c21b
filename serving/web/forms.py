"""What a page's form sent: fields of text, bounded, without control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from urllib.parse import parse_qsl

from fastapi import Request

from serving.api.problems import Problem

MOST_BYTES = 256 * 1024
MOST_FIELDS = 2_000
URLENCODED = "application/x-www-form-urlencoded"


class Fields:
    """The fields of a form, in their order; a name may stand more than once.

    Examples
    --------
    >>> fields = Fields([("item", "a"), ("item", "b"), ("note", " called ")])
    >>> fields.one("note"), fields.one("other"), fields.all("item")
    ('called', '', ['a', 'b'])
    """

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._pairs = pairs

    def one(self, name: str) -> str:
        """Return the first value of a field without blanks around it; empty if there is none."""
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        """Return the first value of a field as it was sent, such as a password."""
        return next((value for key, value in self._pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self._pairs if key == name]


async def read_fields(request: Request) -> Fields:
    """Read the body of a form; a body of another kind has no fields and is left to the route.

    Raises
    ------
    Problem
        With status 413 or 422.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        return Fields()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Problem(413, f"a form is at most {MOST_BYTES // 1024} kB large")
    return parse(bytes(body))


def parse(body: bytes) -> Fields:
    """Read what browsers send for a form.

    >>> parse(b"note=two%0Alines&x=%C3%A9").one("x")
    'é'
    >>> parse(b"note=%00")
    Traceback (most recent call last):
    serving.api.problems.Problem: the form holds characters that no text has
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(422, "the form cannot be read") from None
    if any(not _is_text(part) for pair in pairs for part in pair):
        raise Problem(422, "the form holds characters that no text has")
    return Fields(pairs)


def _is_text(text: str) -> bool:
    return text.isprintable() or not any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t" for letter in text)
