"""Codes that each are common and yet hardly ever come together: a second eye, apart from amounts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.column import Columns

PAIRS: tuple[tuple[str, str], ...] = (
    ("carc", "group_code"),
    ("carc", "payer_type"),
    ("carc", "claim_type"),
    ("carc", "rarcs"),
    ("carc", "adjustment_code"),
    ("procedure_code", "specialty"),
    ("procedure_code", "place_of_service"),
    ("procedure_code", "claim_type"),
    ("payer_type", "filing_indicator"),
    ("place_of_service", "claim_type"),
)
"""What is looked at together."""

PAIRED = tuple(dict.fromkeys(name for pair in PAIRS for name in pair))
"""The columns of `PAIRS`: rows with equal codes in all of them are equally odd."""

FLAGGED = 4.0
"""A score from which on a combination is told: one in ten thousand if codes came independently, and ten pairs are looked at."""

MOST = 5
"""A combination that came more often than this is known, however common its parts are."""

_LABELS = {
    "carc": "reason",
    "group_code": "group",
    "payer_type": "a payer that is",
    "claim_type": "a claim that is",
    "rarcs": "remark",
    "adjustment_code": "adjustment",
    "procedure_code": "procedure",
    "specialty": "specialty",
    "place_of_service": "place of service",
    "filing_indicator": "filing indicator",
}


class Odd(NamedTuple):
    """A combination that is rare for how common its parts are.

    Parameters
    ----------
    score
        -log10 of the chance that so few came together if codes came independently.
    pair, codes
        Its columns and their codes.
    seen, expected
        How often it came, and would have come.
    """

    score: float
    pair: tuple[str, str]
    codes: tuple[int, int]
    seen: int
    expected: float


@dataclass(frozen=True)
class Rarity:
    """How often two codes came together among the postings before the cut.

    Parameters
    ----------
    place
        Place of each combination's pair in `PAIRS`.
    first, second
        Codes of the two columns.
    seen
        How often they came together.
    limits
        Score of each of `PAIRS` from which on a combination is told: where odd ones are common, they tell nothing.
    """

    place: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    seen: NDArray[np.int64]
    limits: tuple[float, ...] = (FLAGGED,) * len(PAIRS)

    @cached_property
    def _counts(self) -> list[tuple[dict[tuple[int, int], int], dict[int, int], dict[int, int], int]]:
        found = []
        for place in range(len(PAIRS)):
            there = self.place == place
            a, b, n = self.first[there].tolist(), self.second[there].tolist(), self.seen[there].tolist()
            ones: dict[int, int] = {}
            others: dict[int, int] = {}
            for one, other, count in zip(a, b, n, strict=True):
                ones[one] = ones.get(one, 0) + count
                others[other] = others.get(other, 0) + count
            found.append((dict(zip(zip(a, b, strict=True), n, strict=True)), ones, others, sum(n)))
        return found

    def look(self, columns: Columns, row: int) -> Odd | None:
        """Return the oddest combination of a row, of those odd enough to be told."""
        told = [odd for odd, limit in zip(self.pairs(columns, row), self.limits, strict=True) if odd is not None and odd.score >= limit]
        return max(told, key=lambda odd: odd.score, default=None)

    def pairs(self, columns: Columns, row: int, *, without: int = 0) -> list[Odd | None]:
        """Return each of `PAIRS` of a row; None where it came often, or where one of its codes never came, which is another matter.

        Parameters
        ----------
        columns
            Coded columns of `PAIRS`.
        without
            1 for a row that was counted itself.
        """
        found: list[Odd | None] = []
        for pair, (together, ones, others, total) in zip(PAIRS, self._counts, strict=True):
            codes = int(columns[pair[0]][row]), int(columns[pair[1]][row])
            one, other, whole = ones.get(codes[0], 0) - without, others.get(codes[1], 0) - without, total - without
            odd = None
            if min(*codes, one - 1, other - 1) >= 0:
                seen, expected = together.get(codes, 0) - without, one * other / whole
                if seen <= MOST and seen < expected:
                    odd = Odd(tail(seen, expected), pair, codes, seen, expected)
            found.append(odd)
        return found

    @classmethod
    def of(cls, state: Mapping[str, NDArray[np.int64]], limits: Sequence[float]) -> Rarity:
        """Return what `snapshot` and `limits` tell."""
        place, first, second, seen = (np.asarray(state[name], dtype=np.int64) for name in ("place", "first", "second", "seen"))
        return cls(place, first, second, seen, tuple(limits))

    def snapshot(self) -> Columns:
        """Return the counts as columns."""
        return {"place": self.place, "first": self.first, "second": self.second, "seen": self.seen}

    @classmethod
    def nothing(cls) -> Rarity:
        """Return what knows no posting, and finds nothing odd."""
        none = np.empty(0, dtype=np.int64)
        return cls(none, none, none, none)


def tail(seen: int, expected: float) -> float:
    """Return -log10 of the chance that a Poisson variable of this mean is at most `seen`.

    >>> round(tail(0, 10.0), 2), round(tail(1, 1.0), 2)
    (4.34, 0.13)
    """
    # In logs, because the chance of none among many is too small for a float.
    logs = [-expected + k * math.log(expected) - math.lgamma(k + 1) for k in range(seen + 1)]
    top = max(logs)
    return max(0.0, -(top + math.log(sum(math.exp(value - top) for value in logs))) / math.log(10.0))


def tell(odd: Odd, words: Sequence[str]) -> str:
    """Return the sentence on a combination, its codes as words.

    >>> tell(Odd(9.0, ("carc", "group_code"), (1, 2), 1, 211.7), ("45", "PR"))
    'reason 45 with group PR came 1 time so far, where 212 would be usual: check the posting'
    """
    (a, b), times = odd.pair, "time" if odd.seen == 1 else "times"
    one, other = (f"{_LABELS[name]} {word.replace('_', ' ')}" for name, word in zip((a, b), words, strict=True))
    return f"{one} with {other} came {odd.seen} {times} so far, where {odd.expected:.0f} would be usual: check the posting"
