"""Reasons told in words learn from each other through the words that they share."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from features.matrix import Layout
from features.vocabulary import Vocabulary
from models.linear import Linear
from tests.training.test_pulls import columns
from training.linear import fit_linear, learn_pulls
from training.words import shared_words, words_of

FIRST = ("claim", "premium", "policy", "bill", "notice", "refund")
SECOND = ("denied", "delayed", "reduced", "cancelled", "disputed", "unanswered")
NAMES = [f"{one.title()} {other}" for one, other in product(FIRST, SECOND)]
ROWS, SEEN = 6000, 24
NOTHING = Layout((), {}, {})
NO_NUMBERS = np.empty((ROWS, 0))


def told(seed: int) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.float64]]:
    """Return rows whose chance is made of two words, most of them of a part of the reasons, and their log odds."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(NAMES))
    code = np.where(rng.random(ROWS) < 0.98, order[rng.integers(0, SEEN, ROWS)], order[rng.integers(SEEN, len(NAMES), ROWS)])
    effects = rng.normal(0.0, 1.0, (2, len(FIRST)))
    odds = -0.5 + effects[0][code // len(SECOND)] + effects[1][code % len(SECOND)]
    return columns(np.zeros(ROWS, dtype=np.int64)) | {"adjustment_code": code}, odds


def fitted(coded: dict[str, NDArray[np.int64]], won: NDArray[np.bool_], names: list[str]) -> Linear:
    """Return the score learned of rows whose reasons have these names."""
    words = words_of(Vocabulary({"adjustment_code": names}))
    once = np.ones(len(won))
    pulls = learn_pulls(NO_NUMBERS, coded, won, NOTHING, weight=once, words=words)
    return fit_linear(NO_NUMBERS, coded, won, NOTHING, weight=once, pulls=pulls, words=words)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_reasons_that_hardly_came_are_told_by_their_words(seed: int) -> None:
    coded, odds = told(seed)
    won = np.random.default_rng(seed + 100).random(ROWS) < 1.0 / (1.0 + np.exp(-odds))
    often = np.bincount(coded["adjustment_code"], minlength=len(NAMES))
    rare = often[coded["adjustment_code"]] < 40
    assert 50 < rare.sum() < 300

    def error(names: list[str]) -> float:
        score = fitted(coded, won, names)
        return float(np.sqrt(np.mean((score.raw(score.terms(NO_NUMBERS, coded)) - odds)[rare] ** 2)))

    # Names without a word in common: each reason stands alone.
    assert error(NAMES) < 0.7 * error([f"R{place}" for place in range(len(NAMES))])


def test_codes_that_share_no_word_are_learned_as_ever() -> None:
    coded, odds = told(4)
    won = odds > 0.0
    alone = fitted(coded, won, ["CO-45", "N130", *(f"R{place}" for place in range(len(NAMES) - 2))])
    assert alone.as_json() == fitted(coded, won, [f"{place:03d}" for place in range(len(NAMES))]).as_json()


def test_a_pair_holds_the_pairs_of_its_words_and_null_holds_none() -> None:
    plans, reasons = [(), ("group", "health"), ("health",)], [(), ("claim", "delayed"), ("delayed",)]
    codes = [np.array([1, 2, 0, 2]), np.array([1, 2, 1, 0])]
    held = shared_words(codes, [plans, reasons]).toarray()
    # Only a plan of health with a delay stands in two of them.
    assert held.tolist() == [[1.0], [1.0], [0.0], [0.0]]
    both = shared_words([np.array([1, 1, 2])], [[(), ("claim", "delayed"), ("claim", "delayed", "again")]]).toarray()
    assert both == pytest.approx(np.full((3, 2), 0.5**0.5))
