"""The value of a queue: unbiased where the theory says so, and told with what it rests on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.policy_value import ESTIMATES, judge, summary
from features.batch import Batch
from features.feature import Floats
from features.money import NULL
from features.unworked import never_worked, worked_before
from recoup.report.evaluation import evaluation_html
from tests.practice import AS_OF, Files, Learned, day, read_files
from training.evaluate import evaluate
from training.policy_value import (
    LARGEST_WEIGHT,
    Log,
    Value,
    chosen_by_people,
    mature,
    policy_value,
    read_log,
    stand_for,
    stand_for_by_lot,
    take,
)

ROWS, WORLDS = 300, 600
END = day("2026-11-01")


class World:
    """Write-offs with known chances of being worked and of paying; a queue takes the better part of them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.kind = rng.random(ROWS)
        self.win = 0.1 + 0.6 * self.kind
        self.amount = rng.lognormal(5.0, 0.5, ROWS)
        self.chance = 0.1 + 0.5 * self.kind
        self.taken = take(np.argsort(-self.win * self.amount), np.ones(ROWS), 0.4)
        self.true = float(self.taken @ (self.win * self.amount))

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.bool_], Floats]:
        """Draw who is worked and what each would bring."""
        return rng.random(ROWS) < self.chance, np.where(rng.random(ROWS) < self.win, self.amount, 0.0)

    def estimates(self, chance: Floats, expected: Floats) -> list[Value]:
        """Estimate the queue in many draws, with these beliefs."""
        rng = np.random.default_rng(11)
        found = []
        for _ in range(WORLDS):
            worked, dollars = self.draw(rng)
            found.append(policy_value(self.taken, np.where(worked, 1.0 / chance, 0.0), dollars, expected))
        return found


WORLD = World()
RIGHT_CHANCE, WRONG_CHANCE = WORLD.chance, np.full(ROWS, 0.3)
RIGHT_MODEL, WRONG_MODEL = WORLD.win * WORLD.amount, 0.9 * WORLD.amount


def away(values: list[float]) -> float:
    """Distance of the mean from the truth in its standard errors."""
    return float(abs(np.mean(values) - WORLD.true) / (np.std(values) / np.sqrt(len(values))))


# Four standard errors: one honest run in 16,000 lies further away.
@pytest.mark.parametrize(
    ("name", "chance", "expected"),
    [
        ("ips", RIGHT_CHANCE, WRONG_MODEL),
        ("dr", RIGHT_CHANCE, RIGHT_MODEL),
        ("dr", RIGHT_CHANCE, WRONG_MODEL),
        ("dr", WRONG_CHANCE, RIGHT_MODEL),
    ],
)
def test_the_mean_over_worlds_is_the_truth_if_chances_or_model_are_right(name: str, chance: Floats, expected: Floats) -> None:
    assert away([getattr(value, name) for value in WORLD.estimates(chance, expected)]) < 4.0


@pytest.mark.parametrize("name", ["dr", "ips", "model"])
def test_with_wrong_chances_and_a_wrong_model_nothing_is_right(name: str) -> None:
    values = [getattr(value, name) for value in WORLD.estimates(WRONG_CHANCE, WRONG_MODEL)]
    assert abs(np.mean(values) / WORLD.true - 1.0) > 0.05


def test_self_normalised_is_close_and_never_above_the_largest_outcome() -> None:
    found = WORLD.estimates(RIGHT_CHANCE, WRONG_MODEL)
    # A ratio of means is biased by the order of 1 / effective size, about 1 / 60 here.
    assert np.mean([value.snips for value in found]) == pytest.approx(WORLD.true, rel=0.03)
    assert max(value.snips for value in found) <= WORLD.taken.sum() * WORLD.amount.max()


def test_a_right_model_makes_doubly_robust_less_noisy_than_weights_alone() -> None:
    found = WORLD.estimates(RIGHT_CHANCE, RIGHT_MODEL)
    assert np.std([value.dr for value in found]) < 0.9 * np.std([value.ips for value in found])


def test_the_interval_holds_the_truth_about_nine_times_in_ten() -> None:
    held = np.mean([value.low <= WORLD.true <= value.high for value in WORLD.estimates(RIGHT_CHANCE, WRONG_MODEL)])
    # It is for periods like this one, so that on one fixed period it holds at least as often; .87 is .90 less 2.5 standard errors.
    assert held >= 0.87


def slow_ips(taken: Floats, weight: Floats, dollars: Floats) -> float:
    """Add up the queue one worked write-off at a time: each counts for as many as it stands for."""
    total = 0.0
    for part, stands, money in zip(taken.tolist(), weight.tolist(), dollars.tolist(), strict=True):
        if stands > 0:
            total += part * stands * money
    return total


@pytest.mark.parametrize("seed", range(20))
def test_ips_is_the_slow_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    weight = np.where(rng.random(n) < 0.5, 1.0 / rng.uniform(0.05, 1.0, n), 0.0)
    taken, dollars = rng.random(n), np.where(weight > 0, rng.lognormal(4, 1, n), np.nan)
    found = policy_value(taken, weight, dollars, np.zeros(n))
    assert found.ips == pytest.approx(slow_ips(taken, weight, dollars), rel=1e-12)
    assert found.dr == pytest.approx(found.ips, rel=1e-12)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_where_nobody_worked_the_model_is_all_there_is(n: int) -> None:
    found = policy_value(np.ones(n), np.zeros(n), np.full(n, np.nan), np.full(n, 7.0))
    assert (found.dr, found.ips, found.snips, found.effective) == (7.0 * n, 0.0, 0.0, 0.0)
    assert found.low <= found.dr <= found.high


def test_effective_size_counts_equal_weights_fully() -> None:
    assert policy_value(np.ones(4), np.array([10.0, 10, 10, 0]), np.ones(4), np.ones(4)).effective == pytest.approx(3.0)
    assert policy_value(np.ones(3), np.array([100.0, 1, 1]), np.ones(3), np.ones(3)).effective < 1.1


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_queue_takes_exactly_its_hours_and_first_things_first(share: float) -> None:
    hours = np.random.default_rng(2).uniform(0.1, 3.0, 50)
    order = np.random.default_rng(3).permutation(50)
    taken = take(order, hours, share)
    assert taken @ hours == pytest.approx(share * hours.sum())
    assert (np.diff(taken[order]) <= 0).all() and ((taken > 0) & (taken < 1)).sum() <= 1


def log_of(n: int, **changes: NDArray[np.generic]) -> Log:
    """Return a log in which nobody worked anything, with changes."""
    nothing = np.full(n, NULL, dtype=np.int64)
    given = {
        "posted_on": np.zeros(n, dtype=np.int64),
        "begun_on": nothing,
        "paid_on": nothing,
        "explored": np.zeros(n, dtype=np.bool_),
        "chance": np.full(n, np.nan),
        "dollars": np.zeros(n),
    }
    return Log(**(given | changes))


def test_each_worked_write_off_stands_for_one_over_its_chance() -> None:
    # A queue's sure choice, a lot's of 10 %, one that people chose as they do in half of such cases, one that nobody worked.
    log = log_of(
        4, begun_on=np.array([1, 1, 1, NULL]), explored=np.array([False, True, False, False]), chance=np.array([1, 0.1, np.nan, np.nan])
    )
    assert stand_for(log, np.array([0, 0, 0.5, 0.5])) == pytest.approx([1.0, 10.0, 1 / 0.55, 0.0])
    assert stand_for_by_lot(log) == pytest.approx([0.0, 10.0, 0.0, 0.0])
    assert stand_for(log, np.array([0, 0, 0.5, 0.5]), np.full(4, 0.5)) == pytest.approx([1.0 / 0.5, 20.0, 2 / 0.55, 0.0])


def test_without_a_lot_the_estimated_chance_weighs_and_is_clipped() -> None:
    log = log_of(3, begun_on=np.array([1, 1, 1]))
    assert stand_for(log, np.array([0.5, 0.001, 0.0])).tolist() == [2.0, LARGEST_WEIGHT, LARGEST_WEIGHT]
    assert not stand_for_by_lot(log).any()


def test_a_lot_of_unknown_chance_counts_as_the_share_it_drew() -> None:
    log = log_of(4, begun_on=np.array([1, NULL, NULL, NULL]), explored=np.array([True, False, False, False]))
    assert stand_for_by_lot(log).tolist() == [4.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("weigh", [stand_for, lambda log, people: stand_for_by_lot(log)], ids=["lot and people", "lot"])
def test_lot_and_people_together_are_unbiased_where_columns_hold_the_reasons(weigh: Callable[[Log, Floats], Floats]) -> None:
    rng, rate, people = np.random.default_rng(23), 0.1, WORLD.kind * 0.8
    found = []
    for _ in range(WORLDS):
        lot = rng.random(ROWS) < rate
        worked = lot | (rng.random(ROWS) < people)
        dollars = np.where(rng.random(ROWS) < WORLD.win, WORLD.amount, 0.0)
        log = log_of(ROWS, begun_on=np.where(worked, 1, NULL), explored=lot, chance=np.where(lot, rate, np.nan))
        found.append(policy_value(WORLD.taken, weigh(log, people), dollars, WRONG_MODEL).dr)
    assert away(found) < 4.0


def test_what_people_choose_is_estimated_from_codes_and_amount() -> None:
    rng = np.random.default_rng(4)
    n = 4000
    payer, amount = rng.integers(0, 6, n), rng.lognormal(5, 1, n)
    true = 1 / (1 + np.exp(-(0.7 * np.log2(amount) - 6.5 + 0.6 * (payer - 3))))
    log = log_of(n, begun_on=np.where(rng.random(n) < true, 1, NULL))
    found = chosen_by_people(log, [payer], amount)
    # Ridge draws a little to the mean; steps of a factor two are not a line.
    assert np.abs(found - true).mean() < 0.04


@pytest.mark.parametrize(("begun", "told"), [(NULL, 0.0), (1, 1.0)])
def test_where_people_chose_nothing_or_all_nothing_is_fitted(begun: int, told: float) -> None:
    assert chosen_by_people(log_of(5, begun_on=np.full(5, begun)), [np.arange(5)], np.ones(5)).tolist() == [told] * 5


def test_young_cash_stands_for_what_is_still_to_come() -> None:
    rng = np.random.default_rng(9)
    n, now = 20_000, 400
    posted = rng.integers(0, now, n)
    begun = posted + rng.integers(1, 20, n)
    paid = begun + rng.integers(5, 100, n)
    log = log_of(
        n,
        posted_on=posted,
        begun_on=np.where(begun < now, begun, NULL),
        paid_on=np.where(paid < now, paid, NULL),
        dollars=(paid < now) * 1.0,
    )
    known = mature(log, now)
    recent = (posted >= now - 90) & (posted < now - 40)
    assert log.dollars[recent].sum() < 0.7 * recent.sum()
    # Two per cent: three binomial standard errors of some thousand that are worth up to twice their count.
    grown = log.dollars / known.paid / known.begun
    assert grown[recent].sum() == pytest.approx(recent.sum(), rel=0.04)
    # A quarter of the cash comes within about 37 days: 1 to 19 to begin, then 5 to 99.
    assert not known.old[posted > now - 30].any() and known.old[posted < now - 45].all()
    nothing = mature(log_of(2), now)
    assert nothing.paid.tolist() == [1.0, 1.0] and nothing.old.all()


def test_the_log_holds_the_first_choice_and_all_the_cash_known_by_then(practice: Files) -> None:
    log = read_log(practice.writeoffs, practice.outcomes, AS_OF)
    c = practice.outcomes.columns
    place = {key: i for i, key in enumerate(practice.writeoffs.columns["writeoff_id"].tolist())}
    cents: dict[int, int] = {}
    begun: dict[int, int] = {}
    for i in range(len(practice.outcomes)):
        row, worked, ended = place[c["writeoff_id"][i]], int(c["worked_date"][i]), int(c["resolved_date"][i])
        if worked < AS_OF:
            begun[row] = min(begun.get(row, worked), worked)
            if ended != NULL and ended < AS_OF:
                cents[row] = cents.get(row, 0) + max(int(c["recovered_amount"][i]), 0) - max(int(c["taken_back_amount"][i]), 0)
    assert np.flatnonzero(log.worked).tolist() == sorted(begun)
    assert all(log.begun_on[row] == first for row, first in begun.items())
    assert all(log.dollars[row] == pytest.approx(max(total, 0) / 100) for row, total in cents.items())
    assert log.explored.any() and (log.chance[log.explored] == 0.03).all() and np.isnan(log.chance[log.by_people]).all()


@dataclass(frozen=True, slots=True)
class Judged:
    """A practice coded by its model's words, and what was found of it."""

    files: Files
    learned: Learned

    def evaluated(self, *, is_lot_known: bool = True) -> dict[str, Any]:
        """Judge the last four months; without a lot, the same efforts as if people had chosen all."""
        outcomes = self.files.outcomes
        if not is_lot_known:
            n = len(outcomes)
            columns = outcomes.columns | {
                "explored": np.zeros_like(outcomes.columns["explored"]),
                "selection_probability": np.full(n, np.nan),
            }
            outcomes = Batch(outcomes.table, columns, outcomes.vocabulary)
        scorer = self.learned.scorer
        return evaluate(self.files.writeoffs, outcomes, scorer=scorer, as_of=END, start=AS_OF, end=END, capacity=(0.1, 0.3))


@pytest.fixture(scope="module")
def judged(practice: Files, learned: Learned) -> Judged:
    return Judged(read_files(practice.folder, learned.scorer.vocabulary.overlay()), learned)


def test_evaluate_compares_orders_in_dollars_with_an_interval(judged: Judged) -> None:
    result = judged.evaluated()
    value = result["policy_value"]
    json.dumps(value, allow_nan=False)
    assert value["rows"] < result["rows"] and value["until"] < result["as_of"]
    assert value["exploration_rate"] == 0.03 and value["propensity"] == "logged and estimated" and value["explored_rows"] > 0
    assert [at["share"] for at in value["capacity"]] == [0.1, 0.3]
    for at in value["capacity"]:
        assert list(at["policies"]) == ["model", "static_rule", "dollars_per_hour", "oldest_first"]
        for told in at["policies"].values():
            assert told["low"] <= told["dr"] <= told["high"] and 0 <= told["effective"] <= value["worked_rows"]
            assert told["by_lot"]["model"] == told["model"] and told["by_lot"]["effective"] <= value["explored_rows"]
    small, large = (at["policies"]["model"]["model"] for at in value["capacity"])
    assert 0 < small < large
    assert any("estimated chance of their choice" in warning for warning in result["warnings"])
    assert judged.evaluated()["policy_value"] == value


def test_without_a_lot_the_value_says_that_it_leans_on_the_model(judged: Judged) -> None:
    result = judged.evaluated(is_lot_known=False)
    value = result["policy_value"]
    assert (value["explored_rows"], value["exploration_rate"], value["propensity"]) == (0, 0.0, "estimated")
    assert all(told["by_lot"] is None for at in value["capacity"] for told in at["policies"].values())
    assert any("leans on the model" in warning for warning in result["warnings"])


def test_where_nothing_was_worked_there_is_no_value(judged: Judged) -> None:
    files = judged.files
    none = files.outcomes.take(np.zeros(len(files.outcomes), dtype=np.bool_))
    result = evaluate(files.writeoffs, none, scorer=judged.learned.scorer, as_of=END, start=AS_OF, end=END)
    assert result["policy_value"] is None
    assert any("cannot be estimated" in warning for warning in result["warnings"])
    evaluation_html(result)


def test_payers_and_codes_never_worked_before_the_cut_are_listed(judged: Judged) -> None:
    files = judged.files
    rows = np.flatnonzero(files.writeoffs.columns["writeoff_date"] >= AS_OF)
    found = never_worked(files.writeoffs, worked_before(files.writeoffs, files.outcomes, AS_OF), rows)
    place = {key: i for i, key in enumerate(files.writeoffs.columns["writeoff_id"].tolist())}
    o = files.outcomes.columns
    tried = [place[key] for key, day_ in zip(o["writeoff_id"].tolist(), o["worked_date"].tolist(), strict=True) if day_ < AS_OF]
    for kind, column, name in (("payers", "payer_id", "payer"), ("carcs", "carc", "carc")):
        words = files.writeoffs.vocabulary.decode(column, files.writeoffs.columns[column])
        known = {words[row] for row in tried}
        new = {words[row] for row in rows.tolist()} - known - {None}
        assert {one[name] for one in found[kind]} == new
        assert sum(one["rows"] for one in found[kind]) == sum(words[row] in new for row in rows.tolist())
        assert [one["dollars"] for one in found[kind]] == sorted((one["dollars"] for one in found[kind]), reverse=True)
    assert found["carcs"]


def test_what_was_never_worked_is_named_in_a_warning(judged: Judged) -> None:
    files = judged.files
    c = files.writeoffs.columns
    largest = np.bincount(c["payer_id"]).argmax()
    ids = set(c["writeoff_id"][c["payer_id"] == largest].tolist())
    others = files.outcomes.take(np.array([key not in ids for key in files.outcomes.columns["writeoff_id"].tolist()]))
    result = evaluate(files.writeoffs, others, scorer=judged.learned.scorer, as_of=END, start=AS_OF, end=END)
    name = files.writeoffs.vocabulary.decode("payer_id", np.array([largest]))[0]
    assert name in {one["payer"] for one in result["never_worked"]["payers"]}
    assert any("never worked before 2026-07-01" in warning and str(name) in warning for warning in result["warnings"])


def test_the_benchmark_tells_every_estimate() -> None:
    found = judge(1500, 5, 0.2)
    assert {one["known"] for one in found} == {"all answers", "at the end"} and len(found) == 8
    assert all(one["true"] > 0 and np.isfinite([one[name] for name in ESTIMATES]).all() for one in found)
    assert len(summary(found)) == 8
