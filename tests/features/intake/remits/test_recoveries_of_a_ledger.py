"""Recoveries on the rows of a practice's own ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from features.intake.mapping import Mapping
from tests.features.intake.remits.answers import JANUARY, MARCH, SECOND, WON, a_claim, a_line, a_remit, corrected
from tests.features.intake.remits.reading import joined
from tests.features.intake.remits.writer import Remit

ROW = {"writeoff_id": "W1", "writeoff_date": "2024-02-01", "payer_id": "60054", "writeoff_amount": "200.00", "claim_id": "ACCT1"}


def _with_ledger(folder: Path, *ledger: dict[str, str], remits: Sequence[Remit] = (JANUARY, MARCH)) -> list[tuple[str, str, int, int]]:
    found = joined(folder, ledger, remits, Mapping())
    return [(one.writeoff.writeoff_id, one.status, one.recovered, one.taken_back) for one in found.outcomes().events]


@pytest.mark.parametrize(
    "columns",
    [
        {"procedure_code": "99213", "carc": "16", "group_code": "CO"},
        {"procedure_code": "99213"},
        {"line_number": "1", "carc": "45"},
        {"claim_id": "acct1"},
        {"carc": "16", "writeoff_amount": ""},
        {"carc": "16", "writeoff_amount": "35.00"},
    ],
)
def test_an_event_is_on_the_ledgers_own_row(tmp_path: Path, columns: dict[str, str]) -> None:
    assert _with_ledger(tmp_path, {**ROW, **columns}) == [("W1", "recovered", 10000, 0)]


@pytest.mark.parametrize(
    "columns",
    [
        {"claim_id": "ACCT2"},
        {"procedure_code": "99215"},
        {"carc": "29", "writeoff_amount": "5.00"},
        {"posting_kind": "reversal"},
        {"posting_kind": "transfer"},
        {"posting_kind": "conversion"},
        {"writeoff_amount": "-200.00"},
        {"writeoff_amount": "0.00"},
        {"writeoff_date": "2024-03-05"},
    ],
)
def test_a_row_about_something_else_has_no_event(tmp_path: Path, columns: dict[str, str]) -> None:
    assert _with_ledger(tmp_path, {**ROW, **columns}) == []


def test_a_copy_and_a_reversed_posting_leave_the_event_to_the_one_that_stands(tmp_path: Path) -> None:
    second, undone = (
        {**ROW, "writeoff_id": "W2", "writeoff_date": "2024-02-02"},
        {**ROW, "writeoff_id": "W0", "writeoff_date": "2024-01-20"},
    )
    reversal = {**ROW, "writeoff_id": "R0", "writeoff_amount": "-200.00", "posting_kind": "reversal", "reverses_writeoff_id": "W0"}
    assert _with_ledger(tmp_path, second, reversal, undone, ROW) == [("W1", "recovered", 10000, 0)]


def test_a_posting_that_was_reversed_because_it_was_won_keeps_its_event(tmp_path: Path) -> None:
    reversal = {**ROW, "writeoff_id": "R1", "writeoff_date": "2024-03-10", "posting_kind": "reversal", "reverses_writeoff_id": "W1"}
    assert _with_ledger(tmp_path, ROW, {**reversal, "writeoff_amount": "-200.00"}) == [("W1", "recovered", 10000, 0)]


def test_two_postings_of_one_reason_are_paid_first_posted_first(tmp_path: Path) -> None:
    parts = [{**ROW, "writeoff_id": f"W{i}", "writeoff_date": f"2024-02-0{i}", "writeoff_amount": text, "carc": "16"} for i, text in
             ((1, "60.00"), (2, "140.00"))]  # fmt: skip
    assert _with_ledger(tmp_path, *parts) == [("W1", "recovered", 6000, 0), ("W2", "recovered", 4000, 0)]


def test_what_nobody_wrote_off_is_no_recovery(tmp_path: Path) -> None:
    two = a_claim(a_line(("CO", "16", 12000), ("CO", "45", 8000)))
    after = a_claim(a_line(("CO", "45", 8000)))
    row = {**ROW, "writeoff_amount": "80.00", "carc": "45"}
    assert _with_ledger(tmp_path, row, remits=(a_remit(1, two), corrected(3, two, after))) == []


def test_a_row_posted_after_the_correction_is_about_the_correction(tmp_path: Path) -> None:
    row = {**ROW, "writeoff_date": "2024-04-01", "writeoff_amount": "80.00", "carc": "45"}
    more = a_claim(a_line(("CO", "45", 3000), ("PR", "2", 2000)))
    assert _with_ledger(tmp_path, row, remits=(JANUARY, MARCH, corrected(5, WON, more))) == [("W1", "partially_recovered", 5000, 0)]


def test_a_ledgers_row_is_answered_by_a_claim_under_a_new_number(tmp_path: Path) -> None:
    assert _with_ledger(tmp_path, ROW, remits=(JANUARY, a_remit(3, SECOND))) == [("W1", "recovered", 10000, 0)]
