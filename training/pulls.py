"""How strongly each group of weights of a logistic regression is drawn to zero, learned from the outcomes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.feature import Floats
from training.ridge import FREE, Design, newton_step

COMMON_PULL = 5.0
"""Ridge of a group that nothing is known of: weights of codes spread by about .45 log odds (a judgement)."""

_PSEUDO_WEIGHTS = 4.0
"""The common pull counts as so many weights of a group, so that small groups follow it."""

MOST_ROWS = 40_000
"""Rows that are asked at most: spreads of weights are known well long before."""

_ROUNDS, _PROBES, _NEAR = 8, 4, 0.03


def group_pulls(design: Design, sizes: Sequence[int], target: Floats, weight: Floats) -> Floats:
    """Return the ridge of each group of columns under which the outcomes are most likely (empirical Bayes).

    A group whose weights come out large gets little ridge and one whose weights are noise gets much, so that many pairs of codes can be
    offered without choosing among them by hand.

    Parameters
    ----------
    design, sizes
        Columns of the groups one after the other behind the intercept (n rows), and how many each has.
    target, weight
        0 or 1, both present; weight of each row.

    Returns
    -------
    Floats
        One ridge per group: the penalty is half of it times the sum of the squared weights.

    Notes
    -----
    Fellner-Schall steps (Wood and Fasiolo 2017): a group's ridge becomes its effective number of weights over the sum of their squares.
    The effective number needs a trace of the inverse information, which four random vectors of signs, the same in every call, estimate
    (Hutchinson 1990).
    """
    if len(target) > MOST_ROWS:
        rows = np.linspace(0, len(target) - 1, MOST_ROWS).astype(np.int64)
        design, target, weight = design.take(rows), target[rows], weight[rows]
    size, groups = np.array(sizes), len(sizes)
    group = np.repeat(np.arange(groups), size)
    pull, found = np.full(groups, COMMON_PULL), np.zeros(design.width)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_PROBES, design.width)).T
    solved = np.zeros_like(signs)
    for _ in range(_ROUNDS):
        ridge = np.append(FREE, pull[group])
        step, _, information = newton_step(design, target, weight, ridge, found, _NEAR)
        found = found + step
        solved = information.solve(signs, solved, _NEAR)
        trace = np.bincount(group, (signs * solved).mean(axis=1)[1:], groups)
        effective = np.clip(size - pull * trace, 0.0, size)
        squares = np.bincount(group, found[1:] ** 2, groups)
        pull = (effective + _PSEUDO_WEIGHTS) / (squares + _PSEUDO_WEIGHTS / COMMON_PULL)
    return pull
