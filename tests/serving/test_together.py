"""Lone rows that arrive together are scored together, and none knows of the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from features.batch import Batch
from serving.api.problems import Problem
from serving.api.questions import Answer, Question
from serving.api.together import FEW, MOST, Together
from serving.champion import BatchScorer, Loaded
from tests.serving.fakes import FixedScorer, FixedScores

LATEST = 30_000
NAMES = [f"N{i}" for i in range(FEW + 1)]


class CountingScorer(FixedScorer):
    """Remembers how many rows came at once."""

    def __init__(self, version: str) -> None:
        super().__init__(version, cut=20_000)
        self.sizes: list[int] = []

    def score(self, batch: Batch, *, as_of: int, reasons: int | None = None, apart: bool = False) -> FixedScores:
        self.sizes.append(len(batch))
        return super().score(batch, as_of=as_of, reasons=reasons, apart=apart)


def question(name: str, as_of: int = 20_500, **columns: Any) -> Question:
    row = {"writeoff_id": name, "writeoff_date": "2026-01-05", "payer_id": "P", **columns}
    return Question([row], as_of, LATEST, True)


def many() -> list[Question]:
    """Return questions of so many rows that they are scored together."""
    return [question(name) for name in NAMES]


def ask(asked: list[tuple[Question, Loaded[BatchScorer]]]) -> list[Answer | BaseException]:
    async def gather() -> list[Answer | BaseException]:
        together = Together()
        return await asyncio.gather(*(together.answer(one, loaded) for one, loaded in asked), return_exceptions=True)

    return asyncio.run(gather())


def ids(answers: list[Answer | BaseException]) -> list[str]:
    return [answer.scores[0]["writeoff_id"] if isinstance(answer, Answer) else type(answer).__name__ for answer in answers]


def test_those_that_wait_are_scored_at_once_and_each_gets_its_own() -> None:
    scorer = CountingScorer("a")
    names = [f"W{i}" for i in range(MOST + 8)]
    loaded = Loaded(scorer, "1")
    assert ids(ask([(question(name), loaded) for name in names])) == names
    assert scorer.sizes == [MOST, 8]


def test_a_row_that_cannot_be_read_or_scored_is_its_own_problem() -> None:
    scorer = CountingScorer("a")
    asked = [question("W1"), question("W2", writeoff_amount="1e3"), question("explode"), question("W3", line_number="x"), *many()]
    loaded = Loaded(scorer, "1")
    answers = ask([(one, loaded) for one in asked])
    assert ids(answers) == ["W1", "Problem", "RuntimeError", "Problem", *NAMES]
    problem = answers[1]
    assert isinstance(problem, Problem) and problem.errors == [(["writeoffs", 0, "writeoff_amount"], "not_an_amount")]


def test_other_days_and_other_models_do_not_mix() -> None:
    one, other = CountingScorer("a"), CountingScorer("b")
    first, second = Loaded(one, "1"), Loaded(other, "2")
    asked = [(question("W1"), first), (question("W2"), second), (question("W3", 20_501), first), *((more, first) for more in many())]
    answers = ask([*asked, (question("W5", 19_999), first)])
    assert ids(answers) == ["W1", "W2", "W3", *NAMES, "Problem"]
    assert [a.scores[0]["model_version"] for a in answers if isinstance(a, Answer)] == ["a", "b", *"aa", *["a"] * (len(NAMES) - 1)]
    assert sorted(one.sizes) == [1, 1 + len(NAMES)] and other.sizes == [1]


def test_few_are_scored_one_by_one() -> None:
    scorer = CountingScorer("a")
    loaded = Loaded(scorer, "1")
    assert ids(ask([(one, loaded) for one in many()[:FEW]])) == NAMES[:FEW] and scorer.sizes == [1] * FEW


@pytest.mark.parametrize("count", [1, 2, 2 + len(NAMES)])
def test_remarks_on_a_row_go_to_who_sent_it(count: int) -> None:
    scorer = CountingScorer("a")
    asked = [question("W1", payer_type="moon"), question("W2", payor="x"), *many()][:count]
    loaded = Loaded(scorer, "1")
    answers = ask([(one, loaded) for one in asked])
    issues = [answer.issues for answer in answers if isinstance(answer, Answer)]
    assert issues == [["payer_type: not_listed, 1 rows"], ["field payor is unknown and was ignored"], *[[]] * len(NAMES)][:count]
