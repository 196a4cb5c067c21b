"""The queue by the command line: scored files in, outcomes in, tables for learning out."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.commands import Commands
from tests.end_to_end.conftest import AS_OF, Trained


@pytest.fixture
def scored(trained: Trained, fresh: Commands, tmp_path: Path) -> list[object]:
    """Return the flags of a load; a home without a model scores by expert rates, which is quick."""
    ran = fresh("score", *trained.tables(), "--as-of", AS_OF, "--out", tmp_path / "scores.csv", "--reasons", "top:20")
    assert ran.code == 0, ran.err
    return ["--writeoffs", trained.practice / "writeoffs.csv", "--scores", tmp_path / "scores.csv"]


def told(ran: Any) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_scored_files_are_loaded_once_and_shown(fresh: Commands, scored: list[object]) -> None:
    done = told(fresh("queue", "load", *scored, "--json"))
    assert done["writeoffs"] > 3_000 and done["items_new"] > 500 and not done["is_repeated"]
    assert told(fresh("queue", "load", *scored, "--json"))["is_repeated"]
    shown = told(fresh("queue", "show", "--json"))
    # What is past its last day by the clock on the wall waits for nobody.
    assert shown["lists"]["ready"] + shown["lists"]["lapsed"] == done["items_new"]
    assert shown["lists"]["ready"] == shown["ready"]["items"]
    assert shown["lists"]["checks"] == done["checks_drawn"]
    assert 0 < shown["week"]["hours"] <= 160 and shown["as_of"] == AS_OF
    assert told(fresh("queue", "show", "--client", "north", "--json"))["as_of"] is None
    assert fresh("trail", "verify").code == 0


def test_outcomes_go_in_and_come_out_for_learning(fresh: Commands, scored: list[object], trained: Trained, tmp_path: Path) -> None:
    told(fresh("queue", "load", *scored, "--json"))
    given = trained.practice / "outcomes.csv"
    first = told(fresh("queue", "outcomes", given, "--json"))
    assert first["stated"] > 300 and first["unknown"] == 0 and first["events"] >= first["stated"]
    assert told(fresh("queue", "outcomes", given, "--json"))["events"] == 0
    out = tmp_path / "known.csv"
    ran = fresh("queue", "export", "--outcomes", out, "--writeoffs", tmp_path / "ledger.parquet", "--json")
    assert told(ran)["written"][str(out)] == first["stated"]

    def cash(path: Path) -> tuple[int, float]:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return len(rows), round(sum(float(row["recovered_amount"] or 0) - float(row["taken_back_amount"] or 0) for row in rows), 2)

    assert cash(out) == cash(given)


def test_how_the_queue_is_run_is_set_within_bounds(fresh: Commands) -> None:
    assert told(fresh("queue", "set", "lease_minutes=15", "sample_share=0.05", "--json"))["lease_minutes"] == 15
    assert told(fresh("queue", "set", "--json"))["sample_share"] == 0.05
    for wrong in ("lease_minutes=0", "lease=5", "sample_share=nan", "sample_share=much"):
        assert fresh("queue", "set", wrong).code == 2
    assert "lease_minutes" in fresh("queue", "set").out


def test_requests_for_the_ledger_go_into_one_file_only(fresh: Commands, scored: list[object], trained: Trained, tmp_path: Path) -> None:
    told(fresh("queue", "load", *scored, "--json"))
    told(fresh("queue", "set", "approval_over=100000000", "--json"))
    told(fresh("queue", "outcomes", trained.practice / "outcomes.csv", "--remits", "--json"))
    out = tmp_path / "reversals.csv"
    first = told(fresh("queue", "reversals", out, "--batch", "monday", "--json"))
    assert first["requests"] > 50
    before = out.read_bytes()
    assert told(fresh("queue", "reversals", out, "--batch", "monday", "--json")) == first
    assert out.read_bytes() == before
    assert told(fresh("queue", "reversals", out, "--batch", "tuesday", "--json"))["requests"] == 0


def test_a_file_that_is_no_score_is_refused(fresh: Commands, trained: Trained) -> None:
    ledger = trained.practice / "writeoffs.csv"
    ran = fresh("queue", "load", "--writeoffs", ledger, "--scores", ledger)
    assert ran.code == 65 and "scores" in ran.err
    assert fresh("queue", "load", "--writeoffs", ledger, "--scores", "-").code == 2
