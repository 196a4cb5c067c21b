"""What tests share: one small practice and one model of it."""

from __future__ import annotations

import pytest

from tests.practice import Files, Learned, learn, make_practice


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return a practice of some thousand write-offs with its truth; not to be changed."""
    return make_practice(tmp_path_factory.mktemp("practice"))


@pytest.fixture(scope="session")
def learned(practice: Files, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """Return the model of the practice as of 2026-07-01; not to be changed."""
    return learn(practice, tmp_path_factory.mktemp("learned") / "bundle")
