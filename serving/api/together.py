"""Lone write-offs that arrive at the same time are scored at the same time.

Sixteen rows together cost about as much as eight alone. Nobody waits for company: whatever has arrived when the event loop comes round
is scored there and then, and few rows are scored one by one. Each row is a question of its own (`Scorer.score(apart=True)`): what it is
answered does not depend on whom it met.
"""

from __future__ import annotations

import asyncio

from serving.api.questions import Answer, Question, answer, answer_apart
from serving.champion import BatchScorer, Loaded

MOST = 32
"""So many are scored before the loop looks after others again; it is held for some milliseconds."""

FEW = 5
"""So many are sooner scored one by one: arrays of few rows take as long as arrays of some dozens."""

QUIET = 4
"""Turns of the loop without a newcomer before a round begins: some hundredths of a millisecond."""


class Together:
    """Gathers questions of one row until the event loop comes round. Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Question, Loaded[BatchScorer], asyncio.Future[Answer]]] = []

    async def answer(self, question: Question, loaded: Loaded[BatchScorer]) -> Answer:
        """Return the answer to a question of one row.

        Raises
        ------
        Problem
            As `answer`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._look, loop, 0, 0)
        self._waiting.append((question, loaded, future))
        return await future

    def _look(self, loop: asyncio.AbstractEventLoop, before: int, quiet: int) -> None:
        """Begin once nobody came for some turns of the loop, or there are enough."""
        count = len(self._waiting)
        quiet = quiet + 1 if count == before else 0
        if quiet < QUIET and count < MOST:
            loop.call_soon(self._look, loop, count, quiet)
        else:
            self._round(loop)

    def _round(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer those that wait, one model and day after the other."""
        turn, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            loop.call_soon(self._round, loop)
        groups: dict[tuple[int, int, int, bool], list[int]] = {}
        for place, (question, loaded, _) in enumerate(turn):
            groups.setdefault((id(loaded), question.as_of, question.latest, question.reasons), []).append(place)
        for places in groups.values():
            loaded = turn[places[0]][1]
            for place, found in zip(places, _answers([turn[place][0] for place in places], loaded), strict=True):
                _settle(turn[place][2], found)


def _answers(questions: list[Question], loaded: Loaded[BatchScorer]) -> list[Answer | Exception]:
    if len(questions) > FEW:
        try:
            return list(answer_apart(questions, loaded))
        except Exception:  # one of them broke it: each is asked alone, so that it breaks its own answer only
            pass
    return [_alone(question, loaded) for question in questions]


def _alone(question: Question, loaded: Loaded[BatchScorer]) -> Answer | Exception:
    try:
        return answer(question, loaded)
    except Exception as error:  # it is raised where the answer is awaited
        return error


def _settle(future: asyncio.Future[Answer], found: Answer | Exception) -> None:
    if future.done():  # whoever asked is gone
        return
    if isinstance(found, Exception):
        future.set_exception(found)
    else:
        future.set_result(found)
