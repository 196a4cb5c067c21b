"""Where a CSV file can be taken apart: behind the end of a row, which a quoted field may hold line ends before."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO

_QUOTED = re.compile(rb'(?:(?<=[,\r\n])|\A)"[^"]*(?:""[^"]*)*("|\Z)')
"""A field that begins with a quote, to its own end or to that of what is looked at; a quote elsewhere is a character like others."""

_MOST_QUOTES = 1 / 64
"""Where more bytes than this are quotes, looking at each costs more than reading side by side brings."""


def stretches_of(file: BinaryIO, size: int) -> Iterator[tuple[int, int | None]]:
    """Yield where stretches of whole rows, of about so many bytes, begin and end, in order and without a gap; None: at the end of the file.

    The first one holds the header. Where no end of a row can be told, all that follows is one stretch.

    Examples
    --------
    >>> import io
    >>> list(stretches_of(io.BytesIO(b'a,b\\n1,2\\n3,"x\\ny"\\n5,6\\n'), 8))
    [(0, 8), (8, 16), (16, 20)]
    """
    begin, held = 0, b""
    while part := file.read(size):
        held += part
        end = last_row_end(held)
        if end:
            yield begin, begin + end
            begin, held = begin + end, held[end:]
        elif len(held) > 2 * size or held.count(b'"') > _MOST_QUOTES * len(held):
            break
    else:
        if not held and begin:
            return
    yield begin, None


def last_row_end(rows: bytes) -> int:
    """Return where the last row that is whole ends, of bytes that begin with a row; 0 where that cannot be told.

    Examples
    --------
    >>> last_row_end(b'1,2\\n3,4\\n5'), last_row_end(b'1,"2\\n3"\\n4,"5\\n'), last_row_end(b'1,"2\\n')
    (8, 8, 0)
    """
    if b'"' not in rows:
        return rows.rfind(b"\n") + 1
    if rows.count(b'"') > _MOST_QUOTES * max(len(rows), 1024):
        return 0
    fields = list(_QUOTED.finditer(rows))
    begins = [field.start() for field in fields]
    # A field that is open at the end may end anywhere behind.
    end = begins[-1] if fields and not fields[-1][1] else len(rows)
    while (at := rows.rfind(b"\n", 0, end)) >= 0:
        inside = bisect_right(begins, at) - 1
        if inside < 0 or at >= fields[inside].end():
            return at + 1
        end = begins[inside]
    return 0
