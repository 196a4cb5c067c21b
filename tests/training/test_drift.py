"""A payer that changes its mind is found; one that does not seldom rings; who comes in is looked at apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.drift import plant, rings
from features.errors import UsageError
from features.money import NULL
from models.calibration import probability
from models.drift import DESIGN, Stream, charts, shift_of, steps, threshold
from models.reference import histograms, shifts, stability_index
from tests.practice import AS_OF, Files, Learned, day
from training.cut import Ledger, cut_ledger, recode
from training.drift import delay_odds, results_since, watch
from training.labels import Cases

END = day("2026-11-01")
SEEDS = range(10)


def coded(files: Files, learned: Learned) -> Ledger:
    """Return what was known at the end, coded for the model."""
    words = learned.scorer.vocabulary.overlay()
    known = cut_ledger(files.writeoffs, files.outcomes, files.tables, END)
    return Ledger(recode(known.writeoffs, words), recode(known.outcomes, words), {}, words)


def test_a_jump_of_one_cell_is_found_within_its_days_in_nine_of_ten_seeds() -> None:
    assert sum(rings(plant(seed, 80))[0] for seed in SEEDS) >= 9


def test_without_a_jump_hardly_anything_rings() -> None:
    # One false alarm a year is .12 in 45 days: of ten seeds 1.2 are expected, more than four have a chance of .8 %.
    assert sum(sum(rings(plant(seed, 80, jump=0.0))) for seed in SEEDS) <= 4


def test_a_sum_is_that_of_a_slow_twin() -> None:
    rng = np.random.default_rng(2)
    n = 60
    stream = Stream(np.sort(rng.integers(0, 50, n)), rng.normal(size=n), rng.random(n) < 0.4)
    group = rng.integers(-1, 3, n)
    for chart in charts(stream, group):
        assert (group[chart.rows] == chart.group).all() and chart.group >= 0
        for s, side in enumerate((-1.0, 1.0)):
            level = 0.0
            for i, row in enumerate(chart.rows.tolist()):
                p0, p1 = (probability(stream.logit[row] + side * size) for size in (DESIGN.least, DESIGN.change))
                likelier = p1 / p0 if stream.won[row] else (1 - p1) / (1 - p0)
                level = max(0.0, level + float(np.log(likelier)))
                assert chart.paths[i, s] == pytest.approx(level, abs=1e-12)


@pytest.mark.parametrize("logit", [-6.0, -1.0, 0.0, 2.0, 6.0])
@pytest.mark.parametrize("error", [-0.3, 0.0, 0.3])
def test_a_step_falls_on_average_while_the_error_is_the_models_own(logit: float, error: float) -> None:
    p = float(probability(np.array([logit + error]))[0])
    for side in range(2):
        lost, won = steps(np.array([logit]))[0, side]
        assert p * won + (1 - p) * lost <= 1e-12
        # Each step's likelihood ratio has mean at most 1, which bounds how often a sum passes any height.
        assert p * np.exp(won) + (1 - p) * np.exp(lost) <= 1.0 + 1e-12


def test_more_false_alarms_are_a_lower_threshold() -> None:
    planted = plant(1, 0)
    heights = [threshold(planted.stream, [planted.cell], allowed) for allowed in (0.05, 0.5, 5.0)]
    assert heights[0] > heights[1] > heights[2] > 0


def test_an_alarm_tells_the_size_of_the_change() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(size=4000)
    won = rng.random(4000) < probability(logit - 1.5)
    assert shift_of(logit, won) == pytest.approx(-1.5, abs=0.15)


def test_the_days_to_an_answer_speak_where_refusals_come_later() -> None:
    rng = np.random.default_rng(4)
    n = 4000
    won = rng.random(n) < 0.5
    delay = np.where(won, rng.integers(1, 60, n), rng.integers(1, 120, n))
    worked = rng.integers(0, 400, n)
    cases = Cases(np.arange(n), worked, worked + delay, np.ones(n, bool), np.where(won, 100, 0), np.ones(n), np.zeros(n, bool), 0 * worked)
    past = cases.take(cases.resolved_on < 400)
    asked = cases.take(np.array([int(np.argmax(delay < 50)), int(np.argmax(delay > 80))]))
    early, late = delay_odds(past, asked, 400)
    # Of answers within 59 days two in three are recoveries, because refusals are spread over twice the time; later ones are refusals.
    assert early == pytest.approx(np.log(2.0), abs=0.25) and late < -2.0


def test_a_practice_is_watched(practice: Files, learned: Learned) -> None:
    found = watch(learned.scorer, coded(practice, learned), END, learned.bundle.reference)
    outcomes = practice.outcomes.columns
    ended = (outcomes["resolved_date"] != NULL) & (outcomes["resolved_date"] >= AS_OF) & (outcomes["resolved_date"] < END)
    assert 0 < found["results"] <= int(ended.sum())
    assert found["results"] == found["chosen"]["results"] + found["explored"]["results"] and found["explored"]["results"] > 5
    assert abs(found["chosen"]["z"]) < 4 and found["new_writeoffs"] > 500
    assert all(0 <= row["share"] <= 0.05 for row in found["new_codes"])
    assert found["moved"] and max(row["psi"] for row in found["moved"]) < 0.25


def test_a_payer_that_stops_paying_rings_with_advice(practice: Files, learned: Learned) -> None:
    ledger = coded(practice, learned)
    results = results_since(learned.scorer, ledger, END)
    hopeful = {name: probability(results.logit)[results.payer == name].sum() for name in set(results.payer.tolist())}
    payer = max(hopeful, key=lambda name: float(hopeful[name]))
    at = {key: i for i, key in enumerate(ledger.writeoffs.columns["writeoff_id"].tolist())}
    theirs = np.array([ledger.writeoffs.words("payer_id")[at[key]] == payer for key in ledger.outcomes.columns["writeoff_id"].tolist()])
    columns = dict(ledger.outcomes.columns)
    stopped = theirs & (columns["resolved_date"] >= AS_OF)
    columns["recovered_amount"] = np.where(stopped, 0, columns["recovered_amount"])
    found = watch(learned.scorer, replace(ledger, outcomes=replace(ledger.outcomes, columns=columns)), END, learned.bundle.reference)
    rows = [row for row in found["alarms"] if row["payer"] == payer]
    assert rows and all(row["direction"] == "pays less often" and row["shift"] < -0.5 for row in rows)
    assert any(line.startswith(payer) and ("retrain" in line) for line in found["advice"])


def test_nothing_is_watched_before_anything_became_known(practice: Files, learned: Learned) -> None:
    with pytest.raises(UsageError, match="nothing is newer"):
        watch(learned.scorer, coded(practice, learned), AS_OF, {})


def test_histograms_tell_moved_features_and_nulls() -> None:
    rng = np.random.default_rng(0)
    before = np.column_stack([rng.normal(size=3000), rng.integers(0, 5, 3000).astype(float)])
    told = histograms(before, ["billed_dollars", "carc_code"], {"carc_code": 5})
    calm = shifts(told, np.column_stack([rng.normal(size=3000), rng.integers(0, 5, 3000).astype(float)]), ["billed_dollars", "carc_code"])
    assert max(calm.values()) < 0.02
    moved = shifts(told, np.column_stack([rng.normal(size=3000) + 1, np.full(3000, np.nan)]), ["billed_dollars", "carc_code"])
    assert moved["billed_dollars"] > 0.5 and moved["carc_code"] > 5
    assert stability_index(np.array([50, 50, 0, 0]), np.array([50, 50, 1, 1])) < 0.05
