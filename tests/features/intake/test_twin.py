"""The reader of files and the reader of records agree on the same text: arrays, words, rejects and remarks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.intake.mapping import Mapping, parse
from features.intake.output import write_batch, write_table
from features.intake.pseudonyms import Pseudonyms
from features.intake.records import read_records
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.tables import CONTRACT_RATES, OUTCOMES, PAYER_RULES, REMIT_LINES, TABLES, WRITEOFF_POLICIES, WRITEOFFS, Column, Kind, Table
from features.vocabulary import Vocabulary

LATEST = 22_000
"""2030-03-27: some of the generated dates are later."""

MAPPING = parse(
    """
    sign = "negative_is_writeoff"
    date_format = "%m/%d/%Y"
    [columns]
    "Claim #" = "claim_id"
    [groups]
    MA = "PI"
    [payers]
    "Aetna PPO" = "AETNA"
    [payer_types]
    AETNA = "commercial"
    B = "self_pay"
    MCR = "medicare"
    [words.posting_kind]
    Adj = "reversal"
    [words.claim_type]
    x = "dental"
    [adjustment_codes]
    TF = "CO-29"
    SB = {group_code = "PR", rarcs = "N30"}
    [money]
    currency = "$"
    thousands = ","
    parentheses = true
    trailing_minus = true
    """
)

ODD_TEXTS = [
    "",
    " ",
    "  x ",
    "'=1+1",
    "''=x",
    "=cmd",
    "-5",
    "+5",
    "5.00-",
    "$1,200.00-",
    "-5-",
    "(5)-",
    "@x",
    "'",
    "''",
    "'a",
    "a,b",
    'say "no"',
    "e\u0301",
    "\u00a0é",
    "x" * 201,
    "a\tb",
    "a\nb",
    "a\rb",
    "\x00",
    "NaN",
    "NA",
    "null",
    "None",
    "\x7f",
    "\u2028",
    "İ",
    "ß",
    "\ufeffx",
]
POOLS = {
    Kind.ID: ["W1", "W2", "W3", "W4", "W5", *ODD_TEXTS],
    Kind.TEXT: ["A", "B", "b", *ODD_TEXTS],
    Kind.MONEY: [
        *(
            "12.5",
            "-0.07",
            "80",
            "0",
            "0.0",
            "-0",
            "-0.00",
            " 7 ",
            "1e3",
            "NaN",
            "inf",
            "+5",
            "1.234",
            "1.",
            ".5",
            "0012.50",
            "'-5",
            "٣",
            "",
        ),
        *("", "1,234.50", "$5", "($1.20)", "-$3", "--1", "$-4", "(-4)", "()", "$", "9999999999999.99", "99999999999999"),
    ],
    Kind.DATE: [
        *("2024-01-05", "2024-02-30", "1899-12-31", "1990-01-01", "1989-12-31", "2030-03-27", "2030-03-28", "20240105", "2024-W01-1"),
        *(" 2024-01-06 ", "01/05/2024", "1/5/2024", "", "NaN", "2024-01-05T00:00:00", "٢024-01-05"),
    ],
    Kind.INT: ["1", "2", "1.0", "1.00", "1.5", "-1", "1e3", "", " 3", "x", "1.", "999999999999999", "9999999999999999", "NaN"],
    Kind.NUMBER: ["0", "1", "0.5", "1.0", "1e-05", "1e400", "nan", "inf", "-1", "1.0000001", "", " 2 ", "1_0", "0x1"],
    Kind.BOOL: ["true", "FALSE", "T", "f", "Yes", "no", "Y", "n", "1", "0", "", "2", "maybe", "1.0", " true "],
}
BY_NAME = {
    "group_code": ["CO", "co", "PR", "MA", "WI", "OTHER", ""],
    "carc": ["45", "045", "CO-45", "CO45", "pr 3", "N30", "ma04", "M12", "B07", "16", "45.0", "CO-45 PR-1", "", "0", "00"],
    "rarcs": ["N30", "n30,MA04", "N1;N1|N2", " ", "", "MA04 N30"],
    "modifiers": ["25", "59 lt", "lt,59", ""],
    "adjustment_code": ["TF", "SB", "WO", ""],
    "payer_id": ["AETNA", "Aetna PPO", "CIGNA", ""],
    "patient_id": ["P1", "P2", "pt_0123456789abcdef", ""],
    "posting_kind": ["writeoff", "Reversal", "void", ""],
}
COMPARED = [WRITEOFFS, OUTCOMES, CONTRACT_RATES, PAYER_RULES, WRITEOFF_POLICIES, REMIT_LINES]


def cells(column: Column) -> st.SearchStrategy[str]:
    """Texts for a column: mostly good ones, so that rows get through, and bad ones of every sort."""
    pool = BY_NAME.get(column.name, [*column.allowed, *map(str.upper, column.allowed)] if column.allowed else POOLS[column.kind])
    good = pool[:4] if column.kind in (Kind.MONEY, Kind.DATE, Kind.INT, Kind.NUMBER) and column.name not in BY_NAME else pool
    good = [text for text in good if text] or pool
    any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    return st.one_of(*[st.sampled_from(good)] * 8, st.sampled_from(pool), st.sampled_from(POOLS[column.kind]), any_text)


@st.composite
def tables(draw: st.DrawFn, table: Table) -> dict[str, list[str]]:
    """Draw a file: the required columns, some others, an unknown one and one of the user's own."""
    optional = draw(
        st.lists(st.sampled_from([column for column in table.columns if column.nullable]), unique_by=lambda c: c.name, max_size=8)
    )
    columns = [column for column in table.columns if not column.nullable] + optional or [table.columns[0]]
    rows = draw(st.integers(0, 6))
    drawn = {column.name: draw(st.lists(cells(column), min_size=rows, max_size=rows)) for column in columns}
    if draw(st.booleans()):
        own = ["own"] if all(column.nullable for column in columns) else ODD_TEXTS
        drawn["x_own"] = draw(st.lists(st.sampled_from(own), min_size=rows, max_size=rows))
        drawn["colour"] = ["red"] * rows
    elif all(column.nullable for column in columns):
        drawn["x_own"] = ["own"] * rows
    # A file passes over a row that says nothing; a record is answered whatever it says.
    said = [row for row in range(rows) if any(values[row] for name, values in drawn.items() if name != "colour")]
    return {name: [values[row] for row in said] for name, values in drawn.items()}


def assert_same(file: TableRead, records: TableRead) -> None:
    """Compare two readings; a file's first row is row 2."""
    assert [reject._replace(row=reject.row - 1) for reject in file.rejects] == records.rejects
    assert (file.row_numbers - 1).tolist() == records.row_numbers.tolist()
    assert (file.rows_read, file.zero_amounts) == (records.rows_read, records.zero_amounts)
    assert file.issues == records.issues
    assert list(file.batch.columns) == list(records.batch.columns) == list(file.batch.table.names)
    for name, values in file.batch.columns.items():
        other = records.batch.columns[name]
        assert values.dtype == other.dtype, name
        np.testing.assert_array_equal(values, other, err_msg=name)
    assert file.batch.vocabulary.as_dict() == records.batch.vocabulary.as_dict()
    assert {name: values.tolist() for name, values in file.batch.extras.items()} == {
        name: values.tolist() for name, values in records.batch.extras.items()
    }


@pytest.mark.parametrize("mapping", [None, MAPPING], ids=["plain", "mapped"])
@pytest.mark.parametrize("table", COMPARED, ids=lambda table: table.name)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_file_and_records_that_say_the_same_are_read_the_same(table: Table, mapping: Mapping | None, data: st.DataObject) -> None:
    columns = data.draw(tables(table))
    rows = len(next(iter(columns.values())))
    identity = data.draw(st.sampled_from([None, Pseudonyms(b"k" * 32)]))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_table(path, columns)
        file = read_table(
            path, table, vocabulary=Vocabulary(), mapping=mapping, identity=identity, latest=LATEST, allow_empty=True, most_rejected=None
        )
    records = [{name: values[row] for name, values in columns.items()} for row in range(rows)]
    if records:
        assert_same(file, read_records(records, table, vocabulary=Vocabulary(), mapping=mapping, identity=identity, latest=LATEST))
    else:
        assert len(file.batch) == 0


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("table", COMPARED, ids=lambda table: table.name)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_was_accepted_and_written_is_read_as_it_was(table: Table, ending: str, data: st.DataObject) -> None:
    columns = data.draw(tables(table))
    rows = len(next(iter(columns.values())))
    records = [{name: values[row] for name, values in columns.items()} for row in range(rows)]
    first = read_records(records, table, vocabulary=Vocabulary(), identity=Pseudonyms(b"k" * 32), latest=LATEST)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"table{ending}"
        write_batch(path, first.batch)
        again = read_table(path, table, vocabulary=Vocabulary(), identity=Pseudonyms(b"l" * 32), latest=LATEST, allow_empty=True)
    assert again.rejects == []
    for name, values in first.batch.columns.items():
        np.testing.assert_array_equal(values, again.batch.columns[name], err_msg=name)
    assert again.batch.vocabulary.as_dict() == first.batch.vocabulary.as_dict()
    assert {name: values.tolist() for name, values in again.batch.extras.items()} == {
        name: values.tolist() for name, values in first.batch.extras.items()
    }


def test_every_kind_has_texts_to_compare() -> None:
    assert set(POOLS) == set(Kind)
    assert {column.kind for table in TABLES.values() for column in table.columns} == set(Kind)
