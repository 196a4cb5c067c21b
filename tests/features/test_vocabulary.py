"""Words and their codes: append-only, in layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.vocabulary import Vocabulary

WORDS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"]), st.text(max_size=3)), max_size=20)


@given(st.lists(WORDS, max_size=5))
def test_words_come_back_from_their_codes_through_layers(batches: list[list[str | None]]) -> None:
    vocabulary = Vocabulary()
    for batch in batches:
        vocabulary = vocabulary.overlay()
        assert vocabulary.decode("c", vocabulary.encode("c", batch)) == batch


@given(WORDS, WORDS)
def test_codes_once_given_stay(first: list[str | None], second: list[str | None]) -> None:
    vocabulary = Vocabulary()
    codes = vocabulary.encode("c", first).tolist()
    vocabulary.encode("c", second)
    assert vocabulary.encode("c", first).tolist() == codes


@given(WORDS, WORDS)
def test_a_layer_leaves_the_one_below_alone(first: list[str | None], second: list[str | None]) -> None:
    below = Vocabulary({"c": [word for word in first if word is not None]})
    before = below.as_dict()
    layer = below.overlay()
    codes = layer.encode("c", second)
    assert below.as_dict() == before
    flat = Vocabulary(before)
    assert flat.encode("c", second).tolist() == codes.tolist()
    assert flat.as_dict() == layer.as_dict()


@given(WORDS.filter(bool))
def test_many_codes_are_decoded_as_few(words: list[str | None]) -> None:
    vocabulary = Vocabulary({"c": ["x", "a"]}).overlay()
    codes = vocabulary.encode("c", words * 100)
    assert vocabulary.decode("c", codes) == words * 100
    assert vocabulary.decode("c", codes[: len(words)]) == words


def test_codes_are_places_and_null_is_minus_one() -> None:
    vocabulary = Vocabulary({"c": ["x"]})
    assert vocabulary.encode("c", ["y", None, "x", "y"]).tolist() == [1, -1, 0, 1]
    assert (vocabulary.find("c", "z"), vocabulary.find("d", "x"), vocabulary.size("d")) == (-1, -1, 0)
    assert vocabulary.word("c", -1) is None
    with pytest.raises(IndexError):
        vocabulary.decode("c", np.array([2]))
