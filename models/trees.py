"""Boosted trees as LightGBM's text writes them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleRefused
from features.feature import Floats

LEAVES, INNER = 8, 7
"""Of the largest trees that are read: leaves, and inner nodes."""

CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
"""What the bits of a decision say: its two flags, and what is missing (`decision >> 2 & 3`)."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; children below zero are leaves, `-1 - leaf`, and inner ones come behind their parents."""

    feature: NDArray[np.int64]
    threshold: Floats
    decision: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    leaf: Floats
    leaf_count: Floats
    inner_count: Floats
    categories: tuple[frozenset[int], ...]


def read_trees(text: str) -> list[Tree]:
    """Read LightGBM's text form.

    Raises
    ------
    BundleRefused
        When a block lacks a field.
    """
    return [_read_tree(block) for block in text.split("end of trees")[0].split("\nTree=")[1:]]


def _read_tree(block: str) -> Tree:
    fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)

    def numbers(name: str) -> Floats:
        return np.array(list(map(float, fields.get(name, "").split())))

    if "leaf_value" not in fields:
        raise BundleRefused("a tree without leaf values")
    # A category's codes are bits of words, 32 in each, the least one first.
    bits = np.unpackbits(numbers("cat_threshold").astype("<u4").view(np.uint8), bitorder="little")
    bounds = (32 * numbers("cat_boundaries")).astype(int).tolist()
    categories = tuple(frozenset(np.flatnonzero(bits[a:b]).tolist()) for a, b in pairwise(bounds))
    whole = [numbers(name).astype(np.int64) for name in ("split_feature", "decision_type", "left_child", "right_child")]
    leaf, leaf_count = numbers("leaf_value"), numbers("leaf_count")
    leaf_count = leaf_count if leaf_count.size else np.ones(len(leaf))
    return Tree(whole[0], numbers("threshold"), whole[1], whole[2], whole[3], leaf, leaf_count, numbers("internal_count"), categories)
