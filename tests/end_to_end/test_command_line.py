"""Files in, ranking out: what each command prints, writes and exits with."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperOption

from models.scores import SCORE_COLUMNS
from recoup.cli.options import as_file, as_folder
from recoup.cli.run import exit_code, program
from recoup.manual import documented_commands
from tests.end_to_end.commands import Commands, environment
from tests.end_to_end.conftest import AS_OF, Trained

HEADER = "writeoff_id,writeoff_date,payer_id,writeoff_amount,group_code,carc\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return list(csv.DictReader(file))


def ledger(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "ledger.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


GOOD = [f"W{i},2026-10-0{i % 9 + 1},AETNA,{100 + i}.50,CO,{carc}" for i, carc in enumerate([45, 197, 29, 16, 50] * 8)]


def test_help_is_quick_and_names_every_command() -> None:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "recoup.cli", "--help"], capture_output=True, text=True, check=True, env=environment(Path("/nonexistent"))
    )
    # Half a second on an idle machine; the bound leaves room for tests beside it.
    assert time.perf_counter() - began < 3
    for command in ("sample", "import-remits", "train", "score", "evaluate", "models", "serve", "demo", "doctor", "config"):
        assert command in done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom recoup.cli.run import program\nprogram()\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'lightgbm', 'sklearn', 'mlflow', 'fastapi', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(Path("/nonexistent")))


def test_score_writes_exactly_the_columns_in_rank_order(recoup: Commands, trained: Trained, tmp_path: Path) -> None:
    ran = recoup("score", *trained.tables(), "--out", tmp_path / "scores.csv", "--as-of", AS_OF, "--reasons", "top:25")
    assert ran.code == 0, ran.err
    assert "patient_id" not in ran.out
    rows = rows_of(tmp_path / "scores.csv")
    assert tuple(rows[0]) == SCORE_COLUMNS
    assert [int(row["rank"]) for row in rows] == list(range(1, 4001))
    assert all(json.loads(row["reasons"]) for row in rows[:25])
    assert {row["model_version"] for row in rows} == {next(p.name for p in (trained.home / "models").iterdir() if p.is_dir())[:12]}
    assert "4,000 rows read, 0 rejected" in ran.out and "what to do" in ran.out
    assert not (tmp_path / "scores.csv.rejects.csv").exists()


def test_score_and_its_output_formats_agree(recoup: Commands, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = ledger(tmp_path, *GOOD)
    for out in ("a.csv", "b.csv.gz", "c.parquet"):
        assert recoup("score", "--writeoffs", path, "--out", tmp_path / out, "--as-of", "2026-11-02").code == 0
    piped = recoup("score", "--writeoffs", path, "--out", "-", "--as-of", "2026-11-02")
    assert piped.out == (tmp_path / "a.csv").read_text() and "40 rows read" in piped.err
    assert rows_of(tmp_path / "a.csv") == rows_of(tmp_path / "b.csv.gz")
    assert pq.read_table(tmp_path / "c.parquet")["writeoff_id"].to_pylist() == [row["writeoff_id"] for row in rows_of(tmp_path / "a.csv")]


def test_a_score_file_names_unknown_payers_and_codes(recoup: Commands, tmp_path: Path) -> None:
    path = ledger(tmp_path, *GOOD, "W90,2026-10-01,NEW PAYER,90.00,CO,ZZ9")
    ran = recoup("score", "--writeoffs", path, "--out", tmp_path / "s.csv", "--as-of", "2026-11-02", "--json")
    told = json.loads(ran.out)
    assert told["unknown"] == {"payer_id": ["AETNA", "NEW PAYER"], "carc": ["ZZ9"]} and told["scored"] == 41
    found = {row["writeoff_id"]: row for row in rows_of(tmp_path / "s.csv")}
    assert found["W90"]["category"] == "unclassified" and found["W90"]["expected_recovery"]


def test_the_first_day_works_with_a_ledger_alone(fresh: Commands, tmp_path: Path) -> None:
    ran = fresh("score", "--writeoffs", ledger(tmp_path, *GOOD), "--out", tmp_path / "s.csv")
    assert ran.code == 0 and "expert rates" in ran.out
    assert {row["model_version"] for row in rows_of(tmp_path / "s.csv")} == {"prior"}


def test_later_outcomes_change_scores_and_none_change_nothing(recoup: Commands, trained: Trained, tmp_path: Path) -> None:
    base = ["score", *trained.tables(), "--as-of", "2027-03-01", "--reasons", "none"]
    known, later = trained.practice / "outcomes.csv", trained.practice / "true_outcomes.csv"
    for name, more in (("none", []), ("known", ["--outcomes", known]), ("later", ["--outcomes", later])):
        assert recoup(*base, "--out", tmp_path / f"{name}.csv", *more).code == 0
    text = {name: (tmp_path / f"{name}.csv").read_bytes() for name in ("none", "known", "later")}
    assert text["none"] == text["known"] != text["later"]


def test_efforts_on_write_offs_that_the_ledger_lacks_are_told(recoup: Commands, tmp_path: Path) -> None:
    efforts = tmp_path / "efforts.csv"
    efforts.write_text("writeoff_id,worked_date,status,resolved_date\nELSEWHERE,2026-11-05,denied,2026-11-20\n")
    asked = ["score", "--writeoffs", ledger(tmp_path, *GOOD), "--outcomes", efforts, "--as-of", "2026-12-01"]
    ran = recoup(*asked, "--out", tmp_path / "s.csv")
    assert ran.code == 0 and "efforts on 1 write-offs teach nothing here, since the ledger lacks these" in ran.out
    told = json.loads(recoup(*asked, "--out", tmp_path / "s.csv", "--json").out)
    assert (told["worked"], told["worked_elsewhere"]) == (0, 1)


def test_what_is_owed_is_told_net_of_the_work_and_without_what_has_efforts(recoup: Commands, tmp_path: Path) -> None:
    efforts = tmp_path / "efforts.csv"
    efforts.write_text("writeoff_id,worked_date,status,resolved_date\nW1,2026-10-05,denied,2026-10-20\nW2,2026-10-05,pending,\n")
    asked = ["score", "--writeoffs", ledger(tmp_path, *GOOD), "--as-of", AS_OF, "--out", tmp_path / "s.csv"]
    assert "efforts are on record for" not in recoup(*asked).out
    ran, told = recoup(*asked, "--outcomes", efforts), json.loads(recoup(*asked, "--outcomes", efforts, "--json").out)
    owed = [row for row in rows_of(tmp_path / "s.csv") if row["in_scope"] == "true"]
    for name in ("expected_recovery", "expected_net_recovery"):
        # Each row is rounded to a cent.
        assert told[name] == pytest.approx(sum(float(row[name]) for row in owed), abs=0.005 * len(owed) + 0.005)
    left = [row for row in owed if row["writeoff_id"] not in ("W1", "W2")]
    assert told["in_scope_worked"] == len(owed) - len(left) == 2
    net = sum(float(row["expected_net_recovery"]) for row in left)
    said = re.search(r"for 2 of these already; the other ([0-9]+): about \$[0-9,]+, (-?)\$([0-9,]+) net of the work", ran.out)
    assert said is not None and int(said[1]) == len(left)
    assert float(said[2] + said[3].replace(",", "")) == pytest.approx(net, abs=1.0)


def test_drift_without_anything_in_the_store_is_no_alarm(recoup: Commands) -> None:
    """An exit code of 1 says that an alarm rings."""
    ran = recoup("drift", "--as-of", AS_OF)
    assert ran.code == 2 and "the store has no write-off of default" in ran.err


def test_the_morning_before_the_data_cut_exits_65(recoup: Commands, tmp_path: Path) -> None:
    ran = recoup("score", "--writeoffs", ledger(tmp_path, *GOOD), "--out", tmp_path / "s.csv", "--as-of", "2026-10-31")
    assert ran.code == 65 and AS_OF in ran.err and not (tmp_path / "s.csv").exists()


def test_evaluate_writes_a_report_and_prints_shares(recoup: Commands, trained: Trained, tmp_path: Path) -> None:
    arguments = [*trained.tables(), "--outcomes", trained.practice / "true_outcomes.csv", "--as-of", "2027-06-01"]
    window = ["--from", "2026-05-01", "--to", "2026-08-31", "--truth", trained.practice / "truth.parquet"]
    ran = recoup("evaluate", *arguments, *window, "--out", tmp_path / "report", "--capacity", "0.1,0.3")
    assert ran.code == 0, ran.err
    result = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert [row["share"] for row in result["capacity"]] == [0.1, 0.3] and result["truth"] and result["to"] == "2026-08-31"
    assert "Against the known truth" in (tmp_path / "report" / "report.html").read_text()
    assert "30 % of hours" in ran.out and "efforts begun have ended" in ran.out


def test_a_model_is_not_judged_on_what_it_saw(recoup: Commands, trained: Trained) -> None:
    arguments = [*trained.tables(), "--outcomes", trained.practice / "outcomes.csv", "--as-of", AS_OF]
    ran = recoup("evaluate", *arguments, "--from", "2026-05-01", "--to", "2026-06-30", "--model", "champion")
    assert ran.code == 2 and "cannot be judged" in ran.err


def test_training_again_gives_the_same_bundle_and_version(recoup: Commands, trained: Trained, tmp_path: Path) -> None:
    again = ["train", *trained.tables(), "--outcomes", trained.practice / "outcomes.csv", "--as-of", AS_OF, "--json"]
    first = json.loads(recoup(*again).out)
    second = json.loads(recoup(*again, "--out", tmp_path / "bundle", "--no-register").out)
    assert first["version"]["number"] == "1" and first["bundle_hash"] == second["bundle_hash"] and second["version"] is None
    score = ["score", "--writeoffs", ledger(tmp_path, *GOOD), "--as-of", AS_OF]
    for out, model in (("a.csv", tmp_path / "bundle"), ("b.csv", "1"), ("c.csv", "champion")):
        assert recoup(*score, "--out", tmp_path / out, "--model", model).code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()


def test_models_are_listed_shown_promoted_and_rolled_back(recoup: Commands) -> None:
    listed = json.loads(recoup("models", "list", "--json").out)
    assert [(item["number"], item["aliases"]) for item in listed] == [("1", ["champion", "challenger"])]
    assert "knows what came until the morning of 2026-11-01" in recoup("models", "show", "champion").out
    assert recoup("models", "promote", "1").code == 0
    assert recoup("models", "rollback").code == 1
    assert recoup("models", "show", "9").code == 2


def test_few_outcomes_train_a_model_that_says_so(fresh: Commands, tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_text("writeoff_id,worked_date,status\n")
    ran = fresh("train", "--writeoffs", ledger(tmp_path, *GOOD), "--outcomes", tmp_path / "outcomes.csv", "--as-of", "2026-11-01")
    assert ran.code == 0 and "too few outcomes" in ran.out


BAD: list[tuple[str, Sequence[str], int, str]] = [
    ("missing column", ["writeoff_id,payer_id,writeoff_amount", "W1,A,5"], 65, "lacks writeoff_date"),
    ("nothing", [], 65, "empty"),
    ("header only", [HEADER.strip()], 65, "no rows"),
    ("nan", [HEADER.strip(), "W1,2026-10-01,A,NaN,CO,45"], 65, "not_an_amount"),
    ("exponent", [HEADER.strip(), "W1,2026-10-01,A,1e3,CO,45"], 65, "not_an_amount"),
    ("twice", [HEADER.strip(), "W1,2026-10-01,A,1,CO,45", "W1,2026-10-01,A,1,CO,45"], 65, "duplicate_key"),
    ("old", [HEADER.strip(), "W1,1899-12-31,A,1,CO,45"], 65, "date_out_of_range"),
]


@pytest.mark.parametrize(("name", "lines", "code", "words"), BAD, ids=[case[0] for case in BAD])
@pytest.mark.parametrize("command", ["score", "train"])
def test_bad_files_end_with_65_and_leave_no_output(
    fresh: Commands, tmp_path: Path, command: str, name: str, lines: Sequence[str], code: int, words: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "outcomes.csv").write_text("writeoff_id,worked_date,status\n")
    more = ["--outcomes", tmp_path / "outcomes.csv"] if command == "train" else []
    ran = fresh(command, "--writeoffs", path, *more, "--out", tmp_path / "out.csv")
    assert ran.code == code and words in ran.err and ran.err.startswith("recoup: ") and "Traceback" not in ran.err
    rejects = {"score": tmp_path / "out.csv.rejects.csv", "train": tmp_path / "out.csv" / "rejects.csv"}[command]
    if words.count("_"):
        if words != "lacks writeoff_date":
            assert words in {row["rule"] for row in rows_of(rejects)}
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file() and "home" not in p.parts}
    assert left <= {"bad.csv", "outcomes.csv", str(rejects.relative_to(tmp_path))}


def test_a_few_rejects_are_named_and_the_rest_is_scored(fresh: Commands, tmp_path: Path) -> None:
    path = ledger(tmp_path, *GOOD, "BAD1,2026-10-01,AETNA,12.345,CO,45")
    ran = fresh("score", "--writeoffs", path, "--out", tmp_path / "s.csv")
    assert ran.code == 0 and "1 rejected" in ran.out and "s.csv.rejects.csv" in ran.out
    expected = [{"table": "writeoffs", "row": "42", "id": "BAD1", "column": "writeoff_amount", "rule": "not_an_amount"}]
    assert rows_of(tmp_path / "s.csv.rejects.csv") == expected
    ledger(tmp_path, *GOOD)
    assert fresh("score", "--writeoffs", path, "--out", tmp_path / "s.csv").code == 0
    assert not (tmp_path / "s.csv.rejects.csv").exists()


USAGE: list[list[str]] = [
    ["nonsense"],
    ["score"],
    ["score", "--writeoffs", "ledger.csv", "--out", "s.xlsx"],
    ["score", "--writeoffs", "ledger.csv", "--out", "s.csv", "--reasons", "many"],
    ["score", "--writeoffs", "ledger.csv", "--out", "s.csv", "--as-of", "tomorrow"],
    ["score", "--writeoffs", "ledger.csv", "--out", "s.csv", "--model", "17"],
    ["score", "--writeoffs", "ledger.csv", "--out", "-", "--json"],
    ["evaluate", "--writeoffs", "ledger.csv", "--outcomes", "-", "--as-of", "2026-01-01", "--from", "2026-01-01", "--to", "x"],
    ["evaluate", "--writeoffs", "-", "--outcomes", "-", "--as-of", AS_OF, "--from", AS_OF, "--to", AS_OF, "--capacity", "2"],
    ["sample", "--out", "x", "--rows", "0"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_calls_exit_2(fresh: Commands, tmp_path: Path, arguments: list[str]) -> None:
    ledger(tmp_path, *GOOD)
    ran = fresh(*arguments)
    assert ran.code == 2 and ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "s.csv").exists()


def test_wrong_settings_exit_78(fresh: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recoup.toml").write_text("colour = 1\n")
    assert fresh("config", "show").code == 78
    (tmp_path / "recoup.toml").unlink()
    monkeypatch.setenv("RECOUP_COLOUR", "1")
    ran = fresh("config", "show")
    assert ran.code == 78 and "RECOUP_COLOUR is not a setting" in ran.err


def test_serving_others_without_a_key_exits_78(fresh: Commands) -> None:
    ran = fresh("serve", "--host", "0.0.0.0", "--port", "0")
    assert ran.code == 78 and "RECOUP_API_KEY" in ran.err


def test_a_place_that_cannot_be_written_exits_74(fresh: Commands, tmp_path: Path) -> None:
    ran = fresh("score", "--writeoffs", ledger(tmp_path, *GOOD), "--out", tmp_path / "none" / "s.csv")
    assert ran.code == 74
    assert fresh("score", "--writeoffs", ledger(tmp_path, *GOOD), "--out", "/dev/full/s.csv").code == 74


READ = {
    (name, parameter.name): (name.split()[1:], parameter.opts[0] if isinstance(parameter, TyperOption) else None)
    for name, command in documented_commands()
    for parameter in command.params
    if "Path" in str(vars(parameter)["type_descriptor"].annotation)
    and getattr(parameter.callback, "__name__", "") not in (as_file.__name__, as_folder.__name__)
}
"""Every option and argument of every command that names something to read: the words that call the command, and the option."""


def test_a_file_that_is_not_there_is_told_alike_everywhere(capfd: pytest.CaptureFixture[str]) -> None:
    run, told = program(), {}
    for key, (words, option) in READ.items():
        code = exit_code(partial(run, args=[*words, *([option] if option else []), "none/nowhere.csv"], prog_name="recoup"))
        told[key] = code, capfd.readouterr().err
    assert told == dict.fromkeys(READ, (74, "recoup: none/nowhere.csv: cannot be read: No such file or directory\n"))


def test_commands_that_read_are_walked() -> None:
    names = {name for name, _ in READ}
    assert {"recoup audit", "recoup import-remits", "recoup report monthly", "recoup restore", "recoup identities import"} < names
    assert ("recoup score", "mapping") in READ and ("recoup score", "out") not in READ and ("recoup backup", "out") not in READ


def test_a_table_that_the_month_lacks_is_told_like_any_other(fresh: Commands, tmp_path: Path) -> None:
    (tmp_path / "office").mkdir()
    ran = fresh("report", "monthly", "--folder", "office", "--out", "month.html", "--as-of", AS_OF)
    gone = tmp_path / "office" / "writeoffs.csv"
    assert (ran.code, ran.err) == (74, f"recoup: {gone}: cannot be read: No such file or directory\n")
    ran = fresh("report", "audit", "--audit", "office", "--out", "page.html")
    assert (ran.code, ran.err) == (74, "recoup: office/audit.json: cannot be read: No such file or directory\n")


def test_a_full_disk_is_told_with_the_folder_that_has_least_room(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def fill() -> None:
        # A device that takes nothing, as a full disk does.
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    assert exit_code(fill, [Path("/dev/full-disk/out"), tmp_path]) == 74
    least = min((Path("/dev"), tmp_path, Path(tempfile.gettempdir()), Path.cwd()), key=lambda place: shutil.disk_usage(place).free)
    told = capfd.readouterr().err
    assert f"the disk is full; of the folders that are written to, {least.resolve()} has the least room" in told


def test_commands_note_the_folders_that_they_write_to(fresh: Commands, tmp_path: Path) -> None:
    for words, folder in ((["sample", "--out", "made", "--rows", "0"], "made"), (["backup", "kept/a.tar"], "kept")):
        written: list[Path] = []
        assert exit_code(partial(program(), args=words, prog_name="recoup", obj=written)) != 0
        assert written == [Path(folder)]


def test_a_registry_that_does_not_answer_exits_69(fresh: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    ran = fresh("models", "list")
    assert ran.code == 69 and "does not answer" in ran.err


def test_doctor_checks_the_installation(recoup: Commands) -> None:
    ran = recoup("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ran.out)}
    assert ran.code == 0 and checks["champion"]["state"] == "ok" and checks["home"]["state"] == "ok" and checks["registry"]["state"] == "ok"


def test_doctor_proposes_a_mapping_that_works(fresh: Commands, tmp_path: Path) -> None:
    rows = [f"{i},01/{i % 28 + 1:02d}/2026,Aetna,-$1{i:02d}.50,CO-45,9" for i in range(40)]
    path = ledger(tmp_path, *rows, header="Trans ID,Post Date,Payer Name,Adj Amt,Reason Code,Shoe Size\n")
    ran = fresh("doctor", path)
    assert ran.code == 0 and "looks like table writeoffs" in ran.out and "40 rows read, 0 rejected" in ran.out
    (tmp_path / "map.toml").write_text(ran.out)
    scored = fresh("score", "--writeoffs", path, "--mapping", tmp_path / "map.toml", "--out", tmp_path / "s.csv")
    assert scored.code == 0 and len(rows_of(tmp_path / "s.csv")) == 40


def test_doctor_says_what_is_missing_and_what_is_refused(fresh: Commands, tmp_path: Path) -> None:
    path = ledger(tmp_path, "1,Aetna", header="Trans ID,Payer Name\n")
    ran = fresh("doctor", path)
    assert ran.code == 1 and "writeoff_date" in ran.out
    bad = fresh("doctor", ledger(tmp_path, "W1,2026-10-01,A,NaN,CO,45"), "--json")
    assert bad.code == 1 and json.loads(bad.out)["rejects"] == [{"column": "writeoff_amount", "rule": "not_an_amount", "count": 1}]
    (tmp_path / "letter.csv").write_text("dear,sir\nhow,are you\n")
    assert fresh("doctor", tmp_path / "letter.csv").code == 65


OWN = "Transaction ID,Post Date,Payor Name,Adjustment Amt,Adj Code,Transaction Type\n"


def test_doctor_asks_what_only_the_practice_knows(fresh: Commands, tmp_path: Path) -> None:
    """Payers written in several ways, own codes that say nothing, and a usual name whose words are not ours."""
    rows = [f"T{i},10/{i % 28 + 1:02d}/2026,{'FULTON PPO' if i % 2 else 'Fulton PPO'},1{i}.00,ZQX,Adjustment" for i in range(30)]
    rows += [f"S{i},10/01/2026,Acme,1.00,{code},Adjustment" for i, code in enumerate(["ZSOLE", "CO-45", "CHARITY"])]
    path = ledger(tmp_path, *rows, header=OWN)
    ran = fresh("doctor", path)
    assert ran.code == 0 and "only in case or spaces: 1 payer;" in ran.out and '\n# "FULTON PPO" = "Fulton PPO"\n' in ran.out
    assert "31 rows" in ran.out and "have no reason code" in ran.out and '\n# "ZQX" = "<as CO-29>"  # 30 rows' in ran.out
    # A code of a row or two is counted and not named, and what is known is not asked for.
    assert "# and 1 more\n" in ran.out and not any(word in ran.out for word in ("ZSOLE", "CHARITY"))
    assert '# "Transaction Type" looks like posting_kind' in ran.out
    assert '# and, in [columns], "Transaction Type" = "posting_kind"' in ran.out
    asked, said = ran.out.partition("# [payers]")[::2]
    mapping = asked + "[payers]" + "".join(line.removeprefix("# ") if "FULTON" in line else line for line in said.splitlines(keepends=True))
    (tmp_path / "map.toml").write_text(mapping)
    (tmp_path / "plain.toml").write_text(ran.out)
    score = ["score", "--writeoffs", path, "--out", tmp_path / "s.csv", "--as-of", "2026-11-02", "--mapping"]
    told = "only in case or spaces: 1 payer, in 2 ways"
    assert told in fresh(*score, tmp_path / "plain.toml").out and "only in case" not in fresh(*score, tmp_path / "map.toml").out
    efforts = tmp_path / "efforts.csv"
    efforts.write_text("writeoff_id,worked_date,status,resolved_date\nT1,2026-10-05,denied,2026-10-20\n")
    train = ["train", "--writeoffs", path, "--outcomes", efforts, "--as-of", "2026-11-02", "--out", tmp_path / "model", "--no-register"]
    assert told in fresh(*train, "--mapping", tmp_path / "plain.toml").out


def test_import_remits_feeds_score(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    files = sorted((trained.practice / "remits").iterdir())[:5]
    ran = fresh(
        "import-remits", *files, "--out", tmp_path / "c.csv", "--lines", tmp_path / "l.csv", "--issues", tmp_path / "i.jsonl", "--json"
    )
    assert ran.code == 0, ran.err
    summary: dict[str, Any] = json.loads(ran.out)
    assert len(summary["files"]) == 5 and summary["totals"]["claims"] > 0 and rows_of(tmp_path / "l.csv")
    for line in (tmp_path / "i.jsonl").read_text().splitlines():
        assert set(json.loads(line)) == {"file", "segment", "tag", "code", "severity", "message"}
    assert fresh("score", "--writeoffs", tmp_path / "c.csv", "--out", tmp_path / "s.csv").code == 0
    assert len(rows_of(tmp_path / "s.csv")) == len(rows_of(tmp_path / "c.csv"))


def test_a_folder_without_an_835_exits_65(fresh: Commands, tmp_path: Path) -> None:
    (tmp_path / "remits").mkdir()
    (tmp_path / "remits" / "letter.txt").write_text("Dear sir")
    ran = fresh("import-remits", tmp_path / "remits", "--out", tmp_path / "c.csv")
    assert ran.code == 65 and not (tmp_path / "c.csv").exists()


def test_config_shows_where_each_setting_comes_from(fresh: Commands) -> None:
    told = json.loads(fresh("config", "show", "--json").out)
    assert told["home"]["source"] == "environment" and told["port"]["source"] == "default"
