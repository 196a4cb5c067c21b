"""Licensed code lists: read, checked, kept outside the repository by effective date, and laid over our own tables.

The lists of X12 and their texts are licensed; a practice that holds them brings them as a CSV. Codes, dates and texts stay under
`RECOUP_HOME/codes`; what a code means to triage is always said by our own tables.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.errors import BadData, StorageFailed, UsageError

COLUMNS = ("code", "kind", "start", "stop", "text")
FORMS = {
    "carc": re.compile(r"[A-Z]?[0-9]{1,3}"),
    "rarc": re.compile(r"(MA|M|N)[0-9]{1,4}"),
    "group": re.compile(r"[A-Z]{2}"),
    "plb": re.compile(r"[A-Z0-9]{2}"),
}
"""Kind of list to the form of its codes."""
_SHOWN = 5
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Listed:
    """One code of a licensed list; `stop` is the first day out of force, the text may be empty."""

    code: str
    kind: str
    start: date | None
    stop: date | None
    text: str = ""


def read_list(lines: Iterable[str], source: str) -> list[Listed]:
    """Read a list: columns `code`, `kind`, `start`, `stop` and, where wanted, `text`.

    Raises
    ------
    BadData
        When a column is missing, a row cannot be read, or there is none; the first five faults are named with their line.

    Examples
    --------
    >>> read_list(["code,kind,start,stop", "45,carc,1995-01-01,"], "list.csv")[0].code
    '45'
    >>> read_list(["code,kind,start,stop", "45,carc,1995-13-01,"], "list.csv")
    Traceback (most recent call last):
    features.errors.BadData: list.csv: nothing imported: line 2: start '1995-13-01' is not a day like 2026-11-01
    """
    reader = csv.DictReader(lines)
    try:
        head = [name.strip().lower() for name in reader.fieldnames or ()]
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadData(f"{source}: not a CSV in UTF-8: {error}") from error
    missing = [name for name in COLUMNS[:4] if name not in head]
    if missing:
        raise BadData(f"{source}: a code list has the columns code, kind, start, stop and may have text; it lacks {', '.join(missing)}")
    reader.fieldnames = head
    found: list[Listed] = []
    faults: list[str] = []
    seen: dict[tuple[str, str], list[Listed]] = {}
    try:
        for row in reader:
            try:
                item = _row(row)
                _check_span(item, seen.setdefault((item.kind, item.code), []))
                found.append(item)
            except ValueError as error:
                faults.append(f"line {reader.line_num}: {error}")
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadData(f"{source}: not a CSV in UTF-8: {error}") from error
    if faults:
        more = f"; {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise BadData(f"{source}: nothing imported: {'; '.join(faults[:_SHOWN])}{more}")
    if not found:
        raise BadData(f"{source}: no code in it")
    return found


def _row(row: dict[str, str | None]) -> Listed:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    kind, code = values["kind"].lower(), values["code"].upper()
    if kind not in FORMS:
        raise ValueError(f"kind {values['kind'][:20]!r} is none of {', '.join(FORMS)}")
    if not FORMS[kind].fullmatch(code):
        raise ValueError(f"code {code[:20]!r} is not the form of a {kind}")
    if len(values["text"]) > _LONGEST:
        raise ValueError(f"text of {code} is longer than {_LONGEST} characters")
    start, stop = _day(values["start"], "start"), _day(values["stop"], "stop")
    if start is not None and stop is not None and stop < start:
        raise ValueError(f"{kind} {code} stops before it starts")
    return Listed(code, kind, start, stop, " ".join(values["text"].split()))


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} {text[:20]!r} is not a day like 2026-11-01") from None


def _check_span(item: Listed, others: list[Listed]) -> None:
    """Refuse a code in force twice on one day; a code may return after it was stopped."""
    for other in others:
        begins_late = other.stop is not None and item.start is not None and item.start >= other.stop
        ends_early = item.stop is not None and other.start is not None and item.stop <= other.start
        if not begins_late and not ends_early:
            raise ValueError(f"{item.kind} {item.code} is there twice")
    others.append(item)


def keep_list(listed: list[Listed], folder: Path, effective: date, *, replace: bool = False) -> Path:
    """Write a list as the version of its effective date; the same again changes nothing.

    Raises
    ------
    UsageError
        When another list is kept for that date and `replace` is not set.
    StorageFailed
        When it cannot be written.
    """
    path = folder / f"{effective.isoformat()}.csv"
    text = _text(listed)
    try:
        if path.exists() and path.read_text(encoding="utf-8") != text and not replace:
            raise UsageError(f"another list is kept for {effective}; import with --replace, or give its own effective date")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    return path


def _text(listed: list[Listed]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in sorted(listed, key=lambda item: (item.kind, item.code, item.start or date.min)):
        start, stop = (day.isoformat() if day else "" for day in (item.start, item.stop))
        writer.writerow((item.code, item.kind, start, stop, item.text))
    return out.getvalue()


def version_of(folder: Path, on: date | None = None) -> Path | None:
    """Return the kept list in force on a day (None: the newest), or None."""
    found: list[tuple[date, Path]] = []
    for path in folder.glob("*.csv"):
        try:
            found.append((date.fromisoformat(path.stem), path))
        except ValueError:
            continue  # No version of ours: a file somebody laid there.
    return max(((day, path) for day, path in found if on is None or day <= on), default=(None, None))[1]


def read_kept(path: Path) -> list[Listed]:
    """Read a kept list.

    Raises
    ------
    BadData
        When somebody altered it beyond reading.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return read_list(file, path.name)
