"""The one list of features, the matrix made of them, and its hash."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features import amount, code, documentation, expected, learned, payer, timing
from features.feature import Feature, Floats, Form, days_between, ratio
from features.rowwise import is_plain
from features.tables import Array, Columns

FEATURES: tuple[Feature, ...] = (
    *payer.FEATURES,
    *code.FEATURES,
    *amount.FEATURES,
    *expected.FEATURES,
    *timing.FEATURES,
    *documentation.FEATURES,
    *learned.FEATURES,
)
"""Every built-in feature, in the order of the matrix's columns."""

BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


@dataclass(frozen=True, slots=True)
class Copies:
    """Features that are copied, codes among them: null outside 0 <= code < size (None: as they are)."""

    places: tuple[int, ...]
    sources: tuple[str, ...]
    sizes: tuple[float, ...] | None

    def fill(self, out: Floats, columns: Columns) -> None:
        """Write them into the features, a row each."""
        if self.sources:
            values = _stack(columns, self.sources)
            if self.sizes is not None:
                values = np.where((values < 0.0) | (values >= np.array(self.sizes)[:, None]), np.nan, values)
            out[list(self.places)] = values

    def read(self, columns: Columns) -> Iterable[Any]:
        """Return those of a single row."""
        values: Iterable[Any] = map(columns.__getitem__, self.sources)
        if self.sizes is None:
            return values
        return [code if 0 <= code < size else math.nan for code, size in zip(values, self.sizes, strict=True)]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Features of one form that are made of two inputs each, all in one step."""

    places: tuple[int, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    combine: Callable[[Array, Array], Floats]

    def fill(self, out: Floats, columns: Columns) -> None:
        """Write them into the features, a row each."""
        if self.first:
            out[list(self.places)] = self.combine(_stack(columns, self.first), _stack(columns, self.second))

    def read(self, columns: Columns) -> Iterable[Any]:
        """Return those of a single row."""
        return map(self.combine, map(columns.__getitem__, self.first), map(columns.__getitem__, self.second))


@dataclass(frozen=True, slots=True)
class Computed:
    """Features that are worked out one by one."""

    places: tuple[int, ...]
    computes: tuple[Callable[[Columns], Floats], ...]

    def fill(self, out: Floats, columns: Columns) -> None:
        """Write them into the features, a row each."""
        for place, compute in zip(self.places, self.computes, strict=True):
            out[place] = compute(columns)

    def read(self, columns: Columns) -> Iterable[Any]:
        """Return those of a single row."""
        return [compute(columns) for compute in self.computes]


def _stack(columns: Columns, names: tuple[str, ...]) -> Floats:
    return np.concatenate([columns[name] for name in names], dtype=np.float64).reshape(len(names), -1)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a matrix is filled: what is made in one step for many features, and what one by one.

    `order` says where each feature stands among those of all parts, one behind the other.
    """

    parts: tuple[Copies | Pairs | Computed, ...]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, *parts: Copies | Pairs | Computed) -> Plan:
        """Return the plan of these parts."""
        return cls(parts, np.argsort([place for part in parts for place in part.places]))


@dataclass(frozen=True)
class Layout:
    """What a model's matrix holds: fixed at fit, kept in the bundle.

    Parameters
    ----------
    names
        Features in column order, built-in ones first, then the user's `x_` columns.
    category_sizes
        Category feature to the number of codes known at fit: later codes are unknown to it (NaN).
    extras
        The user's column to `number`, `bool` or `category`.
    """

    names: tuple[str, ...]
    category_sizes: Mapping[str, int]
    extras: Mapping[str, str]

    def __reduce__(self) -> tuple[type[Layout], tuple[object, ...]]:
        # It goes to another process as what it was made of.
        return Layout, (self.names, self.category_sizes, self.extras)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the category features, in column order."""
        return tuple(name for name in self.names if name in self.category_sizes)

    @property
    def hash(self) -> str:
        """SHA-256 over names, units, order and category sizes: two models with one hash read the same matrix."""
        told = [[n, BY_NAME[n].unit if n in BY_NAME else self.extras.get(n, ""), self.category_sizes.get(n, 0)] for n in self.names]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @cached_property
    def plan(self) -> Plan:
        """How the matrix is filled."""
        forms = [BY_NAME[n].form if n in BY_NAME else Form.COPY for n in self.names]
        copied = [i for i, form in enumerate(forms) if form is Form.COPY]
        copies = (self._copies([i for i in copied if self._is_coded(self.names[i]) == coded], coded) for coded in (False, True))
        pairs = (self._pairs(forms, Form.RATIO, ratio), self._pairs(forms, Form.DAYS, days_between))
        computed = [i for i, form in enumerate(forms) if form is Form.COMPUTED]
        return Plan.of(*copies, *pairs, Computed(tuple(computed), tuple(BY_NAME[self.names[i]].compute for i in computed)))

    def _copies(self, places: list[int], coded: bool) -> Copies:
        sources = tuple(BY_NAME[self.names[i]].inputs[0] if self.names[i] in BY_NAME else self.names[i] for i in places)
        # A negative code, count or flag is null; a code that the fit did not know is unknown.
        sizes = tuple(float(self.category_sizes.get(self.names[i], math.inf)) for i in places)
        return Copies(tuple(places), sources, sizes if coded else None)

    def _pairs(self, forms: list[Form], form: Form, combine: Callable[[Array, Array], Floats]) -> Pairs:
        places = tuple(i for i, known in enumerate(forms) if known is form)
        inputs = [BY_NAME[self.names[i]].inputs for i in places]
        return Pairs(places, tuple(a for a, _ in inputs), tuple(b for _, b in inputs), combine)

    def _is_coded(self, name: str) -> bool:
        return name in self.category_sizes or (name in BY_NAME and BY_NAME[name].unit in ("0 or 1", "code", "count"))


def matrix(columns: Columns, layout: Layout) -> Floats:
    """Return the features of every row (n x features, float64, C order; null is NaN); see `by_feature`."""
    return np.ascontiguousarray(by_feature(columns, layout).T)


def by_feature(columns: Columns, layout: Layout) -> Floats:
    """Return the features of every row, one after the other (features x n, float64; null is NaN); of a single row its own.

    Parameters
    ----------
    columns
        Those of a table, of the view (`features.view`) and the user's `x_` columns as numbers.
    layout
        Which features, and which codes they know.
    """
    plan = layout.plan
    if is_plain(columns["payer_id"]):
        values = chain.from_iterable(part.read(columns) for part in plan.parts)
        return np.fromiter(values, dtype=np.float64, count=len(plan.order)).take(plan.order)
    out = np.empty((len(layout.names), len(columns["payer_id"])))
    for part in plan.parts:
        part.fill(out, columns)
    return out


def extra_kind(values: Array) -> str:
    """Return `number`, `bool` or `category`: what the user's column is, decided by all of its values.

    >>> extra_kind(np.array(["1", None, "2.5"], dtype=object)), extra_kind(np.array(["yes", "no"], dtype=object))
    ('number', 'bool')
    """
    given = {str(value) for value in values.tolist() if value is not None}
    if given and all(_is_number(value) for value in given):
        return "number"
    return "bool" if given and all(value.lower() in _BOOLEANS for value in given) else "category"


def extra_column(values: Array, kind: str, codes: Mapping[str, int]) -> Array:
    """Return the user's column as numbers, 1 and 0 (NaN where not readable), or codes (-1 where unknown)."""
    if is_plain(values):
        found: Array = extra_column(np.array([values], dtype=object), kind, codes).item(0)
        return found
    if kind == "category":
        return np.array([codes.get(value, -1) if value is not None else -1 for value in values.tolist()], dtype=np.int32)
    if kind == "bool":
        return np.array([_BOOLEANS.get(value.lower(), np.nan) if value is not None else np.nan for value in values.tolist()])
    return np.array([float(value) if value is not None and _is_number(value) else np.nan for value in values.tolist()])


_BOOLEANS = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0}


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
