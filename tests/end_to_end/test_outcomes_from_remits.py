"""Outcomes read from 835s equal those that the sample planted, whatever is read twice, and a model learns from them."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.commands import Commands
from tests.end_to_end.conftest import AS_OF, Trained

Row = dict[str, str]


def _rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _key(row: Row) -> tuple[str, ...]:
    return row["writeoff_id"], row["resolved_date"], row["recovered_amount"], row["taken_back_amount"]


@pytest.fixture
def planted(trained: Trained) -> list[Row]:
    return [row for row in _rows(trained.practice / "true_outcomes.csv") if row["recovered_amount"] not in ("", "0.00")]


def _import(recoup: Commands, practice: Path, out: Path, *paths: Path, ledger: bool = True) -> list[Row]:
    flags = ["--ledger", practice / "writeoffs.csv"] if ledger else []
    ran = recoup("import-remits", *paths, *flags, "--out", out / "joined.csv", "--outcomes", out / "events.csv")
    assert ran.code == 0, ran.err
    return _rows(out / "events.csv")


def test_events_equal_the_planted_outcomes_to_the_cent_and_the_day(
    recoup: Commands, trained: Trained, tmp_path: Path, planted: list[Row]
) -> None:
    found = _import(recoup, trained.practice, tmp_path, trained.practice / "remits", trained.practice / "later_remits")
    assert len(planted) > 100
    assert any(row["taken_back_amount"] != "0.00" for row in planted)
    assert Counter(map(_key, found)) == Counter(map(_key, planted))
    assert {row["status"] for row in found} == {"recovered", "partially_recovered"}
    # an 835 tells an appeal from a resubmission, and no more
    action = {_key(row): row["action"] for row in found}
    assert all((action[_key(row)] == "appeal") == (row["action"] == "appeal") for row in planted)


def test_reading_every_file_twice_and_in_another_order_changes_nothing(recoup: Commands, trained: Trained, tmp_path: Path) -> None:
    remits, later = trained.practice / "remits", trained.practice / "later_remits"
    once = _import(recoup, trained.practice, tmp_path, remits, later)
    for i, folder in enumerate((later, remits)):
        shutil.copytree(folder, tmp_path / "again" / str(i))
    assert _import(recoup, trained.practice, tmp_path, later, tmp_path / "again", remits) == once


def test_without_a_ledger_events_are_on_the_candidates_of_the_first_import(
    recoup: Commands, trained: Trained, tmp_path: Path, planted: list[Row]
) -> None:
    remits, later = trained.practice / "remits", trained.practice / "later_remits"
    assert _import(recoup, trained.practice, tmp_path, remits, ledger=False) == []
    first = {row["writeoff_id"] for row in _rows(tmp_path / "joined.csv")}
    found = _import(recoup, trained.practice, tmp_path, remits, later, ledger=False)
    assert {row["writeoff_id"] for row in found} <= first
    assert Counter(_key(row)[1:] for row in found) == Counter(_key(row)[1:] for row in planted)


def test_a_model_learns_from_events(recoup: Commands, trained: Trained, tmp_path: Path) -> None:
    """What 835s say is wins for the most part, so the refusals come from the practice's own log: one table after the other."""
    events = _import(recoup, trained.practice, tmp_path, trained.practice / "remits", trained.practice / "later_remits")
    told = ["train", *trained.tables(), "--as-of", AS_OF, "--no-register", "--json", "--outcomes"]
    alone = recoup(*told, tmp_path / "events.csv", "--out", tmp_path / "alone")
    assert alone.code == 0, alone.err
    log = _rows(trained.practice / "outcomes.csv")
    names = list(log[0])
    won = {row["writeoff_id"] for row in events}
    both = [row for row in log if row["writeoff_id"] not in won] + events
    with (tmp_path / "both.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys([*names, *events[0]])))
        writer.writeheader()
        writer.writerows(both)
    ran = recoup(*told, tmp_path / "both.csv", "--out", tmp_path / "both")
    assert ran.code == 0, ran.err
    assert (tmp_path / "both" / "manifest.json").exists()
    assert json.loads(ran.out)
