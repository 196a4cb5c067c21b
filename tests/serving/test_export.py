"""Exports: no cell is a formula, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from features.errors import UsageError
from features.money import NULL
from features.tables import Kind
from serving.export import MOST_ROWS, neutral, to_csv, to_xlsx

DANGEROUS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "'=1", "=cmd|' /C calc'!A0", "-12.50", "W-1", "", "=", "http://x.test"]


def sheet(content: bytes) -> Any:
    return load_workbook(io.BytesIO(content)).active


def is_formula(text: str) -> bool:
    """What a spreadsheet would take for one; a plain negative number is none."""
    return text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not text[1:].replace(".", "", 1).isdigit())


def test_dangerous_texts_are_neutral_in_both() -> None:
    columns: dict[str, Any] = {"payer": DANGEROUS, "=head": DANGEROUS}
    (_, *rows) = csv.reader(io.StringIO(to_csv(columns, {}).decode(), newline=""))
    assert len(rows) == len(DANGEROUS)
    assert not any(is_formula(cell) for row in rows for cell in row)
    page = sheet(to_xlsx(columns, {}))
    cells = [cell for row in page.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in cells)
    assert not any(is_formula(str(cell.value)) for cell in cells if cell.value is not None)
    assert page["B1"].value == "'=head" and page["A2"].value == "'=1+1" and page["A11"].value == "W-1"


def test_numbers_and_days_stay_what_they_are() -> None:
    columns: dict[str, Any] = {"short": np.array([-1250, 7, NULL]), "due": np.array([20000, NULL, 20001]), "chance": [0.5, float("nan"), 1]}
    kinds = {"short": Kind.MONEY, "due": Kind.DATE}
    page = sheet(to_xlsx(columns, kinds, title="Queue [1]/x"))
    assert [page.cell(row, 1).value for row in (2, 3, 4)] == [-12.5, 0.07, None]
    assert page["B2"].value == datetime(2024, 10, 4) and date(2024, 10, 4).toordinal() - date(1970, 1, 1).toordinal() == 20000
    assert [page.cell(row, 3).value for row in (2, 3, 4)] == [0.5, None, 1]
    assert to_csv(columns, kinds).decode().splitlines()[1:] == ["-12.50,2024-10-04,0.5", "0.07,,", ",2024-10-05,1"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12))
def test_no_text_becomes_a_formula(text: str) -> None:
    assert not is_formula(neutral(text))


def test_an_empty_view_is_a_file_too() -> None:
    assert to_csv({"payer": []}, {}) == b"payer\n"
    assert sheet(to_xlsx({"payer": []}, {})).max_row == 1


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="at most 100,000 rows"):
        to_csv({"payer": ["x"] * (MOST_ROWS + 1)}, {})
