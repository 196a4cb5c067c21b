"""A table of `remit_lines` brings what the 835 brings that it was written from, as far as it has columns for it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from features.errors import BadData, ColumnsMissing
from features.intake.mapping import Mapping
from features.intake.output import write_table
from features.intake.remits import RemitImport, import_remits
from features.intake.remits.line_table import is_line_table, read_line_table
from recoup.sample.practice import write_sample
from tests.features.intake.remits.public_folder import public_remits
from tests.features.intake.remits.reading import TODAY, rows

SAID = (
    "writeoff_date", "payer_id", "writeoff_amount", "claim_id", "line_number", "payer_claim_number", "payer_sequence", "procedure_code",
    "modifiers", "units", "service_date", "remit_date", "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount",
    "group_code", "carc", "rarcs", "claim_status", "remit_file", "remit_segment",
)  # fmt: skip
"""Candidate columns that a table can say; it has no columns for the others."""

HEAD = "remit_id,remit_date,payer_id,claim_id,line_number,procedure_code,group_code,carc,amount,billed_amount,paid_amount,is_reversal\n"


def _said(found: RemitImport) -> list[tuple[str, ...]]:
    return sorted(zip(*(found.candidates[name] for name in SAID), strict=True))


def _again(found: RemitImport, folder: Path, ending: str = "csv") -> RemitImport:
    path = folder / f"lines.{ending}"
    write_table(path, found.lines)
    return import_remits([path], today=TODAY)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_public_remits_come_back_from_their_lines(tmp_path: Path, ending: str) -> None:
    found = import_remits([public_remits()], today=TODAY)
    assert _said(_again(found, tmp_path, ending)) == _said(found) != []


def test_candidates_and_outcomes_of_a_practice_come_back_from_its_lines(tmp_path: Path) -> None:
    write_sample(tmp_path / "d", rows=1500, seed=4, truth=True)
    ledger = tmp_path / "d" / "writeoffs.csv"
    paths = [tmp_path / "d" / "remits", tmp_path / "d" / "later_remits"]
    found = import_remits(paths, today=TODAY, ledger=ledger)
    write_table(tmp_path / "lines.csv", found.lines)
    again = import_remits([tmp_path / "lines.csv"], today=TODAY, ledger=ledger)
    one, two = found.outcomes(), again.outcomes()
    brought = [
        sorted(zip(e.columns["writeoff_id"], e.columns["resolved_date"], e.columns["recovered_amount"], strict=True)) for e in (one, two)
    ]
    assert brought[0] == brought[1] and len(brought[0]) > 50
    # Provider adjustments take money back in an 835 alone: a table of lines has none.
    assert sum(event.taken_back for event in two.events) <= sum(event.taken_back for event in one.events)
    assert _said(import_remits([tmp_path / "lines.csv"], today=TODAY)) == _said(import_remits(paths, today=TODAY))


def test_a_reversal_and_its_correction_are_netted(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(
        HEAD
        + "R1,2025-03-01,ACME,C1,1,99213,CO,16,100.00,100.00,0.00,false\n"
        + "R2,2025-05-01,ACME,C1,1,99213,CO,16,-100.00,-100.00,0.00,true\n"
        + "R2,2025-05-01,ACME,C1,1,99213,CO,45,40.00,100.00,60.00,false\n"
    )
    found = import_remits([path], today=TODAY)
    assert [(row["carc"], row["writeoff_amount"], row["paid_amount"], row["balanced"]) for row in rows(found)] == [
        ("45", "40.00", "60.00", "true")
    ]
    [event] = found.outcomes().events
    assert event.recovered == 60_00


def test_a_claim_said_twice_in_one_remit_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    head = HEAD.replace("is_reversal", "segment")
    path.write_text(head + "".join(f"R1,2025-03-01,ACME,C1,1,99213,CO,97,80.00,80.00,0.00,{segment}\n" for segment in (7, 30)))
    assert [row["writeoff_amount"] for row in rows(import_remits([path], today=TODAY))] == ["80.00"]


def test_a_line_that_does_not_balance_is_flagged_and_a_blank_amount_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(HEAD + "R1,2025-03-01,ACME,C1,1,99213,CO,97,80.00,100.00,0.00,\n" + "R1,2025-03-01,ACME,C2,1,99213,CO,97,80.00,,,\n")
    found = import_remits([path], today=TODAY)
    assert {row["claim_id"]: row["balanced"] for row in rows(found)} == {"C1": "false", "C2": "true"}


def test_rows_that_break_a_rule_are_rejected_by_row(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    good = "".join(f"R1,2025-03-01,ACME,C{i},1,99213,CO,97,80.00,80.00,0.00,\n" for i in range(30))
    path.write_text(HEAD + good + "R1,2025-03-01,ACME,C99,1,99213,CO,97,1e3,80.00,0.00,\n")
    found = import_remits([path], today=TODAY)
    assert [(reject.row, reject.column, reject.rule) for reject in found.rejects] == [(32, "amount", "not_an_amount")]
    assert len(rows(found)) == 30


def test_a_table_of_rejects_alone_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(HEAD + "R1,2025-03-01,ACME,C99,1,99213,CO,97,1e3,80.00,0.00,\n")
    with pytest.raises(BadData, match="lines.csv"):
        import_remits([path], today=TODAY)


def test_only_tables_of_lines_are_read_as_such(tmp_path: Path) -> None:
    other, theirs = tmp_path / "manifest.csv", tmp_path / "theirs.csv"
    other.write_text("file,claims\na.835,3\n")
    theirs.write_text("Check,Payer,Claim,CAS,Reason,Adj\nR1,ACME,C1,CO,97,80.00\n")
    names = {"Check": "remit_id", "Payer": "payer_id", "Claim": "claim_id", "CAS": "group_code", "Reason": "carc", "Adj": "amount"}
    assert [is_line_table(other), is_line_table(theirs), is_line_table(theirs, Mapping(columns=names))] == [False, False, True]
    with pytest.raises(ColumnsMissing):
        read_line_table(other)


def test_a_row_without_any_day_is_rejected_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(
        "remit_id,remit_date,payer_id,claim_id,group_code,carc,amount\nR1,,ACME,C1,CO,97,80.00\nR2,2025-01-02,ACME,C2,CO,97,9.00\n"
    )
    found = import_remits([path], today=TODAY)
    assert [row["claim_id"] for row in rows(found)] == ["C2"]
    assert [(reject.id, reject.rule) for reject in found.rejects] == [("C1", "claim_undated")]


def test_the_exported_lines_hold_the_columns_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    write_table(path, import_remits([public_remits()], today=TODAY).lines)
    with path.open(newline="") as file:
        assert is_line_table(path) and len(next(csv.reader(file))) == 26
