"""Terms of numbers by compiled code have the bits that NumPy's have, or are NumPy's."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from features.feature import Floats
from features.native import compiled
from models.linear import SCALES, SOURCE, Linear, Numbers

PLACES = np.array([4, 0, 2, 1, 3, 5])


@pytest.fixture
def score() -> Linear:
    """A score of numbers of every scale."""
    names = tuple(f"n{place}" for place in PLACES)
    scales = tuple(itertools.islice(itertools.cycle(SCALES), len(PLACES)))
    draw = np.random.default_rng(3)
    return Linear(0.3, Numbers(names, PLACES, scales, draw.normal(size=6), draw.random(6) + 0.1), draw.normal(size=6), ())


def rows(count: int) -> Floats:
    """Return numbers of all kinds, the ends of each scale among them."""
    draw = np.random.default_rng(4)
    known = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 0.005, 0.995, 1.0, 10.0, -10.0, 1e12, 1e13, -1e13, 5e-324, 0.3, 7.0, 123.45])
    return np.where(draw.random((count, 7)) < 0.5, draw.choice(known, (count, 7)), draw.normal(size=(count, 7)) * 100)


def test_compiled_terms_have_the_bits_of_numpy(score: Linear, tmp_path: Path) -> None:
    by_code = score.compiled(tmp_path / "code")
    assert by_code.code is not None
    for x in (rows(2000), np.asfortranarray(rows(2000)), rows(4000)[::2], rows(2000)[:, :6]):
        assert by_code.terms(x, {}).tobytes() == score.terms(x, {}).tobytes()
    # Few rows and one alone are NumPy's own.
    few = rows(5)
    assert np.array_equal(by_code.terms(few, {}), np.stack([by_code.terms(row, {}) for row in few]))


def test_code_with_other_bits_is_not_used(score: Linear, tmp_path: Path) -> None:
    # A compiler that multiplies by the inverse, which is off in the last place now and then.
    source = tmp_path / "numbers.c"
    source.write_text(SOURCE.read_text().replace("/ number->spread", "* (1.0 / number->spread)"))
    assert compiled(source, tmp_path) is not None
    assert score.compiled(tmp_path / "code", source) is score


def test_without_a_compiler_numpy_does_it(score: Linear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert score.compiled(tmp_path / "code") is score
