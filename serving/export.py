"""A view of the queue as a file: CSV or XLSX, in which no cell is a formula. Whoever calls it logs the act."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import xlsxwriter

from features.errors import UsageError
from features.intake.output import write_table
from features.money import NULL
from features.tables import Array, Kind

MOST_ROWS = 100_000
"""Rows of one export; a spreadsheet of more is no use to anybody."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?")
_WIDEST, _NARROWEST = 60, 8

Values: TypeAlias = Sequence[Any] | Array


def neutral(text: str) -> str:
    """Return a text as a cell may hold it: what a spreadsheet would take for a formula begins with an apostrophe.

    The rule is that of every table that recoup writes (`features.intake.output.write_table`), so that what is read back is the same.

    >>> neutral("=1+1"), neutral("@SUM(A1)"), neutral("-12.50"), neutral("W-17")
    ("'=1+1", "'@SUM(A1)", '-12.50', 'W-17')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def to_csv(columns: Mapping[str, Values], kinds: Mapping[str, Kind]) -> bytes:
    """Return columns as CSV.

    Parameters
    ----------
    columns
        Name to values, equally long: text, numbers, dates or None; money in cents.
    kinds
        Columns that hold values as tables store them (`features.tables.Kind`): money in cents and so on.

    Raises
    ------
    UsageError
        When there are more than `MOST_ROWS`.

    Examples
    --------
    >>> to_csv({"payer": ["=A1", "ACME"], "short": [-1250, 7]}, {"short": Kind.MONEY}).decode().splitlines()
    ['payer,short', "'=A1,-12.50", 'ACME,0.07']
    """
    _check(columns)
    out = io.BytesIO()
    write_table("-", columns, kinds=kinds, stdout=out)
    return out.getvalue()


def to_xlsx(columns: Mapping[str, Values], kinds: Mapping[str, Kind], *, title: str = "Queue") -> bytes:
    """Return columns as a workbook of one sheet: dollars and dates as such, text as text, no formula and no link anywhere.

    Parameters
    ----------
    columns, kinds
        As for `to_csv`.
    title
        Name of the sheet.

    Raises
    ------
    UsageError
        When there are more than `MOST_ROWS`.
    """
    _check(columns)
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", title)[:31] or "Queue")
    bold, money, day = (
        book.add_format(told) for told in ({"bold": True, "bottom": 1}, {"num_format": "#,##0.00"}, {"num_format": "yyyy-mm-dd"})
    )
    rows = 0
    for place, (name, values) in enumerate(columns.items()):
        kind = kinds.get(name)
        cells = [_cell(value, kind) for value in (values if isinstance(values, list | tuple) else list(values))]
        rows = len(cells)
        sheet.write_string(0, place, neutral(name), bold)
        for row, cell in enumerate(cells, start=1):
            if isinstance(cell, bool):
                sheet.write_boolean(row, place, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(row, place, cell, day)
            elif isinstance(cell, int | float):
                sheet.write_number(row, place, cell, money if kind is Kind.MONEY else None)
            elif cell is not None:
                sheet.write_string(row, place, neutral(cell))
        longest = max((len(str(cell)) for cell in cells[:500] if cell is not None), default=0)
        sheet.set_column(place, place, min(max(longest, len(name), _NARROWEST) + 2, _WIDEST))
    sheet.freeze_panes(1, 0)
    if rows:
        sheet.autofilter(0, 0, rows, len(columns) - 1)
    book.close()
    return out.getvalue()


def _check(columns: Mapping[str, Values]) -> None:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise ValueError("columns differ in length")
    if lengths and max(lengths) > MOST_ROWS:
        raise UsageError(f"an export holds at most {MOST_ROWS:,} rows, this view has {max(lengths):,}: narrow it by a filter")


def _cell(value: Any, kind: Kind | None) -> bool | int | float | str | date | None:
    """Return a value as a workbook holds it; nulls, NaN and infinity are blank."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and not abs(value) < float("inf")):
        return None
    if kind in (Kind.MONEY, Kind.DATE, Kind.INT) and value == NULL:
        return None
    if kind is Kind.MONEY:
        return int(value) / 100
    if kind is Kind.DATE:
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(value))
    if kind is Kind.BOOL:
        return None if value < 0 else bool(value)
    return value if isinstance(value, bool | int | float | date) else str(value)
