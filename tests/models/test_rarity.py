"""Codes that never come together are told; what is merely rare, or often odd, is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from features.tables import Columns
from models.bundle import load
from models.rarity import PAIRS, Rarity, tail
from tests.practice import AS_OF, Learned
from training.rarity import fit_rarity

NAMES = sorted({name for pair in PAIRS for name in pair})


def postings(n: int = 20_000) -> Columns:
    """Return codes of which each group goes with its own half of the reasons, and specialty with any procedure."""
    rng = np.random.default_rng(1)
    columns: Columns = {name: np.zeros(n, dtype=np.int32) for name in NAMES}
    columns["group_code"] = rng.integers(0, 2, n)
    columns["carc"] = 5 * columns["group_code"] + rng.integers(0, 5, n)
    columns["procedure_code"], columns["specialty"] = rng.integers(0, 300, n), rng.integers(0, 8, n)
    return columns


@pytest.mark.parametrize(("seen", "expected"), [(0, 0.5), (0, 600.0), (3, 4.0), (5, 60.0)])
def test_the_tail_is_that_of_a_poisson_variable(seen: int, expected: float) -> None:
    assert tail(seen, expected) == pytest.approx(-poisson.logcdf(seen, expected) / np.log(10.0), rel=1e-9)


def test_a_combination_that_never_comes_is_told_and_a_new_code_is_not() -> None:
    columns = postings()
    rarity, told = fit_rarity(columns)
    assert told <= 0.001 * len(PAIRS)
    odd = {name: values[:3].copy() for name, values in columns.items()}
    odd["group_code"], odd["carc"] = np.array([0, 1, 0]), np.array([7, 7, 99])
    found = [rarity.look(odd, row) for row in range(3)]
    assert found[0] is not None
    assert (found[0].pair, found[0].seen) == (("carc", "group_code"), 0)
    assert found[0].expected == pytest.approx(1000, rel=0.1)
    assert found[1] is None
    assert found[2] is None


def test_where_odd_ones_are_common_they_tell_nothing() -> None:
    columns = postings()
    rng = np.random.default_rng(2)
    # Every procedure has its specialty, but one posting in thirty has another.
    strays = rng.random(len(columns["carc"])) < 1 / 30
    columns["specialty"] = np.where(strays, rng.integers(0, 8, len(strays)), columns["procedure_code"] % 8)
    rarity, told = fit_rarity(columns)
    assert told < 0.003
    assert rarity.limits[PAIRS.index(("procedure_code", "specialty"))] > rarity.limits[0]


def test_a_bundle_holds_the_counts_and_a_reason_names_what_is_odd(learned: Learned) -> None:
    kept, made = load(learned.folder).models.rarity, learned.bundle.rarity
    assert all(getattr(kept, name).tolist() == getattr(made, name).tolist() for name in Rarity.__dataclass_fields__ if name != "limits")
    assert kept.limits == made.limits
    record = {
        "writeoff_id": "a",
        "writeoff_date": "2026-07-01",
        "payer_id": "P001",
        "group_code": "PR",
        "carc": "45",
        "writeoff_amount": "90.00",
    }
    reasons = learned.scorer.score_records([record], as_of=AS_OF)[0]["reasons"]
    odd = [reason["text"] for reason in reasons if reason["concept"] == "combination"]
    assert len(odd) == 1
    assert odd[0].startswith("reason 45 with group PR came 0 times so far, where")
