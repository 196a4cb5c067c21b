"""What the files of a practice promise: same bytes, exact counts, nothing of the future, a log of the lot."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from features.errors import UsageError
from features.tables import OUTCOMES, WRITEOFFS
from recoup.sample import codes
from recoup.sample.practice import write_sample
from tests.recoup.sample.conftest import ROWS
from tests.recoup.sample.rows import cents, read_rows

END = "2026-11-01"
TABLES = {"writeoffs.csv", "outcomes.csv", "contract_rates.csv", "payer_rules.csv", "writeoff_policies.csv", "remits"}
TRUTH = {"truth.parquet", "true_outcomes.csv", "defects.csv", "later_remits"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_arguments_give_the_same_bytes_in_another_process_with_another_hash_seed(tmp_path: Path) -> None:
    write_sample(tmp_path / "here", rows=300, seed=3, truth=True)
    call = "import sys, pathlib, recoup.sample.practice as p; p.write_sample(pathlib.Path(sys.argv[1]), rows=300, seed=3, truth=True)"
    subprocess.run([sys.executable, "-c", call, str(tmp_path / "there")], check=True, env={**os.environ, "PYTHONHASHSEED": "4711"})
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_another_seed_is_another_practice(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_sample(tmp_path / str(seed), rows=50, seed=seed)
    assert (tmp_path / "1" / "writeoffs.csv").read_bytes() != (tmp_path / "2" / "writeoffs.csv").read_bytes()


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_the_ledger_has_exactly_as_many_rows_as_asked(tmp_path: Path, rows: int) -> None:
    write_sample(tmp_path, rows=rows, truth=True)
    ledger = read_rows(tmp_path / "writeoffs.csv")
    assert len(ledger) == len({row["writeoff_id"] for row in ledger}) == rows
    assert {path.name for path in tmp_path.iterdir()} == TABLES | TRUTH


def test_without_truth_nothing_tells_what_nobody_could_know(tmp_path: Path) -> None:
    write_sample(tmp_path, rows=60)
    assert {path.name for path in tmp_path.iterdir()} == TABLES


def test_truth_changes_no_other_file(tmp_path: Path) -> None:
    write_sample(tmp_path / "plain", rows=60)
    write_sample(tmp_path / "told", rows=60, truth=True)
    told = contents(tmp_path / "told")
    assert all(told[name] == content for name, content in contents(tmp_path / "plain").items())


def test_columns_are_known_ones_of_the_tables(sample: Path) -> None:
    assert set(read_rows(sample / "writeoffs.csv")[0]) <= {column.name for column in WRITEOFFS.columns}
    assert set(read_rows(sample / "outcomes.csv")[0]) <= {column.name for column in OUTCOMES.columns}


def test_the_codes_agree_with_the_tables_of_features() -> None:
    table = {row["carc"]: row for row in read_rows(Path(sys.modules["features"].__path__[0]) / "codes" / "carc.csv")}
    for code in codes.ALL:
        if code.carc:
            row = table[code.carc]
            assert (code.family, code.letter) == (row["family"], row["recoverability"]), code
            assert code.group in row["usual_groups"].split(), code
            # Whether a patient may be billed hangs on guards, so the table names no remedy for these.
            assert code.group == "PR" or code.remedy == row["remedy"], code
            assert not (row["rarc_required"] == "yes" and "" in code.rarcs), code


def test_postings_end_the_day_before_and_dates_of_a_row_are_in_order(sample: Path) -> None:
    for row in read_rows(sample / "writeoffs.csv"):
        assert "2024-07-01" <= row["writeoff_date"] < END
        assert row["service_date"] < row["submitted_date"] < row["remit_date"] <= row["writeoff_date"]
        assert not row["initial_denial_date"] or row["service_date"] < row["initial_denial_date"] <= row["remit_date"]


def test_another_end_moves_the_whole_practice(tmp_path: Path) -> None:
    write_sample(tmp_path, rows=400, end=date(2023, 3, 15))
    days = [row["writeoff_date"] for row in read_rows(tmp_path / "writeoffs.csv")]
    assert "2020-11-15" <= min(days) and max(days) < "2023-03-15"


def test_outcomes_are_those_known_on_the_morning_of_the_end(sample: Path) -> None:
    told = {row["effort_id"]: row for row in read_rows(sample / "outcomes.csv")}
    true = {row["effort_id"]: row for row in read_rows(sample / "true_outcomes.csv")}
    assert set(told) == {name for name, row in true.items() if row["worked_date"] < END}
    later = 0
    for name, row in told.items():
        if true[name]["resolved_date"] < END:
            # What is taken back later is not known yet; all else of an answer is.
            assert row["taken_back_amount"] in (true[name]["taken_back_amount"], "0.00")
            assert {**row, "taken_back_amount": ""} == {**true[name], "taken_back_amount": ""}
        else:
            later += 1
            assert row["status"] == "pending"
            assert not any(row[column] for column in ("resolved_date", "recovered_amount", "taken_back_amount", "hours_spent"))
    assert later > 0


def test_outcomes_add_up(sample: Path) -> None:
    ledger = {row["writeoff_id"]: row for row in read_rows(sample / "writeoffs.csv")}
    for row in read_rows(sample / "true_outcomes.csv"):
        posted = ledger[row["writeoff_id"]]
        assert posted["writeoff_date"] < row["worked_date"] < row["resolved_date"]
        won, back = cents(row["recovered_amount"]), cents(row["taken_back_amount"])
        assert back in (0, won)
        assert (won > 0) == (row["status"] in ("recovered", "partially_recovered", "settled"))
        assert won <= cents(posted["writeoff_amount"])


def test_what_was_worked_by_lot_is_logged_with_its_chance(sample: Path) -> None:
    outcomes = read_rows(sample / "outcomes.csv")
    assert {(row["explored"], row["selection_probability"]) for row in outcomes} == {("true", "0.03"), ("false", "")}
    drawn = len({row["writeoff_id"] for row in read_rows(sample / "true_outcomes.csv") if row["explored"] == "true"})
    # Binomial with chance .03 over at most all rows; four standard deviations either side, and some rows cannot be drawn.
    spread = 4 * (ROWS * 0.03 * 0.97) ** 0.5
    assert 0.8 * ROWS * 0.03 - spread < drawn < ROWS * 0.03 + spread


@pytest.mark.parametrize(("explore", "answers"), [(0.0, {"false"}), (1.0, {"true"})])
def test_no_lot_and_nothing_but_the_lot(tmp_path: Path, explore: float, answers: set[str]) -> None:
    write_sample(tmp_path, rows=200, explore=explore)
    assert {row["explored"] for row in read_rows(tmp_path / "outcomes.csv")} == answers


def test_staff_work_about_18_of_100_write_offs(sample: Path) -> None:
    worked = {row["writeoff_id"] for row in read_rows(sample / "true_outcomes.csv")}
    assert 0.15 < len(worked) / ROWS < 0.21


def test_remits_of_an_earlier_sample_in_the_folder_go_and_files_of_others_stay(tmp_path: Path) -> None:
    write_sample(tmp_path, rows=200)
    (tmp_path / "remits" / "ours.835").write_text("ISA")
    write_sample(tmp_path, rows=1)
    [row] = read_rows(tmp_path / "writeoffs.csv")
    assert {path.name for path in (tmp_path / "remits").iterdir()} == {"ours.835", row["remit_file"]}


def test_progress_is_told_in_steps(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_sample(tmp_path, rows=5, truth=True, progress=lambda step, done, of: told.append((step, done, of)))
    assert [done for _, done, _ in told] == list(range(6)) and {of for _, _, of in told} == {5}


@pytest.mark.parametrize(("rows", "explore"), [(0, 0.03), (-5, 0.03), (5, -0.1), (5, 1.5), (5, float("nan"))])
def test_arguments_outside_their_range_are_refused_before_anything_is_written(tmp_path: Path, rows: int, explore: float) -> None:
    with pytest.raises(UsageError):
        write_sample(tmp_path / "out", rows=rows, explore=explore)
    assert not (tmp_path / "out").exists()
