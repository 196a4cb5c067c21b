"""Trees fitted by LightGBM, scored without it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import lignum
import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.native import private_folder
from models.compiled import SOURCE, CompiledTrees
from models.tabled import TabledTrees
from models.trees import CATEGORICAL, Tree, read_trees

_TINY = 2e-35


class Forest:
    """Boosted trees of at most eight leaves, read from LightGBM's text.

    Parameters
    ----------
    path
        A file that `lightgbm.Booster.save_model` wrote.

    Notes
    -----
    Raw scores come from lignum's interpreter, which walks the same text and adds in the same order as LightGBM, or, of many rows, from
    compiled code or tables that were found to give the same bits.
    """

    def __init__(self, path: Path) -> None:
        self._text = path.read_text()
        self._model = lignum.load(str(path), "lightgbm")
        self._many: CompiledTrees | TabledTrees | None = None

    def prepare(self, cache: Path, source: Path = SOURCE) -> bool:
        """Make ready to score many rows, by compiled code where there is a compiler and else by tables; tell whether either is used.

        They are used only if they give what the interpreter gives, bit for bit, on rows around every threshold.

        Parameters
        ----------
        cache
            A folder that nobody else may write or read: what lies there is run. The code is no model's own, so one copy serves all.
        source
            What is compiled.
        """
        self._many = None
        rows, folder = self._rows_around_thresholds(), private_folder(cache)
        expected = self.raw(rows).view(np.int64)
        for make in (lambda: CompiledTrees.of(self.trees, folder, source), lambda: TabledTrees.of(self.trees)):
            many = make()
            if many is not None and np.array_equal(many.raw(rows).view(np.int64), expected):
                self._many = many
                break
        return self._many is not None

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
        if self._many is not None and len(matrix) >= self._many.fewest:
            # Taking rows out of a matrix costs more than adding up the trees of all of them.
            every = self._many.raw(matrix)
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
