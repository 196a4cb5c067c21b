"""Words that codes share: where reasons are told in words, each says something of all others that hold it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from features.vocabulary import Vocabulary

SPOKEN: tuple[tuple[str, ...], ...] = (
    ("adjustment_code",),
    ("plan_id", "adjustment_code"),
    ("procedure_code", "adjustment_code"),
)
"""Codes and pairs of codes that are looked at for words; a pair has the pairs of its words."""

_WORD = re.compile(r"[^\W\d_]{3,}")

Words = Mapping[str, Sequence[tuple[str, ...]]]
"""By column, the words of null and then of each code."""

NO_WORDS: Words = {}


def words_of(vocabulary: Vocabulary) -> Words:
    """Return the words of each code, of three letters and more, where it has any that another code of its column has too.

    >>> known = Vocabulary({"adjustment_code": ["Claim Delays", "Denial of Claim", "CO-45", "TIMELY"]})
    >>> words_of(known)["adjustment_code"]
    [(), ('claim', 'delays'), ('claim', 'denial'), (), ('timely',)]
    >>> words_of(Vocabulary({"adjustment_code": ["TIMELY", "NOAUTH"]}))
    {}
    """
    found: dict[str, Sequence[tuple[str, ...]]] = {}
    for name in sorted({name for names in SPOKEN for name in names}):
        words = [(), *(tuple(sorted(set(_WORD.findall(text.lower())))) for text in vocabulary.words(name))]
        if max(Counter(word for of_code in words for word in of_code).values(), default=0) > 1:
            found[name] = words
    return found


def shared_words(codes: Sequence[NDArray[np.int64]], words: Sequence[Sequence[tuple[str, ...]]]) -> sparse.csr_matrix:
    """Return which words each code or pair of codes holds, of those that another one holds too.

    Parameters
    ----------
    codes
        Of each part, null as 0 (n).
    words
        Of each part.

    Returns
    -------
    csr_matrix
        n x words: what all words of a code say together weighs as much as what one alone would.
    """
    held = [
        list(product(*(of[code] for of, code in zip(words, key, strict=True))))
        for key in zip(*(part.tolist() for part in codes), strict=True)
    ]
    count = Counter(word for of_key in held for word in of_key)
    places = {word: place for place, word in enumerate(sorted(word for word, times in count.items() if times > 1))}
    rows = [[places[word] for word in of_key if word in places] for of_key in held]
    ends = np.cumsum([0, *map(len, rows)])
    size = np.repeat([len(row) or 1 for row in rows], np.diff(ends)) ** -0.5
    return sparse.csr_matrix((size, [place for row in rows for place in row], ends), shape=(len(rows), len(places)))
