"""What is read is never overwritten, and no output by another: the call is refused before anything is opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.commands import Commands
from tests.end_to_end.conftest import AS_OF, Trained
from tests.end_to_end.test_command_line import GOOD, ledger

DAYS = ["--as-of", "2027-06-01", "--from", "2026-05-01", "--to", "2026-08-31"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path, trained: Trained) -> Path:
    """A folder with a ledger, a table of outcomes, remittances in a folder, a model folder and names of the ledger that are links."""
    path = ledger(tmp_path, *GOOD)
    for name in ("outcomes.csv", "evaluation.json", "report.html", "report.json", "rejects.csv", "W1.pdf", "scores.csv", "audit.json"):
        (tmp_path / name).write_text("kept\n")
    for name in ("scores.csv.rejects.csv", "notes.ipynb", "folder.rejects.csv"):
        (tmp_path / name).write_text("kept\n")
    for folder, file in (("remits", "lines.csv"), ("parquet", "part.parquet"), ("model", "payers.toml"), ("month", "writeoffs.csv")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("kept\n")
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "twin.csv").hardlink_to(path)
    return tmp_path


@pytest.mark.parametrize(
    ("call", "first", "second"),
    [
        ("score --writeoffs ledger.csv --out ledger.csv", "--writeoffs", "--out"),
        ("score --writeoffs ledger.csv --out ./remits/../ledger.csv", "--writeoffs", "--out"),
        ("score --writeoffs ledger.csv --out link.csv", "--writeoffs", "--out"),
        ("score --writeoffs link.csv --out ledger.csv", "--writeoffs", "--out"),
        ("score --writeoffs ledger.csv --out twin.csv", "--writeoffs", "--out"),
        ("score --writeoffs ledger.csv --outcomes outcomes.csv --out outcomes.csv", "--outcomes", "--out"),
        ("score --writeoffs ledger.csv --payer-rules outcomes.csv --out outcomes.csv", "--payer-rules", "--out"),
        ("score --writeoffs ledger.csv --mapping outcomes.csv --out outcomes.csv", "--mapping", "--out"),
        ("score --writeoffs parquet --out parquet/part.parquet", "--writeoffs", "--out"),
        ("score --writeoffs scores.csv.rejects.csv --out scores.csv", "--writeoffs", "the rejects file"),
        ("import-remits remits --ledger ledger.csv --out ledger.csv", "--ledger", "--out"),
        ("import-remits remits --out remits/lines.csv", "PATH", "--out"),
        ("import-remits remits/lines.csv --out new.csv --lines remits/lines.csv", "PATH", "--lines"),
        ("import-remits remits --out new.csv --lines remits/new.csv", "PATH", "--lines"),
        ("import-remits remits --out new.csv --issues remits/lines.csv", "PATH", "--issues"),
        ("import-remits remits --out new.csv --lines new.csv", "--out", "--lines"),
        ("import-remits remits --out new.csv --lines other.csv --outcomes other.csv", "--lines", "--outcomes"),
        ("import-remits remits --out - --lines other.csv --issues other.csv", "--lines", "--issues"),
        ("import-remits remits --out new.csv --lines new.csv.rejects.csv", "--lines", "the rejects file"),
        ("import-remits remits --ledger scores.csv.rejects.csv --out scores.csv", "--ledger", "the rejects file"),
        ("queue export --writeoffs new.csv --outcomes new.csv", "--outcomes", "--writeoffs"),
        ("queue load --writeoffs scores.csv.rejects.csv --scores scores.csv", "--writeoffs", "the rejects file"),
        ("queue outcomes scores.csv --mapping scores.csv.rejects.csv", "--mapping", "the rejects file"),
        ("train --writeoffs ledger.csv --outcomes rejects.csv --out .", "--writeoffs", "--out"),
        ("train --writeoffs ledger.csv --outcomes outcomes.csv --mapping model/payers.toml --out model", "--mapping", "--out"),
        (f"retrain --writeoffs ledger.csv --outcomes rejects.csv --as-of {AS_OF} --out .", "--outcomes", "--out"),
        (f"drift --writeoffs ledger.csv --outcomes outcomes.csv --mapping report.json --as-of {AS_OF} --out .", "--mapping", "--out"),
        (f"evaluate {' '.join(DAYS)} --writeoffs ledger.csv --outcomes outcomes.csv --truth evaluation.json --out .", "--truth", "--out"),
        (f"evaluate {' '.join(DAYS)} --writeoffs ledger.csv --outcomes folder.rejects.csv --out folder", "--outcomes", "the rejects file"),
        ("audit --writeoffs ledger.csv --outcomes outcomes.csv --out .", "--outcomes", "--out"),
        ("audit --remits rejects.csv --out .", "--remits", "--out"),
        ("report audit --audit . --out audit.json", "--audit", "--out"),
        ("report audit --audit month --before . --out audit.json", "--before", "--out"),
        ("report monthly --folder month --out month/writeoffs.csv", "--folder", "--out"),
        ("report monthly --folder month --notebook notes.ipynb --out notes.ipynb", "--notebook", "--out"),
        ("packet W1 --scores scores.csv --writeoffs ledger.csv --attach W1.pdf --out .", "--attach", "--out"),
        ("backup new.tar --keys new.tar", "FILE", "--keys"),
        ("backup home/recoup.db", "the store", "FILE"),
    ],
)
def test_a_file_is_not_named_twice(fresh: Commands, place: Path, call: str, first: str, second: str) -> None:
    before = files_of(place)
    arguments = call.split()
    # A folder that is `.` has no name to put the name of a rejects file behind.
    ran = fresh(*(str(place) if one == "." else one for one in arguments))
    assert ran.code == 2 and not ran.out, ran.err
    assert first in ran.err and second in ran.err and ("same file" in ran.err or "of the folder that" in ran.err)
    assert ran.err.count("\n") == 1 and files_of(place) == before and (place / "link.csv").is_symlink()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        *(
            (f"{call} {folder}", f"{folder} is a folder; name a file")
            for call in (
                "score --writeoffs ledger.csv --out", "import-remits remits --out", "import-remits remits --out new.csv --lines",
                "import-remits remits --out new.csv --issues", "import-remits remits --out new.csv --outcomes", "trail export --out",
                "queue export --writeoffs", "queue export --outcomes", "queue reversals --batch B", "backup", "backup new.tar --keys",
                "report monthly --folder month --out", "report audit --audit month --out",
            )
            for folder in (".", "..", "remits", "/")
        ),
        *(
            (f"{call} scores.csv", "scores.csv is a file; name a folder")
            for call in (
                "sample --rows 10 --out", "train --writeoffs ledger.csv --outcomes outcomes.csv --out",
                f"retrain --writeoffs ledger.csv --outcomes outcomes.csv --as-of {AS_OF} --out",
                f"drift --writeoffs ledger.csv --outcomes outcomes.csv --as-of {AS_OF} --out",
                f"evaluate {' '.join(DAYS)} --writeoffs ledger.csv --outcomes outcomes.csv --out", "audit --writeoffs ledger.csv --out",
                "packet W1 --scores scores.csv --writeoffs ledger.csv --out", "packet-templates --out",
            )
        ),
        ("train --writeoffs /dev/null --outcomes /dev/null --out .", "the folder you are in"),
        ("train --writeoffs ledger.csv --outcomes outcomes.csv --out remits", "no bundle"),
    ],
)  # fmt: skip
def test_a_folder_is_no_file_and_a_file_is_no_folder(fresh: Commands, place: Path, call: str, words: str) -> None:
    before = files_of(place)
    ran = fresh(*call.split())
    assert ran.code in (2, 65) and not ran.out and words in " ".join(ran.err.split()), ran.err
    assert files_of(place) == before


def test_a_report_may_be_written_where_one_is(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    days = ("--as-of", "2026-11-01", "--from", "2026-05-01", "--to", "2026-06-01")
    files = ("--writeoffs", str(trained.practice / "writeoffs.csv"), "--outcomes", str(trained.practice / "outcomes.csv"))
    assert fresh("evaluate", *days, *files, "--out", ".").code == 0
    assert {"evaluation.json", "report.html"} <= set(files_of(tmp_path))


def test_standard_input_and_output_are_not_one_file(fresh: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger(tmp_path, *GOOD).open() as given:
        monkeypatch.setattr("sys.stdin", given)
        ran = fresh("score", "--writeoffs", "-", "--out", "-", "--as-of", "2026-11-02")
    assert ran.code == 0 and len(ran.out.splitlines()) == len(GOOD) + 1, ran.err


def test_the_same_call_again_overwrites_its_own_output(fresh: Commands, place: Path) -> None:
    for _ in range(2):
        assert fresh("score", "--writeoffs", "ledger.csv", "--out", "new.csv", "--as-of", "2026-11-02").code == 0
        assert fresh("audit", "--writeoffs", "ledger.csv", "--out", "audited", "--as-of", "2026-11-02").code == 0


def test_outputs_among_the_remittances_are_none_of_them(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.practice / "remits", tmp_path / "remits")
    assert fresh("import-remits", "remits", "--out", "apart.csv", "--issues", "apart.jsonl").code == 0
    wanted = [(tmp_path / name).read_bytes() for name in ("apart.csv", "apart.jsonl")]
    for _ in range(2):
        ran = fresh("import-remits", "remits", "--out", "remits/all.csv", "--issues", "remits/issues.jsonl")
        assert ran.code == 0, ran.err
        assert [(tmp_path / "remits" / name).read_bytes() for name in ("all.csv", "issues.jsonl")] == wanted
    # Another table that the command reads is no remittance either; an 835 is not written over.
    ran = fresh("import-remits", "remits", "--ledger", "remits/all.csv", "--out", "remits/joined.csv", "--issues", "remits/issues.jsonl")
    assert ran.code == 0 and b"no_835" not in (tmp_path / "remits" / "issues.jsonl").read_bytes()
    some = next((tmp_path / "remits").glob("*.835")).relative_to(tmp_path)
    for flag in ("--out", "--issues"):
        assert fresh("import-remits", "remits", "--out", "new.csv", flag, str(some)).code == 2


def test_an_audit_among_the_remittances_may_be_made_again(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.practice / "remits", tmp_path / "remits")
    shutil.copy(trained.practice / "writeoffs.csv", tmp_path / "remits" / "ledger.csv")
    for _ in range(2):
        ran = fresh("audit", "--remits", "remits", "--writeoffs", "remits/ledger.csv", "--out", "remits", "--as-of", "2026-11-02", "--json")
        assert ran.code == 0, ran.err
        assert "no_835" not in {one["code"] for one in json.loads(ran.out)["remit_issues"]}


@pytest.mark.parametrize(
    ("as_of", "start", "end", "words"),
    [
        ("2026-11-01", "2026-08-31", "2026-03-01", "--from 2026-08-31 is after --to 2026-03-01"),
        ("2026-03-01", "2026-05-01", "2026-08-31", "--as-of 2026-03-01 is not after --from 2026-05-01"),
        ("2026-05-01", "2026-05-01", "2026-08-31", "--as-of 2026-05-01 is not after --from 2026-05-01"),
    ],
)
def test_days_in_the_wrong_order_are_told(fresh: Commands, place: Path, as_of: str, start: str, end: str, words: str) -> None:
    ran = fresh(*("evaluate", "--writeoffs", "ledger.csv", "--outcomes", "outcomes.csv", "--as-of", as_of, "--from", start, "--to", end))
    assert ran.code == 2 and words in ran.err and "no write-off was posted" not in ran.err
