"""Where each of many whole numbers stands among known ones: a hash table that is asked by whole arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]

_EMPTY = -1
_MIX = np.uint64(0x9E3779B97F4A7C15)
_ROOM = 4
"""So many places for each number: nearly all are found where they are looked for first."""


class Lookup:
    """Places of distinct numbers, none of them below zero.

    Parameters
    ----------
    numbers
        The known ones.

    Examples
    --------
    >>> Lookup(np.array([30, 10, 20])).find(np.array([20, 11, -1, 30])).tolist()
    [2, -1, -1, 0]
    """

    def __init__(self, numbers: Whole) -> None:
        bits = max(int(len(numbers) * _ROOM).bit_length(), 4)
        self._shift, self._last = np.uint64(64 - bits), (1 << bits) - 1
        self._numbers = np.full(1 << bits, _EMPTY, dtype=np.int64)
        self._places = np.full(1 << bits, -1, dtype=np.int64)
        waiting = np.arange(len(numbers))
        at = self._first(numbers)
        while len(waiting):
            # Of those that want one free place the last written has it; the others try the next.
            free = self._numbers[at] == _EMPTY
            self._places[at[free]] = waiting[free]
            settled = free & (self._places[at] == waiting)
            self._numbers[at[settled]] = numbers[waiting[settled]]
            waiting, at = waiting[~settled], (at[~settled] + 1) & self._last

    def _first(self, numbers: Whole) -> NDArray[np.intp]:
        return ((numbers.astype(np.uint64) * _MIX) >> self._shift).astype(np.intp)

    def find(self, numbers: Whole) -> Whole:
        """Return the place of each number, -1 where it is not known."""
        at = self._first(numbers)
        seen = self._numbers[at]
        found: Whole = np.where(seen == numbers, self._places[at], -1)
        open_ = np.flatnonzero((seen != numbers) & (seen != _EMPTY))
        at = at[open_]
        while len(open_):
            at = (at + 1) & self._last
            seen = self._numbers[at]
            hit = seen == numbers[open_]
            found[open_[hit]] = self._places[at[hit]]
            left = ~hit & (seen != _EMPTY)
            open_, at = open_[left], at[left]
        return found
