"""Curves of answers: right where the truth is known, although young efforts show only quick ones."""

from __future__ import annotations

import numpy as np
import pytest

from features.batch import Batch
from features.intake.records import read_records
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from training.labels import Cases, resolved_by
from training.maturity import AGES, class_shares, maturity, share_by

NOW = 1500


def efforts(seed: int = 2, n: int = 12_000) -> Cases:
    """Return efforts of 1,500 days: recoveries take 40 days on average, refusals 80."""
    rng = np.random.default_rng(seed)
    worked, won = rng.integers(0, NOW, n), rng.random(n) < 0.5
    delay = np.floor(rng.exponential(np.where(won, 40, 80), n)).astype(np.int64)
    seen = worked + delay < NOW
    cents = np.where(won & seen, 100, 0)
    # A tenth are of payer 1, a few of payer 2, the others of payer 0.
    row = np.where(np.arange(n) % 10 == 0, 1, np.where(np.arange(n) % 1000 == 1, 2, 0))
    return Cases(row, worked, np.where(seen, worked + delay, -1), seen, cents, np.ones(n), np.zeros(n, dtype=bool), np.zeros(n, dtype=int))


def payers() -> Batch:
    """Return a write-off of each of three payers."""
    rows = [{"writeoff_id": f"W{i}", "writeoff_date": "2026-01-01", "payer_id": f"P{i}"} for i in range(3)]
    return read_records(rows, WRITEOFFS, vocabulary=Vocabulary()).batch


def test_shares_are_those_of_the_delays_that_were_drawn() -> None:
    told = maturity(payers(), efforts(), NOW)
    for name, mean in (("recoveries", 40.0), ("refusals", 80.0)):
        truth = 1 - np.exp(-(np.array(AGES) + 1) / mean)
        # 5,500 efforts a class: a standard error of .007.
        assert told["all"][name]["shares"] == pytest.approx(truth.tolist(), abs=0.025)
    assert told["all"]["recoveries"]["count"] + told["all"]["refusals"]["count"] == int(efforts().decided.sum())


def test_a_plain_share_of_young_efforts_would_be_too_high() -> None:
    rng = np.random.default_rng(4)
    n = 20_000
    age, delay = rng.integers(0, 300, n).astype(float), np.floor(rng.exponential(80, n))
    seen = delay <= age
    at = np.array([30.0, 60.0, 120.0])
    truth = 1 - np.exp(-(at + 1) / 80)
    plain = np.array([(delay[seen] <= t).mean() for t in at])
    found = share_by(delay[seen], age[seen], at)
    assert (plain > truth + 0.04).all()
    # Of those that end within the 300 days seen, which is 98 %.
    assert found == pytest.approx(truth / (1 - np.exp(-301 / 80)), abs=0.03)


def test_a_payer_with_few_answers_is_drawn_to_all() -> None:
    told = {p["payer"]: p for p in maturity(payers(), efforts(), NOW)["payers"]}
    assert [p["payer"] for p in maturity(payers(), efforts(), NOW)["payers"]] == ["P0", "P1", "P2"]
    assert told["P1"]["recoveries"]["mostly_own"] and not told["P2"]["recoveries"]["mostly_own"]
    everyone = maturity(payers(), efforts(), NOW)["all"]
    assert told["P2"]["refusals"]["shares"] == pytest.approx(everyone["refusals"]["shares"], abs=0.1)


def test_the_curve_is_the_one_that_labels_are_weighted_with() -> None:
    done = efforts(n=3000)
    done = done.take(done.decided & done.recovered)
    delay, age = (done.resolved_on - done.worked_on).astype(float), (NOW - 1 - done.worked_on).astype(float)
    seen = age >= delay.min()
    assert np.clip(share_by(delay, age, age), 0.01, 1.0)[seen] == pytest.approx(resolved_by(delay, age)[seen])


def test_shares_rise_with_age() -> None:
    lost, won = class_shares(efforts(), NOW, np.arange(0.0, 400.0, 5.0))
    for shares in (lost, won):
        assert (np.diff(shares) >= 0).all() and shares.min() >= 0.01 and shares.max() <= 1.0


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_known_and_one_effort(count: int) -> None:
    few = efforts().take(np.arange(count))
    told = maturity(payers(), few, NOW)
    assert len(told["payers"]) == count
    assert share_by(np.empty(0), np.empty(0), np.array([30.0])).tolist() == [1.0]
    assert (class_shares(few, NOW, np.array([10.0]))[0] > 0).all()
