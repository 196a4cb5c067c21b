"""What a reader noticed and kept: each kind of remark once, with a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from features.tables import Table

MOST_VALUES = 5
"""So many distinct values are named; the count says how many rows there are."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One remark on a table.

    Parameters
    ----------
    code
        Its kind: unknown_column, not_listed, or one of `REMARKS`.
    column
        The column it is about.
    count
        Rows concerned (columns, for unknown_column).
    message
        The remark in a sentence.
    values
        Examples, only of listed columns and column names: never what could be a patient's.
    """

    code: str
    column: str
    count: int
    message: str
    values: tuple[str, ...] = ()


LOST_DIGITS = r"^[0-9]([.,][0-9]+)?E[+][0-9]{2,3}$"
"""An id as spreadsheets write a long number: `1.23457E+11` was 123,456,789,012 and is now any number that begins so."""

SAVE_AS_TEXT = "make these columns text in the spreadsheet, or export without one"
"""What helps."""

REMARKS = {
    "digits_lost": "{column} is written like 1.2E+11 in {count} rows: a spreadsheet cut digits off, so different ones look the same; "
    + SAVE_AS_TEXT,
    "date_after_writeoff": "{column} is after writeoff_date in {count} rows; kept",
    "patient_id_dropped": "{column} left out in {count} rows: it is kept only hashed, and nothing here needs it",
    "resolved_before_worked": "{column} is before worked_date in {count} rows; kept",
    "resolved_without_date": "{column} is blank in {count} rows whose status is final; they count as pending",
    "pending_with_date": "{column} is given in {count} rows whose status is pending; kept",
    "denied_with_amount": "{column} is above 0 in {count} rows whose status says that nothing came; kept, the dollars decide",
    "recovered_nothing": "{column} is 0 in {count} rows whose status says that money came; kept, the dollars decide",
    "taken_back_more": "{column} is more than recovered_amount in {count} rows; kept",
}
"""Remarks on rows that are kept, by code; `Findings.rows` counts them."""


class Findings:
    """Gathers what a reader notices, and says each thing once.

    Attributes
    ----------
    unknown
        Column names that the table does not have.
    unlisted
        Column to the raw words outside its list, with their number of rows.
    rows
        (code of `REMARKS`, column) to the number of rows.
    """

    def __init__(self) -> None:
        self.unknown: dict[str, None] = {}
        self.unlisted: dict[str, Counter[str]] = {}
        self.rows: Counter[tuple[str, str]] = Counter()

    def issues(self, table: Table) -> list[Issue]:
        """Return the remarks: unknown columns, then by column in the table's order."""
        if not (self.unknown or self.unlisted or self.rows):
            return []
        found = [_unknown(list(self.unknown))] if self.unknown else []
        # One remark needs no order; a request has mostly none or one.
        places = enumerate(table.names) if len(self.unlisted) > 1 or len(self.rows) > 1 else ()
        order = {name: place for place, name in places}
        found += [_not_listed(name, self.unlisted[name].items()) for name in sorted(self.unlisted, key=lambda name: order.get(name, 0))]
        for code, column in sorted(self.rows, key=lambda key: (order.get(key[1], 0), key[0])):
            count = self.rows[code, column]
            if count:
                found.append(Issue(code, column, count, REMARKS[code].format(column=column, count=count)))
        return found


def _unknown(names: list[str]) -> Issue:
    shown = tuple(name[:40] for name in names[:20])
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return Issue("unknown_column", names[0], len(names), f"ignored columns: {', '.join(map(repr, shown))}{more}", shown)


def _not_listed(column: str, words: Iterable[tuple[str, int]]) -> Issue:
    ordered = sorted(words, key=lambda item: (-item[1], item[0]))
    count = sum(number for _, number in ordered)
    shown = tuple(word[:40] for word, _ in ordered[:MOST_VALUES])
    more = f" and {len(ordered) - len(shown)} more" if len(ordered) > len(shown) else ""
    read_as = READ_AS.get(column, "unknown")
    message = f"{column}: {', '.join(map(repr, shown))}{more} not in the list; {count} rows read as {read_as}"
    return Issue("not_listed", column, count, message, shown)


READ_AS: Mapping[str, str] = {"action": "other", "group_code": "OTHER"}
"""What a word outside a column's list is read as, where that is not simply unknown."""
