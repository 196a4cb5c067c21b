"""What the columns of a write-off say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from features.money import NULL
from features.tables import Array

BEFORE = ("service_date", "submitted_date", "remit_date")
"""Days that should not be after writeoff_date; where they are, the row is kept and named."""


def review_row(row: Mapping[str, object], rows: Counter[tuple[str, str]]) -> None:
    """Count remarks on one write-off."""
    posted = row["writeoff_date"]
    for name in BEFORE:
        day = row.get(name)
        if day is not None and day > posted:  # type: ignore[operator]
            rows["date_after_writeoff", name] += 1


def review(columns: Mapping[str, Array], rows: Counter[tuple[str, str]]) -> None:
    """Count remarks on accepted write-offs."""
    posted = columns["writeoff_date"]
    for name in BEFORE:
        # Null is the least integer, so it is never after.
        rows["date_after_writeoff", name] += int((columns[name] > posted).sum())


assert NULL < 0
