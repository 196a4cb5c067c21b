"""Every past day in turn: its rows are read, then the history is advanced by what became known on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.history import KEYS, PARTS, STATS, Events, History, days_of
from features.learned import Remembered, stats_of
from features.recall import Recall
from features.tables import Columns

_BLOCK, _FEW = 8192, 1024
"""So many rows are told together; a day with so many is worth working out what all keys hold that morning."""


def replay(history: History, rows: Columns, days: NDArray[np.int64], events: Events) -> Floats:
    """Serve every past day in turn: read that day's rows, then add what became known on it.

    Parameters
    ----------
    history
        Advanced in place to after the last event.
    rows, days
        Key columns of the rows and the day on which each is read.
    events
        What became known, any order.

    Returns
    -------
    Floats
        n x keys x stats, each row as of the morning of its day.
    """
    row_slots, event_slots, addends = history.find(rows, grow=True), history.find(events.keys, grow=True), events.addends()
    out = np.zeros((len(days), len(KEYS), len(STATS)))
    reads, adds = dict(days_of(days)), dict(days_of(events.known_on))
    for day in sorted(reads.keys() | adds.keys()):
        if day in reads:
            out[reads[day]] = history.read(row_slots[reads[day]], day)
        if day in adds:
            history.advance(day, event_slots[adds[day]], addends[adds[day]])
    return out


def replay_columns(history: History, rows: Columns, days: NDArray[np.int64], events: Events, out: Columns) -> None:
    """Write some columns of `history_columns(replay(...))`: sums are held for a block of rows only, not for all of them.

    Parameters
    ----------
    history, rows, days, events
        As in `replay`.
    out
        The columns wanted, by name; they may be columns of a matrix.
    """
    event_slots, addends = history.find(events.keys, grow=True), events.addends()
    reads, adds = dict(days_of(days)), dict(days_of(events.known_on))
    held = _Held(history, rows, tuple(out))
    for day in sorted(reads.keys() | adds.keys()):
        if day in reads:
            if len(reads[day]) < _FEW:
                held.read(reads[day], day)
            else:
                recall = Recall(history, day, rows=len(reads[day]))
                for at in _stretches(reads[day]):
                    _write(out, at, recall.of({name: rows[name][at] for name in PARTS}))
            if len(held) >= _BLOCK:
                held.write(out)
        if day in adds:
            history.advance(day, event_slots[adds[day]], addends[adds[day]])
    held.write(out)


class _Held:
    """Rows of days that have few, whose sums are held until there are many."""

    def __init__(self, history: History, rows: Columns, names: Collection[str]) -> None:
        self._history, self._rows, self._stats = history, rows, stats_of(names)
        self._held: list[NDArray[np.int64]] = []
        self._sums: list[Floats] = []

    def __len__(self) -> int:
        return sum(map(len, self._held))

    def read(self, at: NDArray[np.int64], day: int) -> None:
        """Hold the sums of some rows as of the morning of their day."""
        self._held.append(at)
        self._sums.append(self._history.read_some({name: self._rows[name][at] for name in PARTS}, day, self._stats))

    def write(self, out: Columns) -> None:
        """Write what the sums say to the columns."""
        if self._held:
            sums, stats = np.concatenate(self._sums, axis=2), self._stats
            _write(out, np.concatenate(self._held), Remembered(lambda place, stat: sums[stats.index(stat), place]))
        self._held, self._sums = [], []


def _write(out: Columns, at: NDArray[np.int64] | slice, remembered: Remembered) -> None:
    for name, values in out.items():
        values[at] = remembered.column(name)


def _stretches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64] | slice]:
    """Yield positions a block at a time, as a slice where they follow one another."""
    for start in range(0, len(rows), _BLOCK):
        at = rows[start : start + _BLOCK]
        first, last = int(at[0]), int(at[-1])
        yield slice(first, last + 1) if last - first == len(at) - 1 else at
