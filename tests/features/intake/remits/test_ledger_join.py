"""Ledger rows and what the 835 says of them, as of their own posting day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from features.errors import ColumnsMissing
from features.intake.mapping import Mapping
from features.intake.remits import RemitImport, import_remits
from features.intake.remits.export import write_candidates
from features.intake.table_file import read_table
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from tests.features.intake.remits.reading import TODAY, codes, joined, rows
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode, paid

TWO_LINES = Claim(
    (
        Line(20000, (("CO", "16", 20000),), control="1", rarcs=("N130", "MA130")),
        Line(9000, (("CO", "45", 3000), ("PR", "2", 1000)), procedure="HC:99214:25", day="20231203", control="2", allowed=6000),
    ),
    name="C1",
)
JANUARY = Remit((TWO_LINES, denied("C2", icn="I2")), day="20240105", trace="T1", control=1)
APRIL = Remit((TWO_LINES.reversed(), replace(TWO_LINES, lines=(Line(29000),))), day="20240405", trace="T2", control=2)

ROW = {"writeoff_id": "W1", "writeoff_date": "2024-02-01", "payer_id": "60054", "writeoff_amount": "30.00", "claim_id": "C1"}


def _join(
    folder: Path, *ledger: dict[str, str], remits: tuple[Remit, ...] = (JANUARY, APRIL), mapping: Mapping | None = None
) -> RemitImport:
    return joined(folder, ledger, remits, mapping)


def test_a_row_joined_by_line_control_number_gains_what_the_835_says(tmp_path: Path) -> None:
    found = _join(tmp_path, {**ROW, "line_number": "2"})
    [row] = rows(found)
    expected = {
        **ROW, "line_number": "2", "remit_date": "2024-01-05", "group_code": "CO", "carc": "45", "rarcs": "", "allowed_amount": "60.00",
        "paid_amount": "50.00", "patient_responsibility_amount": "10.00", "billed_amount": "90.00", "claim_status": "1",
        "filing_indicator": "12", "payer_type": "commercial", "remit_file": "0.835", "balanced": "true",
    }  # fmt: skip
    assert {name: row.get(name, "") for name in expected} == expected
    segments = JANUARY.segments()
    assert segments[int(row["remit_segment"]) - 1] == "CAS*CO*45*30.00"
    assert found.issues == []


def test_a_row_joined_by_claim_procedure_and_day(tmp_path: Path) -> None:
    by_procedure = {**ROW, "procedure_code": "99214", "service_date": "2023-12-03"}
    [row] = rows(_join(tmp_path, by_procedure))
    assert (row["carc"], row["allowed_amount"]) == ("45", "60.00")


@pytest.mark.parametrize(
    "changes",
    [{"claim_id": "C9"}, {"service_date": "2023-11-11"}, {"procedure_code": "1"}, {"writeoff_date": "2024-01-01"}, {"claim_id": ""}],
)
def test_a_row_that_nothing_fits_is_kept_as_it_is_and_named(tmp_path: Path, changes: dict[str, str]) -> None:
    given = {**ROW, "procedure_code": "99214", "service_date": "2023-12-03", **changes}
    found = _join(tmp_path, given)
    assert rows(found) == [{name: value for name, value in given.items() if value}]
    assert [(issue.code, issue.file, issue.segment) for issue in found.issues] == [("ledger_unmatched", "ledger.csv", 2)]


def test_the_adjudication_is_the_one_known_on_the_posting_day(tmp_path: Path) -> None:
    before = {**ROW, "writeoff_amount": "200.00", "line_number": "1"}
    after = {**before, "writeoff_id": "W2", "writeoff_date": "2024-05-01", "line_number": "", "procedure_code": "99213"}
    one, two = rows(_join(tmp_path, before, after))
    assert (one["remit_date"], one["carc"], one["rarcs"]) == ("2024-01-05", "16", "N130 MA130")
    assert (two["remit_date"], two["carc"], two["paid_amount"]) == ("2024-04-05", "", "290.00")


def test_what_the_ledger_says_stays(tmp_path: Path) -> None:
    given = {**ROW, "line_number": "2", "carc": "45", "remit_date": "2024-01-20", "allowed_amount": "61.00", "adjustment_code": "XX"}
    [row] = rows(_join(tmp_path, given))
    assert {name: row[name] for name in given} == given
    assert row["paid_amount"] == "50.00"


def test_a_reason_that_the_835_does_not_have_stays_and_is_named(tmp_path: Path) -> None:
    found = _join(tmp_path, {**ROW, "line_number": "2", "carc": "29"})
    [row] = rows(found)
    assert (row["carc"], row.get("group_code", ""), row.get("rarcs", ""), row["allowed_amount"]) == ("29", "", "", "60.00")
    assert codes(found.issues) == ["ledger_reason_differs"]


def test_an_ambiguous_row_gains_only_what_all_fitting_adjustments_share(tmp_path: Path) -> None:
    claim = Claim((Line(20000, (("CO", "45", 3000), ("CO", "97", 3000)), control="1"),), name="C1")
    found = _join(tmp_path, {**ROW, "line_number": "1"}, remits=(Remit((claim,)),))
    [row] = rows(found)
    assert (row["group_code"], row.get("carc", ""), row["paid_amount"]) == ("CO", "", "140.00")
    assert codes(found.issues) == ["ledger_ambiguous"]


def test_amount_tells_adjustments_apart_and_patient_shares_come_last(tmp_path: Path) -> None:
    claim = Claim((Line(20000, (("CO", "45", 3000), ("PR", "1", 4000), ("PI", "97", 100)), control="1"),), name="C1")
    by_amount = {**ROW, "line_number": "1"}
    negative = {**by_amount, "writeoff_id": "W2", "writeoff_amount": "-1.00", "posting_kind": "reversal"}
    one, two = rows(_join(tmp_path, by_amount, negative, remits=(Remit((claim,)),)))
    assert (one["carc"], two["carc"]) == ("45", "97")


@pytest.mark.parametrize(("amount", "carc", "issues"), [("", "45", []), ("30.00", "45", []), ("4.99", "", ["ledger_amount_differs"])])
def test_a_row_takes_a_reason_only_of_its_own_amount(tmp_path: Path, amount: str, carc: str, issues: list[str]) -> None:
    claim = Claim((Line(20000, (("PR", "1", 4000), ("CO", "45", 3000)), control="1"),), name="C1")
    given = {**ROW, "line_number": "1", "writeoff_amount": amount, "adjustment_code": "SMALLBAL"}
    found = _join(tmp_path, given, remits=(Remit((claim,)),))
    [row] = rows(found)
    assert (row.get("carc", ""), row.get("remit_segment", "") != "", row["paid_amount"]) == (carc, bool(carc), "130.00")
    assert codes(found.issues) == issues


def test_a_control_number_may_be_claim_and_line(tmp_path: Path) -> None:
    lines = (Line(20000, (("CO", "45", 3000),), control="C1-02"), Line(20000, (("CO", "97", 3000),), control="C1-01"))
    [row] = rows(_join(tmp_path, {**ROW, "line_number": "1"}, remits=(Remit((Claim(lines, name="C1"),)),)))
    assert row["carc"] == "97"


def test_a_column_of_control_numbers_joins_first(tmp_path: Path) -> None:
    claim = Claim((Line(20000, (("CO", "45", 3000),), control="CHG-88"), Line(20000, (("CO", "97", 3000),), control="CHG-89")), name="C1")
    [row] = rows(_join(tmp_path, {**ROW, "x_line_control_number": "CHG-89", "procedure_code": "99213"}, remits=(Remit((claim,)),)))
    assert (row["carc"], row["x_line_control_number"]) == ("97", "CHG-89")


@pytest.mark.parametrize(("claim", "ledger"), [("000123a", "123A"), ("123A", "000123A")])
def test_claim_numbers_are_compared_as_spreadsheets_leave_them(tmp_path: Path, claim: str, ledger: str) -> None:
    given = {**ROW, "claim_id": ledger, "line_number": "2"}
    [row] = rows(_join(tmp_path, given, remits=(Remit((replace(TWO_LINES, name=claim),)),)))
    assert (row["claim_id"], row["carc"]) == (ledger, "45")


def test_a_payment_dated_after_its_file_counts_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "ahead").mkdir()
    (tmp_path / "far").mkdir()
    for name, day, carc in (("ahead", "20240208", "45"), ("far", "20240309", "")):
        segments = replace(JANUARY, day=day).segments()
        segments[1] = "GS*HP*PAYER*PRACTICE*20240130*1200*1*X*005010X221A1"
        folder = tmp_path / name
        (folder / "ledger.csv").write_text(",".join([*ROW, "line_number"]) + "\n" + ",".join([*ROW.values(), "2"]) + "\n")
        (folder / "a.835").write_bytes(encode(segments))
        [row] = rows(import_remits([folder / "a.835"], ledger=folder / "ledger.csv", today=TODAY))
        assert row.get("carc", "") == carc


def test_payers_of_one_claim_are_told_apart(tmp_path: Path) -> None:
    secondary = Remit((paid("C2", icn="S1", status="2"),), payer="OTHER", day="20240110", trace="T3", control=3)
    given = {**ROW, "claim_id": "C2", "procedure_code": "99213", "payer_id": "OTHER", "writeoff_amount": "80.00"}
    [row] = rows(_join(tmp_path, given, remits=(JANUARY, secondary)))
    assert (row["payer_sequence"], row["carc"]) == ("2", "45")


def test_the_practices_column_names_are_mapped(tmp_path: Path) -> None:
    row = {"Id": "W1", "Posted": "2024-02-01", "Payer": "Plan A", "Amount": "30.00", "Claim": "C1", "Line": "2"}
    columns = {
        "Id": "writeoff_id",
        "Posted": "writeoff_date",
        "Payer": "payer_id",
        "Amount": "writeoff_amount",
        "Claim": "claim_id",
        "Line": "line_number",
    }
    found = _join(tmp_path, row, mapping=Mapping(columns=columns, payers={"Plan A": "60054"}))
    assert rows(found)[0]["carc"] == "45"
    with pytest.raises(ColumnsMissing):
        import_remits([tmp_path / "in"], ledger=tmp_path / "ledger.csv", today=TODAY)


def test_ledger_rows_that_cannot_be_read_are_rejects_and_patients_are_left_out(tmp_path: Path) -> None:
    good = [{**ROW, "writeoff_id": f"W{i}", "patient_id": "CANARY"} for i in range(30)]
    found = _join(tmp_path, *good, {**ROW, "writeoff_id": "BAD", "writeoff_amount": "1e3"})
    assert [tuple(one) for one in found.rejects] == [("ledger.csv", 32, "BAD", "writeoff_amount", "not_an_amount")]
    assert len(rows(found)) == 30 and "CANARY" not in repr(found.candidates)


def test_the_joined_ledger_is_valid_input_again(tmp_path: Path) -> None:
    found = _join(
        tmp_path, {**ROW, "line_number": "2", "units": "1.50", "qmb": "y", "x_mine": "7"}, {**ROW, "writeoff_id": "W2", "claim_id": "C9"}
    )
    for ending in ("csv", "parquet"):
        write_candidates(tmp_path / f"out.{ending}", found.candidates)
        read = read_table(tmp_path / f"out.{ending}", WRITEOFFS, vocabulary=Vocabulary(), most_rejected=0.0)
        assert read.batch.words("carc") == ["45", None]
        assert (read.batch.columns["units"][0], read.batch.columns["qmb"][0]) == (1.5, 1)
