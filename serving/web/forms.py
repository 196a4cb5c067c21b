"""What a page's form sent: fields of text, bounded, without control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from urllib.parse import parse_qsl

from fastapi import Request

from features.errors import BadData
from features.money import parse_cents
from serving.api.problems import Problem
from serving.web.multipart import boundary_in, read_parts
from serving.web.words import spoken

MOST_BYTES = 256 * 1024
MOST_FIELDS = 2_000
GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
"""An amount with commas; one that stands elsewhere is a decimal comma or a slip, and leaving it out would make another amount."""

URLENCODED = "application/x-www-form-urlencoded"


class Fields:
    """The fields of a form, in their order; a name may stand more than once.

    Examples
    --------
    >>> fields = Fields([("item", "a"), ("item", "b"), ("note", " called ")])
    >>> fields.one("note"), fields.one("other"), fields.all("item")
    ('called', '', ['a', 'b'])
    """

    def __init__(self, pairs: Sequence[tuple[str, str]] = (), files: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self._pairs, self._files = pairs, files

    def file(self, name: str) -> bytes:
        """Return the content of a file that came with the form; empty if none was chosen."""
        return self._files.get(name, b"")

    def one(self, name: str) -> str:
        """Return the first value of a field without blanks around it; empty if there is none."""
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        """Return the first value of a field as it was sent, such as a password."""
        return next((value for key, value in self._pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self._pairs if key == name]

    def starting(self, prefix: str) -> dict[str, str]:
        """Return the fields whose names begin so, without that beginning.

        >>> Fields([("q_which", "mine"), ("note", "x")]).starting("q_")
        {'which': 'mine'}
        """
        return {key.removeprefix(prefix): value for key, value in self._pairs if key.startswith(prefix)}

    def text(self, name: str, most: int = 200) -> str:
        """Return a text of at most so many characters, empty if there is none.

        Raises
        ------
        BadData
            When it is longer.
        """
        value = self.one(name).replace("\r\n", "\n")
        if len(value) > most:
            raise BadData(f"{spoken(name)} has at most {most} characters")
        return value

    def number(self, name: str, *, most: int = 10**9) -> int:
        """Return a whole number that must be there; raises BadData.

        >>> Fields([("version", "3")]).number("version")
        3
        """
        value = self.text(name, 12)
        if not (value.isascii() and value.isdigit()) or int(value) > most:
            raise BadData(f"{spoken(name)} is a whole number of at most {most:,}")
        return int(value)

    def hours(self) -> float:
        """Return the hours that the field `minutes` says; none is 0."""
        return self.number("minutes", most=6000) / 60 if self.one("minutes") else 0.0

    def day(self, name: str) -> date | None:
        """Return a day, None where none came; raises BadData.

        >>> Fields([("until", "soon")]).day("until")
        Traceback (most recent call last):
        features.errors.BadData: Until is a day like 2026-11-30
        """
        value = self.text(name, 20)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise BadData(f"{spoken(name)} is a day like 2026-11-30") from None

    def needed_day(self, name: str) -> date:
        """Return a day that must be there; raises BadData."""
        found = self.day(name)
        if found is None:
            raise BadData(f"{spoken(name)} is missing; it is a day like 2026-11-30")
        return found

    def cents(self, name: str) -> int:
        """Return an amount of dollars as cents; raises BadData.

        >>> Fields([("amount", "$1,250.5")]).cents("amount")
        125050
        >>> Fields([("amount", "12,50")]).cents("amount")
        Traceback (most recent call last):
        features.errors.BadData: Amount has commas between thousands only, in groups of three like 1,234.50; 12,50 came
        """
        value = self.text(name, 20).removeprefix("$")
        if "," in value and not GROUPED.fullmatch(value):
            raise BadData(f"{spoken(name)} has commas between thousands only, in groups of three like 1,234.50; {value} came")
        return parse_cents(value.replace(",", ""))

    def is_on(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return self.one(name) == "yes"


async def read_fields(request: Request, *, file_bytes: int = 0) -> Fields:
    """Read the body of a form; a body of another kind has no fields and is left to the route.

    Parameters
    ----------
    file_bytes
        What a file that comes with the form may have; 0: no file is taken.

    Raises
    ------
    Problem
        With status 413 or 422.
    """
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() == URLENCODED:
        return parse(await _body(request, MOST_BYTES))
    boundary = boundary_in(kind) if file_bytes else None
    return Fields() if boundary is None else parse_parts(await _body(request, file_bytes + MOST_BYTES), boundary)


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Problem(413, f"what a form sends is at most {most // 1024:,} kB large")
    return bytes(body)


def parse_parts(body: bytes, boundary: bytes) -> Fields:
    """Read what browsers send for a form with a file; its own name for the file is left behind."""
    try:
        parts = read_parts(body, boundary)
        pairs = [(part.name, part.content.decode("utf-8")) for part in parts if not part.is_file]
    except ValueError:
        raise Problem(422, "the form cannot be read") from None
    return Fields(_checked(pairs), {part.name: part.content for part in parts if part.is_file})


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
    return Fields(_checked(pairs))


def _checked(pairs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if any(not _is_text(part) for pair in pairs for part in pair):
        raise Problem(422, "the form holds characters that no text has")
    return pairs


def _is_text(text: str) -> bool:
    return text.isprintable() or not any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t" for letter in text)
