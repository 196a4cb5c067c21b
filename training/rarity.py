"""Count which codes came together, and learn from which score on a combination is worth telling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.feature import Floats
from features.tables import Columns
from models.rarity import FLAGGED, PAIRS, Rarity

TOLD = 0.999
"""At most one posting in a thousand is told for each pair."""

_ROWS = 5000
"""Latest postings that the limits are learned from."""


def fit_rarity(columns: Columns) -> tuple[Rarity, float]:
    """Count the combinations of all postings; a row that lacks one of two codes says nothing of the pair.

    Returns
    -------
    Rarity, float
        And the share of the latest postings that would be told, each against all others: nearly all postings are proper, so that
        about so many alarms are false.

    Examples
    --------
    >>> codes = {name: np.zeros(3, dtype=np.int32) for pair in PAIRS for name in pair}
    >>> rarity, told = fit_rarity(codes | {"group_code": np.array([0, 1, -1])})
    >>> rarity.seen.tolist()[:3], told
    ([1, 1, 3], 0.0)
    """
    found = []
    for pair, (a, b) in enumerate(PAIRS):
        there = (columns[a] >= 0) & (columns[b] >= 0)
        # Two codes as one number: rows of two are fifty times as slow to sort.
        together = columns[a][there].astype(np.int64) << 32 | columns[b][there]
        codes, times = np.unique(together, return_counts=True)
        found.append(np.stack([np.full(len(codes), pair), codes >> 32, codes & 0xFFFFFFFF, times]))
    place, first, second, seen = np.concatenate(found, axis=1).astype(np.int64)
    counted = Rarity(place, first, second, seen)
    scores = _scores(counted, columns)
    if not len(scores):
        return counted, 0.0
    limits = np.maximum(np.quantile(scores, TOLD, axis=0, method="higher"), FLAGGED)
    return replace(counted, limits=tuple(np.round(limits, 6).tolist())), round(float((scores >= limits).any(axis=1).mean()), 5)


def _scores(rarity: Rarity, columns: Columns) -> Floats:
    """Return the score of each pair of the latest postings, each against all others (rows x pairs)."""
    count = len(columns["carc"])
    rows = np.argsort(columns["writeoff_date"], kind="stable")[-_ROWS:].tolist() if "writeoff_date" in columns else range(count)
    told = [[0.0 if odd is None else odd.score for odd in rarity.pairs(columns, row, without=1)] for row in rows]
    return np.array(told).reshape(len(told), len(PAIRS))
