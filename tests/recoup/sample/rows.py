"""Tables of the sample as rows of text, read by the standard library alone."""

from __future__ import annotations

import csv
from pathlib import Path

Row = dict[str, str]


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file as dictionaries of text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cents(amount: str) -> int:
    """Read an amount with two decimals, exactly."""
    whole, part = amount.split(".")
    assert len(part) == 2
    return int(whole + part)
