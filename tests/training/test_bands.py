"""Shared errors are found where they were planted; forecasts know only the past; evaluation tells bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibration import Calibration
from models.sums import Sums
from recoup.report.evaluation import evaluation_html
from tests.practice import AS_OF, Files, Learned, day, read_files
from training.bands import back_test, chance_given_ended
from training.evaluate import evaluate
from training.labels import Cases
from training.maturity import AGES
from training.sums import NO_EXPLORATION_SD, PRIOR_PAYER_SD, Past, Question, fit_sums, forecast_past, shared_sd


def planted(payer_sd: float, *, payers: int = 40, each: int = 300, level: float = 1.0, seed: int = 1) -> Past:
    """Return forecasts whose rows share an error by payer and quarter: a mean of 100 dollars a row."""
    rng = np.random.default_rng(seed)
    groups = payers * 3
    place = np.repeat(np.arange(groups), each)
    factor = level * np.maximum(1 + rng.normal(0, payer_sd, groups), 0.0)[place]
    dollars = np.where(rng.random(len(place)) < np.minimum(0.25 * factor, 1.0), 400.0, 0.0)
    flat = np.full(len(place), 100.0)
    variance, one = np.full(len(place), 400.0**2 * 0.25 * 0.75), np.ones(len(place))
    family = rng.integers(0, 8, len(place))
    return Past(flat, variance, dollars, one, place % payers, family, place // payers)


def fitted(past: Past, **changes: float) -> Sums:
    """Return what is learned with much exploration."""
    information = {"information": 1000.0, "explored_information": 500.0, **changes}
    return fit_sums(
        past,
        payer_labels=(1,),
        family_labels={},
        information=information["information"],
        explored_information=information["explored_information"],
    )


@pytest.mark.parametrize("sd", [0.0, 0.15, 0.4])
def test_the_planted_error_of_payers_is_recovered(sd: float) -> None:
    worlds = [planted(sd, seed=seed) for seed in range(4)]
    found = [shared_sd(past, past.expected, past.payer, 1.0, prior=0.3, groups=0.1) for past in worlds]
    # 480 groups of 300 rows, each with an error of .1 of its own: the standard error is .01 to .02; a sd is never below zero.
    assert np.mean(found) == pytest.approx(sd, abs=0.04)


def test_few_groups_leave_what_was_believed() -> None:
    past = planted(0.0, payers=1, each=60)
    assert shared_sd(past, past.expected, past.payer, 1.0, prior=0.3, groups=90.0) == pytest.approx(0.3, abs=0.02)
    nobody = np.empty(0, dtype=np.int64)
    none = Past(np.empty(0), np.empty(0), np.empty(0), np.empty(0), nobody, nobody, nobody)
    assert fitted(none).payer_sd == PRIOR_PAYER_SD
    assert fitted(none).noise == 1.0


def test_a_level_that_all_payers_share_is_common_and_not_theirs() -> None:
    even, high = (fitted(planted(0.1, level=level)) for level in (1.0, 1.3))
    assert high.common_sd > even.common_sd + 0.05
    assert high.payer_sd == pytest.approx(even.payer_sd, abs=0.03)


def test_noise_is_the_squared_error_over_the_variance_that_was_stated_and_never_less_than_stated() -> None:
    past = planted(0.0)
    bold, doubtful = (
        Past(past.expected, factor * past.variance, past.dollars, past.weight, past.payer, past.family, past.quarter)
        for factor in (0.5, 2.0)
    )
    assert fitted(past).noise == pytest.approx(1.0, abs=0.03)
    assert fitted(bold).noise == pytest.approx(2.0, abs=0.05)
    assert fitted(doubtful).noise == 1.0


def test_the_shift_is_less_sure_without_exploration() -> None:
    past = planted(0.1, payers=2, each=5)
    found = [fitted(past, explored_information=information).shift_sd for information in (0.0, 20.0, 400.0)]
    assert found[0] > found[1] > found[2]
    assert found[0] == pytest.approx(NO_EXPLORATION_SD, abs=0.01)


def test_bands_learned_from_the_past_hold_nine_in_ten_of_what_follows() -> None:
    held = {"shared": 0.0, "alone": 0.0}
    for seed in range(5):
        sums = fitted(planted(0.25, seed=seed))
        later = planted(0.25, seed=100 + seed)
        group = later.payer + 40 * later.quarter
        paid = np.bincount(group, later.dollars)
        known = Sums(**{**sums.as_json(), "payer_labels": (10**9,) * 40})
        for kind, (low, high) in {
            "shared": known.band(later.expected, later.variance, later.payer, group=group),
            "alone": known.alone(later.expected, later.variance, group=group),
        }.items():
            held[kind] += float(((low <= paid) & (paid <= high)).mean()) / 5
    # 600 groups: a standard error of .012.
    assert 0.87 <= held["shared"] <= 0.96
    assert held["alone"] < 0.75


def cases(worked: NDArray[np.int64], delay: NDArray[np.int64], won: NDArray[np.bool_]) -> Cases:
    """Return decided efforts, each recovery of a dollar."""
    n = len(worked)
    return Cases(
        np.arange(n),
        worked,
        worked + delay,
        np.ones(n, dtype=bool),
        np.where(won, 100, 0),
        np.ones(n),
        np.zeros(n, dtype=bool),
        np.zeros(n, dtype=int),
    )


def test_a_forecast_knows_only_what_was_known_on_its_first_morning() -> None:
    rng = np.random.default_rng(2)
    done = cases(rng.integers(0, 700, 3000), rng.integers(1, 200, 3000), rng.random(3000) < 0.4)
    asked_of: list[NDArray[np.int64]] = []

    def forecast(questions: Sequence[Question]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        for known, start, asked in questions:
            assert (done.resolved_on[known] < start).all() and (done.worked_on[asked] >= start).all()
            asked_of.append(asked)
        return [(np.full(len(asked), 0.4), np.ones(len(asked))) for _, _, asked in questions]

    spread = np.where(np.arange(3000) % 10 == 0, np.nan, 0.5)
    past = forecast_past(done, np.ones(3000), np.zeros(3000), np.zeros(3000), spread, forecast)
    rows = np.concatenate(asked_of)
    assert len(past) == len(rows) == len(np.unique(rows))
    assert not np.isnan(spread[rows]).any() and set(past.quarter.tolist()) == {0, 1, 2}
    assert past.dollars.tolist() == (done.cents[rows] / 100).tolist()


@pytest.mark.parametrize("count", [0, 1, 40])
def test_too_few_efforts_make_no_forecast(count: int) -> None:
    done = cases(np.arange(count), np.ones(count, dtype=np.int64), np.arange(count) % 2 == 0)
    never = [np.zeros(0)]

    def forecast(*_: object) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        raise AssertionError(never)

    assert len(forecast_past(done, np.ones(count), np.zeros(count), np.zeros(count), np.ones(count), forecast)) == 0


def test_what_has_ended_by_choice_recovers_more_than_what_was_scored() -> None:
    rng = np.random.default_rng(9)
    n, p = 200_000, 0.3
    won = rng.random(n) < p
    ended = rng.random(n) < np.where(won, 0.8, 0.5)
    found = chance_given_ended(np.full(1, p), np.ones(1, dtype=bool), Calibration(), np.full(1, 0.8), np.full(1, 0.5))
    assert float(found[0]) == pytest.approx(won[ended].mean(), abs=0.005)
    taken_off = Calibration(0.0, -0.5)
    chosen, drawn = (chance_given_ended(np.full(1, p), np.array([lot]), taken_off, np.ones(1), np.ones(1)) for lot in (False, True))
    assert chosen[0] > drawn[0] == pytest.approx(p)
    assert chance_given_ended(np.zeros(1), np.zeros(1, dtype=bool), taken_off, np.ones(1), np.ones(1))[0] == 0.0


def test_evaluation_tells_bands_maturity_and_use(practice: Files, learned: Learned) -> None:
    known = read_files(practice.folder, learned.scorer.vocabulary.overlay())
    r = evaluate(known.writeoffs, known.outcomes, scorer=learned.scorer, as_of=day("2026-11-01"), start=AS_OF, end=day("2026-11-01"))
    bands = r["bands"]
    assert bands["window"]["rows"] == r["resolved_rows"]
    for name in ("months", "payer_quarters", "families"):
        assert sum(g["rows"] for g in bands[name]) == r["resolved_rows"]
        assert sum(g["actual_dollars"] for g in bands[name]) == pytest.approx(r["actual_dollars"], abs=0.01 * len(bands[name]))
        assert all(g["low"] <= g["expected_dollars"] <= g["high"] for g in bands[name])
    assert bands["truth"] is None
    assert bands["in_scope_if_all_were_worked"]["expected_dollars"] > bands["window"]["expected_dollars"]
    assert r["maturity"]["ages"] == list(AGES)
    for by in ("payer_type", "facility_id"):
        assert sum(g["resolved_rows"] for g in r["use"][by]) == r["resolved_rows"]
        assert all((g["expected_dollars"] is None) == (g["resolved_rows"] < 30) for g in r["use"][by])
    page = evaluation_html(r)
    for words in ("How sure are the sums?", "How fast do answers come?", "Who is served", "nine times in ten", "Medicare"):
        assert words in page
    for name in ("bands", "maturity", "use"):
        assert "How sure" in evaluation_html({**r, name: None}) or name == "bands"


def test_a_back_test_counts_every_group_that_expects_something(practice: Files, learned: Learned) -> None:
    known = read_files(practice.folder, learned.scorer.vocabulary.overlay())
    window = known.writeoffs.take(known.writeoffs.columns["writeoff_date"] >= AS_OF)
    scores = learned.scorer.score(window, as_of=AS_OF, reasons=0)
    exact = scores.columns["expected_recovery"]
    found = back_test(learned.scorer.models.sums, window, scores, exact)
    assert all(told["shared"] == told["alone"] == 1.0 for told in found.values())
    assert all(told["shared"] == 0.0 for told in back_test(learned.scorer.models.sums, window, scores, exact * 100).values())
