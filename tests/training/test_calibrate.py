"""The shift against scikit-learn, and how it waits for explored cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.calibration import Calibration, probability
from training.calibrate import calibrate


def world(n: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return log odds, and outcomes drawn with the log odds shifted."""
    rng = np.random.default_rng(4)
    logits = rng.normal(-0.5, 1.0, n)
    return logits, rng.random(n) < probability(logits + shift)


def test_the_shift_is_that_of_a_logistic_regression_with_an_offset() -> None:
    logits, won = world(20_000, 0.4)
    found, _ = calibrate(logits, won.astype(float), np.ones(len(logits)), np.zeros(len(logits), dtype=bool))
    # An oracle for an intercept beside a fixed slope: the slope is held at one by a row of huge weight on neither side.
    oracle = LogisticRegression(C=1e9).fit(logits[:, None], won)
    assert oracle.coef_[0, 0] == pytest.approx(1.0, abs=0.06)
    assert found.shift == pytest.approx(float(oracle.intercept_[0]), abs=0.05)
    assert probability(found.apply(logits)).mean() == pytest.approx(won.mean(), abs=0.002)


@pytest.mark.parametrize(("count", "least", "most"), [(0, 0.0, 0.0), (20, -0.15, 0.0), (4000, -0.75, -0.5)])
def test_the_explored_shift_waits_for_cases(count: int, least: float, most: float) -> None:
    logits, won = world(20_000, 0.0)
    rng = np.random.default_rng(8)
    low = rng.random(count) < probability(logits[:count] - 0.7)
    won = np.concatenate([low, won[count:]])
    explored = np.arange(len(won)) < count
    found, _ = calibrate(logits, won.astype(float), np.ones(len(won)), explored)
    assert least <= found.explored_shift <= most


@pytest.mark.parametrize(("count", "least", "most"), [(0, 0.0, 0.0), (100, 0.0, 0.3), (8000, 0.3, 0.6)])
def test_low_chances_of_explored_cases_are_stretched_as_far_as_they_say(count: int, least: float, most: float) -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(-2.0, 1.5, 20_000)
    truth = Calibration(0.0, 0.0, 0.5)
    explored = np.arange(len(logits)) < count
    won = rng.random(len(logits)) < probability(np.where(explored, truth.apply(logits), logits))
    found, _ = calibrate(logits, won.astype(float), np.ones(len(won)), explored)
    assert least <= found.low_stretch <= most
    assert np.all(np.diff(found.apply(np.sort(logits))) >= 0)


def test_what_explored_rows_took_off_is_given_back() -> None:
    found = Calibration(0.3, -0.2, 0.4)
    logits = np.linspace(-6.0, 3.0, 50)
    np.testing.assert_allclose(found.as_chosen(found.apply(logits)), logits + 0.3, atol=1e-12)


def test_the_identity_is_the_default() -> None:
    logits = np.array([-3.0, 0.0, 2.0])
    assert Calibration().apply(logits).tolist() == logits.tolist()
