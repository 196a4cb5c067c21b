"""What a row's values answer to the comparisons of all trees: asked one by one, or looked up by stretches of a feature's values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleRefused
from features.feature import Floats
from models.trees import CATEGORICAL, DEFAULT_LEFT, INNER, LEAVES, MISSING_NAN, MISSING_ZERO, Tree

_ZERO = 1e-35


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The inner nodes of all trees side by side, seven to a tree."""

    feature: NDArray[np.int64]
    threshold: Floats
    missing_left: NDArray[np.bool_]
    nan_is_zero: NDArray[np.bool_]
    zero_is_missing: NDArray[np.bool_]
    has_zero_missing: bool
    member: NDArray[np.int64]
    members: NDArray[np.bool_]

    @classmethod
    def of(cls, trees: list[Tree]) -> Comparisons:
        """Lay the trees side by side; nodes that a tree does not have always go left and change nothing."""
        shape = (len(trees), INNER)
        feature, threshold, decision = np.zeros(shape, dtype=np.int64), np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
        places, sets = [], []
        for t, tree in enumerate(trees):
            inner = len(tree.feature)
            if inner > INNER:
                raise BundleRefused(f"tree {t} has {inner + 1} leaves; at most {LEAVES} are allowed")
            feature[t, :inner], threshold[t, :inner], decision[t, :inner] = tree.feature, tree.threshold, tree.decision
            for n in np.flatnonzero(tree.decision & CATEGORICAL).tolist():
                places.append(t * INNER + n)
                sets.append(tree.categories[int(tree.threshold[n])])
        # One column more than the largest code: where unknown codes and null point, which is never in the set.
        members = np.zeros((len(sets), max((max(s, default=0) for s in sets), default=0) + 2), dtype=bool)
        for i, s in enumerate(sets):
            members[i, list(s)] = True
        member = np.full(len(trees) * INNER, -1)
        member[places] = np.arange(len(places))
        missing = (decision >> 2 & 3).ravel()
        left = ((decision & DEFAULT_LEFT) > 0).ravel()
        return cls(
            feature.ravel(),
            threshold.ravel(),
            left,
            missing != MISSING_NAN,
            missing == MISSING_ZERO,
            bool((missing == MISSING_ZERO).any()),
            member,
            members,
        )

    def outcomes(self, x: Floats, nodes: NDArray[np.int64] | slice) -> NDArray[np.bool_]:
        """Return whether some nodes send rows left, by the values of the features that they ask (n x nodes)."""
        nan, nan_is_zero = np.isnan(x), self.nan_is_zero[nodes]
        # LightGBM reads NaN as zero at nodes that saw none at fit, and zero as missing where it was told to.
        zeroed = np.where(nan & nan_is_zero, 0.0, x)
        absent = nan & ~nan_is_zero
        if self.has_zero_missing:
            absent |= self.zero_is_missing[nodes] & (np.abs(zeroed) <= _ZERO)
        left: NDArray[np.bool_] = np.where(absent, self.missing_left[nodes], zeroed <= self.threshold[nodes])
        member = self.member[nodes]
        coded = np.flatnonzero(member >= 0)
        if len(coded):
            codes, outside = x[:, coded], self.members.shape[1] - 1
            good = (codes >= 0) & (codes < outside)
            left[:, coded] = self.members[member[coded], np.where(good, codes, outside).astype(np.int64)]
        return left

    def masks(self, matrix: Floats) -> NDArray[np.int64]:
        """Return the mask of outcomes of each row and tree (n x trees): bit i is set where inner node i sends the row left."""
        left = self.outcomes(matrix[:, self.feature], slice(None))
        bits = np.packbits(left.reshape(len(matrix), -1, INNER), axis=2, bitorder="little")[..., 0]
        return bits.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Bins:
    """The outcomes of all comparisons with one feature, tabled once for each stretch of its values between two thresholds.

    A row's masks are then one row of each table, put together: no comparison is made twice for two trees.

    Parameters
    ----------
    features, edges, is_coded, zero, tables
        Of each feature: its column, ascending thresholds, infinity and NaN (or codes, and NaN for unknown ones), whether it is a
        category, the place of zero where a node reads it as missing (-1: none does), and masks per stretch (stretches x words).
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
    def of(cls, nodes: Comparisons) -> Bins:
        """Table the outcomes by asking the comparisons themselves about one value of each stretch."""
        trees = len(nodes.feature) // INNER
        told = [cls._of_feature(nodes, feature, trees) for feature in np.unique(nodes.feature).tolist()]
        features, edges, is_coded, zero, tables = zip(*told, strict=True) if told else ((), (), (), (), ())
        return cls(features, edges, is_coded, zero, tables, trees)

    @staticmethod
    def _of_feature(nodes: Comparisons, feature: int, trees: int) -> tuple[int, Floats, bool, int, NDArray[np.uint64]]:
        own = np.flatnonzero(nodes.feature == feature)
        is_coded = bool((nodes.member[own] >= 0).any())
        known = np.arange(nodes.members.shape[1] - 1, dtype=np.float64) if is_coded else np.r_[np.unique(nodes.threshold[own]), np.inf]
        # In the order of NumPy, NaN comes behind all numbers.
        edges = np.r_[known, np.nan]
        zero = len(edges) if not is_coded and nodes.zero_is_missing[own].any() else -1
        asked = np.r_[edges, [0.0] * (zero >= 0)]
        left = nodes.outcomes(np.repeat(asked[:, None], len(own), axis=1), own).astype(np.uint8)
        table = np.zeros((len(asked), -(-trees // 8) * 8), dtype=np.uint8)
        for place, node in enumerate(own.tolist()):
            table[:, node // INNER] |= left[:, place] << node % INNER
        return feature, edges, is_coded, zero, table.view(np.uint64)

    def masks(self, matrix: Floats) -> NDArray[np.uint8]:
        """Return what `Comparisons.masks` does."""
        found = np.zeros((len(matrix), -(-self.trees // 8)), dtype=np.uint64)
        for feature, edges, is_coded, zero, table in zip(self.features, self.edges, self.is_coded, self.zero, self.tables, strict=True):
            x = matrix[:, feature]
            if is_coded:
                unknown = len(edges) - 1
                place = np.where((x >= 0) & (x < unknown), x, unknown).astype(np.intp)
            else:
                place = edges.searchsorted(x)
                if zero >= 0:
                    place[np.abs(x) <= _ZERO] = zero
            found |= table.take(place, axis=0)
        return found.view(np.uint8)[:, : self.trees]
