"""The audit as a user runs it: ledger and remittances in; findings, lists and reports out."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from pypdf import PdfReader

from features.unworked import NO_LOT
from recoup.report.workbook import VALIDATION
from serving.findings.clock import OVERPAYMENT_COLUMNS
from serving.findings.rule import DETERMINISTIC
from serving.findings.rules import BY_ID
from serving.findings.table import FINDING_COLUMNS
from serving.findings.validation import ANSWER
from serving.store import audits
from serving.store.store import Store
from tests.end_to_end.commands import Commands, environment, start
from tests.end_to_end.conftest import AS_OF, Trained
from tests.features.intake.remits.writer import Claim, Line, Remit, encode

OUTPUTS = {"report.html", "summary.pdf", "workbook.xlsx", "audit.json", "findings.csv", "overpayments.csv", "outcomes.csv"}
Row = dict[str, str]

WATCHED = """
import os, sys
temp, *words = sys.argv[1:]
met = []

def watch(event, given):
    if event in ("open", "os.mkdir", "os.rename", "tempfile.mkdtemp", "tempfile.mkstemp"):
        met.extend(os.fspath(path) for path in given[:2] if isinstance(path, (str, os.PathLike)))

sys.addaudithook(watch)
from recoup.cli import main
try:
    main(words)
finally:
    print("met", *sorted(path for path in met if path.startswith(temp)), sep="\\n", file=sys.stderr)
    print("own", *sorted(path for path in met if path.startswith(os.environ["RECOUP_HOME"] + "/batch/")), sep="\\n")
"""


def rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def audited(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of day one: everything the practice has but a model."""
    folder = tmp_path_factory.mktemp("audit")
    files = ["--remits", trained.practice / "remits", "--outcomes", trained.practice / "outcomes.csv"]
    out = folder / "out"
    process = start("audit", *trained.tables(), *files, "--as-of", AS_OF, "--out", out, home=folder / "home", folder=folder)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def test_the_outputs_are_those_that_are_promised(audited: Path) -> None:
    assert {path.name for path in audited.iterdir()} == OUTPUTS
    assert tuple(rows(audited / "findings.csv")[0]) == FINDING_COLUMNS
    assert tuple((audited / "overpayments.csv").read_text().splitlines()[0].split(",")) == OVERPAYMENT_COLUMNS


def test_every_planted_kind_is_found_and_little_else(audited: Path, trained: Trained) -> None:
    """Recall .95 and precision .90 for each deterministic kind: the claim itself, on a practice of 4,000 write-offs."""
    truth, found = defaultdict(set), defaultdict(set)
    for row in rows(trained.practice / "defects.csv"):
        truth[row["rule"]].add(row["writeoff_id"] or (row["file"], row["segment"]))
    for row in rows(audited / "findings.csv"):
        found[row["rule"]].add(row["writeoff_id"] or (row["file"], row["segment"]))
    judged = {rule for rule in truth if BY_ID[rule].kind == DETERMINISTIC}
    assert judged
    for rule in judged:
        hit = truth[rule] & found[rule]
        assert len(hit) >= 0.95 * len(truth[rule]), (rule, sorted(map(str, truth[rule] - found[rule]))[:5])
        assert len(hit) >= 0.90 * len(found[rule]), (rule, sorted(map(str, found[rule] - truth[rule]))[:5])


def test_every_write_off_is_classified_once_and_the_bridge_adds_up(audited: Path, trained: Trained) -> None:
    ids = [row["writeoff_id"] for row in rows(audited / "findings.csv") if row["rule"] == "classified"]
    ledger = rows(trained.practice / "writeoffs.csv")
    assert sorted(ids) == sorted(row["writeoff_id"] for row in ledger)
    opportunity = json.loads((audited / "audit.json").read_text())["opportunity"]
    steps = {one["step"]: one["dollars"] for one in opportunity["steps"]}
    names = list(steps)
    total = round(sum(float(row["writeoff_amount"]) for row in ledger), 2)
    assert steps["total"] == total
    assert round(sum(steps[name] for name in names[: names.index("gross")]), 2) == steps["gross"]
    assert round(steps["gross"] + steps["unlikely"], 2) == steps["expected"]
    assert round(steps["expected"] + steps["not_worth"] + steps["cost"], 2) == pytest.approx(steps["net"], abs=0.02)
    assert all(one["unexplained"] == 0 for one in opportunity["tie_out"])
    assert round(sum(one["net"] for one in opportunity["tie_out"]), 2) == total


def test_the_report_loads_nothing_and_the_summary_says_the_same(audited: Path) -> None:
    page = (audited / "report.html").read_text()
    assert not any(word in page for word in ("<script", "http://", "https://", "src="))
    told = json.loads((audited / "audit.json").read_text())
    net = f"${next(one['dollars'] for one in told['opportunity']['steps'] if one['step'] == 'net'):,.0f}"
    summary = "".join(part.extract_text() for part in PdfReader(audited / "summary.pdf").pages)
    assert net in page and net in summary.replace("\n", " ")


def test_no_cell_of_the_workbook_is_a_formula(audited: Path) -> None:
    book = openpyxl.load_workbook(BytesIO((audited / "workbook.xlsx").read_bytes()))
    assert {"Bridge", "Findings", "Overpayments", "Root causes", VALIDATION} <= set(book.sheetnames)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_what_people_filled_in_is_read_and_kept(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    files = ["--writeoffs", trained.practice / "writeoffs.csv", "--as-of", AS_OF, "--out", out]
    ledger = rows(trained.practice / "writeoffs.csv")
    kinds = ("medicare", "medicaid_managed", "medicare_advantage", "commercial")
    of_kind = {kind: next(row["writeoff_id"] for row in ledger if row["payer_type"] == kind) for kind in kinds}
    assert fresh("audit", *files).code == 0
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    sheet = book[VALIDATION]
    at = [cell.value for cell in sheet[1]].index(ANSWER) + 1
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, at, "yes")
    book.save(out / "workbook.xlsx")
    (out / "overpayments.csv").write_text(
        ",".join(OVERPAYMENT_COLUMNS)
        + "\nkept,overpaid,,,,,,,10.00,by hand,2026-01-02,,2026-03-01,,me\n"
        + "".join(f"{kind},overpaid,{one},,,,,,10.00,by hand,2026-01-02,2025-01-01,2026-03-01,,me\n" for kind, one in of_kind.items())
    )
    assert fresh("audit", *files).code == 0
    judged = json.loads((out / "audit.json").read_text())["validation"]["judged"]
    assert judged["precision"] == 1.0 and judged["interval"][0] < 1.0
    kept = next(row for row in rows(out / "overpayments.csv") if row["overpayment_id"] == "kept")
    assert (kept["report_due"], kept["detected_on"], kept["decided_by"]) == ("2026-04-30", "2026-01-02", "me")
    # Sixty days hold for Medicare and Medicaid alone; Medicare's end 180 days after the investigation began, found or not.
    due = {row["overpayment_id"]: row["report_due"] for row in rows(out / "overpayments.csv")}
    assert [due[kind] for kind in of_kind] == ["2025-08-29", "2026-04-30", "", ""]


def test_a_prospect_is_audited_on_a_minimum_extract_without_identities(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    names = (
        "writeoff_id",
        "writeoff_date",
        "payer_id",
        "claim_id",
        "line_number",
        "procedure_code",
        "billed_amount",
        "writeoff_amount",
        "group_code",
        "carc",
    )
    with (tmp_path / "extract.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows(trained.practice / "writeoffs.csv"))
    ran = fresh("audit", "--writeoffs", tmp_path / "extract.csv", "--prospect", "--as-of", AS_OF, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    found = rows(tmp_path / "out" / "findings.csv")
    assert all(row["claim_id"] == "" or row["claim_id"].startswith("claim ") for row in found)
    claims = {row["claim_id"] for row in rows(trained.practice / "writeoffs.csv")}
    text = (tmp_path / "out" / "report.html").read_text() + (tmp_path / "out" / "audit.json").read_text()
    assert not any(claim in text for claim in claims)


def test_remittances_alone_are_audited_and_every_finding_cites_its_place(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    remits = sorted((trained.practice / "remits").iterdir())[:3]
    ran = fresh("audit", "--remits", *remits, "--as-of", AS_OF, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    found = rows(tmp_path / "out" / "findings.csv")
    assert found and all(row["file"] and row["segment"] for row in found)
    assert {row["file"] for row in found} <= {path.name for path in remits}
    assert "remittances alone" in (tmp_path / "out" / "report.html").read_text()


def test_an_audit_of_remittances_alone_writes_nothing_where_others_look(trained: Trained, tmp_path: Path) -> None:
    """What the remittances say of patients and claims passes through a private folder of the home, and is gone afterwards."""
    temp, home = tmp_path / "temp", tmp_path / "home"
    temp.mkdir()
    remits = sorted((trained.practice / "remits").iterdir())[:3]
    words = ("audit", "--remits", *map(str, remits), "--as-of", AS_OF, "--out", str(tmp_path / "out"))
    variables = environment(home, TMPDIR=str(temp))
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, str(temp), *words], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.endswith("met\n"), ran.stderr
    assert ran.stdout.partition("own\n")[2].strip()
    assert list((home / "batch").iterdir()) == [] and (home / "batch").stat().st_mode & 0o077 == 0


def test_an_audit_is_kept_for_the_service(fresh: Commands, tmp_path: Path) -> None:
    """`fresh` has a home of its own, whose store holds the audit afterwards; the access log says who kept it."""
    (tmp_path / "tiny.csv").write_text("writeoff_id,writeoff_date,payer_id,writeoff_amount\nA,2026-05-01,ACME,12.00\n")
    ran = fresh("audit", "--writeoffs", tmp_path / "tiny.csv", "--as-of", AS_OF, "--out", tmp_path / "out", "--keep", "--client", "north")
    assert ran.code == 0, ran.err
    with Store.open(f"sqlite:///{fresh.home / 'recoup.db'}") as store, store.read() as unit:
        kept = audits.latest(unit, "north")
        assert audits.latest(unit, "default") is None
    assert kept is not None
    assert kept.document == json.loads((tmp_path / "out" / "audit.json").read_text())
    assert fresh("trail", "verify").code == 0


def test_nothing_to_audit_is_a_wrong_call(fresh: Commands, tmp_path: Path) -> None:
    ran = fresh("audit", "--out", tmp_path / "out")
    assert ran.code == 2 and "nothing to audit" in ran.err


def test_an_audit_is_told_by_month_and_beside_an_earlier_one(fresh: Commands, audited: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    told = json.loads((audited / "audit.json").read_text())
    for rule in told["rules"]:
        rule["findings"] = rule["findings"] and rule["findings"] + 1
    (earlier / "audit.json").write_text(json.dumps({**told, "as_of": "2026-09-01"}))
    ran = fresh("report", "audit", "--audit", audited, "--before", earlier, "--out", tmp_path / "month.html", "--json")
    assert ran.code == 0, ran.err
    month = json.loads(ran.out)
    assert month["month"] == "2026-10" and month["previous"] == "2026-09"
    assert all(one["before"] == one["now"] + 1 for one in month["changes"]["rules"]) and month["changes"]["rules"]
    by_month = {one["month"]: one for one in told["kpis"]["by_month"]}
    assert all(one["now"] == by_month["2026-10"][one["figure"]] for one in month["figures"])
    assert "Since the audit of 2026-09-01" in (tmp_path / "month.html").read_text()
    assert fresh("report", "audit", "--audit", audited, "--month", "1999-01", "--out", tmp_path / "x.html").code == 2
    assert fresh("report", "audit", "--audit", tmp_path / "none", "--out", tmp_path / "x.html").code == 74


@pytest.mark.parametrize("lines", [["A,2026-05-01,ACME,"], ["A,2026-05-01,=cmd|x,5", "B,2026-05-02,ACME,-5"]])
def test_a_ledger_of_a_row_or_two_with_nothing_but_what_it_must_have_is_audited(fresh: Commands, tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "tiny.csv").write_text("\n".join(["writeoff_id,writeoff_date,payer_id,writeoff_amount", *lines]) + "\n")
    ran = fresh("audit", "--writeoffs", tmp_path / "tiny.csv", "--as-of", AS_OF, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS
    assert len(rows(tmp_path / "out" / "findings.csv")) == len(lines)


@pytest.mark.parametrize(
    ("head", "lines", "words"),
    [
        ("", ["A,2026-05-01,ACME,-5", "B,2026-05-02,ACME,-7"], "negative_is_writeoff"),
        ("", ["A,2026-05-01,ACME,5"], "no row names a claim"),
        (",claim_id", ["A,2026-05-01,1999999999,5,elsewhere"], "no row was found on a remittance"),
        (",claim_id", ["A,2026-05-01,ACME,5,C1"], "no payer in common"),
    ],
)
def test_files_that_look_misread_are_told_before_anything_else(
    fresh: Commands, tmp_path: Path, head: str, lines: list[str], words: str
) -> None:
    (tmp_path / "tiny.csv").write_text("\n".join([f"writeoff_id,writeoff_date,payer_id,writeoff_amount{head}", *lines]) + "\n")
    (tmp_path / "one.835").write_bytes(encode(Remit((Claim((Line(5000),), name="C1", icn="I1"),)).segments()))
    ran = fresh(
        "audit", "--writeoffs", tmp_path / "tiny.csv", "--remits", tmp_path / "one.835", "--as-of", AS_OF, "--out", tmp_path / "out"
    )
    assert ran.code == 0, ran.err
    assert "note: " in ran.out + ran.err and words in (tmp_path / "out" / "report.html").read_text()
    assert any(words in one for one in json.loads((tmp_path / "out" / "audit.json").read_text())["warnings"])


def test_a_second_posting_of_a_line_is_seen_where_the_ledger_numbers_no_lines(fresh: Commands, tmp_path: Path) -> None:
    """Procedure and day say which line of the remittance a row is of; the other line, of the same amount, is no repetition."""
    lines = tuple(Line(5000, (("CO", "45", 2000),), procedure, "20231201") for procedure in ("HC:99213", "HC:97110"))
    (tmp_path / "one.835").write_bytes(encode(Remit((Claim(lines, name="C1", icn="I1"),)).segments()))
    head = "writeoff_id,writeoff_date,payer_id,writeoff_amount,claim_id,procedure_code,service_date,group_code,carc"
    posted = [("A", "10", "99213"), ("B", "10", "97110"), ("C", "15", "99213")]
    rows_ = [f"{name},2024-01-{on},60054,20.00,C1,{procedure},2023-12-01,CO,45" for name, on, procedure in posted]
    (tmp_path / "ledger.csv").write_text("\n".join([head, *rows_]) + "\n")
    ran = fresh(
        "audit", "--writeoffs", tmp_path / "ledger.csv", "--remits", tmp_path / "one.835", "--as-of", AS_OF, "--out", tmp_path / "out"
    )
    assert ran.code == 0, ran.err
    told = [(row["rule"], row["writeoff_id"]) for row in rows(tmp_path / "out" / "findings.csv") if row["rule"] != "classified"]
    assert told == [("duplicate_posting", "C")]


def test_remittances_that_adjust_nothing_are_audited(fresh: Commands, tmp_path: Path) -> None:
    (tmp_path / "paid.835").write_bytes(encode(Remit((Claim((Line(5000),), name="C1", icn="I1"),)).segments()))
    ran = fresh("audit", "--remits", tmp_path / "paid.835", "--as-of", AS_OF, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert rows(tmp_path / "out" / "findings.csv") == []


def test_a_report_says_what_was_never_worked_and_that_nothing_was_chosen_by_lot(fresh: Commands, tmp_path: Path) -> None:
    head = "writeoff_id,writeoff_date,payer_id,writeoff_amount,billed_amount,paid_amount,group_code,carc,claim_id,line_number"
    ledger = [
        f"{payer}{i},2026-08-01,{payer},90,90,0,CO,{carc},C{payer}{i},1"
        for payer, carc in (("KNOWN", "16"), ("NEW", "197"))
        for i in (1, 2)
    ]
    (tmp_path / "ledger.csv").write_text("\n".join([head, *ledger]) + "\n")
    efforts = "event_id,writeoff_id,action,worked_date,resolved_date,status,recovered_amount,explored\n"
    for chosen, is_told in (("no", True), ("yes", False)):
        (tmp_path / "efforts.csv").write_text(f"{efforts}E1,KNOWN1,appeal,2026-08-10,2026-09-10,denied,0,{chosen}\n")
        out = tmp_path / chosen
        ran = fresh("audit", "--writeoffs", tmp_path / "ledger.csv", "--outcomes", tmp_path / "efforts.csv", "--as-of", AS_OF, "--out", out)
        assert ran.code == 0, ran.err
        told = json.loads((out / "audit.json").read_text())["unworked"]
        assert [one["payer"] for one in told["payers"]] == ["NEW"] and [one["carc"] for one in told["carcs"]] == ["197"]
        assert (NO_LOT in told["warnings"]) == is_told == (NO_LOT in (out / "report.html").read_text())
        assert "nobody ever worked" in (out / "report.html").read_text()
        assert openpyxl.load_workbook(out / "workbook.xlsx")["Never worked"].max_row == 3


def test_what_a_change_did_stands_in_every_report(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "changes.csv").write_text(
        "changed_on,change,team,family\n2026-05-01,Records go with the first claim,billing,documentation\n2026-12-24,Not yet,,\n"
    )
    files = ["--writeoffs", trained.practice / "writeoffs.csv", "--changes", tmp_path / "changes.csv"]
    ran = fresh("audit", *files, "--as-of", AS_OF, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    first, second = json.loads((tmp_path / "out" / "audit.json").read_text())["prevention"]["changes"]
    assert first["before"] > 0 and first["rate_after"] is not None and second["verdict"] == "not begun"
    assert "Records go with the first claim" in (tmp_path / "out" / "report.html").read_text()
    assert fresh("report", "audit", "--audit", tmp_path / "out", "--out", tmp_path / "month.html").code == 0
    assert f"Records go with the first claim, since 2026-05-01: {first['verdict']}" in (tmp_path / "month.html").read_text()
    sheet = openpyxl.load_workbook(tmp_path / "out" / "workbook.xlsx")["What changes did"]
    assert [sheet.cell(2, 1).value, sheet.cell(2, 12).value] == [first["change"], first["verdict"]]


def cut_practice(practice: Path, folder: Path, day: str) -> list[object]:
    """Cut a practice's files at a day, and return the flags of an audit of them."""
    folder.mkdir()
    kept = {"writeoffs.csv": [row for row in rows(practice / "writeoffs.csv") if row["writeoff_date"] < day], "outcomes.csv": []}
    for row in rows(practice / "outcomes.csv"):
        if row["worked_date"] < day:
            is_known = row["resolved_date"] and row["resolved_date"] < day
            blank = dict.fromkeys(("resolved_date", "recovered_amount", "taken_back_amount", "hours_spent"), "") | {"status": "pending"}
            known = row if is_known else row | {name: value for name, value in blank.items() if name in row}
            kept["outcomes.csv"].append(known)
    for name, ones in kept.items():
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, ones[0])
            writer.writeheader()
            writer.writerows(ones)
    (folder / "remits").mkdir()
    for path in (practice / "remits").iterdir():
        if path.name[:7] < day[:7]:
            (folder / "remits" / path.name).write_bytes(path.read_bytes())
    return ["--writeoffs", folder / "writeoffs.csv", "--outcomes", folder / "outcomes.csv", "--remits", folder / "remits"]


def test_an_audit_of_a_morning_is_that_of_files_cut_at_it(fresh: Commands, trained: Trained, tmp_path: Path) -> None:
    """What became known on the day or later, postings, reversals, results and remittances, is in no figure and on no page."""
    day, practice = "2026-05-01", trained.practice
    whole = ["--writeoffs", practice / "writeoffs.csv", "--outcomes", practice / "outcomes.csv", "--remits", practice / "remits"]
    beside = trained.tables()[2:]
    pages = {}
    for name, files in {"whole": whole, "cut": cut_practice(practice, tmp_path / "cut-files", day)}.items():
        ran = fresh("audit", *files, *beside, "--as-of", day, "--out", tmp_path / name)
        assert ran.code == 0, ran.err
        pages[name] = {path.name: path.read_text() for path in (tmp_path / name).iterdir() if path.suffix in (".csv", ".html")}
    told = {name: json.loads((tmp_path / name / "audit.json").read_text()) for name in pages}
    left_out, nothing = (told[name].pop("left_out") for name in ("whole", "cut"))
    assert all(left_out.values()) and not any(nothing.values())
    late = sum(row["writeoff_date"] >= day for row in rows(practice / "writeoffs.csv"))
    words = told["whole"]["warnings"].pop(0)
    assert left_out["writeoffs"] == late and f"{late:,} write-offs posted" in words and words in pages["whole"]["report.html"]
    assert told["whole"] == told["cut"]
    said = f'<p class="warn">Check first: {words}.</p>\n'
    assert pages["whole"]["report.html"].count(said) == 1
    assert {name: text.replace(said, "") for name, text in pages["whole"].items()} == pages["cut"]


@pytest.mark.parametrize(
    ("code", "dollars", "is_told"), [("BADDEBT", 50, True), ("ZQX", 50, False), ("ZQX", 2, False), ("ZQX", 0.01, True)]
)
def test_bad_debt_is_not_known_where_own_codes_say_nothing(
    fresh: Commands, tmp_path: Path, code: str, dollars: float, is_told: bool
) -> None:
    """More than 3 % is unclassified, or more than is known to be bad debt; what no digit shows hides nothing."""
    lines = [f"A{i},2026-05-0{i % 9 + 1},ACME,C{i},100.00,CO,45," for i in range(18)] + [
        f"B{i},2026-05-02,ACME,D{i},{dollars:.2f},,,{code}" for i in range(2)
    ]
    header = "writeoff_id,writeoff_date,payer_id,claim_id,writeoff_amount,group_code,carc,adjustment_code\n"
    (tmp_path / "own.csv").write_text(header + "\n".join(lines) + "\n")
    ran = fresh("audit", "--writeoffs", tmp_path / "own.csv", "--as-of", AS_OF, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    told = json.loads((tmp_path / "out" / "audit.json").read_text())["kpis"]["all"]
    assert told["bad_debt_share"] == (pytest.approx(100 / 1900 if code == "BADDEBT" else 0, abs=1e-4) if is_told else None)
    assert (told["charity_share"] is not None) == is_told
    words = "$100.00 are under adjustment codes of the practice's own of which nothing is known (ZQX)"
    assert (words in ran.out) == (code == "ZQX" and dollars == 50)
