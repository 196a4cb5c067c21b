"""How strongly each group of weights of a logistic regression is drawn to zero, learned from the outcomes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from features.feature import Floats

COMMON_PULL = 5.0
"""Ridge of a group that nothing is known of: weights of codes spread by about .45 log odds (a judgement)."""

_PSEUDO_WEIGHTS = 4.0
"""The common pull counts as so many weights of a group, so that small groups follow it."""

MOST_ROWS = 40_000
"""Rows that are asked at most: spreads of weights are known well long before."""

_ROUNDS, _NEWTON, _PROBES, _STEPS = 8, 2, 4, 60


def group_pulls(columns: sparse.csr_matrix, sizes: Sequence[int], target: Floats, weight: Floats) -> Floats:
    """Return the ridge of each group of columns under which the outcomes are most likely (empirical Bayes).

    A group whose weights come out large gets little ridge and one whose weights are noise gets much, so that many pairs of codes can be
    offered without choosing among them by hand.

    Parameters
    ----------
    columns, sizes
        Columns of the groups one after the other (n x all), and how many each has.
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
        columns, target, weight = columns[rows], target[rows], weight[rows]
    x = sparse.hstack([sparse.csr_matrix(np.ones((len(target), 1))), columns]).tocsr()
    back = x.T.tocsr()
    squared = back.multiply(back).tocsr()
    size, groups = np.array(sizes), len(sizes)
    group = np.repeat(np.arange(groups), size)
    pull, found = np.full(groups, COMMON_PULL), np.zeros(x.shape[1])
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_PROBES, x.shape[1]))
    solved = np.zeros_like(signs)
    for _ in range(_ROUNDS):
        ridge = np.append(1e-9, pull[group])
        for _ in range(_NEWTON):
            p = 1.0 / (1.0 + np.exp(-(x @ found)))
            bend = weight * p * (1.0 - p)
            information, inverse = _curvature(x, back, bend, ridge), _rough_inverse(squared @ bend + ridge)
            found = found + cg(information, back @ (weight * (target - p)) - ridge * found, M=inverse, rtol=1e-2, maxiter=_STEPS)[0]
        for sign, start in zip(signs, solved, strict=True):
            start[:] = cg(information, sign, x0=start, M=inverse, rtol=1e-2, maxiter=_STEPS)[0]
        trace = np.bincount(group, (signs * solved).mean(axis=0)[1:], groups)
        effective = np.clip(size - pull * trace, 0.0, size)
        squares = np.bincount(group, found[1:] ** 2, groups)
        pull = (effective + _PSEUDO_WEIGHTS) / (squares + _PSEUDO_WEIGHTS / COMMON_PULL)
    return pull


def _curvature(x: sparse.csr_matrix, back: sparse.csr_matrix, bend: Floats, ridge: Floats) -> LinearOperator:
    """Return the information matrix, which is never built."""
    return LinearOperator((len(ridge), len(ridge)), matvec=lambda v: back @ (bend * (x @ v)) + ridge * v)


def _rough_inverse(diagonal: Floats) -> LinearOperator:
    return LinearOperator((len(diagonal), len(diagonal)), matvec=lambda v: v / diagonal)
