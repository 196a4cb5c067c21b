"""Distinct combinations of coded columns, so that what depends on codes alone is worked out once for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch, Single
from features.rowwise import single
from features.tables import Array

Answer = TypeVar("Answer", bound=tuple[int, ...])
"""Whole numbers, equally many for every combination."""

_FEW = 64
_REMEMBERED = 200_000


class Combinations(Generic[Answer]):
    """Answers to combinations of words, remembered.

    Parameters
    ----------
    columns
        Coded columns whose words make the combination.
    answer
        From those words (None is null) to whole numbers.
    reduce
        By column: from a word to the simplest one with the same answer, so that many rows have few combinations.
    dtype
        Of the answers; one that does not fit is an OverflowError. A million rows of narrow numbers are gathered several times faster.
    """

    def __init__(
        self,
        columns: tuple[str, ...],
        answer: Callable[[tuple[str | None, ...]], Answer],
        reduce: Mapping[str, Callable[[str], str | None]] | None = None,
        dtype: type[np.signedinteger[Any]] = np.int64,
    ) -> None:
        self._dtype = dtype
        self.columns = columns
        self._answer = answer
        self._reduce = dict(reduce or {})
        self._known: dict[tuple[str | None, ...], Answer] = {}
        self._lock = Lock()

    def of(self, words: tuple[str | None, ...]) -> Answer:
        """Return the answer to one combination."""
        known = self._known.get(words)
        if known is None:
            known = self._answer(words)
            with self._lock:
                if len(self._known) >= _REMEMBERED:
                    # Words come from outside, so what is remembered is bounded.
                    self._known.clear()
                self._known[words] = known
        return known

    def gather(self, batch: Batch) -> NDArray[np.signedinteger[Any]]:
        """Return the answers of all rows, shape (numbers in an answer, rows); the numbers themselves of a single one."""
        if isinstance(batch, Single):
            return single(self.of(tuple(map(batch.spelled.__getitem__, self.columns))))
        rows, arrays = len(batch), [batch.columns[name] for name in self.columns]
        if not rows:
            return np.empty((len(self.of((None,) * len(self.columns))), 0), dtype=self._dtype)
        if rows <= _FEW:
            word = batch.vocabulary.word
            coded = zip(*(array.tolist() for array in arrays), strict=True)
            few = [self.of(tuple(map(word, self.columns, row))) for row in coded]
            return np.array(few, dtype=self._dtype).reshape(len(batch), -1).T
        reduced = [number_words(batch, name, self._reduce.get(name)) for name in self.columns]
        first, place = distinct([numbers for numbers, _ in reduced])
        words = zip(*([words[number] for number in numbers[first].tolist()] for numbers, words in reduced), strict=True)
        many = np.array([self.of(combination) for combination in words], dtype=self._dtype)
        return np.take(np.ascontiguousarray(many.T), place, axis=1)


def number_words(batch: Batch, name: str, reduce: Callable[[str], str | None] | None) -> tuple[Array, list[str | None]]:
    """Return a coded column with its reduced words numbered as they come (-1 is null), and these words with null at the end."""
    codes = batch.columns[name]
    # The last place is that of null, whose code counts from the end.
    is_used = np.zeros(int(codes.max(initial=-1)) + 2, dtype=np.bool_)
    is_used[codes] = True
    table = np.full(len(is_used), -1, dtype=np.int32)
    numbers: dict[str, int] = {}
    for code in np.flatnonzero(is_used[:-1]).tolist():
        word = batch.vocabulary.word(name, code)
        if word is not None and reduce is not None:
            word = reduce(word)
        if word is not None:
            table[code] = numbers.setdefault(word, len(numbers))
    return table.take(codes), [*numbers, None]


def distinct(arrays: list[Array]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return a row of each distinct combination of codes (-1 is null), and for every row the place of its combination.

    Examples
    --------
    >>> first, place = distinct([np.array([3, -1, 3]), np.array([0, 0, 0])])
    >>> place.tolist(), sorted(first.tolist())
    ([1, 0, 1], [1, 2])
    """
    key, span = np.zeros(len(arrays[0]), dtype=np.int64), 1
    for array in arrays:
        size = int(array.max(initial=-1)) + 2
        if span * size > 4 * len(key):
            key, span = number_keys(key, span)[1], len(key)
        key = key * size
        key += array
        key += 1
        span *= size
    return number_keys(key, span)


def number_keys(key: NDArray[np.int64], span: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return a row of each distinct key (0 <= key < span), and for every row the number of its key."""
    if span > 8 * len(key):
        # Which row of equal keys stands first does not matter, which is the faster way to sort.
        order = np.argsort(key)
        ordered = key[order]
        begins = np.r_[True, ordered[1:] != ordered[:-1]][: len(key)]
        place = np.empty(len(key), dtype=np.intp)
        place[order] = np.cumsum(begins) - 1
        return order[begins], place
    # Few enough to be places of an array: counting is ten times faster than sorting, in halves of words twice as fast again.
    some = np.full(span, -1, dtype=np.int32)
    some[key] = np.arange(len(key), dtype=np.int32)
    used = np.flatnonzero(some >= 0)
    number = np.empty(span, dtype=np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return some[used].astype(np.intp), number[key].astype(np.intp)
