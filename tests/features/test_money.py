"""Money as integer cents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BadData
from features.money import NULL, format_cents, parse_cents


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_cents_come_back_from_their_text(cents: int) -> None:
    assert parse_cents(format_cents(cents)) == cents


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1e3", "NaN", "inf", "+1", "1.234", "1.", ".1", "1,000", "$1", "--1", "٣", "1\n", "10000000000000000"]
)
def test_every_other_form_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadData) as error:
        parse_cents(text)
    assert str(error.value) == "not an amount: digits with at most two decimals are allowed, like 1234.50"


def test_null_is_blank_and_minus_nothing_is_nothing() -> None:
    assert (format_cents(NULL), parse_cents("-0"), parse_cents("-0.00")) == ("", 0, 0)
