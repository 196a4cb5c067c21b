"""Retrain, compare, promote, go back, and find a fit again."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from models.pointer import read_pointer
from tests.end_to_end.commands import Commands
from tests.practice import make_practice
from tests.serving.store_fixtures import database_url, make_url, migrated, postgresql_url

__all__ = ["database_url", "make_url", "migrated", "postgresql_url"]

QUICK = ("--trials", 2)


@pytest.fixture(scope="module")
def practice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A practice that is large enough to judge a model on."""
    folder = tmp_path_factory.mktemp("life") / "practice"
    make_practice(folder, rows=9000, seed=8)
    return folder


def tables(folder: Path) -> list[object]:
    """Return the flags of a command that reads the practice."""
    return ["--writeoffs", folder / "writeoffs.csv", "--outcomes", folder / "outcomes.csv"]


def test_a_month_of_a_model(fresh: Commands, practice_folder: Path) -> None:
    first = fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01", *QUICK, "--promote", "--json")
    assert first.code == 0, first.err
    told = json.loads(first.out)
    assert told["promoted"] and told["held"] and told["version"]["aliases"] == ["champion", "challenger"]
    assert told["version"]["tags"]["gates"] == "held" and told["champion"] is None
    at = next(row for row in told["capacity"] if row["share"] == told["judged_at"])["entries"]["static rule"]
    assert 0 < at["gain_low"] <= at["gain"] <= at["gain_high"]
    pointer = read_pointer(fresh.home)
    assert pointer is not None and pointer.champion.bundle_hash == told["bundle_hash"]

    # The same inputs give the same model, which is no better than itself.
    again = fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01", *QUICK, "--promote", "--json")
    same = json.loads(again.out)
    assert again.code == 1 and "gain_low" in again.err
    assert same["bundle_hash"] == told["bundle_hash"] and same["version"]["number"] == "1" and not same["promoted"]
    assert read_pointer(fresh.home) == pointer

    acts = fresh.home / "trail.json"
    assert fresh("trail", "export", "--out", acts).code == 0, "the promotion is in the access log"
    assert f"bundle:{told['bundle_hash']}" in acts.read_text()

    shown = fresh("models", "show", "1", "--reproduce", "--json")
    assert shown.code == 0 and json.loads(shown.out)["reproduced_hash"] == told["bundle_hash"]
    report = fresh.home / "reports" / "retrain-2026-10-01"
    page = (report / "report.html").read_text()
    assert "the new model would have brought in" in page and "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert json.loads((report / "report.json").read_text())["snapshot"] == told["snapshot"]
    assert (fresh.home / "models" / told["bundle_hash"] / "report.html").read_text()


def test_a_model_is_learned_and_watched_from_the_store(
    fresh: Commands, practice_folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECOUP_DATABASE_URL", database_url)
    assert fresh("retrain", "--as-of", "2026-10-01").code == 2, "nothing is in the store yet"
    scores, ledger = tmp_path / "scores.csv", practice_folder / "writeoffs.csv"
    assert fresh("score", "--writeoffs", ledger, "--as-of", "2026-11-01", "--out", scores, "--reasons", "none").code == 0
    assert fresh("queue", "load", "--writeoffs", ledger, "--scores", scores).code == 0
    assert fresh("queue", "outcomes", practice_folder / "outcomes.csv").code == 0
    assert fresh("retrain", "--writeoffs", ledger, "--as-of", "2026-10-01").code == 2, "one table without the other is no practice"

    done = fresh("retrain", "--as-of", "2026-10-01", "--trials", 0, "--promote", "--json")
    assert done.code == 0, done.err
    stored = json.loads(done.out)
    from_files = json.loads(fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01", "--trials", 0, "--json").out)
    # Decided efforts are the same; one that a file told of when it was over is known to the store since then, not since it was begun.
    assert stored["writeoffs"] == from_files["writeoffs"]
    for part, names in (("facts", ("labels", "recovered")), ("window", ("from", "to", "decided", "recovered", "dollars"))):
        assert {name: stored[part][name] for name in names} == {name: from_files[part][name] for name in names}
    assert stored["promoted"] and fresh("retrain", "--as-of", "2026-10-01", "--client", "north").code == 2

    watched = fresh("drift", "--as-of", "2026-11-01", "--json")
    assert json.loads((fresh.home / "reports" / "drift.json").read_text())["bundle_hash"] == stored["bundle_hash"]
    assert watched.code == (1 if json.loads(watched.out)["alarms"] else 0)
    assert fresh("trail", "export", "--out", tmp_path / "trail.json").code == 0
    assert (tmp_path / "trail.json").read_text().count("efforts, to learn from") == 4


def test_what_no_gate_let_through_is_promoted_with_a_reason_only(fresh: Commands, practice_folder: Path, tmp_path: Path) -> None:
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-09-01").code == 0
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-10-01").code == 0
    before = read_pointer(fresh.home)
    unasked = fresh("models", "promote", "2")
    assert unasked.code == 1 and "no gate was asked of it" in unasked.err and read_pointer(fresh.home) == before
    judged = fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01", "--trials", 0, "--json")
    failed = json.loads(judged.out)["version"]
    assert judged.code == 1 and failed["number"] == "2" and failed["tags"]["gates"] == "failed", "the same model, judged since"
    refused = fresh("models", "promote", "2")
    assert refused.code == 1 and "gain_low" in refused.err and read_pointer(fresh.home) == before
    assert fresh("models", "promote", "1").code == 0, "what serves already may serve"

    assert fresh("models", "promote", "2", "--override", "newer data are wanted").code == 0
    pointer = read_pointer(fresh.home)
    assert pointer is not None and pointer.champion.version == "2"
    assert json.loads(fresh("models", "show", "2", "--json").out)["tags"]["override"] == "newer data are wanted"
    assert fresh("trail", "export", "--out", tmp_path / "trail.json").code == 0
    assert "override: newer data are wanted" in (tmp_path / "trail.json").read_text()


def test_tables_that_a_retraining_is_not_given_are_those_of_the_champion(fresh: Commands, practice_folder: Path) -> None:
    rules = ["--payer-rules", practice_folder / "payer_rules.csv"]
    assert fresh("train", *tables(practice_folder), *rules, "--as-of", "2026-09-01").code == 0
    without = json.loads(fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01", "--trials", 0, "--json").out)
    named = json.loads(fresh("retrain", *tables(practice_folder), *rules, "--as-of", "2026-10-01", "--trials", 0, "--json").out)
    assert without["bundle_hash"] == named["bundle_hash"]


def test_spoilt_outcomes_end_with_1_and_leave_the_champion(fresh: Commands, practice_folder: Path, tmp_path: Path) -> None:
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-10-01").code == 0
    before = read_pointer(fresh.home)
    lines = (practice_folder / "outcomes.csv").read_text().splitlines(keepends=True)
    place = lines[0].strip().split(",").index("status")
    kept = [lines[0], *(line for line in lines[1:] if line.split(",")[place] != "denied")]
    spoilt = tmp_path / "outcomes.csv"
    spoilt.write_text("".join(kept))
    done = fresh("retrain", "--writeoffs", practice_folder / "writeoffs.csv", "--outcomes", spoilt, "--as-of", "2026-11-01", "--promote")
    assert done.code == 1 and "missing_share" in done.err and "Nothing was fitted" in done.out
    assert read_pointer(fresh.home) == before and [v for v in json.loads(fresh("models", "list", "--json").out)][0]["number"] == "1"


def test_a_limit_of_a_gate_is_the_practices_own(fresh: Commands, practice_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "recoup.toml").write_text("[gates]\njudged_efforts = 100000\n")
    done = fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01", "--trials", 0)
    assert done.code == 1 and "judged_efforts is" in done.err and "it must be at least 100,000" in done.err
    (tmp_path / "recoup.toml").write_text("[gates]\njudged = 1\n")
    assert fresh("retrain", *tables(practice_folder), "--as-of", "2026-10-01").code == 78


def test_drift_is_watched_told_and_kept(fresh: Commands, practice_folder: Path, tmp_path: Path) -> None:
    assert fresh("drift", *tables(practice_folder), "--as-of", "2026-11-01").code == 2, "1 is an alarm"
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-07-01").code == 0
    calm = fresh("drift", *tables(practice_folder), "--as-of", "2026-11-01", "--json")
    told = json.loads(calm.out)
    assert calm.code == (1 if told["alarms"] else 0)
    assert json.loads((fresh.home / "reports" / "drift.json").read_text())["bundle_hash"] == told["bundle_hash"]
    assert "<h1>" in Path(told["report"]).read_text()
    assert json.loads(fresh("models", "show", "champion", "--json").out)["metrics"]["drift_results"] == told["results"]

    header, *lines = (practice_folder / "outcomes.csv").read_text().splitlines()
    names = header.split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines]
    for row in rows:
        if row["resolved_date"] >= "2026-07-01" and row["status"] != "pending":
            row |= {"status": "denied", "recovered_amount": "0.00"}
    spoilt = tmp_path / "outcomes.csv"
    spoilt.write_text("\n".join([header, *(",".join(row.values()) for row in rows)]) + "\n")
    rung = fresh("drift", "--writeoffs", practice_folder / "writeoffs.csv", "--outcomes", spoilt, "--as-of", "2026-11-01")
    assert rung.code == 1 and "pays less often" in rung.err and "retrain" in rung.err


def test_the_month_is_one_page(fresh: Commands, practice_folder: Path, tmp_path: Path) -> None:
    done = fresh("report", "monthly", "--folder", practice_folder, "--as-of", "2026-11-01", "--out", tmp_path / "month.html")
    assert done.code == 0, done.err
    page = (tmp_path / "month.html").read_text()
    assert "What came back, by payer" in page and page.count("<table") == 4 and "write-offs of $" in page


def test_the_month_of_an_export_in_its_own_words(fresh: Commands, practice_folder: Path, tmp_path: Path) -> None:
    ledger = (practice_folder / "writeoffs.csv").read_text().replace("payer_id", "Payor Name", 1)
    (tmp_path / "writeoffs.csv").write_text(ledger)
    (tmp_path / "outcomes.csv").write_text((practice_folder / "outcomes.csv").read_text())
    names = tmp_path / "practice.toml"
    names.write_text('[columns]\n"Payor Name" = "payer_id"\n')
    page = tmp_path / "month.html"
    done = fresh("report", "monthly", "--folder", tmp_path, "--mapping", names, "--as-of", "2026-11-01", "--out", page)
    assert done.code == 0, done.err
    assert "What came back, by payer" in page.read_text()


def test_predictions_of_a_month_are_those_of_the_newest_model_that_did_not_know_it(
    fresh: Commands, practice_folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "month.html"
    monthly = ("report", "monthly", "--folder", practice_folder, "--as-of", "2026-11-01", "--out", page)
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-11-01").code == 0
    done = fresh(*monthly)
    assert done.code == 0, done.err
    assert "knows all that came before 2026-11-01" in page.read_text() and page.read_text().count("<table") == 3

    assert fresh("train", *tables(practice_folder), "--as-of", "2026-08-01").code == 0
    for version in ("2", "1"):
        assert fresh("models", "promote", version, "--override", "to tell one month by another").code == 0
    assert fresh(*monthly).code == 0
    assert "recoveries predicted" in page.read_text() and page.read_text().count("<table") == 4


def test_a_challenger_stands_in_the_shadow_until_results_are_in(fresh: Commands, practice_folder: Path) -> None:
    assert fresh("shadow", "score", "--writeoffs", practice_folder / "writeoffs.csv").code == 1
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-05-01").code == 0
    same = fresh("shadow", "score", "--writeoffs", practice_folder / "writeoffs.csv", "--as-of", "2026-06-01")
    assert same.code == 1 and "challenger is the champion" in same.err
    assert fresh("train", *tables(practice_folder), "--as-of", "2026-06-01").code == 0
    early = fresh("shadow", "compare", *tables(practice_folder), "--as-of", "2026-11-01")
    assert early.code == 65 and "nothing was scored" in early.err
    kept = fresh("shadow", "score", "--writeoffs", practice_folder / "writeoffs.csv", "--as-of", "2026-06-01", "--json")
    assert kept.code == 0 and json.loads(kept.out)["champion"] != json.loads(kept.out)["challenger"]
    days = pd.read_csv(practice_folder / "writeoffs.csv", usecols=["writeoff_date"])["writeoff_date"]
    assert json.loads(kept.out)["scored"] == (days < "2026-06-01").sum() < len(days), "what was posted later nobody knew of"
    for day in ("2026-07-01", "2026-08-01", "2026-09-01"):
        assert fresh("shadow", "score", "--writeoffs", practice_folder / "writeoffs.csv", "--as-of", day).code == 0
    done = fresh("shadow", "compare", *tables(practice_folder), "--as-of", "2026-11-01", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["window"]["from"] >= "2026-06-01" and told["window"]["decided"] > 50
    at = told["capacity"][-1]["entries"]["champion"]
    assert at["gain_low"] <= at["gain"] <= at["gain_high"]
