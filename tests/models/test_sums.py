"""Bands of sums: against SciPy's gamma, against simulated worlds, and at the edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import gamma

from models.sums import Sums, gamma_band, row_leverage, row_variance

NOTHING = Sums(payer_sd=0.0, family_sd=0.0, common_sd=0.0, shift_sd=0.0, unknown_sd=0.0)


@pytest.mark.parametrize("shape", [1.0, 4.0, 40.0])
def test_the_ends_are_those_of_a_gamma(shape: float) -> None:
    low, high = gamma_band(np.array([shape]), np.array([shape]))
    # Wilson and Hilferty's cube root is within two hundredths from a shape of one on.
    assert float(low[0]) == pytest.approx(float(gamma.ppf(0.05, shape)), abs=0.02 * shape)
    assert float(high[0]) == pytest.approx(float(gamma.ppf(0.95, shape)), rel=0.02)


@pytest.mark.parametrize("shape", [0.02, 0.15, 0.5, 0.99])
def test_a_sum_that_is_mostly_nothing_has_the_ends_of_its_gamma(shape: float) -> None:
    low, high = gamma_band(np.array([shape]), np.array([shape]))
    assert float(low[0]) == pytest.approx(float(gamma.ppf(0.05, shape)), rel=1e-6, abs=1e-300)
    assert float(high[0]) == pytest.approx(max(float(gamma.ppf(0.95, shape)), shape), rel=1e-6)


def test_a_row_that_pays_seldom_may_pay_all_of_it() -> None:
    """Of a chance of 13 % the high end is near what would come, not near what is expected."""
    p, amount = np.array([0.13]), np.array([100.0])
    low, high = NOTHING.band(p * amount, row_variance(p, amount, amount, amount), np.array([0]))
    assert low[0] < 0.01 and 60 < high[0] < 100


def test_bands_hold_nine_in_ten_where_payer_family_and_level_err() -> None:
    rng = np.random.default_rng(5)
    payers, families, each = 12, 4, 25
    n = payers * families * each
    payer, family = np.arange(n) % payers, np.array([f"f{i}" for i in (np.arange(n) // payers) % families], dtype=object)
    amount, p = rng.lognormal(6.0, 0.5, n), rng.uniform(0.2, 0.6, n)
    sums = Sums(payer_sd=0.3, family_sd=0.2, common_sd=0.1, shift_sd=0.0, unknown_sd=0.0)
    zero = np.zeros(n, dtype=np.int64)
    variance, expected = row_variance(p, amount, amount, amount), p * amount
    for group, least in ((payer, 0.87), ((np.arange(n) // payers) % families, 0.87), (zero, 0.85)):
        low, high = sums.band(expected, variance, payer, family=family, group=group)
        held = []
        for _ in range(300):
            factor = 1 + rng.normal(0, 0.3, payers)[payer] + rng.normal(0, 0.2, families)[(np.arange(n) // payers) % families]
            chance = np.clip(p * (factor + rng.normal(0, 0.1)), 0, 1)
            paid = np.bincount(group, (rng.random(n) < chance) * amount)
            held.append(((low <= paid) & (paid <= high)).mean())
        # 300 worlds of few shared errors: the share has a standard error of about two hundredths.
        assert least < np.mean(held) < 0.95


def test_the_shift_moves_all_rows_together() -> None:
    p, amount = np.full(50_000, 0.5), np.ones(50_000)
    sums = Sums(payer_sd=0.0, family_sd=0.0, common_sd=0.0, shift_sd=0.2, unknown_sd=0.0)
    low, high = sums.band(p * amount, np.zeros(50_000), np.zeros(50_000, dtype=int), leverage=row_leverage(p, amount))
    # One standard error of .2 log odds at a chance of one half is .05, of 25,000 dollars 2,500; the band is 1.645 of them each way.
    assert (float(high[0]) - float(low[0])) / 2 == pytest.approx(1.645 * 2500, rel=0.02)


def test_a_payer_without_labels_is_less_sure() -> None:
    sums, one = Sums(payer_labels=(1000, 0)), np.full(100, 5.0)
    widths = [float(high[0] - low[0]) for code in (0, 1, 7, -1) for low, high in [sums.band(one, one, np.full(100, code))]]
    assert widths[0] < widths[1] == widths[2] == widths[3]


def test_a_reason_code_without_labels_is_less_sure() -> None:
    sums, one, payer = Sums(code_labels={"16": 1000, "B11": 0}), np.full(100, 5.0), np.zeros(100, dtype=int)
    bands = [sums.band(one, one, payer, code=np.full(100, code, dtype=object)) for code in ("16", "B11", "unseen")]
    widths = [float(high[0] - low[0]) for low, high in bands]
    assert widths[0] < widths[1] == widths[2]
    before = Sums.from_json({"payer_labels": []})
    assert before.band(one, one, payer, code=np.full(100, "16", dtype=object)) == before.band(one, one, payer)


def test_rows_later_than_any_label_may_be_worth_nothing_and_never_more_than_stated() -> None:
    """Half of the dollars are later than labels reach, and their level lies anywhere from nothing to what is stated."""
    rng = np.random.default_rng(8)
    sums = Sums(payer_sd=0.1, family_sd=0.0, common_sd=0.0, shift_sd=0.0, unknown_sd=0.0, reach_days=80.0)
    one, late = np.ones(20_000), np.where(np.arange(20_000) % 2, 200, 60)
    low, high = sums.band(one, one * 0.0, np.zeros(20_000, dtype=int), days_late=late)
    drawn = (1 + rng.normal(0, 0.1, 4000)) * 10_000 * (1 + rng.random(4000))
    assert 0.87 < ((low[0] <= drawn) & (drawn <= high[0])).mean() < 0.94
    assert low[0] < 12_500 and 20_000 <= high[0] < 21_500
    within = sums.band(one, one * 0.0, np.zeros(20_000, dtype=int), days_late=np.full(20_000, 80))
    plain = sums.band(one, one * 0.0, np.zeros(20_000, dtype=int))
    assert within[0] == plain[0] and within[1] == plain[1]


def test_rows_alone_are_narrower_than_rows_that_share() -> None:
    one, group = np.full(60, 5.0), np.arange(60) // 20
    alone, shared = Sums().alone(one, one, group=group), Sums().band(one, one, np.zeros(60, dtype=int), group=group)
    assert (alone[0] > shared[0]).all() and (alone[1] < shared[1]).all()


@pytest.mark.parametrize("value", [0.0, 40.0])
def test_one_row_and_none(value: float) -> None:
    low, high = Sums().band(np.array([value]), np.array([value]), np.array([0]))
    assert 0 <= low[0] <= value <= high[0] and np.isfinite(high[0])
    empty = Sums().band(np.empty(0), np.empty(0), np.empty(0, dtype=int), family=np.empty(0, dtype=object), leverage=np.empty(0))
    assert [len(end) for end in empty] == [0, 0]
    assert [len(end) for end in Sums().alone(np.empty(0), np.empty(0), group=np.empty(0, dtype=int))] == [0, 0]


def test_few_rows_that_may_all_bring_nothing_begin_there() -> None:
    sums, p = Sums(), np.full(21, 0.3)
    variance, payer, group = (
        row_variance(p, p * 0 + 100.0, p * 0 + 90.0, p * 0 + 110.0),
        np.zeros(21, dtype=int),
        np.r_[0, np.ones(20, int)],
    )
    low, high = sums.band(p * 100.0, variance, payer, nothing=np.log1p(-p), group=group)
    unlooked, same = sums.band(p * 100.0, variance, payer, group=group)
    # One effort brings nothing seven times in ten; all of twenty, once in a thousand.
    assert low[0] == 0.0 < unlooked[0] and low[1] == unlooked[1] > 0.0
    assert 30.0 <= high[0] < same[0] and high[1] == same[1]


def test_a_sum_of_hardly_any_chance_has_a_band_that_holds_its_mean() -> None:
    low, high = gamma_band(np.array([1.0]), np.array([1e6]))
    assert low[0] == 0 and high[0] >= 1.0


def test_row_order_does_not_matter_and_numbers_survive_json() -> None:
    rng = np.random.default_rng(3)
    expected, variance, payer = rng.random(40), rng.random(40), rng.integers(0, 5, 40)
    sums = Sums(payer_labels=(5, 0, 7), family_labels={"coding": 4}, code_labels={"16": 3}, reach_days=41.0)
    again = Sums.from_json(json.loads(json.dumps(sums.as_json())))
    order = rng.permutation(40)
    assert again == sums
    found = again.band(expected[order], variance[order], payer[order])
    assert found[1][0] == pytest.approx(float(sums.band(expected, variance, payer)[1][0]), rel=1e-12)


def test_a_bundle_from_before_there_were_bands_is_wide() -> None:
    assert Sums.from_json(None) == Sums()
    assert NOTHING.payer_sd < Sums().payer_sd
