"""What is known of an effort as of a day, and what a resolved one stands for."""

from __future__ import annotations

import numpy as np
import pytest

from features.batch import Batch
from features.intake.records import read_records
from features.money import NULL
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary
from tests.practice import day
from training.labels import Cases, cases_as_of, delay_weights, kept_chance, resolved_by

WORDS = Vocabulary()


def batches(*outcomes: dict[str, object]) -> tuple[Batch, Batch]:
    """Return two write-offs, W0 and W1, and these outcomes."""
    rows = [{"writeoff_id": f"W{i}", "writeoff_date": "2026-01-01", "payer_id": "P"} for i in range(2)]
    return read_records(rows, WRITEOFFS, vocabulary=WORDS).batch, read_records(list(outcomes), OUTCOMES, vocabulary=WORDS).batch


def outcome(**changes: object) -> dict[str, object]:
    """Return a recovery of 100 dollars known on 1 March, with changes."""
    told: dict[str, object] = {"writeoff_id": "W0", "worked_date": "2026-02-01", "resolved_date": "2026-03-01", "status": "recovered"}
    return {**told, "recovered_amount": "100.00", **changes}


@pytest.mark.parametrize(
    ("changes", "as_of", "count", "decided", "cents"),
    [
        ({}, "2026-03-02", 1, True, 100_00),
        ({}, "2026-03-01", 1, False, 0),  # known on the day itself: too late for that morning
        ({}, "2026-02-01", 0, False, 0),  # not yet begun that morning
        ({"taken_back_amount": "30.00"}, "2026-04-01", 1, True, 70_00),
        ({"taken_back_amount": "130.00"}, "2026-04-01", 1, True, 0),
        ({"status": "denied", "recovered_amount": "0"}, "2026-04-01", 1, True, 0),
        ({"status": "expired", "recovered_amount": None}, "2026-04-01", 1, True, 0),
        ({"status": "abandoned", "recovered_amount": None}, "2026-04-01", 1, True, 0),
        ({"status": "upheld_next_level_open", "recovered_amount": None}, "2026-04-01", 1, False, 0),
        ({"status": "pending", "recovered_amount": None, "resolved_date": None}, "2026-04-01", 1, False, 0),
        ({"writeoff_id": "W9"}, "2026-04-01", 0, False, 0),
    ],
)
def test_an_effort_is_what_was_known_that_morning(changes: dict[str, object], as_of: str, count: int, decided: bool, cents: int) -> None:
    cases, unmatched = cases_as_of(*batches(outcome(**changes)), day(as_of))
    assert len(cases) == count
    assert unmatched == ("writeoff_id" in changes)
    if count:
        assert (bool(cases.decided[0]), int(cases.cents[0])) == (decided, cents)
        assert (cases.resolved_on[0] == NULL) == (day(as_of) <= day("2026-03-01") or changes.get("status") == "pending")


def test_weights_give_back_the_share_that_late_refusals_hide() -> None:
    rng = np.random.default_rng(2)
    n = 6000
    worked, won = rng.integers(0, 365, n), rng.random(n) < 0.5
    delay = np.rint(rng.exponential(np.where(won, 30, 120), n)).astype(np.int64)
    seen = worked + delay < 365
    rows = np.flatnonzero(seen)
    writeoffs, outcomes = batches(outcome())
    base, _ = cases_as_of(writeoffs, outcomes, day("2026-04-01"))
    cases = base.take(np.zeros(len(rows), dtype=np.int64))
    object.__setattr__(cases, "worked_on", worked[rows])
    object.__setattr__(cases, "resolved_on", worked[rows] + delay[rows])
    object.__setattr__(cases, "cents", np.where(won[rows], 100, 0))
    weight = delay_weights(cases, 365)
    naive, mended = won[rows].mean(), np.average(won[rows], weights=weight)
    # Half of all efforts recover; among the resolved more do. The curve of the refusals cannot be seen beyond the window.
    assert naive > 0.56
    assert abs(mended - 0.5) < 0.5 * (naive - 0.5)


def test_young_efforts_whose_refusals_are_hardly_in_count_less_and_do_not_tell_of_recoveries_alone() -> None:
    rng = np.random.default_rng(9)
    n = 40_000
    won, worked = rng.random(n) < 0.5, rng.integers(0, 365, n)
    delay = np.where(won, rng.gamma(2.0, 15.0, n), rng.gamma(2.0, 60.0, n)).astype(np.int64)
    rows = np.flatnonzero(worked + delay < 365)
    nothing, cents = np.zeros(len(rows), dtype=np.int64), np.where(won[rows], 100, 0)
    yes, no = np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    cases = Cases(rows, worked[rows], (worked + delay)[rows], yes, cents, np.full(len(rows), np.nan), no, nothing)
    weight, age = delay_weights(cases, 365), 364 - cases.worked_on
    young = age < 60
    # Nine in ten of the answers that are in after so few days are recoveries.
    assert cases.recovered[young].mean() > 0.8
    assert np.average(cases.recovered[young], weights=weight[young]) == pytest.approx(0.5, abs=0.05)
    assert weight.max() <= 5.01 * weight[age > 350].min()


def test_a_curve_that_is_thin_at_its_end_is_not_halved_by_one_late_case() -> None:
    delay = np.concatenate([np.full(200, 20.0), [2000.0]])
    age = np.concatenate([np.full(200, 100.0), [2100.0]])
    assert resolved_by(delay, age).min() == 1.0


def test_a_young_recovery_counts_for_what_the_old_ones_kept() -> None:
    rng = np.random.default_rng(6)
    n = 8000
    resolved = rng.integers(0, 800, n)
    is_lost = (rng.random(n) < 0.1) & (resolved + rng.integers(40, 200, n) < 800)
    cents, back = np.where(is_lost, 0, 100), np.where(is_lost, 100, 0)
    cases = Cases(np.arange(n), resolved - 30, resolved, np.ones(n, dtype=bool), cents, np.ones(n), np.zeros(n, dtype=bool), back)
    kept = kept_chance(cases, 800)
    # One in ten is lost in the end; of those that came within the last 40 days none is lost yet.
    assert kept[(resolved > 760) & ~is_lost].mean() == pytest.approx(0.95, abs=0.03)
    assert kept[resolved < 400].min() > 0.97
    assert (kept * (cents > 0)).mean() == pytest.approx(0.9, abs=0.015)
    assert kept_chance(cases.take(np.flatnonzero(~is_lost)), 800).min() == 1.0
