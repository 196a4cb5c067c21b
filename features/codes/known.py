"""Codes of a table that the code tables do not know, or that were out of force on the day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.batch import Batch
from features.codes.adjustment import split_group
from features.codes.tables import Codes
from features.money import NULL


class Doubt(NamedTuple):
    """One code to name as an issue: its column, the word, whether it is `unknown` or `retired`, and on how many rows."""

    column: str
    word: str
    state: str
    rows: int


def doubtful_codes(batch: Batch, codes: Codes) -> list[Doubt]:
    """Return the distinct CARCs and RARCs of write-offs that are unknown, or were retired before the remittance.

    Such rows are scored all the same: an unknown code is no reason, a retired one keeps its meaning.

    Examples
    --------
    >>> from features.batch import empty_columns
    >>> from features.tables import WRITEOFFS
    >>> from features.vocabulary import Vocabulary
    >>> words = Vocabulary({"carc": ["197", "ZZ9", "42"]})
    >>> day = np.full(3, int(np.datetime64("2026-01-01").astype(int)))
    >>> columns = empty_columns(WRITEOFFS, 3) | {"carc": np.array([0, 1, 2]), "remit_date": day}
    >>> [tuple(doubt) for doubt in doubtful_codes(Batch(WRITEOFFS, columns, words), Codes.load())]
    [('carc', 'ZZ9', 'unknown', 1), ('carc', '42', 'retired', 1)]
    """
    remit, posted = batch.columns["remit_date"], batch.columns["writeoff_date"]
    day = np.where(remit == NULL, posted, remit)
    found: dict[tuple[str, str, str], int] = {}
    for column in ("carc", "rarcs"):
        values = batch.columns[column]
        counts = np.bincount(values[values >= 0])
        for number in np.flatnonzero(counts).tolist():
            for word, stop in _doubts(str(batch.vocabulary.word(column, number)), column, codes):
                state = "unknown" if stop is None else "retired"
                rows = int(counts[number]) if stop is None else int((day[values == number] >= stop).sum())
                if rows:
                    found[column, word, state] = found.get((column, word, state), 0) + rows
    return [Doubt(*key, rows) for key, rows in found.items()]


def _doubts(text: str, column: str, codes: Codes) -> list[tuple[str, int | None]]:
    """Return the words of one value that are unknown, and those that were ever retired with the day from which on they are."""
    doubts: list[tuple[str, int | None]] = []
    for word in [text] if column == "carc" else text.upper().split():
        code = (split_group(None, word, codes)[1] or word) if column == "carc" else word
        known = codes.carcs.get(code) if column == "carc" and code in codes.carcs else codes.rarcs.get(code)
        if known is None:
            if column == "rarcs" or code not in codes.plbs:
                doubts.append((word, None))
        elif known.effective_to is not None:
            doubts.append((word, int(np.datetime64(known.effective_to, "D").astype(np.int64))))
    return doubts
