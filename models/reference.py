"""What the write-offs before a model's cut looked like: a histogram of each raw feature, which later ones are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats

BINS = 10
MOVING = "_history"
"""Features of what efforts brought move with every result; they say nothing of who comes in."""


def histograms(matrix: Floats, names: Sequence[str], category_sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return the histogram of each raw feature of these rows (n x features), as JSON can hold it.

    >>> found = histograms(np.array([[1.0], [2.0], [np.nan]]), ["units_count"], {})
    >>> found["features"]["units_count"]["counts"][-1], found["rows"]
    (1, 3)
    """
    found: dict[str, Any] = {}
    for place, name in enumerate(names):
        if name.endswith(MOVING):
            continue
        values = matrix[:, place]
        if name in category_sizes:
            found[name] = {"edges": None, "counts": _counts(values, _between(category_sizes[name]))}
            continue
        there = values[np.isfinite(values)]
        edges = np.unique(np.quantile(there, np.linspace(0, 1, BINS + 1)[1:-1])) if len(there) else np.empty(0)
        found[name] = {"edges": edges.tolist(), "counts": _counts(values, edges)}
    return {"rows": len(matrix), "features": found}


def shifts(reference: Mapping[str, Any], matrix: Floats, names: Sequence[str]) -> dict[str, float]:
    """Return the population stability index of each feature that the reference knows: below .1 calm, above .25 a shift."""
    found = {}
    for place, name in enumerate(names):
        told = reference["features"].get(name)
        if told is not None:
            edges = _between(len(told["counts"]) - 1) if told["edges"] is None else np.array(told["edges"], dtype=np.float64)
            found[name] = stability_index(np.array(told["counts"]), np.array(_counts(matrix[:, place], edges), dtype=np.int64))
    return found


def stability_index(before: NDArray[Any], after: NDArray[Any]) -> float:
    """Return the population stability index of two histograms over the same bins; half a row is added to each bin.

    Bins that few rows fall into would make an index of noise: those with less than 1 % of the first are put together.

    >>> stability_index(np.array([10, 10]), np.array([100, 100]))
    0.0
    """
    rare = before < 0.01 * before.sum()
    if rare.sum() > 1:
        before, after = (np.append(counts[~rare], counts[rare].sum()) for counts in (before, after))
    p = (before + 0.5) / (before.sum() + 0.5 * len(before))
    q = (after + 0.5) / (after.sum() + 0.5 * len(after))
    return round(float(((q - p) * np.log(q / p)).sum()), 4) + 0.0


def _between(codes: int) -> Floats:
    """Return edges between codes, so that each code is a bin."""
    return np.arange(codes - 1, dtype=np.float64) + 0.5


def _counts(values: Floats, edges: Floats) -> list[int]:
    """Count rows per bin; bin i holds edges[i - 1] < x <= edges[i], and the last one counts nulls."""
    there = values[np.isfinite(values)]
    inside = np.bincount(np.searchsorted(edges, there, side="left"), minlength=len(edges) + 1)
    return [*inside.tolist(), len(values) - len(there)]
