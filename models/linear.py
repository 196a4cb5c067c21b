"""A linear score over scaled numbers and one weight per code or pair of codes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from features.column import Array, Columns
from features.feature import Floats
from features.lookup import ByCode
from features.native import compiled, private_folder

SCALES = ("plain", "log", "logit")
"""How a number is straightened before it is scaled: as it is; sign times log(1 + size); log odds."""

_BOUNDS = np.array([[-10.0, -1e12, 0.005], [10.0, 1e12, 0.995]])
"""Of a number of each scale before it is straightened."""

_PAIR_BITS = 28
_CLIP = 5.0
_FEW = 64


@dataclass(frozen=True)
class Numbers:
    """The matrix columns that are used, straightened and scaled to mean 0 and spread 1; null counts as the mean.

    Parameters
    ----------
    places, scales
        Column of the matrix, and its entry of `SCALES`.
    mean, spread
        After straightening.
    """

    names: tuple[str, ...]
    places: NDArray[np.int64]
    scales: tuple[str, ...]
    mean: Floats
    spread: Floats

    @cached_property
    def _in_order(self) -> tuple[NDArray[np.int64], Floats, list[slice], NDArray[np.int64]]:
        """Return the columns of the matrix scale by scale, their bounds, the stretch of each scale, and where each number stands here."""
        of_scale = [np.flatnonzero([s == scale for s in self.scales]) for scale in SCALES]
        order, ends = np.concatenate(of_scale), np.cumsum([0, *map(len, of_scale)]).tolist()
        return (
            self.places[order],
            np.repeat(_BOUNDS, [*map(len, of_scale)], axis=1),
            [slice(*pair) for pair in pairwise(ends)],
            np.argsort(order),
        )

    def straighten(self, matrix: Floats) -> Floats:
        """Return the used columns straightened (n x numbers); null stays NaN."""
        places, bounds, (_, logs, logits), back = self._in_order
        x = matrix.T[places]
        low, high = bounds if x.ndim == 1 else bounds[:, :, None]
        np.minimum(np.maximum(x, low, out=x), high, out=x)
        logged, odds = x[logs], x[logits]
        np.multiply(np.sign(logged), np.log1p(np.abs(logged)), out=logged)
        np.log(odds / (1.0 - odds), out=odds)
        return x[back].T

    def scaled(self, matrix: Floats) -> Floats:
        """Return the used columns as the score reads them (n x numbers); never NaN."""
        x = self.straighten(matrix)
        x -= self.mean
        x /= self.spread
        is_null = np.isnan(x)
        np.minimum(np.maximum(x, -_CLIP, out=x), _CLIP, out=x)
        np.copyto(x, 0.0, where=is_null)
        return x


@dataclass(frozen=True)
class Field:
    """One weight per code of a column, or per pair of codes of two; null is a code, and codes not met at fit weigh nothing.

    Parameters
    ----------
    columns
        One or two coded columns.
    keys, weights
        Ascending; `pair_keys` makes a row's key.
    mean
        Mean weight over the rows of the fit, which contributions are measured from.
    """

    columns: tuple[str, ...]
    keys: NDArray[np.int64]
    weights: Floats
    mean: float

    def weigh(self, columns: Columns) -> Floats:
        """Return the weight of each row."""
        return self._known.find([coded(columns[name]) for name in self.columns])

    @cached_property
    def _known(self) -> ByCode:
        return ByCode(split_keys(self.keys, len(self.columns)), self.weights)


def coded(codes: Array) -> NDArray[np.int64]:
    """Return codes with one of its own for null: that nothing is given says something too.

    >>> coded(np.array([3, -1])).tolist()
    [4, 0]
    """
    return codes.astype(np.int64) + 1


def pair_keys(columns: Columns, names: Sequence[str]) -> NDArray[np.int64]:
    """Return one integer per row for its code or pair of codes, as `coded`."""
    key = coded(columns[names[0]])
    for name in names[1:]:
        key = key << _PAIR_BITS | coded(columns[name])
    return key


def split_keys(keys: NDArray[np.int64], parts: int) -> list[NDArray[np.int64]]:
    """Return the code or two codes that `pair_keys` made a key of, each as `coded`."""
    return [keys] if parts == 1 else [keys >> _PAIR_BITS, keys & (1 << _PAIR_BITS) - 1]


class CompiledNumbers:
    """Numbers and their weights as `numbers.c` reads them.

    Parameters
    ----------
    numbers, weights
        Of the score.
    code
        The compiled source.
    """

    def __init__(self, numbers: Numbers, weights: Floats, code: ctypes.CDLL) -> None:
        scales, rest = list(map(SCALES.index, numbers.scales)), (numbers.mean, numbers.spread, weights)
        told = np.array(list(zip(numbers.places, range(len(weights)), scales, *rest, strict=True)), dtype=_NUMBER)
        # Scale by scale, so that each logarithm is taken at once.
        self._numbers, self._code = told[np.argsort(told["scale"], kind="stable")], code
        self._ends = np.searchsorted(self._numbers["scale"], range(1, len(SCALES))).tolist()

    def terms(self, matrix: Floats, out: Floats) -> None:
        """Write the terms, a row for each number."""
        x = np.asarray(matrix, dtype=np.float64)
        whole, at = ctypes.c_int64, ctypes.c_void_p
        steps = (whole(step // x.itemsize) for step in x.strides)
        asked = at(self._numbers.ctypes.data), whole(len(self._numbers)), at(x.ctypes.data), whole(len(x)), *steps
        straight = np.empty((len(self._numbers), len(x)))
        self._code.bound_numbers(*asked, at(straight.ctypes.data))
        _, logged, odds = np.split(straight, self._ends)
        np.log1p(logged, out=logged)
        np.log(odds, out=odds)
        self._code.weigh_numbers(*asked, at(straight.ctypes.data), at(out.ctypes.data))


_NUMBER = np.dtype([("place", "i4"), ("term", "i4"), ("scale", "i4"), ("mean", "f8"), ("spread", "f8"), ("weight", "f8")], align=True)

SOURCE = Path(__file__).with_name("numbers.c")

_COMPARED = 1000


class StoredField(TypedDict):
    """A field as a bundle holds it; one made before null was a code has `keys` without it in place of `codes`."""

    columns: list[str]
    codes: NotRequired[list[int]]
    keys: NotRequired[list[int]]
    weights: list[float]
    mean: float


class StoredLinear(TypedDict):
    """A score as a bundle holds it."""

    intercept: float
    names: list[str]
    places: list[int]
    scales: list[str]
    mean: list[float]
    spread: list[float]
    weights: list[float]
    fields: list[StoredField]


@dataclass(frozen=True)
class Linear:
    """A score (log odds, or log dollars) as a sum of terms: the intercept, one term per number, one per field.

    `code` works out the terms of numbers of many rows; None: NumPy does.
    """

    intercept: float
    numbers: Numbers
    weights: Floats
    fields: tuple[Field, ...]
    code: CompiledNumbers | None = None

    def compiled(self, cache: Path, source: Path = SOURCE) -> Linear:
        """Return the same score with compiled code from a private folder; without, where that cannot be or its bits are not NumPy's."""
        code = compiled(source, private_folder(cache))
        if code is None or not len(self.weights):
            return self
        other = replace(self, code=CompiledNumbers(self.numbers, self.weights, code))
        rows, by_code, by_numpy = self._rows_to_compare(), *np.empty((2, len(self.weights), _COMPARED))
        other._weigh_numbers(rows, by_code)
        self._weigh_numbers(rows, by_numpy)
        return other if by_code.tobytes() == by_numpy.tobytes() else self

    def _rows_to_compare(self) -> Floats:
        """Return rows of numbers of all sizes, of shares, of whole numbers, of zero and NaN, drawn by a fixed seed."""
        draw, count, columns = np.random.default_rng(0), _COMPARED, int(self.numbers.places.max()) + 1
        sizes = draw.normal(size=(count, columns)) * 10.0 ** draw.integers(-6, 16, (count, columns))
        kinds = np.stack([sizes, draw.random((count, columns)), np.rint(sizes), np.zeros_like(sizes), np.full_like(sizes, np.nan)])
        rows: Floats = np.take_along_axis(kinds, draw.choice(5, (1, count, columns), p=(0.4, 0.3, 0.2, 0.05, 0.05)), axis=0)[0]
        return rows

    @property
    def names(self) -> tuple[str, ...]:
        """Return what each term is about: the feature's name, or the field's columns joined by `*`."""
        return self.numbers.names + tuple("*".join(field.columns) for field in self.fields)

    def terms(self, matrix: Floats, columns: Columns) -> Floats:
        """Return the terms of each row without the intercept (n x terms), numbers first; of a single row (features) its own."""
        count = len(self.weights)
        if matrix.ndim == 1:
            return np.concatenate([self.numbers.scaled(matrix) * self.weights, self._weigh_one(columns)])
        out = np.empty((count + len(self.fields), len(matrix)))
        self._weigh_numbers(matrix, out[:count])
        for i, field in enumerate(self.fields, start=count):
            out[i] = field.weigh(columns)
        return out.T

    def _weigh_numbers(self, matrix: Floats, out: Floats) -> None:
        """Write the terms of numbers, a row for each."""
        if self.code is not None and len(matrix) >= _FEW:
            self.code.terms(matrix, out)
        else:
            np.multiply(self.numbers.scaled(matrix), self.weights, out=out.T)

    def _weigh_one(self, columns: Columns) -> list[float]:
        # Plain integers and a dictionary for each field instead of a search in its arrays; the code of no column is 0.
        row: dict[str, Any] = columns
        codes = {name: row[name] + 1 for name in self._coded}
        codes[""] = 0
        return [weigh(codes[one] << _PAIR_BITS | codes[other], 0.0) for one, other, weigh in self._tables]

    @cached_property
    def _tables(self) -> list[tuple[str, str, Callable[[int, float], float]]]:
        weights = [dict(zip(f.keys.tolist(), f.weights.tolist(), strict=True)).get for f in self.fields]
        return [(*("", *f.columns)[-2:], weigh) for f, weigh in zip(self.fields, weights, strict=True)]  # type: ignore[misc]

    @cached_property
    def _coded(self) -> list[str]:
        return sorted({name for field in self.fields for name in field.columns})

    def raw(self, terms: Floats) -> Floats:
        """Return the score of each row.

        Terms are added one after the other, so that a row's sum has the same bits alone and among ten million.
        """
        if not terms.shape[-1]:
            return np.full(terms.shape[:-1], self.intercept)
        if terms.ndim == 1:
            return self.intercept + float(np.cumsum(terms)[-1])  # type: ignore[return-value]
        if len(terms) < _FEW:
            found: Floats = self.intercept + np.cumsum(terms, axis=1)[:, -1]
            return found
        total = terms[:, 0].copy()
        for term in terms.T[1:]:
            total += term
        return self.intercept + total

    def means(self) -> Floats:
        """Return the mean of each term over the rows of the fit."""
        return np.concatenate([np.zeros(len(self.weights)), np.array([field.mean for field in self.fields])])

    def as_json(self) -> StoredLinear:
        """Return everything as JSON can hold it; floats keep their bits."""
        n = self.numbers
        return {
            "intercept": self.intercept,
            "names": list(n.names),
            "places": n.places.tolist(),
            "scales": list(n.scales),
            "mean": n.mean.tolist(),
            "spread": n.spread.tolist(),
            "weights": self.weights.tolist(),
            "fields": [
                {"columns": list(f.columns), "codes": f.keys.tolist(), "weights": f.weights.tolist(), "mean": f.mean} for f in self.fields
            ],
        }

    @classmethod
    def from_json(cls, told: StoredLinear) -> Linear:
        """Return the score that `as_json` wrote."""
        numbers = Numbers(
            tuple(told["names"]),
            np.array(told["places"], dtype=np.int64),
            tuple(told["scales"]),
            _floats(told["mean"]),
            _floats(told["spread"]),
        )
        fields = tuple(_field(field) for field in told["fields"])
        return cls(float(told["intercept"]), numbers, _floats(told["weights"]), fields)


def _floats(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _field(told: StoredField) -> Field:
    names = tuple(told["columns"])
    keys = np.array(told["codes"], dtype=np.int64) if "codes" in told else np.array(told["keys"], dtype=np.int64) + _ONE_UP[len(names)]
    return Field(names, keys, _floats(told["weights"]), float(told["mean"]))


_ONE_UP = {1: 1, 2: (1 << _PAIR_BITS) + 1}
