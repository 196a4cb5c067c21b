"""The exact contribution of each group of features to what boosted trees say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from models.forest import Forest
from models.outcomes import Bins, Comparisons
from models.trees import INNER, Tree


class Explainer:
    """What each group of features adds to a forest's raw score; with the forest's `expected` they sum to it.

    Contributions are the path-dependent Shapley values of Lundberg et al. 2018 (arXiv:1802.03888), the ones of
    `predict(pred_contrib=True)`: a tree's depend on a row only through the outcome of its at most seven comparisons, so they
    are tabled once per mask of outcomes.

    Parameters
    ----------
    forest
        The trees.
    groups, count
        Group of each column of the matrix, 0 to count - 1.
    """

    def __init__(self, forest: Forest, groups: NDArray[np.int64], count: int) -> None:
        self._comparisons = Comparisons.of(forest.trees)
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
    def _bins(self) -> Bins:
        return Bins.of(self._comparisons)


_MANY, _BLOCK = 8, 1024
"""From so many rows on, outcomes are looked up by feature, in blocks that stay in the cache."""

_TREES = 32
"""So many trees are tabled at once."""


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
