"""Ridge logistic regression on numbers and codes: Newton steps, each solved by conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.feature import Floats
from features.tables import Array
from models.calibration import probability

_NEWTON, _STEPS, _HALVINGS = 30, 200, 20
_NEAR = 0.1
"""Newton steps are worked out to a tenth of the slope: the next one mends what is left, and a closer one costs more than it brings."""

_STILL = 2e-4
"""A step that brings less log likelihood a row ends the fit: later rows are told no better by a closer one."""

FREE = 1e-9
"""Ridge of the intercept."""


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of a regression: an intercept and numbers side by side, then one of ones for each code, of which a row has one per field.

    Parameters
    ----------
    dense
        n x (1 + numbers), the first column ones.
    codes
        n x codes, entries 1.
    """

    dense: Floats
    codes: sparse.csr_matrix

    @classmethod
    def of(cls, numbers: Floats, codes: sparse.csr_matrix) -> Design:
        """Put an intercept before the numbers."""
        return cls(np.concatenate([np.ones((len(numbers), 1)), numbers], axis=1), codes)

    def __len__(self) -> int:
        return len(self.dense)

    @property
    def width(self) -> int:
        """How many weights there are, the intercept among them."""
        return int(self.dense.shape[1] + self.codes.shape[1])

    def take(self, rows: Array) -> Design:
        """Return the rows at these positions."""
        return Design(self.dense[rows], self.codes[rows])

    def times(self, weights: Floats) -> Floats:
        """Return the score of each row (n, or n x m for m columns of weights)."""
        if weights.ndim == 2 and weights.shape[1] == 1:
            # A matrix times a vector takes half of what it takes times a matrix of one column.
            return self.times(weights[:, 0])[:, None]
        start = self.dense.shape[1]
        found: Floats = self.dense @ weights[:start] + self.codes @ weights[start:]
        return found

    def back(self, rows: Floats) -> Floats:
        """Return the sum of each column, rows weighed (weights, or weights x m)."""
        if rows.ndim == 2 and rows.shape[1] == 1:
            return self.back(rows[:, 0])[:, None]
        return np.concatenate([self.dense.T @ rows, self.codes.T @ rows])

    def information(self, bend: Floats, ridge: Floats) -> Information:
        """Return the curvature of the penalised likelihood where rows bend it so much."""
        start = self.dense.shape[1]
        block = (self.dense * bend[:, None]).T @ self.dense + np.diag(ridge[:start])
        numbers: Floats = np.asarray(np.linalg.inv(block), dtype=np.float64)
        return Information(self, bend, ridge, numbers, 1.0 / (self.codes.T @ bend + ridge[start:]))


@dataclass(frozen=True, slots=True)
class Information:
    """A curvature matrix, which is never built.

    Its part of the numbers, which go together, and the diagonal of the codes, which do not, are inverted: a guess at its inverse with
    which conjugate gradients need few steps.
    """

    design: Design
    bend: Floats
    ridge: Floats
    numbers: Floats
    codes: Floats

    def times(self, weights: Floats) -> Floats:
        """Return the matrix times columns of weights (weights x m)."""
        return self.design.back(self.bend[:, None] * self.design.times(weights)) + self.ridge[:, None] * weights

    def rough_inverse(self, weights: Floats) -> Floats:
        """Return about what the inverse times columns of weights is."""
        start = len(self.numbers)
        return np.concatenate([self.numbers @ weights[:start], self.codes[:, None] * weights[start:]])

    def solve(self, right: Floats, start: Floats, near: float) -> Floats:
        """Return the inverse times columns (weights x m), each as near as a part of its own size."""
        found = start.copy()
        left = right - self.times(found) if found.any() else right.copy()
        goal = near**2 * (right**2).sum(axis=0)
        step = np.zeros_like(right)
        before = np.zeros(right.shape[1])
        for _ in range(_STEPS):
            if ((left**2).sum(axis=0) <= goal).all():
                break
            guess = self.rough_inverse(left)
            size = (left * guess).sum(axis=0)
            step = guess + np.where(before > 0.0, size / np.where(before > 0.0, before, 1.0), 0.0) * step
            moved = self.times(step)
            along = (step * moved).sum(axis=0)
            pace = np.where(along > 0.0, size / np.where(along > 0.0, along, 1.0), 0.0)
            found += pace * step
            left -= pace * moved
            before = size
        return found


def newton_step(
    design: Design, target: Floats, weight: Floats, ridge: Floats, found: Floats, near: float = _NEAR
) -> tuple[Floats, float, Information]:
    """Return a step from some weights towards those of highest penalised likelihood.

    Returns
    -------
    step, gain, information
        What to add to the weights, about what that brings in log likelihood, and the curvature where it starts.
    """
    p = probability(design.times(found))
    slope = design.back(weight * (target - p)) - ridge * found
    information = design.information(weight * p * (1.0 - p), ridge)
    step = information.solve(slope[:, None], np.zeros((len(found), 1)), near)[:, 0]
    return step, 0.5 * float(slope @ step), information


def fit_ridge(design: Design, target: Floats, weight: Floats, ridge: Floats) -> Floats:
    """Return the weights of highest penalised likelihood, the intercept first.

    Parameters
    ----------
    design
        n rows.
    target, weight
        0 to 1, and how much each row says (n).
    ridge
        Of each weight but the intercept: the penalty is half of it times the squared weight.

    Examples
    --------
    Without codes and ridge, the intercept is the log odds of the mean.

    >>> rows = Design.of(np.empty((4, 0)), sparse.csr_matrix((4, 0)))
    >>> fit_ridge(rows, np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4), np.empty(0)).round(4).tolist()
    [-1.0986]
    """
    pull = np.append(FREE, ridge)
    found = np.zeros(design.width)

    def loss(weights: Floats) -> float:
        score = design.times(weights)
        return float(weight @ (np.logaddexp(0.0, score) - target * score) + 0.5 * (pull * weights) @ weights)

    best, enough = loss(found), _STILL * float(weight.sum())
    for _ in range(_NEWTON):
        step, gain, _ = newton_step(design, target, weight, pull, found)
        tried, halvings = loss(found + step), 0
        # Far from the end the curve bends more than where the step was worked out.
        while tried > best and halvings < _HALVINGS:
            step, halvings = 0.5 * step, halvings + 1
            tried = loss(found + step)
        found, best = found + step, tried
        if gain < enough:
            break
    return found
