"""`/v1/models` by the typed client: listed with what serves, promoted with a reason, once under a key, and never past gates unsaid."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable, Mapping

import pytest

from features.errors import TryAgain
from recoup.promoting import MOST_WAITING, REMEMBERED_SECONDS, OwnProcess
from serving.access import Role
from serving.api.app import create_app
from serving.client import Refused
from serving.client import Service as Program
from tests.serving.client import Client
from tests.serving.identity.clocks import BOSS
from tests.serving.web.practice import Practice
from tests.serving.web.promoted import practice_with_models, serves

WHY = "held every gate of November"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    return practice_with_models(tmp_path_factory.mktemp("home"))


@pytest.fixture
def program(office: Practice) -> Callable[[Role], Program]:
    """From a role to a client with a key of that role."""
    client = Client(create_app(office.service))

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answer = client.request(method, path, content=body, headers=headers)
        return answer.status_code, answer.content

    return lambda role: Program(send, office.gate.programs.make(BOSS, role, owner="test").secret)


def test_models_are_listed_with_their_gates_and_promoted_once_under_a_key(office: Practice, program: Callable[[Role], Program]) -> None:
    told = program(Role.SERVICE).models()
    assert [(one.version, one.gates, one.aliases) for one in told.models][-1] == ("1", "", ["champion"]) and told.serving == "recoup-a"
    assert {one.version: one.gates_failed for one in told.models}["3"] == "calibration"
    ann = program(Role.ANALYST)
    assert ann.promote("2", WHY, once="november").champion == "2" and serves(office) == "2"
    assert ann.promote("1", "the way back, to try again", past_gates=True, once="back").champion == "1"
    # The first request sent again is answered as it was, and moves nothing.
    assert ann.promote("2", WHY, once="november").champion == "2" and serves(office) == "1"
    with office.gate.store.read() as unit:
        acts = [act for act in (line.act() for line in office.gate.log.lines(unit)) if act.action == "model.promote"]
    assert [(act.purpose, act.ids[0]) for act in acts] == [(WHY, "model:2"), ("override: the way back, to try again", "model:1")]


def test_what_may_not_serve_is_refused_and_the_champion_stays(office: Practice, program: Callable[[Role], Program]) -> None:
    ann, before = program(Role.ANALYST), serves(office)
    for version, purpose, status in (("3", WHY, 409), ("99", WHY, 404), ("2", "short", 422)):
        with pytest.raises(Refused) as refused:
            ann.promote(version, purpose)
        assert refused.value.status == status
    with pytest.raises(Refused) as refused:
        program(Role.SERVICE).promote("2", WHY)
    assert refused.value.status == 403 and serves(office) == before


def test_with_a_word_it_serves_past_its_gates(office: Practice, program: Callable[[Role], Program]) -> None:
    assert program(Role.ANALYST).promote("3", "the gate's window was a holiday", past_gates=True).champion == "3" == serves(office)


def test_a_crowd_that_asks_for_the_list_starts_one_process_and_holds_no_thread(office: Practice) -> None:
    now = [0.0]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RECOUP_")}
    # Where other tests hold the cores, one process may take longer than people are kept waiting.
    models = OwnProcess(office.home, None, clean | {"RECOUP_HOME": str(office.home)}, clock=lambda: now[0], patience=120.0)
    told: list[object] = []

    def ask() -> None:
        try:
            told.append(len(models.listed()))
        except TryAgain as error:
            told.append(type(error))

    crowd = [threading.Thread(target=ask) for _ in range(MOST_WAITING + 20)]
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    one_process = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began
    # Those for whom there is no place are told at once; the others share one answer.
    assert set(told) == {3, TryAgain} and told.count(3) == MOST_WAITING
    models.listed()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began == one_process
    now[0] = REMEMBERED_SECONDS
    assert len(models.listed()) == 3 and resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began > one_process
