"""Reads bytes as the import does, for tests."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from features.intake.mapping import Mapping
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


def joined(folder: Path, ledger: Sequence[dict[str, str]], remits: Sequence[Remit], mapping: Mapping | None = None) -> RemitImport:
    """Write a ledger and remits, a file each, and join them."""
    names = list(dict.fromkeys(name for row in ledger for name in row))
    with (folder / "ledger.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(ledger)
    for i, remit in enumerate(remits):
        path = folder / "in" / f"{i}.835"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(remit.segments()))
    return import_remits([folder / "in"], ledger=folder / "ledger.csv", mapping=mapping, today=TODAY)


def rows(found: RemitImport) -> list[dict[str, str]]:
    """Return candidates as rows."""
    names = list(found.candidates)
    return [dict(zip(names, values, strict=True)) for values in zip(*found.candidates.values(), strict=True)]


def file_of(*claims: Claim, **changes: object) -> bytes:
    """Return a file of one transaction."""
    return encode(Remit(claims, **changes).segments())  # type: ignore[arg-type]
