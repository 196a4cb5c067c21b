"""Ridge fit of the linear score."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from features.feature import Floats
from features.matrix import BY_NAME, Layout
from features.tables import Array, Columns
from models.linear import Field, Linear, Numbers, pair_keys, split_keys
from training.pulls import COMMON_PULL, group_pulls
from training.ridge import Design, fit_ridge
from training.words import NO_WORDS, SPOKEN, Words, shared_words

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
    ("payer_type",),
    ("payer_type", "family"),
    ("family", "authorization_on_file"),
    ("family", "referral_on_file"),
    ("family", "records_on_file"),
    ("family", "timely_proof_on_file"),
    ("family", "other_coverage_on_file"),
)
"""Codes and pairs of codes with a weight of their own; proof on file is worth something where it answers what was refused. A pair that
tells nothing costs nothing: its weights are drawn to zero as strongly as the outcomes ask for."""

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
    matrix: Floats,
    columns: Columns,
    target: Array,
    layout: Layout,
    *,
    weight: Floats,
    pulls: Mapping[str, float],
    freedom: float = 1.0,
    extras: Sequence[str] = (),
    words: Words = NO_WORDS,
) -> Linear:
    """Fit a ridge logistic regression on scaled numbers and one weight per code or pair.

    Parameters
    ----------
    matrix, columns
        Features (n x features) and coded columns of the same rows.
    target, weight
        Recovered or not; weight of each row.
    pulls, freedom
        Ridge of each group of weights (`learn_pulls`), and what it is divided by.
    extras
        The user's category columns, which get weights too.
    words
        Of codes that are told in words: each shared word weighs too, in the weights of the codes that hold it.
    """
    terms = _Terms.of(matrix, columns, layout, extras, words)
    pull = np.array([pulls.get(name, COMMON_PULL) for name in terms.names]) / freedom
    # One thread: the order in which many cores add would change the last bits.
    with threadpool_limits(1):
        fitted = fit_ridge(terms.design(matrix), np.asarray(target, dtype=np.float64), weight, np.repeat(pull, terms.sizes))
    weights, count = fitted[1:], len(terms.numbers.names)
    return Linear(float(fitted[0]), terms.numbers, weights[:count].copy(), _weighed(terms.fields, terms.by_code(weights[count:])))


def learn_pulls(
    matrix: Floats, columns: Columns, target: Array, layout: Layout, *, weight: Floats, extras: Sequence[str] = (), words: Words = NO_WORDS
) -> dict[str, float]:
    """Learn how strongly each field's weights, and those of all numbers, are drawn to zero; see `training.pulls`."""
    terms = _Terms.of(matrix, columns, layout, extras, words)
    with threadpool_limits(1):
        found = group_pulls(terms.design(matrix), terms.sizes, np.asarray(target, dtype=np.float64), weight)
    return dict(zip(terms.names, found.tolist(), strict=True))


def fit_level(columns: Columns, target: Floats, *, weight: Floats, penalty: float, extras: Sequence[str] = ()) -> Linear:
    """Fit a ridge regression of a number on codes and pairs of codes alone."""
    fields = _telling_fields(columns, (*LEVEL_FIELDS, *((name,) for name in extras)))
    nothing = Numbers((), np.empty(0, dtype=np.int64), (), np.empty(0), np.empty(0))
    if not fields:
        return Linear(float(np.average(target, weights=weight)), nothing, np.empty(0), ())
    with threadpool_limits(1):
        fitted = Ridge(alpha=penalty).fit(_coded(len(target), fields), target, sample_weight=weight)
    return Linear(float(fitted.intercept_), nothing, np.empty(0), _weighed(fields, fitted.coef_))


@dataclass(frozen=True, slots=True)
class _Field:
    """One code or pair of codes of the rows of a fit: its distinct keys, and where each row's stands among them."""

    names: tuple[str, ...]
    keys: NDArray[np.int64]
    place: NDArray[np.int32]

    @classmethod
    def of(cls, columns: Columns, names: tuple[str, ...]) -> _Field:
        keys, place = np.unique(pair_keys(columns, names), return_inverse=True)
        return cls(names, keys, place.astype(np.int32))


def _telling_fields(columns: Columns, asked: Sequence[tuple[str, ...]]) -> list[_Field]:
    """Return the fields that tell rows apart as none before them does: a second copy of the same split would be drawn to zero less."""
    found, known = [], set()
    for names in asked:
        field = _Field.of(columns, names)
        if len(field.keys) < 2:
            continue
        _, first = np.unique(field.place, return_index=True)
        split = hashlib.sha256(first[field.place].tobytes()).digest()
        if split not in known:
            known.add(split)
            found.append(field)
    return found


def _coded(rows: int, fields: Sequence[_Field]) -> sparse.csr_matrix:
    """Return a column of ones and zeros for each code, the fields side by side, made in one piece: every row holds one entry per field."""
    at = np.empty((rows, len(fields)), dtype=np.int32)
    start = 0
    for i, field in enumerate(fields):
        at[:, i] = start + field.place
        start += len(field.keys)
    ends = np.arange(rows + 1) * len(fields)
    return sparse.csr_matrix((np.ones(at.size), at.ravel(), ends), shape=(rows, start))


NUMBERS = "numbers"
"""The group of all numbers among the pulls."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the score of some rows is made of: scaled numbers, then fields, then the words that codes of some fields share.

    `shared` holds, by place of the field, which words its keys hold.
    """

    numbers: Numbers
    fields: list[_Field]
    shared: dict[int, sparse.csr_matrix]

    @classmethod
    def of(cls, matrix: Floats, columns: Columns, layout: Layout, extras: Sequence[str], words: Words) -> _Terms:
        fields = _telling_fields(columns, (*FIELDS, *((name,) for name in extras)))
        held = {
            place: shared_words(split_keys(field.keys, len(field.names)), [words[name] for name in field.names])
            for place, field in enumerate(fields)
            if field.names in SPOKEN and all(name in words for name in field.names)
        }
        return cls(_numbers(matrix, layout), fields, {place: said for place, said in held.items() if said.shape[1]})

    @property
    def names(self) -> list[str]:
        """The name of each group of weights."""
        names = ["*".join(field.names) for field in self.fields]
        return [NUMBERS, *names, *(f"words of {names[place]}" for place in self.shared)]

    @property
    def sizes(self) -> list[int]:
        """How many weights each group has."""
        return [len(self.numbers.names), *(len(field.keys) for field in self.fields), *(said.shape[1] for said in self.shared.values())]

    def design(self, matrix: Floats) -> Design:
        """Return all as the columns of a regression."""
        codes = _coded(len(matrix), self.fields)
        if self.shared:
            said = [words[self.fields[place].place] for place, words in self.shared.items()]
            codes = sparse.hstack([codes, *said], format="csr")
        return Design.of(self.numbers.scaled(matrix), codes)

    def by_code(self, weights: Floats) -> Floats:
        """Return the weights of all keys, what their words say among them."""
        ends = np.cumsum([0, *(len(field.keys) for field in self.fields)]).tolist()
        whole, at = weights[: ends[-1]].copy(), ends[-1]
        for place, words in self.shared.items():
            whole[ends[place] : ends[place + 1]] += words @ weights[at : at + words.shape[1]]
            at += words.shape[1]
        return whole


def _weighed(fields: Sequence[_Field], weights: Floats) -> tuple[Field, ...]:
    ends = np.cumsum([len(field.keys) for field in fields])
    parts = np.split(weights, ends[:-1]) if len(fields) else []
    means = [float(part[field.place].mean()) for field, part in zip(fields, parts, strict=True)]
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
