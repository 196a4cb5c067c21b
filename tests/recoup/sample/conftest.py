"""One sample with its truth, drawn once for the tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from recoup.sample.practice import write_sample

ROWS, SEED = 8_000, 5


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a practice of 8,000 write-offs, written with its truth."""
    folder = tmp_path_factory.mktemp("practice")
    write_sample(folder, rows=ROWS, seed=SEED, truth=True)
    return folder
