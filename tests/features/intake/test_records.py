"""Records with values of JSON and Python types, and what the request path promises."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BadData
from features.intake.mapping import parse
from features.intake.pseudonyms import Pseudonyms
from features.intake.records import read_records
from features.intake.rejects import Rule, TooManyRowsRejected
from features.intake.table_read import TableRead
from features.money import NULL
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary

GIVEN: dict[str, Any] = {"writeoff_id": "W1", "writeoff_date": "2024-01-05", "payer_id": "AETNA", "writeoff_amount": 5}


def read(*records: dict[str, Any], **named: Any) -> TableRead:
    return read_records(records, WRITEOFFS, vocabulary=Vocabulary(), **named)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        (80, 8000),
        (80.5, 8050),
        (0.29, 29),
        (-0.07, -7),
        ("12.5", 1250),
        (Decimal("12.50"), 1250),
        (np.float64(1.1), 110),
        (np.int64(7), 700),
        (None, NULL),
        ("", NULL),
    ],
)
def test_money_is_taken_exactly(amount: object, cents: int) -> None:
    assert read(GIVEN | {"writeoff_amount": amount}).batch.columns["writeoff_amount"].tolist() == [cents]


@given(st.integers(-(10**12), 10**12).filter(bool))
def test_every_float_of_two_decimals_is_its_cents(cents: int) -> None:
    assert read(GIVEN | {"writeoff_amount": cents / 100}).batch.columns["writeoff_amount"].tolist() == [cents]


@pytest.mark.parametrize(
    "amount",
    [float("nan"), float("inf"), -float("inf"), 1e300, 0.005, 1e-7, True, [], {}, 10**30, Decimal("NaN"), Decimal("1E+999"), "1e3"],
)
def test_what_is_no_amount_is_rejected(amount: object) -> None:
    result = read(GIVEN | {"writeoff_amount": amount})
    assert [(r.row, r.id, r.column, r.rule) for r in result.rejects] == [(1, "W1", "writeoff_amount", Rule.NOT_AN_AMOUNT)]
    assert len(result.batch) == 0


def test_a_number_too_long_to_print_is_rejected() -> None:
    assert [r.rule for r in read(GIVEN | {"writeoff_amount": 10**5000}).rejects] == [Rule.NOT_AN_AMOUNT]


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("qmb", True, 1),
        ("qmb", 0, 0),
        ("qmb", "Yes", 1),
        ("line_number", 2, 2),
        ("line_number", 2.0, 2),
        ("units", 1.5, 1.5),
        ("units", 3, 3.0),
        ("service_date", date(1990, 1, 1), 7305),
        ("service_date", datetime(1990, 1, 1), 7305),
        ("service_date", datetime(1990, 1, 1, 23, 30), 7305),
        ("claim_id", 7, "7"),
        ("claim_id", 7.0, "7"),
    ],
)
def test_values_of_json_and_python_are_read(column: str, value: object, stored: object) -> None:
    assert read(GIVEN | {column: value}).batch.columns[column].tolist() == [stored]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("payer_id", ["A"], Rule.NOT_A_TEXT),
        ("payer_id", float("nan"), Rule.NOT_A_TEXT),
        ("payer_id", "half \ud800 pair", Rule.CONTROL_CHARACTER),
        ("payer_id", "a\x00b", Rule.CONTROL_CHARACTER),
        ("payer_id", None, Rule.VALUE_MISSING),
        ("writeoff_id", "x" * 201, Rule.TOO_LONG),
        ("service_date", 20240101, Rule.NOT_A_DATE),
        ("line_number", 1.5, Rule.NOT_A_WHOLE_NUMBER),
        ("line_number", True, Rule.NOT_A_WHOLE_NUMBER),
        ("units", 0, Rule.BELOW_MINIMUM),
        ("units", float("inf"), Rule.NOT_A_NUMBER),
        ("qmb", 2, Rule.NOT_A_BOOLEAN),
    ],
)
def test_values_that_do_not_fit_are_rejected(column: str, value: object, rule: Rule) -> None:
    assert [(r.column, r.rule) for r in read(GIVEN | {column: value}).rejects] == [(column, rule)]


def test_a_column_that_is_not_there_is_missing_in_its_row() -> None:
    assert [(r.row, r.id, r.column, r.rule) for r in read(GIVEN, {"writeoff_id": "W2"}).rejects] == [
        (2, "W2", "writeoff_date", Rule.VALUE_MISSING),
        (2, "W2", "payer_id", Rule.VALUE_MISSING),
    ]


def test_no_records_are_no_rows() -> None:
    result = read()
    assert (len(result.batch), result.rejects, result.rows_read) == (0, [], 0)


def test_rows_keep_their_order_and_number() -> None:
    result = read(GIVEN, GIVEN | {"writeoff_id": "W2", "writeoff_amount": "bad"}, GIVEN | {"writeoff_id": "W3"}, GIVEN)
    assert result.batch.columns["writeoff_id"].tolist() == ["W1", "W3"]
    assert result.row_numbers.tolist() == [1, 3]
    assert [(r.row, r.rule) for r in result.rejects] == [(2, Rule.NOT_AN_AMOUNT), (4, Rule.DUPLICATE_KEY)]


def test_one_row_alone_equals_the_row_among_others() -> None:
    records = [GIVEN | {"writeoff_id": f"W{i}", "carc": carc, "units": i or None} for i, carc in enumerate(["CO-45", "N30", None, "16"])]
    together = read(*records).batch
    for place, record in enumerate(records):
        alone = read(record).batch
        for name in WRITEOFFS.names:
            column = WRITEOFFS.column(name)
            if column.kind == "text":
                assert alone.words(name) == [together.words(name)[place]]
            else:
                np.testing.assert_array_equal(alone.columns[name], together.columns[name][place : place + 1])


def test_a_column_under_two_names_is_refused() -> None:
    with pytest.raises(BadData, match="record 1 gives payer_id under two names"):
        read(GIVEN | {"Payer_ID": "B"})


def test_shares_are_limited_only_when_asked() -> None:
    with pytest.raises(TooManyRowsRejected, match="1 of 1 rows rejected"):
        read(GIVEN | {"writeoff_date": "soon"}, most_rejected=0.05)


def test_mappings_identity_and_own_columns_reach_records() -> None:
    mapping = parse('[columns]\n"Claim #" = "claim_id"\n')
    names = Pseudonyms(b"k" * 32)
    result = read(GIVEN | {"Claim #": "C1", "patient_id": 77, "x_flag": True, "x_gone": None, "colour": 1}, mapping=mapping, identity=names)
    batch = result.batch
    assert (batch.columns["claim_id"].tolist(), batch.columns["patient_id"].tolist()) == (["C1"], [names.of("77")])
    assert {name: values.tolist() for name, values in batch.extras.items()} == {"x_flag": ["true"], "x_gone": [None]}
    assert [i.values for i in result.issues] == [("colour",)]


def test_one_record_is_read_as_it_is_among_others() -> None:
    given = GIVEN | {"units": "2", "x_flag": "true", "nsa_protected": "yes"}
    words = Vocabulary()
    alone = read_records([given], WRITEOFFS, vocabulary=words).batch
    first = read_records([given, GIVEN | {"writeoff_id": "W2"}], WRITEOFFS, vocabulary=words).batch.take(np.array([0]))
    for columns, others in ((alone.columns, first.columns), (alone.extras, first.extras)):
        assert {n: (v.dtype, str(v.tolist())) for n, v in columns.items()} == {n: (v.dtype, str(v.tolist())) for n, v in others.items()}
    assert {n: str(v) for n, v in alone.single().columns.items()} == {n: str(v) for n, v in first.single().columns.items()}
    alone.columns["paid_amount"][0] = 7
    assert alone.single().columns["paid_amount"] == 7


def test_one_record_is_copied_and_goes_to_another_process_as_it_is() -> None:
    batch = read(GIVEN | {"x_desk": "A"}).batch
    batch.columns["claim_id"][0] = "changed"
    for other in (copy.copy(batch), pickle.loads(pickle.dumps(batch))):
        assert type(other) is type(batch) and len(other) == 1 and other.extras["x_desk"].tolist() == ["A"]
        assert {name: str(values.tolist()) for name, values in other.columns.items()} == {
            name: str(values.tolist()) for name, values in batch.columns.items()
        }


def test_nulls_of_absent_columns_are_shared_and_cannot_be_written_to() -> None:
    given = [GIVEN, GIVEN | {"writeoff_id": "W2"}]
    first, second = (read_records(given, WRITEOFFS, vocabulary=Vocabulary()).batch for _ in range(2))
    assert first.columns["paid_amount"] is second.columns["paid_amount"]
    with pytest.raises(ValueError, match="read-only"):
        first.columns["paid_amount"][0] = 1


def test_a_refusal_repeats_no_value() -> None:
    result = read(GIVEN | {"writeoff_amount": "JANE DOE", "payer_type": "HMO"})
    assert "JANE" not in repr(result.rejects) + repr(result.issues)


def test_outcomes_come_as_records_too() -> None:
    record = {"writeoff_id": "W1", "worked_date": "2024-01-05", "status": "denied", "resolved_date": "2024-02-01", "action": "review"}
    result = read_records([record], OUTCOMES, vocabulary=Vocabulary())
    assert result.batch.columns["recovered_amount"].tolist() == [0]
    assert (result.batch.words("action"), [i.values for i in result.issues]) == (["other"], [("review",)])


def test_the_request_path_imports_no_pandas() -> None:
    code = "import sys, features.intake.records; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
