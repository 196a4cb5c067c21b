"""Fit of the dollars of a recovery where the ledger knows no amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.matrix import Layout
from features.tables import Columns
from models.amount import TREES_SHARE
from models.intervals import Range
from models.linear import Linear
from training.linear import fit_level
from training.splits import time_blocks
from training.trees import fit_trees, predict

LEVEL_PENALTY = 15.0
SPREAD_PENALTY = 100.0
"""Variances are known less well than means, so they are drawn harder to the common one."""

_TOP = 0.99
_BLOCKS = 4
_LEAST_BESIDE = 20


@dataclass(frozen=True, slots=True)
class AmountFit:
    """What `models.amount.Amount` is made of, and the range around it."""

    trees: str
    level: Linear
    spread: Linear
    scale: float
    range: Range


def fit_amount(
    matrix: Floats,
    columns: Columns,
    dollars: Floats,
    worked_on: NDArray[np.int64],
    layout: Layout,
    *,
    weight: Floats,
    extras: Sequence[str],
    seed: int,
) -> AmountFit:
    """Fit mean dollars on past recoveries.

    Parameters
    ----------
    matrix, columns, dollars, worked_on, weight
        Of the recovered cases.
    """
    # A handful of files hold a third of all dollars: what the largest brought beyond the 99th percentile is luck.
    log = np.log(np.maximum(np.minimum(dollars, np.quantile(dollars, _TOP)), 1.0))

    # The counts of the history grow with the record itself; see `features.learned`.
    names = [name for name in layout.names if not name.endswith(("_efforts_history", "_days_history")) and name != "usual_count"]

    def fit(rows: NDArray[np.bool_]) -> tuple[lightgbm.Booster, Linear]:
        part = {name: values[rows] for name, values in columns.items()}
        trees = fit_trees(
            matrix[rows],
            log[rows],
            layout,
            objective="regression",
            rounds=150,
            seed=seed,
            weight=weight[rows],
            names=names,
            feature_fraction=0.3,
        )
        return trees, fit_level(part, log[rows], weight=weight[rows], penalty=LEVEL_PENALTY, extras=extras)

    def level(fitted: tuple[lightgbm.Booster, Linear], rows: NDArray[np.bool_]) -> Floats:
        part = {name: values[rows] for name, values in columns.items()}
        told = fitted[1].raw(fitted[1].terms(matrix[rows], part))
        return TREES_SHARE * predict(fitted[0], matrix[rows]) + (1.0 - TREES_SHARE) * told

    block = time_blocks(worked_on, _BLOCKS)
    # Recoveries that all began on a day or two leave nothing to learn from beside them: their mean stands in.
    predicted = np.full(len(log), np.average(log, weights=weight))
    for b in np.unique(block).tolist():
        if (block != b).sum() >= _LEAST_BESIDE:
            predicted[block == b] = level(fit(block != b), block == b)
    spread = fit_level(columns, (log - predicted) ** 2, weight=weight, penalty=SPREAD_PENALTY, extras=extras)
    mean = np.exp(predicted + 0.5 * np.clip(spread.raw(spread.terms(matrix, columns)), 0.0, 6.0))
    scale = float((weight * np.exp(log)).sum() / (weight * mean).sum())
    trees, levels = fit(np.ones(len(log), dtype=bool))
    return AmountFit(trees.model_to_string(), levels, spread, scale, Range.fit(mean * scale, dollars))
