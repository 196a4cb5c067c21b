"""Hashes of texts are the same by NumPy and by compiled code, wherever a text stands."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.batch import first_rows, first_texts
from features.text_hashes import BY_NUMPY, TextHasher

texts = st.lists(st.none() | st.text(max_size=20) | st.integers(0, 200).map("x".__mul__), max_size=40)


@pytest.fixture(scope="module")
def by_code(tmp_path_factory: pytest.TempPathFactory) -> TextHasher:
    """A hasher with compiled code."""
    folder = tmp_path_factory.mktemp("code", numbered=True) / "cache"
    hasher = TextHasher(folder)
    hasher.hashes(pa.array(["a"]))
    assert len(list(folder.glob("texts-*.so"))) == 1
    return hasher


def test_texts_hash_alike_wherever_they_stand() -> None:
    words = ["C1", "", "é", "a claim number of many characters", "12345678", "123456789", None, "C1"]
    alone = [int(BY_NUMPY.hashes(pa.array([word], pa.string()))[0]) for word in words]
    assert BY_NUMPY.hashes(pa.array(["x" * 90, *words])).tolist()[1:] == alone
    assert BY_NUMPY.hashes(pa.array(["no", *words]).slice(1)).tolist() == alone
    assert len(set(alone)) == 7 and alone[6] == 0


@given(texts, st.integers(0, 3), st.integers(1, 64))
def test_code_says_what_numpy_and_hashlib_say(by_code: TextHasher, told: list[str | None], skipped: int, digits: int) -> None:
    array = pa.array(told, pa.string()).slice(skipped)
    assert by_code.hashes(array).tolist() == BY_NUMPY.hashes(array).tolist()
    full = array.fill_null("")
    expected = [sha256(text.encode()).hexdigest()[:digits] for text in full.to_pylist()]
    assert by_code.digests(full, digits).to_pylist() == BY_NUMPY.digests(full, digits).to_pylist() == expected


@pytest.mark.parametrize("width", [16, 32, 64])
def test_digests_are_the_same_on_every_processor(width: int, by_code: TextHasher) -> None:
    # Lengths around the end of a block, where the padding takes one more.
    told = pa.array(["y" * length for length in range(200)])
    assert by_code.cache is not None
    known = set(by_code.cache.iterdir())
    assert replace(by_code, flags=(f"-DWIDTH={width}",)).digests(told, 64).equals(BY_NUMPY.digests(told, 64))
    assert len(set(by_code.cache.iterdir()) - known) == 1


@given(texts)
def test_first_rows_of_texts_are_those_of_objects(told: list[str | None]) -> None:
    array = pa.array(told, pa.string())
    assert first_texts(array).tolist() == first_rows(array.to_numpy(zero_copy_only=False)).tolist()
