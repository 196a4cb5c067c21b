"""Licensed code lists: checked as a whole, kept by date, laid over our tables; nothing of them is in the repository."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest

from features.codes import Codes
from features.codes.licensed import keep_list, read_kept, read_list, version_of
from features.errors import BadData, UsageError
from features.tables import CATEGORIES
from features.triage import classify
from recoup.cli.run import exit_code, program
from tests.spec.writeoffs import day, writeoffs

HEAD = "code,kind,start,stop,text"
GOOD = [HEAD, "45,carc,1995-01-01,,our own words here", "50,carc,1995-01-01,2026-03-01,", "X99,carc,2026-02-01,,", "N999,rarc,2026-02-01,,",
        "CO,group,,,", "ZZ,plb,2026-01-01,,"]  # fmt: skip


def keep(folder: Path, lines: list[str], effective: str) -> Path:
    return keep_list(read_list(lines, "list.csv"), folder, date.fromisoformat(effective))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "it lacks code, kind, start, stop"),
        (["code,kind"], "it lacks start, stop"),
        ([HEAD], "no code in it"),
        ([HEAD, "45,remark,,,"], "line 2: kind 'remark' is none of carc, rarc, group, plb"),
        ([HEAD, "N45,plb,,,"], "line 2: code 'N45' is not the form of a plb"),
        ([HEAD, "45,carc,1/1/95,,"], "line 2: start '1/1/95' is not a day like 2026-11-01"),
        ([HEAD, "45,carc,2026-02-01,2026-01-01,"], "line 2: carc 45 stops before it starts"),
        ([HEAD, "45,carc,,,", "45,carc,2026-01-01,,"], "line 3: carc 45 is there twice"),
        ([HEAD, *(f"?,carc,,,{i}" for i in range(9))], "; 4 more"),
        ([HEAD, "45,carc,,," + "x" * 4001], "text of 45 is longer than 4000 characters"),
    ],
)
def test_a_list_with_a_fault_is_refused_whole(lines: list[str], says: str) -> None:
    with pytest.raises(BadData) as refused:
        read_list(lines, "list.csv")
    assert says in str(refused.value)


def test_a_code_may_return_after_it_was_stopped() -> None:
    assert len(read_list([HEAD, "45,carc,1995-01-01,2000-01-01,", "45,carc,2001-01-01,,"], "list.csv")) == 2


def test_what_is_kept_reads_the_same_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "codes"
    path = keep(folder, GOOD, "2026-07-01")
    assert sorted(read_kept(path), key=str) == sorted(read_list(GOOD, "list.csv"), key=str)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert keep(folder, GOOD, "2026-07-01") == path


def test_another_list_of_the_same_day_needs_a_word(tmp_path: Path) -> None:
    keep(tmp_path, GOOD, "2026-07-01")
    with pytest.raises(UsageError):
        keep(tmp_path, GOOD[:2], "2026-07-01")
    keep_list(read_list(GOOD[:2], "list.csv"), tmp_path, date(2026, 7, 1), replace=True)
    assert len(read_kept(tmp_path / "2026-07-01.csv")) == 1


def test_the_list_in_force_on_a_day_is_taken(tmp_path: Path) -> None:
    for effective in ("2026-03-01", "2026-07-01"):
        keep(tmp_path, GOOD, effective)
    (tmp_path / "notes.csv").write_text("nothing of ours")
    found = [version_of(tmp_path, on) for on in (date(2026, 2, 1), date(2026, 6, 30), date(2026, 7, 1), None)]
    assert [path and path.stem for path in found] == [None, "2026-03-01", "2026-07-01", "2026-07-01"]


def test_a_list_stands_over_our_dates_and_never_over_our_meanings(tmp_path: Path) -> None:
    keep(tmp_path, GOOD, "2026-07-01")
    ours, codes = Codes.load(), Codes.load(extra=tmp_path)
    assert codes is Codes.load(extra=tmp_path) and codes.version == "2026-07-01"
    assert codes.carcs["50"].retired and codes.carcs["50"].family == ours.carcs["50"].family
    assert codes.carc("50", on=date(2026, 3, 1)) is None and codes.texts == {"carc 45": "our own words here"}
    assert set(ours.carcs) < set(codes.carcs) and codes.plbs["ZZ"] == "informational"
    assert Codes.load(extra=tmp_path, on=date(2026, 1, 1)) is ours
    assert Codes.load(extra=tmp_path / "none") is ours


def test_a_code_of_which_only_the_number_is_known_is_looked_at(tmp_path: Path) -> None:
    keep(tmp_path, GOOD, "2026-07-01")
    rows = [{"group_code": group, "carc": "X99", "rarcs": "N999"} for group in ("CO", "OA", "PI")]
    found = classify(writeoffs(*rows), codes=Codes.load(extra=tmp_path), as_of=day("2026-07-02"))
    assert [CATEGORIES[i] for i in found.category] == ["unclassified"] * 3


def test_an_altered_list_is_refused(tmp_path: Path) -> None:
    keep(tmp_path, GOOD, "2026-07-01").write_text("gone")
    with pytest.raises(BadData):
        Codes.load(extra=tmp_path)


def run(*arguments: str) -> int:
    return exit_code(lambda: program()(args=list(arguments), prog_name="recoup"))


def test_command_keeps_a_list_and_says_what_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECOUP_HOME", str(tmp_path / "home"))
    file = tmp_path / "list.csv"
    file.write_text("\n".join(GOOD))
    assert run("codes", "import", str(file), "--effective", "2026-07-01") == 0
    told = capsys.readouterr().out
    assert "X99" in told and "our own words" not in told
    assert run("codes", "import", str(file), "--effective", "July") == 2
    file.write_text("\n".join(GOOD[:3]))
    assert run("codes", "import", str(file), "--effective", "2026-07-01") == 2
    assert run("codes", "import", str(file), "--effective", "2026-07-01", "--replace", "--json") == 0
    file.write_bytes(b"code,kind,start,stop\n\xff\xfe,carc,,\n")
    assert run("codes", "import", str(file), "--effective", "2026-07-01") == 65
    assert run("codes", "import", str(tmp_path / "none.csv"), "--effective", "2026-07-01") == 74
