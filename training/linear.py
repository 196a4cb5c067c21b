"""Ridge fit of the linear score."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from features.feature import Floats
from features.matrix import BY_NAME, Layout
from features.tables import Array, Columns
from models.linear import Field, Linear, Numbers, pair_keys

_LOG_UNITS = ("dollars", "days", "units", "postings", "decayed efforts", "dollars per recovery", "denials", "resubmissions")
_LOGIT_UNITS = ("probability", "recoveries per effort")

FIELDS: tuple[tuple[str, ...], ...] = (
    ("payer_id",),
    ("family",),
    ("carc",),
    ("rarcs",),
    ("adjustment_code",),
    ("plan_id",),
    ("procedure_code",),
    ("provider_id",),
    ("facility_id",),
    ("remedy",),
    ("category",),
    ("payer_id", "family"),
    ("payer_id", "carc"),
    ("payer_id", "adjustment_code"),
    ("plan_id", "adjustment_code"),
    ("procedure_code", "adjustment_code"),
)
"""Codes and pairs of codes with a weight of their own."""


def fit_linear(
    matrix: Floats, columns: Columns, target: Array, layout: Layout, *, weight: Floats, strength: float, extras: Sequence[str] = ()
) -> Linear:
    """Fit a ridge logistic regression on scaled numbers and one weight per code or pair.

    Parameters
    ----------
    matrix, columns
        Features (n x features) and coded columns of the same rows.
    target, weight
        Recovered or not; weight of each row.
    strength
        Inverse of the penalty (scikit-learn's C).
    extras
        The user's category columns, which get weights too.
    """
    numbers = _numbers(matrix, layout)
    keys = [(names, pair_keys(columns, names)) for names in (*FIELDS, *((name,) for name in extras))]
    keys = [(names, key) for names, key in keys if (key >= 0).any()]
    blocks, known = [sparse.csr_matrix(numbers.scaled(matrix))], []
    for _, key in keys:
        distinct, place = np.unique(key, return_inverse=True)
        first = int(distinct[0] < 0)
        there = np.flatnonzero(key >= 0)
        blocks.append(sparse.csr_matrix((np.ones(len(there)), (there, place[there] - first)), shape=(len(key), len(distinct) - first)))
        known.append(distinct[first:])
    with warnings.catch_warnings():
        # A ridge fit that stops at 400 steps is within the fourth digit of its end; more steps change no rank.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=strength, max_iter=400).fit(sparse.hstack(blocks).tocsr(), target, sample_weight=weight)
    found = fitted.coef_[0]
    fields, start = [], len(numbers.names)
    for (names, _), distinct, block in zip(keys, known, blocks[1:], strict=True):
        weights = found[start : start + len(distinct)]
        fields.append(Field(names, distinct, weights, float((block @ weights).mean())))
        start += len(distinct)
    return Linear(float(fitted.intercept_[0]), numbers, found[: len(numbers.names)].copy(), tuple(fields))


def _numbers(matrix: Floats, layout: Layout) -> Numbers:
    """Choose the features that are numbers and vary, and learn their scale."""
    places = [
        i
        for i, name in enumerate(layout.names)
        if name not in layout.category_sizes and (name not in BY_NAME or BY_NAME[name].unit != "code") and not np.isnan(matrix[:, i]).all()
    ]
    scales = tuple(_scale(layout.names[i]) for i in places)
    draft = Numbers(
        tuple(layout.names[i] for i in places), np.array(places, dtype=np.int64), scales, np.zeros(len(places)), np.ones(len(places))
    )
    straight = draft.straighten(matrix)
    spread = np.nanstd(straight, axis=0)
    return Numbers(draft.names, draft.places, scales, np.nanmean(straight, axis=0), np.where(spread > 1e-9, spread, 1.0))


def _scale(name: str) -> str:
    unit = BY_NAME[name].unit if name in BY_NAME else ""
    return "log" if unit in _LOG_UNITS else "logit" if unit in _LOGIT_UNITS else "plain"
