"""The regression ends where another library's does, however hard the rows are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from training.ridge import Design, fit_ridge

ROWS, NUMBERS, FIELDS, CODES = 3000, 5, 3, 20


def drawn(seed: int, *, sure: float = 1.0) -> tuple[Design, NDArray[np.float64], NDArray[np.float64]]:
    """Return numbers that go together beside three fields of codes, what came of each row, and how much it says."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(0.0, 1.0, (ROWS, NUMBERS)) + 2.0 * rng.normal(0.0, 1.0, (ROWS, 1))
    at = rng.integers(0, CODES, (ROWS, FIELDS)) + CODES * np.arange(FIELDS)
    codes = sparse.csr_matrix((np.ones(at.size), at.ravel(), np.arange(ROWS + 1) * FIELDS), shape=(ROWS, FIELDS * CODES))
    score = numbers @ rng.normal(0.0, 0.3, NUMBERS) + codes @ rng.normal(0.0, 1.0, FIELDS * CODES) - 1.0
    won = rng.random(ROWS) < 1.0 / (1.0 + np.exp(-sure * score))
    return Design.of(numbers, codes), won.astype(np.float64), rng.uniform(0.5, 3.0, ROWS)


def loss(design: Design, won: NDArray[np.float64], weight: NDArray[np.float64], ridge: float, found: NDArray[np.float64]) -> float:
    """Return the penalised loss that the fit makes small."""
    score = design.times(found)
    return float(weight @ (np.logaddexp(0.0, score) - won * score) + 0.5 * ridge * found[1:] @ found[1:])


@pytest.mark.parametrize("ridge", [0.5, 20.0])
def test_it_ends_where_a_slow_and_exact_fit_does(ridge: float) -> None:
    design, won, weight = drawn(1)
    x = sparse.hstack([sparse.csr_matrix(design.dense[:, 1:]), design.codes]).tocsr()
    exact = LogisticRegression(C=1.0 / ridge, tol=1e-10, max_iter=5000).fit(x, won, sample_weight=weight)
    best = loss(design, won, weight, ridge, np.append(exact.intercept_, exact.coef_[0]))
    found = fit_ridge(design, won, weight, np.full(design.width - 1, ridge))
    assert best - 1e-6 <= loss(design, won, weight, ridge, found) <= best + 1e-4 * ROWS
    assert np.corrcoef(design.times(found), x @ exact.coef_[0])[0, 1] > 0.9999


def test_rows_that_codes_tell_apart_for_sure_end_too() -> None:
    design, won, weight = drawn(2, sure=50.0)
    found = fit_ridge(design, won, weight, np.full(design.width - 1, 1e-3))
    assert np.isfinite(found).all() and ((design.times(found) > 0.0) == (won > 0.5)).mean() > 0.97


def test_a_hundred_times_the_weight_of_one_outcome_still_ends() -> None:
    design, won, weight = drawn(3)
    found = fit_ridge(design, won, np.where(won > 0.5, 100.0, 1.0), np.full(design.width - 1, 5.0))
    p = 1.0 / (1.0 + np.exp(-design.times(found)))
    heavy = np.where(won > 0.5, 100.0, 1.0)
    # The intercept is free, so that the weighted mean is met.
    assert float(heavy @ p / heavy.sum()) == pytest.approx(float(heavy @ won / heavy.sum()), abs=2e-3)


def test_the_same_rows_give_the_same_bits() -> None:
    assert fit_ridge(*drawn(4), np.ones(NUMBERS + FIELDS * CODES)).tobytes() == fit_ridge(*drawn(4), np.ones(65)).tobytes()
