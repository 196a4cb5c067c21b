"""Trees fitted by LightGBM, scored without it, and the exact contribution of each group of features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import lignum
import numpy as np
from numpy.typing import NDArray

from features.errors import BundleRefused
from features.feature import Floats
from features.native import private_folder
from models.compiled import CompiledTrees
from models.trees import CATEGORICAL, DEFAULT_LEFT, INNER, MISSING_NAN, MISSING_ZERO, Tree, read_trees

_ZERO = 1e-35
_TINY = 2e-35
_WORTH_A_BLOCK = 64
"""Fewer rows are sooner interpreted: compiled code always adds up a block of them."""


class Forest:
    """Boosted trees of at most eight leaves, read from LightGBM's text.

    Parameters
    ----------
    path
        A file that `lightgbm.Booster.save_model` wrote.

    Notes
    -----
    Raw scores come from lignum's interpreter, which walks the same text and adds in the same order as LightGBM, or from compiled code
    that was found to give the same bits.
    Contributions are the path-dependent Shapley values of Lundberg et al. 2018 (arXiv:1802.03888), the ones of
    `predict(pred_contrib=True)`: a tree's depend on a row only through the outcome of its at most seven comparisons, so they
    are tabled once per mask of outcomes.
    """

    def __init__(self, path: Path) -> None:
        self._text = path.read_text()
        self._model = lignum.load(str(path), "lightgbm")
        self._compiled: CompiledTrees | None = None

    def compile(self, cache: Path) -> bool:
        """Score many rows by compiled code where there is a compiler, and tell whether that is so.

        It is used only if it gives what the interpreter gives, bit for bit, on rows around every threshold.

        Parameters
        ----------
        cache
            A folder that nobody else may write or read: what lies there is run. The code is no model's own, so one copy serves all.
        """
        self._compiled = None
        compiled = CompiledTrees.of(self.trees, private_folder(cache))
        if compiled is not None:
            rows = self._rows_around_thresholds()
            if np.array_equal(compiled.raw(rows).view(np.int64), self.raw(rows).view(np.int64)):
                self._compiled = compiled
        return self._compiled is not None

    def _rows_around_thresholds(self, count: int = 1024) -> Floats:
        """Return rows of thresholds and their neighbours, codes and NaN, drawn by a fixed seed."""
        thresholds: list[list[float]] = [[] for _ in range(self._model.n_features)]
        codes: list[set[int]] = [set() for _ in thresholds]
        for tree in self.trees:
            for feature, threshold, decision in zip(tree.feature.tolist(), tree.threshold.tolist(), tree.decision.tolist(), strict=True):
                if decision & CATEGORICAL:
                    codes[feature] |= tree.categories[int(threshold)]
                else:
                    thresholds[feature].append(threshold)
        draw, rows = np.random.default_rng(0), np.empty((count, len(thresholds)))
        for place, (numbers, known) in enumerate(zip(map(np.unique, thresholds), codes, strict=True)):
            near = numbers, np.nextafter(numbers, np.inf), np.nextafter(numbers, -np.inf)
            rows[:, place] = draw.choice(np.concatenate([[np.nan, 0.0, -1.0], *near, np.array(sorted(known), dtype=np.float64)]), count)
        # What no feature is, the interpreter does not always read as LightGBM does.
        rows[np.isinf(rows) | (np.abs(rows) < _TINY)] = 0.0
        return rows

    def raw(self, matrix: Floats, rows: NDArray[np.intp] | None = None, *, threads: int = 1) -> Floats:
        """Return the sum of leaf values of each row (n), or of those at some positions; a float of a single row (features)."""
        if matrix.ndim == 1:
            return float(self._model.predict(matrix[None], raw_score=True, n_jobs=threads)[0])  # type: ignore[return-value]
        if self._compiled is not None and len(matrix) >= _WORTH_A_BLOCK:
            # Taking rows out of a matrix costs more than compiled code takes for all of them.
            every = self._compiled.raw(matrix)
            return every if rows is None else every[rows]
        asked = matrix if rows is None or len(rows) == len(matrix) else matrix[rows]
        found: Floats = np.asarray(self._model.predict(asked, raw_score=True, n_jobs=threads), dtype=np.float64).reshape(len(asked))
        return found

    @cached_property
    def trees(self) -> list[Tree]:
        """Return the trees, read from the text when first asked for."""
        return read_trees(self._text)

    @cached_property
    def expected(self) -> float:
        """Return the mean raw score over the rows of the fit, which contributions are measured from."""
        return float(sum(float(tree.leaf @ tree.leaf_count) / float(tree.leaf_count.sum()) for tree in self.trees))


class Explainer:
    """What each group of features adds to a forest's raw score; with the forest's `expected` they sum to it.

    Parameters
    ----------
    forest
        The trees.
    groups, count
        Group of each column of the matrix, 0 to count - 1.
    """

    def __init__(self, forest: Forest, groups: NDArray[np.int64], count: int) -> None:
        self._comparisons = _Comparisons.of(forest.trees)
        self._table = np.zeros((len(forest.trees), 2**INNER, count))
        for start in range(0, len(forest.trees), _TREES):
            paths = _Paths.of(forest.trees[start : start + _TREES])
            block = np.zeros((min(_TREES, len(forest.trees) - start), count, 2**INNER))
            np.add.at(block, (paths.tree[:, None], groups[paths.feature]), paths.shapley())
            self._table[start : start + _TREES] = block.transpose(0, 2, 1)
        self._tree = np.arange(len(forest.trees))

    def contributions(self, matrix: Floats) -> Floats:
        """Return the contributions of each row (n x count)."""
        if len(matrix) < _MANY:
            found: Floats = self._table[self._tree, self._comparisons.masks(matrix)].sum(axis=1)
            return found
        out = np.zeros((len(matrix), self._table.shape[2]))
        for start in range(0, len(matrix), _BLOCK):
            block = out[start : start + _BLOCK]
            masks = self._bins.masks(matrix[start : start + _BLOCK])
            # Tree after tree, as the sum above adds: a row's contributions have the same bits alone and among many.
            for table, mask in zip(self._table, masks.T, strict=True):
                block += table.take(mask, axis=0)
        return out

    @cached_property
    def _bins(self) -> _Bins:
        return _Bins.of(self._comparisons)


_MANY, _BLOCK = 8, 1024
"""From so many rows on, outcomes are looked up by feature, in blocks that stay in the cache."""

_TREES = 32
"""So many trees are tabled at once."""


@dataclass(frozen=True, slots=True)
class _Comparisons:
    """The inner nodes of all trees side by side, seven to a tree."""

    feature: NDArray[np.int64]
    threshold: Floats
    missing_left: NDArray[np.bool_]
    nan_is_zero: NDArray[np.bool_]
    zero_is_missing: NDArray[np.bool_]
    has_zero_missing: bool
    categorical: NDArray[np.int64]
    members: NDArray[np.bool_]

    @classmethod
    def of(cls, trees: list[Tree]) -> _Comparisons:
        """Lay the trees side by side; nodes that a tree does not have always go left and change nothing."""
        shape = (len(trees), INNER)
        feature, threshold, decision = np.zeros(shape, dtype=np.int64), np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
        places, sets = [], []
        for t, tree in enumerate(trees):
            inner = len(tree.feature)
            if inner > INNER:
                raise BundleRefused(f"tree {t} has {inner + 1} leaves; at most {INNER + 1} are allowed")
            feature[t, :inner], threshold[t, :inner], decision[t, :inner] = tree.feature, tree.threshold, tree.decision
            for n in np.flatnonzero(tree.decision & CATEGORICAL).tolist():
                places.append(t * INNER + n)
                sets.append(tree.categories[int(tree.threshold[n])])
        # One column more than the largest code: where unknown codes and null point, which is never in the set.
        members = np.zeros((len(sets), max((max(s, default=0) for s in sets), default=0) + 2), dtype=bool)
        for i, s in enumerate(sets):
            members[i, list(s)] = True
        missing = (decision >> 2 & 3).ravel()
        left = ((decision & DEFAULT_LEFT) > 0).ravel()
        return cls(
            feature.ravel(),
            threshold.ravel(),
            left,
            missing != MISSING_NAN,
            missing == MISSING_ZERO,
            bool((missing == MISSING_ZERO).any()),
            np.array(places, dtype=np.int64),
            members,
        )

    def masks(self, matrix: Floats) -> NDArray[np.int64]:
        """Return the mask of outcomes of each row and tree (n x trees): bit i is set where inner node i sends the row left."""
        x = matrix[:, self.feature]
        nan = np.isnan(x)
        # LightGBM reads NaN as zero at nodes that saw none at fit, and zero as missing where it was told to.
        zeroed = np.where(nan & self.nan_is_zero, 0.0, x)
        absent = nan & ~self.nan_is_zero
        if self.has_zero_missing:
            absent |= self.zero_is_missing & (np.abs(zeroed) <= _ZERO)
        left = np.where(absent, self.missing_left, zeroed <= self.threshold)
        if len(self.categorical):
            codes, outside = x[:, self.categorical], self.members.shape[1] - 1
            good = (codes >= 0) & (codes < outside)
            left[:, self.categorical] = self.members[np.arange(len(self.members)), np.where(good, codes, outside).astype(np.int64)]
        bits = np.packbits(left.reshape(len(x), -1, INNER), axis=2, bitorder="little")[..., 0]
        return bits.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Bins:
    """The outcomes of all comparisons with one feature, tabled once for each stretch of its values between two thresholds.

    A row's masks are then one row of each table, put together: no comparison is made twice for two trees.

    Parameters
    ----------
    features, edges, is_coded, zero, tables
        Of each feature: its column, ascending thresholds (or the number of codes), whether it is a category, the place of zero where a
        node reads it as missing (-1: none does), and masks per stretch (stretches x words; NaN and unknown codes last).
    trees
        How many there are.
    """

    features: tuple[int, ...]
    edges: tuple[Floats, ...]
    is_coded: tuple[bool, ...]
    zero: tuple[int, ...]
    tables: tuple[NDArray[np.uint64], ...]
    trees: int

    @classmethod
    def of(cls, nodes: _Comparisons) -> _Bins:
        """Table the outcomes by asking the comparisons themselves about one value of each stretch."""
        trees = len(nodes.feature) // INNER
        width = int(nodes.feature.max(initial=-1)) + 1
        coded = set(nodes.categorical.tolist())
        told = [cls._of_feature(nodes, feature, width, coded, trees) for feature in np.unique(nodes.feature).tolist()]
        features, edges, is_coded, zero, tables = zip(*told, strict=True) if told else ((), (), (), (), ())
        return cls(features, edges, is_coded, zero, tables, trees)

    @staticmethod
    def _of_feature(
        nodes: _Comparisons, feature: int, width: int, coded: set[int], trees: int
    ) -> tuple[int, Floats, bool, int, NDArray[np.uint64]]:
        own = np.flatnonzero(nodes.feature == feature)
        is_coded = any(node in coded for node in own.tolist())
        if is_coded:
            edges = np.arange(nodes.members.shape[1] - 1, dtype=np.float64)
            values = edges
        else:
            edges = np.unique(nodes.threshold[own])
            values = np.r_[edges, np.inf]
        zero = len(values) if not is_coded and nodes.zero_is_missing[own].any() else -1
        asked = np.zeros((len(values) + (zero >= 0) + 1, width))
        asked[: len(values), feature] = values
        asked[-1, feature] = np.nan
        # Bits of nodes that look at other features are no answer to this one.
        mine = np.packbits((nodes.feature == feature).reshape(-1, INNER), axis=1, bitorder="little")[:, 0]
        table = np.zeros((len(asked), -(-trees // 8) * 8), dtype=np.uint8)
        table[:, :trees] = nodes.masks(asked).astype(np.uint8) & mine
        return feature, edges, is_coded, zero, table.view(np.uint64)

    def masks(self, matrix: Floats) -> NDArray[np.uint8]:
        """Return what `_Comparisons.masks` does."""
        found = np.zeros((len(matrix), -(-self.trees // 8)), dtype=np.uint64)
        for feature, edges, is_coded, zero, table in zip(self.features, self.edges, self.is_coded, self.zero, self.tables, strict=True):
            x, last = matrix[:, feature], len(table) - 1
            if is_coded:
                place = np.where((x >= 0) & (x < len(edges)), x, last).astype(np.intp)
            else:
                place = np.where(np.isnan(x), last, np.searchsorted(edges, x))
                if zero >= 0:
                    place[np.abs(x) <= _ZERO] = zero
            found |= table.take(place, axis=0)
        return found.view(np.uint8)[:, : self.trees]


@dataclass(frozen=True, slots=True)
class _Paths:
    """The ways to all leaves of several trees, each with the features that it asks, of which it has at most as many as a tree has nodes.

    Parameters
    ----------
    tree, leaf
        Of each path: its tree, and the value at its end.
    feature, asked, left, share
        Of each path and feature (paths x 7): which feature, the nodes that ask it as bits, those of them where the path goes left, and
        the share of rows that follow it there. Where a path asks fewer features, the others are asked nothing and followed by all.
    """

    tree: NDArray[np.int64]
    leaf: Floats
    feature: NDArray[np.int64]
    asked: NDArray[np.int64]
    left: NDArray[np.int64]
    share: Floats

    @classmethod
    def of(cls, trees: list[Tree]) -> _Paths:
        """Walk the trees."""
        ways = [(t, float(tree.leaf[leaf]), path, tree) for t, tree in enumerate(trees) for leaf, path in _paths(tree)]
        feature, asked, left = (np.zeros((len(ways), INNER), dtype=np.int64) for _ in range(3))
        share = np.ones((len(ways), INNER))
        for row, (_, _, path, tree) in enumerate(ways):
            places: dict[int, int] = {}
            for node, goes_left, cover in path:
                place = places.setdefault(int(tree.feature[node]), len(places))
                asked[row, place] |= 1 << node
                left[row, place] |= goes_left << node
                share[row, place] *= cover
            feature[row, : len(places)] = list(places)
        return cls(np.array([t for t, *_ in ways], dtype=np.int64), np.array([value for _, value, *_ in ways]), feature, asked, left, share)

    def shapley(self) -> Floats:
        """Return what each feature of each path adds, for every mask of outcomes (paths x 7 x 128).

        A feature of a path whose agreement is a and whose share is s adds (a - s) times the integral over t in [0, 1] of the product of
        s' + (a' - s') t over the others (Owen 1972). It is a polynomial of a degree below 7, which four points of Gauss and Legendre
        integrate exactly. No factor is zero between 0 and 1, so one product over all features serves each of them.
        """
        agrees = (np.arange(2**INNER) & self.asked[..., None]) == self.left[..., None]
        more = agrees - self.share[..., None]
        points, weights = np.polynomial.legendre.leggauss(4)
        found = np.zeros(more.shape)
        for point, weight in zip((points + 1.0) / 2.0, weights / 2.0, strict=True):
            factor = more * point + self.share[..., None]
            found += (weight * factor.prod(axis=1) * self.leaf[:, None])[:, None, :] / factor
        gains: Floats = found * more
        return gains


def _paths(tree: Tree) -> list[tuple[int, list[tuple[int, bool, float]]]]:
    """Return each leaf with the nodes above it: node, whether the path goes left there, and the share of rows that do."""

    def count(child: int) -> float:
        return float(tree.inner_count[child] if child >= 0 else tree.leaf_count[-1 - child])

    if not len(tree.feature):
        return []
    found, open_ = [], [(0, [])]  # type: ignore[var-annotated]
    while open_:
        node, path = open_.pop()
        for child, goes_left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
            step = [*path, (node, goes_left, count(child) / float(tree.inner_count[node]))]
            if child >= 0:
                open_.append((child, step))
            else:
                found.append((-1 - child, step))
    return found
