"""Tuning: the recipe with the lowest log loss on later efforts than it learned from, within a budget of trials and seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Layout
from features.pieces import Each, one_by_one
from models.calibration import probability
from models.say import Say
from training.examples import Examples, Replayed
from training.likelihood import blend, fit_blend, pulls_of
from training.recipe import FIXED, SEED, Recipe
from training.splits import time_blocks

Progress = Callable[[str, int, int], None]

BLOCKS = 4
MOST_EFFORTS = 40_000
"""Later efforts than this many are drawn from by lot: more of them rank recipes no better and take the time of more trials."""

LEAST_EFFORTS = 300
_SURE = 1e-6


@dataclass(frozen=True, slots=True)
class Budget:
    """What tuning may take; with 0 trials the fixed recipe stands. A run that time ends is not repeated by its seed alone."""

    trials: int = 20
    seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One recipe and its loss: mean log loss a later effort, averaged over the forecasts."""

    recipe: Recipe
    loss: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """The recipe to fit with.

    Parameters
    ----------
    recipe
        The best, or the fixed one where nothing beat it.
    trials
        All that were tried, the fixed recipe first.
    ended_by_time
        The seconds were used up before the trials.
    """

    recipe: Recipe = FIXED
    trials: list[Trial] = field(default_factory=list)
    ended_by_time: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what was tried, for the report."""
        rows = [{"loss": round(t.loss, 6), "recipe": t.recipe.as_dict()} for t in self.trials]
        return {"recipe": self.recipe.as_dict(), "ended_by_time": self.ended_by_time, "trials": rows}


def tune(known: Replayed, budget: Budget, *, seed: int = SEED, progress: Progress | None = None, each: Each = one_by_one) -> Tuned:
    """Try recipes on efforts known before a day.

    Each recipe is fitted on the efforts decided before the first morning of a block of time and judged on those begun in the block:
    what a later month would have seen. The sampler is seeded, so the same inputs try the same recipes in the same order.

    Parameters
    ----------
    known
        Replayed up to a day: nothing later is seen.
    each
        Does the pieces: a recipe fitted before each block of time.
    """
    import optuna

    if budget.trials <= 0:
        return Tuned()
    examples, layout = known.examples, known.layout
    folds = _folds(examples)
    if len(examples) < LEAST_EFFORTS or not folds:
        return Tuned()
    optuna.logging.set_verbosity(logging.ERROR)
    end = time.monotonic() + budget.seconds
    # One object for all trials: what does the pieces need not hand it out again.
    shared = examples, layout, pulls_of(examples, layout), seed

    def loss_of(recipe: Recipe) -> float:
        return float(np.mean(list(each(_loss, shared, [(recipe, fold) for fold in folds]))))

    tried = [Trial(FIXED, loss_of(FIXED))]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8), direction="minimize")
    while len(tried) < budget.trials and time.monotonic() < end:
        if progress is not None:
            progress("tune", len(tried), budget.trials)
        asked = study.ask()
        recipe = _suggest(asked)
        loss = loss_of(recipe)
        study.tell(asked, loss)
        tried.append(Trial(recipe, loss))
    best = min(tried, key=lambda trial: trial.loss)
    return Tuned(best.recipe, tried, len(tried) < budget.trials)


def _suggest(asked: Any) -> Recipe:
    """Draw a recipe: around the fixed one, and never with larger trees."""
    return Recipe(
        rounds=asked.suggest_int("rounds", 100, 500, step=50),
        learning_rate=asked.suggest_float("learning_rate", 0.02, 0.1, log=True),
        leaves=asked.suggest_int("leaves", 4, 8),
        rows_in_leaf=asked.suggest_int("rows_in_leaf", 10, 120, log=True),
        lambda_l2=asked.suggest_float("lambda_l2", 1.0, 100.0, log=True),
        feature_fraction=asked.suggest_float("feature_fraction", 0.15, 0.8),
        linear_freedom=asked.suggest_float("linear_freedom", 0.2, 5.0, log=True),
        trees_share=asked.suggest_float("trees_share", 0.1, 0.7),
        pseudo_labels=asked.suggest_float("pseudo_labels", 30.0, 600.0, log=True),
    )


@dataclass(frozen=True, slots=True)
class _Fold:
    known: NDArray[np.int64]
    asked: NDArray[np.int64]


def _folds(examples: Examples) -> list[_Fold]:
    """Return the blocks of time but the first: what was decided before each, and what was begun in it."""
    cases = examples.cases
    block = time_blocks(cases.worked_on, BLOCKS)
    rng = np.random.default_rng(0)
    found = []
    for b in np.unique(block)[1:].tolist():
        start = int(cases.worked_on[block == b].min())
        known, asked = np.flatnonzero(cases.resolved_on < start), np.flatnonzero(block == b)
        won = int(cases.recovered[known].sum())
        if len(known) >= LEAST_EFFORTS // 3 and min(won, len(known) - won) >= 20:
            found.append(_Fold(_some(known, rng), _some(asked, rng)))
    return found


def _some(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= MOST_EFFORTS else np.sort(rng.choice(rows, MOST_EFFORTS, replace=False))


def _loss(shared: tuple[Examples, Layout, Mapping[str, float], int], recipe: Recipe, fold: _Fold) -> float:
    examples, layout, pulls, seed = shared
    past, test = examples.take(fold.known), examples.take(fold.asked)
    say = Say.learned(past.columns, recipe.pseudo_labels)
    p = probability(blend(*fit_blend(past, layout, seed, pulls, recipe), test, say, recipe.trees_share))
    p = np.clip(p, _SURE, 1 - _SURE)
    won = test.cases.recovered
    return float(np.average(-np.where(won, np.log(p), np.log(1 - p)), weights=test.weight))
