"""Trees laid out for `trees.c`, which adds them up for hundreds of rows at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.native import compiled
from models.trees import CATEGORICAL, DEFAULT_LEFT, INNER, LEAVES, MISSING_NAN, MISSING_ZERO, Tree

SOURCE = Path(__file__).with_name("trees.c")

_NULL = 255
_WIDEST = bytes(32)
_MOST_THRESHOLDS = 254
"""Codes of a number fit a byte, the last of which is null; behind the tables of categories stand bytes that are read and mean nothing."""

_NUMBER = np.dtype([("column", "i4"), ("first", "i4"), ("count", "i4"), ("nan_code", "u1"), ("zero_code", "u1")], align=True)
_CATEGORY = np.dtype([("column", "i4"), ("size", "i4")], align=True)
_NODE = np.dtype([("source", "i4"), ("members", "i4"), ("left", "u1"), ("right", "u1"), ("shift", "u1"), ("limit", "u1")], align=True)

Layout = NDArray[np.void]


class _Forest(ctypes.Structure):
    """`Forest` of the source."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("numbers", "categories", "trees")),
        *((name, ctypes.c_void_p) for name in ("number", "category", "thresholds", "first_node", "node", "members", "leaves")),
    ]


@dataclass(frozen=True, slots=True)
class _Number:
    """A feature that is compared: its ascending thresholds, and what its nodes do with what is missing."""

    thresholds: Floats
    missing: int

    @property
    def codes(self) -> tuple[int, int]:
        """The codes of NaN, which LightGBM reads as zero where the fit saw none, and of zero."""
        zero = int(np.searchsorted(self.thresholds, 0.0)) if self.missing != MISSING_ZERO else _NULL
        return (_NULL if self.missing == MISSING_NAN else zero), zero


class CompiledTrees:
    """A forest that compiled code adds up.

    Parameters
    ----------
    numbers, categories, thresholds, first_node, nodes, members, leaves
        As `trees.c` reads them.
    code
        The compiled source.

    Attributes
    ----------
    fewest
        Fewer rows are sooner interpreted: the code always adds up a block of them.
    """

    fewest = 64

    def __init__(
        self,
        numbers: Layout,
        categories: Layout,
        thresholds: Floats,
        first_node: NDArray[np.int64],
        nodes: Layout,
        members: NDArray[np.uint8],
        leaves: Floats,
        code: ctypes.CDLL,
    ) -> None:
        # The arrays are held for as long as the code reads them.
        self._held = (numbers, categories, thresholds, first_node, nodes, members, leaves)
        self._forest = _Forest(len(numbers), len(categories), len(leaves), *(array.ctypes.data for array in self._held))
        self._code = code
        whole, pointer = ctypes.c_int64, ctypes.c_void_p
        code.add_trees.argtypes, code.add_trees.restype = [pointer, pointer, whole, whole, whole, pointer], ctypes.c_int

    @classmethod
    def of(cls, trees: list[Tree], folder: Path, source: Path = SOURCE, flags: tuple[str, ...] = ()) -> CompiledTrees | None:
        """Lay trees out; None where there is no compiler, or where they are not of the kind that the code adds up.

        Parameters
        ----------
        trees
            Of at most eight leaves.
        folder
            Where the compiled code lies, which only its owner may enter.
        source, flags
            As `features.native.compiled` takes them.
        """
        if any(len(tree.leaf) > LEAVES for tree in trees):
            return None
        numbers, sizes = _numbers(trees), _sizes(trees)
        if numbers is None or any(len(number.thresholds) > _MOST_THRESHOLDS for number in numbers.values()):
            return None
        code = compiled(source, folder, flags)
        if code is None:
            return None
        number, category = ({feature: place for place, feature in enumerate(known)} for known in (numbers, sizes))
        nodes: list[tuple[int, ...]] = []
        members = bytearray()
        for tree, feature, threshold, decision, *children in _nodes(trees):
            # A null that goes left has the least code, one that goes right the largest.
            shift, limit, table = int(decision & DEFAULT_LEFT > 0), 0, -1
            if decision & CATEGORICAL:
                asked, shift, table = category[feature], 0, len(members)
                members += _outside(tree.categories[int(threshold)], sizes[feature])
            else:
                asked, limit = number[feature], int(np.searchsorted(numbers[feature].thresholds, threshold)) + shift
            nodes.append((asked, table, *(child if child >= 0 else INNER - 1 - child for child in children), shift, limit))
        first = np.cumsum([0, *(len(number.thresholds) for number in numbers.values())]).tolist()
        leaves = np.zeros((len(trees), LEAVES))
        for place, tree in enumerate(trees):
            leaves[place, : len(tree.leaf)] = tree.leaf
        told = [(feature, at, len(known.thresholds), *known.codes) for at, (feature, known) in zip(first, numbers.items(), strict=False)]
        return cls(
            np.array(told, dtype=_NUMBER),
            np.array(list(sizes.items()), dtype=_CATEGORY),
            np.concatenate([np.zeros(0), *(known.thresholds for known in numbers.values())]),
            np.cumsum([0, *(len(tree.feature) for tree in trees)]),
            np.array(nodes, dtype=_NODE),
            np.frombuffer(bytes(members) + _WIDEST, dtype=np.uint8),
            leaves,
            code,
        )

    def raw(self, matrix: Floats) -> Floats:
        """Return the sum of leaf values of each row (n); columns that stand one after the other are read fastest."""
        x = np.asarray(matrix, dtype=np.float64)
        found = np.empty(len(x))
        steps = [step // x.itemsize for step in x.strides]
        failed = self._code.add_trees(
            ctypes.byref(self._forest), ctypes.c_void_p(x.ctypes.data), len(x), *steps, ctypes.c_void_p(found.ctypes.data)
        )
        if failed:
            raise MemoryError("no memory for the codes of a block of rows")
        return found


def _outside(codes: Iterable[int], size: int) -> bytes:
    """Return for every code below a size, and for all others in one, a bit that says whether it is not among some.

    >>> [format(byte, "08b") for byte in _outside({1, 2}, 8)]
    ['11111001', '00000001']
    """
    found = np.ones(size + 1, dtype=np.bool_)
    found[list(codes)] = False
    return np.packbits(found, bitorder="little").tobytes()


def _nodes(trees: list[Tree]) -> Iterator[tuple[Tree, int, float, int, int, int]]:
    """Yield the inner nodes of all trees: tree, feature, threshold, decision, left and right child."""
    for tree in trees:
        parts = (tree.feature, tree.threshold, tree.decision, tree.left, tree.right)
        for feature, threshold, decision, left, right in zip(*(part.tolist() for part in parts), strict=True):
            yield tree, feature, threshold, decision, left, right


def _numbers(trees: list[Tree]) -> dict[int, _Number] | None:
    """Return the features that are compared; None where nodes of one differ in what is missing."""
    thresholds: dict[int, set[float]] = {}
    missing: dict[int, set[int]] = {}
    for _, feature, threshold, decision, *_ in _nodes(trees):
        if not decision & CATEGORICAL:
            thresholds.setdefault(feature, set()).add(threshold)
            missing.setdefault(feature, set()).add(decision >> 2 & 3)
    if any(len(kinds) > 1 for kinds in missing.values()):
        return None
    return {feature: _Number(np.array(sorted(thresholds[feature])), *missing[feature]) for feature in sorted(thresholds)}


def _sizes(trees: list[Tree]) -> dict[int, int]:
    """Return the features that are categories, with the least code that no tree knows."""
    sizes: dict[int, int] = {}
    for tree, feature, threshold, decision, *_ in _nodes(trees):
        if decision & CATEGORICAL:
            sizes[feature] = max(sizes.get(feature, 0), max(tree.categories[int(threshold)], default=-1) + 1)
    return sizes
