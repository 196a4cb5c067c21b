"""Ridge fit of the linear score."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from features.feature import Floats
from features.matrix import BY_NAME, Layout
from features.tables import Array, Columns
from models.linear import Field, Linear, Numbers, pair_keys

_LOG_UNITS = ("dollars", "days", "units", "postings", "decayed efforts", "dollars per recovery", "count")
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
    ("family", "authorization_on_file"),
    ("family", "referral_on_file"),
    ("family", "records_on_file"),
    ("family", "timely_proof_on_file"),
    ("family", "other_coverage_on_file"),
)
"""Codes and pairs of codes with a weight of their own; proof on file is worth something where it answers what was refused."""

LEVEL_FIELDS: tuple[tuple[str, ...], ...] = (
    ("payer_id",),
    ("plan_id",),
    ("carc",),
    ("procedure_code",),
    ("adjustment_code",),
    ("plan_id", "adjustment_code"),
    ("procedure_code", "adjustment_code"),
    ("payer_id", "adjustment_code"),
    ("payer_id", "procedure_code"),
)
"""The same for how much."""


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
    fields = [_Field.of(columns, names) for names in (*FIELDS, *((name,) for name in extras))]
    fields = [field for field in fields if len(field.keys)]
    # One thread: the steps are of many small sums, which threads wait for longer than they take, and whose order cores would change.
    with warnings.catch_warnings(), threadpool_limits(1):
        # A ridge fit that stops at 400 steps is within the fourth digit of its end; more steps change no rank.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=strength, max_iter=400).fit(_joined(numbers.scaled(matrix), fields), target, sample_weight=weight)
    count = len(numbers.names)
    return Linear(float(fitted.intercept_[0]), numbers, fitted.coef_[0][:count].copy(), _weighed(fields, fitted.coef_[0][count:]))


def fit_level(columns: Columns, target: Floats, *, weight: Floats, penalty: float, extras: Sequence[str] = ()) -> Linear:
    """Fit a ridge regression of a number on codes and pairs of codes alone."""
    fields = [_Field.of(columns, names) for names in (*LEVEL_FIELDS, *((name,) for name in extras))]
    fields = [field for field in fields if len(field.keys)]
    nothing = Numbers((), np.empty(0, dtype=np.int64), (), np.empty(0), np.empty(0))
    if not fields:
        return Linear(float(np.average(target, weights=weight)), nothing, np.empty(0), ())
    with threadpool_limits(1):
        fitted = Ridge(alpha=penalty).fit(_joined(np.empty((len(target), 0)), fields), target, sample_weight=weight)
    return Linear(float(fitted.intercept_), nothing, np.empty(0), _weighed(fields, fitted.coef_))


@dataclass(frozen=True, slots=True)
class _Field:
    """One code or pair of codes of the rows of a fit: its distinct keys, and where each row's stands among them, -1 for null."""

    names: tuple[str, ...]
    keys: NDArray[np.int64]
    place: NDArray[np.int32]

    @classmethod
    def of(cls, columns: Columns, names: tuple[str, ...]) -> _Field:
        key = pair_keys(columns, names)
        distinct, place = np.unique(key, return_inverse=True)
        first = int(len(distinct) > 0 and distinct[0] < 0)
        return cls(names, distinct[first:], (place - first).astype(np.int32))


def _joined(numbers: Floats, fields: Sequence[_Field]) -> sparse.csr_matrix:
    """Return numbers and a column of ones for each code as one matrix, made in one piece: every row holds one entry per field."""
    rows, count = numbers.shape
    width = count + len(fields)
    values, at = np.empty((rows, width)), np.empty((rows, width), dtype=np.int32)
    values[:, :count], at[:, :count] = numbers, np.arange(count)
    start = count
    for i, field in enumerate(fields, start=count):
        # A null is a zero in the field's first column.
        values[:, i] = field.place >= 0
        at[:, i] = start + np.maximum(field.place, 0)
        start += len(field.keys)
    return sparse.csr_matrix((values.ravel(), at.ravel(), np.arange(0, rows * width + 1, max(width, 1))), shape=(rows, start))


def _weighed(fields: Sequence[_Field], weights: Floats) -> tuple[Field, ...]:
    ends = np.cumsum([len(field.keys) for field in fields])
    parts = np.split(weights, ends[:-1]) if len(fields) else []
    means = [float(np.append(part, 0.0)[field.place].mean()) for field, part in zip(fields, parts, strict=True)]
    return tuple(Field(f.names, f.keys, part.copy(), mean) for f, part, mean in zip(fields, parts, means, strict=True))


def _numbers(matrix: Floats, layout: Layout) -> Numbers:
    """Choose the features that are numbers and vary, and learn their scale."""
    places = [
        i
        for i, name in enumerate(layout.names)
        if name not in layout.category_sizes and _speaks_of_chance(name) and not np.isnan(matrix[:, i]).all()
    ]
    scales = tuple(_scale(layout.names[i]) for i in places)
    draft = Numbers(
        tuple(layout.names[i] for i in places), np.array(places, dtype=np.int64), scales, np.zeros(len(places)), np.ones(len(places))
    )
    straight = np.ascontiguousarray(draft.straighten(matrix))
    spread = np.nanstd(straight, axis=0)
    return Numbers(draft.names, draft.places, scales, np.nanmean(straight, axis=0), np.where(spread > 1e-9, spread, 1.0))


def _speaks_of_chance(name: str) -> bool:
    # Codes stand in fields of their own: as numbers they would be an order that means nothing.
    return name not in BY_NAME or (BY_NAME[name].unit != "code" and not BY_NAME[name].of_value)


def _scale(name: str) -> str:
    unit = BY_NAME[name].unit if name in BY_NAME else ""
    return "log" if unit in _LOG_UNITS else "logit" if unit in _LOGIT_UNITS else "plain"
