"""The one list of features, the matrix made of them, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features import amount, code, documentation, expected, history, payer, timing
from features.feature import Feature, Floats, coded
from features.tables import Array, Columns

FEATURES: tuple[Feature, ...] = (
    *payer.FEATURES,
    *code.FEATURES,
    *amount.FEATURES,
    *expected.FEATURES,
    *timing.FEATURES,
    *documentation.FEATURES,
    *history.FEATURES,
)
"""Every built-in feature, in the order of the matrix's columns."""

BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


@dataclass(frozen=True, slots=True)
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

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the category features, in column order."""
        return tuple(name for name in self.names if name in self.category_sizes)

    @property
    def hash(self) -> str:
        """SHA-256 over names, units, order and category sizes: two models with one hash read the same matrix."""
        told = [[n, BY_NAME[n].unit if n in BY_NAME else self.extras.get(n, ""), self.category_sizes.get(n, 0)] for n in self.names]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def matrix(columns: Columns, layout: Layout) -> Floats:
    """Return the features of every row (n x features, float64, C order; null is NaN).

    Parameters
    ----------
    columns
        Those of a table, of the view (`features.view`) and the user's `x_` columns as numbers.
    layout
        Which features, and which codes they know.
    """
    rows = len(columns["payer_id"])
    out = np.empty((rows, len(layout.names)))
    for place, name in enumerate(layout.names):
        builtin = BY_NAME.get(name)
        size = layout.category_sizes.get(name)
        if builtin is not None:
            out[:, place] = builtin.compute(columns)
        else:
            out[:, place] = columns[name] if size is None else coded(columns[name])
        if size is not None:
            values = out[:, place]
            values[values >= size] = np.nan
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
