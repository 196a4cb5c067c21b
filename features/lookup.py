"""Look-ups that are asked by whole arrays: where numbers stand among known ones, and what is known by a code or a pair of codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]

_EMPTY = -1
_MIX = np.uint64(0x9E3779B97F4A7C15)
_PAIR_BITS = 28
_MOST_PLACES, _MOST_EMPTY = 1 << 18, 8
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


class ByCode:
    """Values by one code, or by two.

    Parameters
    ----------
    codes
        One or two arrays: the codes that have a value, no combination twice, none of them null.
    values
        What is known by each; null (-1) and every other code has zero.

    Examples
    --------
    >>> known = ByCode([np.array([0, 2]), np.array([1, 0])], np.array([7.0, 9.0]))
    >>> known.find([np.array([0, 2, 2, -1, 5]), np.array([1, 0, 1, 0, -1])]).tolist()
    [7.0, 9.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, codes: Sequence[Whole], values: NDArray[Any]) -> None:
        self._sizes = [int(part.max(initial=-1)) + 1 for part in codes]
        places = math.prod(size + 2 for size in self._sizes)
        self._lookup: Lookup | None = None
        if places <= max(_MOST_PLACES, _MOST_EMPTY * len(values)):
            # Behind the places of the known codes stand that of all others and, where -1 counts from the end, that of null.
            table = np.zeros([size + 2 for size in self._sizes], dtype=values.dtype)
            table[tuple(codes)] = values
            self._values = table.ravel()
        else:
            self._lookup = Lookup(_packed(codes))
            self._values = np.append(values, values.dtype.type(0))

    def find(self, codes: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the value of each row."""
        if self._lookup is not None:
            return self._values.take(self._lookup.find(_packed(codes)))
        place = np.minimum(codes[0].astype(np.intp), self._sizes[0])
        for part, size in zip(codes[1:], self._sizes[1:], strict=True):
            place *= size + 2
            place += np.minimum(part, size, dtype=np.intp)
        return self._values.take(place)


def _packed(codes: Sequence[NDArray[Any]]) -> Whole:
    """Return one number for each code or pair of codes, -1 where one is null."""
    key = codes[0].astype(np.int64)
    for part in codes[1:]:
        other = part.astype(np.int64)
        key = np.where((key < 0) | (other < 0), -1, key << _PAIR_BITS | np.maximum(other, 0))
    return np.where(key < 0, -1, key)
