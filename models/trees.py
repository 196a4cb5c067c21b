"""Boosted trees as LightGBM's text writes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleRefused
from features.feature import Floats

INNER = 7
"""Inner nodes of a tree of eight leaves."""

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
        return np.array([float(word) for word in fields.get(name, "").split()])

    if "leaf_value" not in fields:
        raise BundleRefused("a tree without leaf values")
    bounds, words = numbers("cat_boundaries").astype(int), numbers("cat_threshold").astype(np.int64)
    categories = tuple(
        frozenset(32 * i + bit for i, word in enumerate(words[a:b].tolist()) for bit in range(32) if word >> bit & 1)
        for a, b in zip(bounds[:-1], bounds[1:], strict=True)
    )
    whole = [numbers(name).astype(np.int64) for name in ("split_feature", "decision_type", "left_child", "right_child")]
    leaf = numbers("leaf_value")
    leaf_count = numbers("leaf_count") if numbers("leaf_count").size else np.ones(len(leaf))
    return Tree(whole[0], numbers("threshold"), whole[1], whole[2], whole[3], leaf, leaf_count, numbers("internal_count"), categories)
