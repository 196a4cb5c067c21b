"""Reads bytes as the import does, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from features.intake.remits import RemitImport, import_remits
from features.intake.remits.issues import Issue, IssueLog
from features.intake.remits.records import Transaction
from features.intake.remits.segments import read_segments
from features.intake.remits.transaction import read_transactions
from tests.features.intake.remits.writer import Claim, Remit, encode

TODAY = date(2026, 11, 1)


def read(data: bytes, *, size: int = 0, name: str = "a.835") -> tuple[list[Transaction], list[Issue]]:
    """Return the transactions and issues of one file; `size` cuts it into chunks."""
    log = IssueLog(name)
    chunks = [data[i : i + size] for i in range(0, len(data), size)] if size else [data]
    return list(read_transactions(read_segments(chunks, log), log, latest="2031-11-01")), log.issues


def codes(issues: Sequence[Issue]) -> list[str]:
    """Return the codes of issues in order."""
    return [issue.code for issue in issues]


def imported(folder: Path, files: dict[str, bytes]) -> RemitImport:
    """Write files to a folder and import it."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return import_remits([folder], today=TODAY)


def rows(found: RemitImport) -> list[dict[str, str]]:
    """Return candidates as rows."""
    names = list(found.candidates)
    return [dict(zip(names, values, strict=True)) for values in zip(*found.candidates.values(), strict=True)]


def file_of(*claims: Claim, **changes: object) -> bytes:
    """Return a file of one transaction."""
    return encode(Remit(claims, **changes).segments())  # type: ignore[arg-type]
