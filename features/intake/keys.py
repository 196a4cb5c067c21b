"""The grain of a table: which rows repeat an earlier row's key, or its span of days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from features.tables import Table

Key: TypeAlias = tuple[object, ...]

FAR = 2**62
"""Stands for an open end."""


def key_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that tell rows apart.

    An outcome without effort_id is told apart by what was done when: practices that do not number their efforts still log several of them.
    """
    if table.name == "outcomes":
        return ("writeoff_id", "effort_id", "worked_date", "action", "level")
    return table.key


def has_spans(table: Table) -> bool:
    """Tell whether rows of a key are in force for a span of days that may not overlap."""
    return "effective_from" in table.key


def key_of(table: Table, values: Sequence[object]) -> Key:
    """Return a row's key from its values in `key_columns`; None where null."""
    if table.name == "outcomes" and values[1] is not None:
        return tuple(values[:2])
    return tuple(values)


class Spans:
    """Spans of days by key, each new one compared with those before it.

    >>> spans = Spans()
    >>> spans.add(("C1",), None, 10), spans.add(("C1",), 11, None), spans.add(("C1",), 5, 6), spans.add(("C2",), 5, 6)
    (True, True, False, True)
    """

    def __init__(self) -> None:
        self._spans: dict[Key, list[tuple[int, int]]] = {}

    def add(self, key: Key, start: object, end: object) -> bool:
        """Keep a span (both days in it; None is open) and return True, or return False where an earlier one overlaps."""
        low, high = start if isinstance(start, int) else -FAR, end if isinstance(end, int) else FAR
        spans = self._spans.setdefault(key, [])
        if any(low <= other_high and other_low <= high for other_low, other_high in spans):
            return False
        spans.append((low, high))
        return True
