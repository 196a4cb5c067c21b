"""Weights are drawn to zero as strongly as the outcomes ask for, and nothing counts twice."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from features.matrix import Layout
from models.linear import Field, Linear, Numbers
from training.linear import fit_linear, learn_pulls
from training.pulls import COMMON_PULL, group_pulls
from training.ridge import Design

ROWS, CODES = 6000, 60
NOTHING = Layout((), {}, {})
NO_NUMBERS = np.empty((ROWS, 0))


def drawn(spread: float, seed: int) -> tuple[Design, list[int], NDArray[np.float64]]:
    """Return two groups of codes, the first with effects of this spread and the second without any, and outcomes."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, CODES, (2, ROWS))
    effect = rng.normal(0.0, spread, CODES)
    blocks = [sparse.csr_matrix((np.ones(ROWS), (np.arange(ROWS), code)), shape=(ROWS, CODES)) for code in codes]
    won = rng.random(ROWS) < 1.0 / (1.0 + np.exp(1.0 - effect[codes[0]]))
    return Design.of(NO_NUMBERS, sparse.hstack(blocks).tocsr()), [CODES, CODES], won.astype(np.float64)


@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_a_group_is_drawn_by_one_over_the_variance_of_its_effects_and_noise_much_more(spread: float) -> None:
    found = np.array([group_pulls(*drawn(spread, seed), np.ones(ROWS)) for seed in range(4)])
    # A ridge of one over the variance is the one under which normal effects are likeliest; sixty codes tell it within a third or so.
    assert found[:, 0].mean() == pytest.approx(1.0 / spread**2, rel=0.35)
    assert (found[:, 1] > 3.0 * found[:, 0]).all()


def test_the_same_outcomes_give_the_same_pulls() -> None:
    assert group_pulls(*drawn(1.0, 1), np.ones(ROWS)).tobytes() == group_pulls(*drawn(1.0, 1), np.ones(ROWS)).tobytes()


def test_a_handful_of_outcomes_leaves_every_group_near_the_common_pull() -> None:
    joined, sizes, won = drawn(1.0, 3)
    few = np.concatenate([np.flatnonzero(won == kind)[:4] for kind in (0.0, 1.0)])
    found = group_pulls(joined.take(few), sizes, won[few], np.ones(len(few)))
    assert (found > COMMON_PULL / 2).all() and (found < 30 * COMMON_PULL).all()


def columns(procedure: NDArray[np.int64], *, payers: int = 40, seed: int = 5) -> dict[str, NDArray[np.int64]]:
    """Return coded columns of which only payer and procedure say something."""
    rng = np.random.default_rng(seed)
    names = (
        "carc rarcs adjustment_code plan_id provider_id facility_id remedy category payer_type "
        "authorization_on_file referral_on_file records_on_file timely_proof_on_file other_coverage_on_file"
    )
    return {name: np.full(ROWS, -1) for name in names.split()} | {
        "payer_id": rng.integers(0, payers, ROWS),
        "family": np.zeros(ROWS, dtype=np.int64),
        "procedure_code": procedure,
    }


def test_a_field_that_splits_rows_as_an_earlier_one_does_is_left_out() -> None:
    won = np.random.default_rng(2).random(ROWS) < 0.3
    coded = columns(np.random.default_rng(3).integers(0, 9, ROWS))
    pulls = learn_pulls(NO_NUMBERS, coded, won, NOTHING, weight=np.ones(ROWS))
    # One family, no proof, no plan: pairs with them are payer and procedure again.
    assert set(pulls) == {"numbers", "payer_id", "procedure_code"}


def test_that_nothing_is_given_has_a_weight_of_its_own() -> None:
    rng = np.random.default_rng(4)
    procedure = np.where(rng.random(ROWS) < 0.5, -1, 0)
    won = rng.random(ROWS) < np.where(procedure < 0, 0.6, 0.2)
    coded = columns(procedure)
    fitted = fit_linear(NO_NUMBERS, coded, won, NOTHING, weight=np.ones(ROWS), pulls={})
    p = 1.0 / (1.0 + np.exp(-fitted.raw(fitted.terms(NO_NUMBERS, coded))))
    assert p[procedure < 0].mean() == pytest.approx(0.6, abs=0.04) and p[procedure == 0].mean() == pytest.approx(0.2, abs=0.04)
    alone = {name: values[:1] for name, values in coded.items()}
    assert fitted.terms(NO_NUMBERS[:1], alone).tobytes() == np.ascontiguousarray(fitted.terms(NO_NUMBERS, coded)[:1]).tobytes()


def test_a_score_written_before_null_was_a_code_reads_as_it_did() -> None:
    numbers = Numbers((), np.empty(0, dtype=np.int64), (), np.empty(0), np.empty(0))
    score = Linear(
        0.5,
        numbers,
        np.empty(0),
        (Field(("a",), np.array([4]), np.array([1.0]), 0.0), Field(("a", "b"), np.array([4 << 28 | 3]), np.array([2.0]), 0.0)),
    )
    told = json.loads(json.dumps(score.as_json()))
    for field, keys in zip(told["fields"], ([3], [3 << 28 | 2]), strict=True):
        del field["codes"]
        field["keys"] = keys
    rows = {"a": np.array([3, 3, -1]), "b": np.array([2, -1, 2])}
    read = Linear.from_json(told)
    assert read.raw(read.terms(np.empty((3, 0)), rows)).tolist() == [3.5, 1.5, 0.5]
