"""Trees added up by look-ups alone, where nothing can be compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from models.outcomes import Bins, Comparisons
from models.trees import INNER, LEAVES, Tree

_BLOCK = 1024
"""So many rows at a time stay in the cache."""


class TabledTrees:
    """A forest that NumPy adds up: the stretch of each value says the outcomes of all its comparisons, and these the leaf.

    Parameters
    ----------
    bins, leaves
        The outcomes by stretch, and the leaf of each tree by the mask of its outcomes (trees x 128).

    Attributes
    ----------
    fewest
        Fewer rows are sooner interpreted: every look-up is a call.
    """

    fewest = 512

    def __init__(self, bins: Bins, leaves: Floats) -> None:
        self._bins, self._leaves = bins, leaves

    @classmethod
    def of(cls, trees: list[Tree]) -> TabledTrees | None:
        """Table trees; None where one has more than eight leaves."""
        if any(len(tree.leaf) > LEAVES for tree in trees):
            return None
        return cls(Bins.of(Comparisons.of(trees)), _leaves_by_mask(trees))

    def raw(self, matrix: Floats) -> Floats:
        """Return the sum of leaf values of each row (n); columns that stand one after the other are read fastest."""
        found = np.zeros(len(matrix))
        for start in range(0, len(matrix), _BLOCK):
            block = found[start : start + _BLOCK]
            # Tree after tree, as LightGBM adds.
            for leaves, mask in zip(self._leaves, self._bins.masks(matrix[start : start + _BLOCK]).T, strict=True):
                block += leaves.take(mask)
        return found


def _leaves_by_mask(trees: list[Tree]) -> Floats:
    """Walk every tree with every mask of outcomes."""
    child, leaf = np.full((2, len(trees), INNER), -1), np.zeros((len(trees), LEAVES))
    for place, tree in enumerate(trees):
        child[0, place, : len(tree.right)], child[1, place, : len(tree.left)] = tree.right, tree.left
        leaf[place, : len(tree.leaf)] = tree.leaf
    mask, of = np.arange(2**INNER), np.arange(len(trees))[:, None]
    at: NDArray[np.int64] = np.zeros((len(trees), len(mask)), dtype=np.int64)
    at[[not len(tree.feature) for tree in trees]] = -1
    for _ in range(INNER):
        node = np.maximum(at, 0)
        at = np.where(at >= 0, child[mask >> node & 1, of, node], at)
    found: Floats = leaf[of, -1 - at]
    return found
