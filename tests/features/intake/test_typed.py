"""Typed columns read as their text would be, and tables written block by block as whole ones."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.intake.output import write_blocks, write_table
from features.intake.rejects import Rule
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary

COLUMNS: dict[str, list[Any]] = {
    "writeoff_id": ["W1", "W2", "W3", "W4"],
    "writeoff_date": [date(2024, 1, 5), date(1990, 1, 1), date(2024, 2, 29), date(2024, 3, 1)],
    "payer_id": ["AETNA", "CIGNA", "AETNA", "BCBS"],
    "writeoff_amount": [12.5, None, -0.07, 0.01],
    "units": [1.5, None, 3.0, 10.0],
    "line_number": [1, None, 2, -3],
    "qmb": [True, None, False, None],
    "carc": ["045", "CO-45", None, "45"],
}


def read(folder: Path, columns: dict[str, Any], types: dict[str, pa.DataType] | None = None) -> TableRead:
    """Read columns from a Parquet file, as the types that they have."""
    arrays = {name: pa.array(values, (types or {}).get(name)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), folder / "typed.parquet")
    return read_table(folder / "typed.parquet", WRITEOFFS, vocabulary=Vocabulary(), most_rejected=None)


def as_text(folder: Path, columns: dict[str, list[Any]]) -> TableRead:
    """Read the same values from CSV."""
    write_table(folder / "text.csv", columns)
    return read_table(folder / "text.csv", WRITEOFFS, vocabulary=Vocabulary(), most_rejected=None)


def assert_same(typed: TableRead, text: TableRead) -> None:
    for name, values in text.batch.columns.items():
        np.testing.assert_array_equal(typed.batch.columns[name], values, err_msg=name)
    assert typed.batch.vocabulary.as_dict() == text.batch.vocabulary.as_dict()
    assert [(r.row + 1, r.id, r.column, r.rule) for r in typed.rejects] == list(map(tuple, text.rejects))


def test_typed_columns_are_read_as_their_text_is(tmp_path: Path) -> None:
    typed = read(tmp_path, COLUMNS, {"payer_id": pa.dictionary(pa.int32(), pa.string())})
    assert_same(typed, as_text(tmp_path, COLUMNS))
    assert typed.batch.columns["writeoff_amount"].tolist()[0] == 1250 and typed.batch.words("carc") == ["45", "45", None, "45"]


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [
        ("writeoff_amount", [12.5, 0.005, 1.0, 2.0], Rule.NOT_AN_AMOUNT),
        ("writeoff_amount", [12.5, float("nan"), 1.0, 2.0], Rule.NOT_AN_AMOUNT),
        ("writeoff_amount", [12.5, 1e14, 1.0, 2.0], Rule.NOT_AN_AMOUNT),
        ("writeoff_date", [date(2024, 1, 5), date(1989, 12, 31), date(2024, 1, 6), date(2024, 1, 7)], Rule.DATE_OUT_OF_RANGE),
        ("writeoff_date", [date(2024, 1, 5), None, date(2024, 1, 6), date(2024, 1, 7)], Rule.VALUE_MISSING),
        ("units", [1.0, -2.0, 3.0, 4.0], Rule.BELOW_MINIMUM),
        ("units", [1.0, float("inf"), 3.0, 4.0], Rule.NOT_A_NUMBER),
        ("line_number", [1, 10**15, 2, 3], Rule.NOT_A_WHOLE_NUMBER),
    ],
)
def test_a_typed_value_that_is_not_good_is_rejected_alone(column: str, values: list[Any], rule: Rule, tmp_path: Path) -> None:
    found = read(tmp_path, COLUMNS | {column: values})
    assert [(reject.id, reject.column, reject.rule) for reject in found.rejects] == [("W2", column, rule)]
    kept = {name: [value for row, value in enumerate(given) if row != 1] for name, given in (COLUMNS | {column: values}).items()}
    for name, array in as_text(tmp_path, kept).batch.columns.items():
        np.testing.assert_array_equal(found.batch.columns[name], array, err_msg=name)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_a_table_written_in_blocks_is_the_table_written_whole(ending: str, tmp_path: Path) -> None:
    whole, parts = tmp_path / f"whole{ending}", tmp_path / f"parts{ending}"
    columns = {"a": pa.array(["=1", None, "x,y"]), "b": pa.array([1.5, None, -2.0])}
    write_table(whole, {name: array.to_pylist() for name, array in columns.items()})
    write_blocks(parts, [{name: array.slice(at, 2) for name, array in columns.items()} for at in (0, 2)])
    if ending == ".parquet":
        assert pq.read_table(parts).to_pydict() == pq.read_table(whole).to_pydict()
    else:
        assert parts.read_bytes() == whole.read_bytes()


def test_coded_words_are_written_as_words(tmp_path: Path) -> None:
    coded = pa.array(["x", None, "=1"]).dictionary_encode()
    out = io.BytesIO()
    write_blocks("-", [{"word": coded, "n": pa.array([1, 2, 3])}], stdout=out)
    assert out.getvalue() == b"word,n\nx,1\n,2\n'=1,3\n"
    write_blocks(tmp_path / "t.parquet", [{"word": coded}])
    found = pq.read_table(tmp_path / "t.parquet")["word"]
    assert found.type == pa.string() and found.to_pylist() == ["x", None, "=1"]


def test_columns_that_are_told_to_repeat_read_back_as_they_were(tmp_path: Path) -> None:
    columns = {
        "id": pa.array(["W2", None, "W1", ""]),
        "word": pa.array(["x", None, "x", "y"]).dictionary_encode(),
        "dollars": pa.array([0.1, None, 0.1, -2.5]),
        "chance": pa.array([0.1, 0.30000000000000004, None, 1e-300]),
        "rank": pa.array([1, 2, None, -(2**62)]),
        "day": pa.array([date(2024, 2, 29), None, date(1990, 1, 1), date(2024, 3, 1)]),
        "flag": pa.array([True, False, None, True]),
    }
    blocks = [{name: array.slice(at, 2) for name, array in columns.items()} for at in (0, 2)]
    write_blocks(tmp_path / "t.parquet", blocks, repeating={"dollars"})
    assert pq.read_table(tmp_path / "t.parquet").to_pydict() == {name: array.to_pylist() for name, array in columns.items()}
    group = pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0)
    coded = {group.column(place).path_in_schema for place in range(len(columns)) if "RLE_DICTIONARY" in group.column(place).encodings}
    assert coded == {"word", "dollars"}
