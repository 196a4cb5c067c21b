"""Text coded once, at the border, into an append-only vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

MANY = 64
"""From so many codes on, listing all words once is cheaper than finding each."""


class Vocabulary:
    """Words of each text column in the order they were first seen; a word's code is its place.

    -1 stands for null. Words are only ever added, so a code once given stays. `overlay` gives a vocabulary that grows
    without touching this one: requests and files code their new words there, with codes after this one's.

    Parameters
    ----------
    words
        Column name to its words.

    Examples
    --------
    >>> known = Vocabulary({"payer_id": ["AETNA"]})
    >>> local = known.overlay()
    >>> local.encode("payer_id", ["CIGNA", None, "AETNA"]).tolist(), known.size("payer_id"), local.size("payer_id")
    ([1, -1, 0], 1, 2)
    >>> local.decode("payer_id", np.array([1, -1]))
    ['CIGNA', None]
    """

    def __init__(self, words: Mapping[str, Iterable[str]] | None = None, *, below: Vocabulary | None = None) -> None:
        self._below = below
        self._words: dict[str, list[str]] = {}
        self._codes: dict[str, dict[str, int]] = {}
        # The codes of each layer, the lowest first: it has nearly all words.
        self._layers: tuple[dict[str, dict[str, int]], ...] = (*(below._layers if below else ()), self._codes)
        self._start: dict[str, int] = {}
        for column, values in (words or {}).items():
            self.encode(column, list(values))

    def overlay(self) -> Vocabulary:
        """Return an empty vocabulary on top of this one."""
        return Vocabulary(below=self)

    def size(self, column: str) -> int:
        """Return how many words the column has; codes run from 0 to one less."""
        own = self._words.get(column)
        if own is None:
            return self._below.size(column) if self._below else 0
        return self._start[column] + len(own)

    def find(self, column: str, word: str) -> int:
        """Return the word's code, or -1."""
        # A word stands in one layer only, so the order of asking does not matter.
        for layer in self._layers:
            codes = layer.get(column)
            if codes is not None and (code := codes.get(word, -1)) >= 0:
                return code
        return -1

    def add(self, column: str, word: str) -> int:
        """Return the word's code, giving it one if it is new."""
        code = self.find(column, word)
        if code >= 0:
            return code
        if column not in self._words:
            # A layer begins where the one below ended when it first needed a word of its own.
            self._start[column] = self._below.size(column) if self._below else 0
            self._words[column], self._codes[column] = [], {}
        code = self._start[column] + len(self._words[column])
        self._words[column].append(word)
        self._codes[column][word] = code
        return code

    def encode_row(self, words: Mapping[str, str]) -> dict[str, int]:
        """Return the code of a word of each column, giving new words codes."""
        # Nearly all words stand in the lowest layer, where they are found without asking the others.
        lowest: Mapping[str, Mapping[str, int]] = self._layers[0]
        return {
            column: code if column in lowest and (code := lowest[column].get(word, -1)) >= 0 else self.add(column, word)
            for column, word in words.items()
        }

    def encode(self, column: str, values: Sequence[str | None]) -> NDArray[np.int32]:
        """Return the codes of the values, giving new words codes in the order they come; None is -1."""
        seen: dict[str | None, int] = {None: -1}
        codes = np.empty(len(values), dtype=np.int32)
        for i, value in enumerate(values):
            code = seen.get(value)
            if code is None:
                code = seen[value] = self.add(column, value)  # type: ignore[arg-type]
            codes[i] = code
        return codes

    def word(self, column: str, code: int) -> str | None:
        """Return the word of a code; None for -1."""
        if code < 0:
            return None
        layer: Vocabulary | None = self
        while layer is not None:
            start = layer._start.get(column)
            if start is not None and code >= start:
                return layer._words[column][code - start]
            layer = layer._below
        raise IndexError(f"column {column} has no word {code}")

    def decode(self, column: str, codes: NDArray[np.integer] | Sequence[int]) -> list[str | None]:
        """Return the words of the codes."""
        if len(codes) < MANY:
            return [self.word(column, int(code)) for code in codes]
        words = np.array([*self.words(column), None], dtype=object)  # the last stands for -1
        return words[np.maximum(np.asarray(codes), -1)].tolist()  # type: ignore[no-any-return]

    def words(self, column: str) -> list[str]:
        """Return all words of the column in code order."""
        below = self._below.words(column) if self._below else []
        own = self._words.get(column)
        return below if own is None else below[: self._start[column]] + own

    def columns(self) -> list[str]:
        """Return the columns that have words."""
        below = self._below.columns() if self._below else []
        return below + [column for column in self._words if column not in below]

    def as_dict(self) -> dict[str, list[str]]:
        """Return every column's words, as JSON can hold them."""
        return {column: self.words(column) for column in self.columns()}
