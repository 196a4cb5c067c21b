"""A fit whose pieces are done in forks is the same fit."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from features.errors import StorageFailed
from features.pieces import one_by_one
from models.bundle import read_manifest
from recoup.forks import FEWEST, MOST, forked, hands_for
from tests.practice import AS_OF, CREATED, Files, Learned
from training.fit import train
from training.publish import publish


def _double(shared: list[int], place: int) -> tuple[int, int]:
    return 2 * shared[place], os.getpid()


def _end(shared: None, place: int) -> int:
    if place == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return place


def test_results_come_in_their_order_from_other_processes() -> None:
    found = list(forked(2)(_double, list(range(40)), ((place,) for place in range(40))))
    assert [value for value, _ in found] == [2 * place for place in range(40)]
    assert 1 <= len({process for _, process in found} - {os.getpid()}) <= 2
    assert os.getpid() not in {process for _, process in found}


def test_a_fork_that_is_ended_from_outside_ends_the_fit_with_a_word() -> None:
    with pytest.raises(StorageFailed, match="ended from outside"):
        list(forked(2)(_end, None, [(place,) for place in range(4)]))


def test_an_error_of_a_piece_is_the_error_of_the_whole() -> None:
    with pytest.raises(IndexError):
        list(forked(2)(_double, [1], [(0,), (1,)]))


def test_few_efforts_and_very_many_are_fitted_here() -> None:
    assert hands_for(FEWEST - 1, 2) is one_by_one
    assert hands_for(MOST + 1, 2) is one_by_one
    assert hands_for(FEWEST, 1) is one_by_one
    assert hands_for(FEWEST, 2) is not one_by_one


def test_the_bundle_does_not_tell_who_did_the_pieces(tmp_path: Path, practice: Files, learned: Learned) -> None:
    bundle = train(practice.writeoffs, practice.outcomes, tables=practice.tables, as_of=AS_OF, each=forked(2))
    publish(bundle, tmp_path / "bundle", name="practice", created=CREATED)
    assert read_manifest(tmp_path / "bundle")["bundle_hash"] == read_manifest(learned.folder)["bundle_hash"]
