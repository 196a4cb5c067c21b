"""Killed at any moment, a job neither loses nor doubles anything; `make bench-kill` does it hundreds of times, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from benchmarks.kill import POINTS, killed_once, longest, upload_killed
from benchmarks.kills_of_load import Loads
from benchmarks.site import Site
from serving.jobs.failpoints import LOAD, NAMES, UPLOAD


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield Site(tmp_path_factory.mktemp("site") / "home", None)


def test_every_fail_point_is_met() -> None:
    assert set(POINTS["load"]) | set(UPLOAD) == set(NAMES)


@pytest.mark.parametrize("point", POINTS["load"])
def test_a_worker_that_dies_at_a_fail_point_leaves_everything_once(site: Site, point: str) -> None:
    assert killed_once(site, "load", fail_at=point) == []


@pytest.mark.parametrize("point", UPLOAD)
def test_a_service_that_dies_while_it_takes_a_file_takes_it_once(site: Site, point: str) -> None:
    assert upload_killed(site, point) == []


@pytest.mark.parametrize("kind", POINTS)
def test_a_worker_that_dies_at_any_moment_leaves_everything_once(site: Site, kind: str) -> None:
    rng, seconds = random.Random(7), longest(site, kind)
    for _ in range(2):
        assert killed_once(site, kind, after=rng.uniform(0, seconds)) == []


@pytest.fixture(scope="module")
def loads(site: Site) -> Loads:
    return Loads(site)


@pytest.mark.parametrize("point", LOAD)
def test_a_load_of_the_queue_that_dies_at_a_fail_point_is_in_once(loads: Loads, point: str) -> None:
    assert loads.killed_once(fail_at=point) == []


def test_a_load_of_the_queue_that_dies_at_any_moment_is_in_once(loads: Loads) -> None:
    rng = random.Random(8)
    for _ in range(2):
        assert loads.killed_once(after=rng.uniform(0, loads.seconds)) == []
