"""Rows that cannot be read: which, where and by what rule, without their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from features.errors import TooManyRejects
from features.intake.issues import LOST_DIGITS, SAVE_AS_TEXT
from features.intake.output import write_table

MOST_REJECTED = 0.05
"""The largest share of a table's rows that may be rejected (DATA.md)."""


class Rule(Enum):
    """What a rejected cell or row breaks; the value is what the rejects file says."""

    VALUE_MISSING = "value_missing"
    """The column must have a value in every row."""
    NOT_AN_AMOUNT = "not_an_amount"
    """Money is digits with at most two decimals, like 1234.50 or -3."""
    NOT_A_DATE = "not_a_date"
    """Dates are YYYY-MM-DD."""
    DAY_COUNT = "day_count"
    """A spreadsheet's own count of days, like 46143, in the place of a date."""
    DATE_OUT_OF_RANGE = "date_out_of_range"
    """Before 1990, or more than five years ahead."""
    NOT_A_BOOLEAN = "not_a_boolean"
    """true/false, t/f, yes/no, y/n, 1/0 in any case."""
    NOT_A_WHOLE_NUMBER = "not_a_whole_number"
    """Digits, perhaps with a minus before and `.0` behind."""
    NOT_A_NUMBER = "not_a_number"
    """A finite decimal number."""
    BELOW_MINIMUM = "below_minimum"
    """Less than the least value that is good."""
    ABOVE_MAXIMUM = "above_maximum"
    """More than the greatest value that is good."""
    NOT_A_TEXT = "not_a_text"
    """Neither text nor anything that has one text form."""
    CONTROL_CHARACTER = "control_character"
    """NUL, a line break, another control character or half a surrogate pair inside a text."""
    TOO_LONG = "too_long"
    """More characters than the column may have."""
    NOT_LISTED = "not_listed"
    """Outside a list that must hold (`status`, `posting_kind` ...)."""
    FIELD_COUNT = "field_count"
    """The line has more or fewer fields than the header."""
    DUPLICATE_KEY = "duplicate_key"
    """An earlier row has the same key."""
    SPAN_OVERLAPS = "span_overlaps"
    """An earlier row of the same key is in force on some of the same days."""
    AMOUNT_MISSING = "amount_missing"
    """The status says that money came, and recovered_amount is blank."""


class Reject(NamedTuple):
    """One broken rule.

    Parameters
    ----------
    row
        In a CSV file as a spreadsheet counts (the header is row 1), elsewhere from 1.
    id
        The row's own id, blank where the table has none or it could not be read.
    column
        The column; blank where the rule is about the whole row.
    rule
        What it breaks.
    """

    row: int
    id: str
    column: str
    rule: Rule


class TooManyRowsRejected(TooManyRejects):
    """More rows of a table were rejected than may be; `rejects` holds them, so that the caller can write them out.

    >>> str(TooManyRowsRejected("ledger.csv", "writeoffs", 10, [Reject(2, "W1", "writeoff_date", Rule.NOT_A_DATE)]))
    'ledger.csv: table writeoffs: 1 of 10 rows rejected, 5 % may be; most often: writeoff_date not_a_date (1, first in row 2)'
    """

    def __init__(self, source: str, table: str, rows_read: int, rejects: Sequence[Reject], limit: float = MOST_REJECTED) -> None:
        self.rejects = list(rejects)
        counts = Counter((reject.column, reject.rule) for reject in rejects)
        first: dict[tuple[str, Rule], int] = {}
        for reject in rejects:
            first.setdefault((reject.column, reject.rule), reject.row)
        top = "; ".join(
            f"{column or 'row'} {rule.value} ({count}, first in row {first[column, rule]})"
            for (column, rule), count in counts.most_common(3)
        )
        rows = len({reject.row for reject in rejects})
        share = f"{rows} of {rows_read} rows rejected, {limit * 100:.0f} % may be"
        is_cut = any(reject.rule is Rule.DUPLICATE_KEY and re.match(LOST_DIGITS, reject.id) for reject in rejects)
        hint = f"; ids like 1.2E+11 have lost digits in a spreadsheet and look the same: {SAVE_AS_TEXT}" if is_cut else ""
        super().__init__(f"{source}: table {table}: {share}; most often: {top}{hint}")


def check_share(source: str, table: str, rows_read: int, rejects: Sequence[Reject], limit: float | None) -> None:
    """Refuse a table of which more than `limit` of the rows were rejected; None allows any share.

    Raises
    ------
    TooManyRowsRejected
        When more were.
    """
    if limit is not None and rejects and len({reject.row for reject in rejects}) > limit * rows_read:
        raise TooManyRowsRejected(source, table, rows_read, rejects, limit)


def write_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Write rejects as row, id, column, rule: ids, and no other value of the row."""
    write_table(
        path,
        {
            "row": [reject.row for reject in rejects],
            "id": [reject.id for reject in rejects],
            "column": [reject.column for reject in rejects],
            "rule": [reject.rule.value for reject in rejects],
        },
    )
