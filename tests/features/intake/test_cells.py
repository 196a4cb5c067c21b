"""The rules of one cell, as a table: what a text stands for."""

from __future__ import annotations

from datetime import date

import pytest

from features.intake.cells import Cells, Unlisted, clean, latest_day
from features.intake.rejects import Rule
from features.tables import OUTCOMES, WRITEOFFS, Column, Kind

EPOCH = date(1970, 1, 1).toordinal()

VALUES: dict[Kind, list[tuple[str, object]]] = {
    Kind.MONEY: [
        *(
            ("0", 0),
            ("12", 1200),
            ("12.5", 1250),
            ("12.50", 1250),
            ("-12.05", -1205),
            ("-0.01", -1),
            (" 1 ", 100),
            ("", None),
            ("  ", None),
        ),
        ("9999999999999.99", 999999999999999),
    ],
    Kind.DATE: [("1990-01-01", 7305), ("2024-02-29", date(2024, 2, 29).toordinal() - EPOCH), ("", None), ("\u00a0", None)],
    Kind.INT: [("7", 7), ("7.0", 7), ("-7.00", -7), ("007", 7), ("", None)],
    Kind.NUMBER: [("7", 7.0), ("0.5", 0.5), ("-1", -1.0), ("1e-05", 1e-05), ("", None)],
    Kind.BOOL: [
        *((text, 1) for text in ("true", "TRUE", "t", "T", "yes", "Y", "1")),
        *((text, 0) for text in ("false", "F", "No", "n", "0")),
        ("", None),
    ],
    Kind.TEXT: [
        *(("a", "a"), (" a ", "a"), ("e\u0301", "é"), ("", None), ("NaN", "NaN"), ("null", "null"), ("a  b", "a  b")),
        *(("\ufeffa", "a"), ("\ta\r\n", "a")),
    ],
    Kind.ID: [("W1", "W1"), (" W1", "W1"), ("", None), ("0012", "0012"), ("1.0", "1.0")],
}

REFUSED = {
    Kind.MONEY: (
        Rule.NOT_AN_AMOUNT,
        "1e3 NaN nan inf -inf +5 1.234 1. .5 1,000 $5 (5) --1 0x1 ٣ １ 1_0 10000000000000000 true a".split() + ["- 1", "1 2"],
    ),
    Kind.DATE: (
        Rule.NOT_A_DATE,
        "2024-02-30 2023-02-29 2024-13-01 0000-01-01 20240101 2024-W01-1 2024-1-1 01/02/2024 2024-01-01T00:00 NaN ٢٠٢٤-01-01 a".split(),
    ),
    Kind.INT: (Rule.NOT_A_WHOLE_NUMBER, "1.5 1e3 1. +1 true 1_0 ٣ 9999999999999999 a".split()),
    Kind.NUMBER: (Rule.NOT_A_NUMBER, "nan inf -Infinity 1e400 1_0 0x1 ٣ 1,0 a +1 .5".split()),
    Kind.BOOL: (Rule.NOT_A_BOOLEAN, ["2", "on", "off", "1.0", "-1", "wahr", "true false"]),
    Kind.TEXT: (Rule.CONTROL_CHARACTER, ["a\x00", "a\nb", "a\tb", "a\x7f", "a\x85b", "a\ud800", "\udfff", "\x1ca"]),
    Kind.ID: (Rule.CONTROL_CHARACTER, ["W\x001", "W\n1"]),
}


def test_the_tables_cover_the_kinds() -> None:
    assert set(VALUES) == set(REFUSED) == set(Kind)


@pytest.mark.parametrize(("kind", "text", "value"), [(kind, *pair) for kind, pairs in VALUES.items() for pair in pairs])
def test_a_text_stands_for_its_value(kind: Kind, text: str, value: object) -> None:
    found = Cells(Column("any", kind, ""))[text]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("kind", "text", "rule"), [(kind, text, rule) for kind, (rule, texts) in REFUSED.items() for text in texts])
def test_a_text_that_breaks_a_rule_gives_the_rule(kind: Kind, text: str, rule: Rule) -> None:
    assert Cells(Column("any", kind, ""))[text] is rule


def test_days_before_1990_are_out_of_range() -> None:
    cells = Cells(Column("any", Kind.DATE, ""))
    assert (cells["1989-12-31"], cells["1899-12-31"]) == (Rule.DATE_OUT_OF_RANGE, Rule.DATE_OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("today", "last"),
    [(date(2024, 2, 29), date(2029, 2, 28)), (date(2024, 2, 28), date(2029, 2, 28)), (date(2026, 11, 1), date(2031, 11, 1))],
)
def test_dates_reach_five_years_ahead(today: date, last: date) -> None:
    assert latest_day(today) == last.toordinal() - EPOCH


def test_lengths_are_those_of_the_column() -> None:
    assert clean("x" * 200, 200, False) == "x" * 200
    assert clean("x" * 201, 200, False) is Rule.TOO_LONG
    # Composed before it is counted: 200 letters, 400 code points.
    assert clean("e\u0301" * 200, 200, False) == "é" * 200


def test_a_word_outside_a_list_keeps_what_came() -> None:
    found = Cells(OUTCOMES.column("action"))["review"]
    assert isinstance(found, Unlisted) and (found, found.raw) == ("other", "review")
    group = Cells(WRITEOFFS.column("group_code"))["ma"]
    assert isinstance(group, Unlisted) and (group, group.raw) == ("OTHER", "ma")
    assert Cells(WRITEOFFS.column("payer_type"))["Medicare"] == "medicare"
    assert Cells(OUTCOMES.column("status"))["lost"] is Rule.NOT_LISTED


def test_remembered_texts_are_bounded_and_ids_never_remembered() -> None:
    ids = Cells(WRITEOFFS.column("claim_id"))
    amounts = Cells(WRITEOFFS.column("writeoff_amount"))
    for number in range(10_000):
        assert ids[str(number)] == str(number)
        assert amounts[str(number)] == number * 100
    assert (len(ids), len(amounts)) == (0, 4096)
