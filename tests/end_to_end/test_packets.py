"""Packets from files: score a ledger, write a letter, complete it from the vault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.commands import Commands
from tests.serving.packet.cases import docx_text, own_file, pdf_text

LEDGER = """\
writeoff_id,writeoff_date,payer_id,payer_type,claim_id,line_number,payer_claim_number,patient_id,procedure_code,service_date,submitted_date,remit_date,\
billed_amount,allowed_amount,paid_amount,writeoff_amount,group_code,carc,rarcs,timely_proof_on_file,self_pay_restriction
W1,2026-04-08,P7,commercial,C1,1,ICN1,MRN-1,10021,2026-01-05,2026-02-06,2026-03-07,500.00,0.00,0.00,500.00,CO,29,,true,false
W2,2026-04-08,P7,commercial,C2,1,ICN2,MRN-2,10022,2026-01-06,2026-02-06,2026-03-07,321.09,0.00,0.00,321.09,CO,29,,true,false
W3,2026-04-08,P7,commercial,C3,1,ICN3,MRN-3,10023,2026-01-07,2026-02-06,2026-03-07,100.00,0.00,0.00,100.00,CO,29,,true,true
W4,2026-04-08,P7,commercial,C4,1,ICN4,MRN-4,10024,2026-01-07,2026-02-06,2026-03-07,100.00,80.00,60.00,20.00,PR,2,,,false
"""


@pytest.fixture
def scored(fresh: Commands, tmp_path: Path) -> list[object]:
    """The flags of a ledger and its scores."""
    own_file(tmp_path, "ledger.csv", LEDGER)
    ran = fresh("score", "--writeoffs", tmp_path / "ledger.csv", "--out", tmp_path / "scores.csv", "--as-of", "2026-05-01")
    assert ran.code == 0, ran.err
    return ["--writeoffs", tmp_path / "ledger.csv", "--scores", tmp_path / "scores.csv", "--out", tmp_path / "out"]


def test_a_letter_is_written_and_completed_from_the_vault(
    fresh: Commands, scored: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = fresh("packet", "W1", *scored, "--json")
    assert ran.code == 0, ran.err
    (told,) = json.loads(ran.out)
    assert told["kind"] == "appeal" and told["status"] == "incomplete"
    assert {Path(name).name for name in told["files"]} == {"W1.docx", "W1.pdf", "W1-worksheet.pdf"}
    assert all(sentence["fields"] and sentence["columns"] for sentence in told["sentences"])
    assert "$500.00" in docx_text((tmp_path / "out" / "W1.docx").read_bytes())

    own_file(tmp_path, "patients.csv", "patient_id,name,birth_date,member_id\nMRN-1,Ada Example,1950-02-03,MEM-77\n")
    assert fresh("identities", "import", tmp_path / "patients.csv").code == 78
    monkeypatch.setenv("RECOUP_IDENTITY_KEY", "0123456789abcdef0123456789abcdef")
    kept = fresh("identities", "import", tmp_path / "patients.csv")
    assert kept.code == 0 and "kept 1 of 1" in kept.out
    ran = fresh("packet", "W1", *scored, "--json")
    assert json.loads(ran.out)[0]["status"] == "complete"
    assert "Ada Example" in docx_text((tmp_path / "out" / "W1.docx").read_bytes())
    # Who the patient is stands in the letter, and nowhere else.
    assert "Ada" not in ran.out + ran.err and "MEM-77" not in ran.out
    assert "Ada" not in pdf_text((tmp_path / "out" / "W1-worksheet.pdf").read_bytes())
    (read,) = json.loads(fresh("identities", "reads", "--json").out)
    assert read["patient_id"].startswith("pt_") and read["found"]
    acts = [json.loads(line) for line in fresh("trail", "export").out.splitlines() if '"action"' in line]
    told_of = {act["action"]: act for act in acts}
    assert told_of["identity.read"]["ids"] == [read["patient_id"]] and told_of["identity.read"]["subject"] == read["subject"]
    assert "identity.import" in told_of and fresh("trail", "verify").code == 0


def test_a_project_and_its_enclosures_are_one_file(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    assert fresh("packet", "W1", *scored).code == 0
    enclosure = tmp_path / "out" / "W1-worksheet.pdf"
    ran = fresh("packet", "W1", "W2", "--project", *scored, "--attach", enclosure)
    assert ran.code == 0, ran.err
    text = pdf_text((tmp_path / "out" / "project-W1.pdf").read_bytes())
    assert "$821.09" in text and "Index of enclosures" in text and "Enclosure 1, page 1 of" in text


@pytest.mark.parametrize(
    ("ids", "code", "told"),
    [
        (["W3"], 1, "164.522"),
        (["W1", "W3"], 1, "164.522"),
        (["W4"], 2, "no packet for remedy patient_billing"),
        (["W9"], 65, "has no score of W9"),
    ],
)
def test_what_may_not_be_written_is_not(fresh: Commands, scored: list[object], ids: list[str], code: int, told: str) -> None:
    ran = fresh("packet", *ids, *scored, *(["--project"] if len(ids) > 1 else []))
    assert ran.code == code and told in ran.err, ran.err


def test_the_papers_of_a_level_are_written_from_files(fresh: Commands, tmp_path: Path) -> None:
    own_file(tmp_path, "ledger.csv", LEDGER.replace("commercial", "medicare").replace(",29,", ",50,"))
    files = ["--writeoffs", tmp_path / "ledger.csv"]
    assert fresh("score", *files, "--out", tmp_path / "scores.csv", "--as-of", "2026-05-01").code == 0
    files += ["--scores", tmp_path / "scores.csv", "--out", tmp_path / "out"]
    assert fresh("packet", "W1", *files).code == 0
    first = docx_text((tmp_path / "out" / "W1.docx").read_bytes())
    ran = fresh("packet", "W1", *files, "--level", 2, "--decided-on", "2026-06-01")
    assert ran.code == 0, ran.err
    second = docx_text((tmp_path / "out" / "W1.docx").read_bytes())
    assert "Request for redetermination" in first and "Request for reconsideration by a QIC" in second
    # 42 CFR 405.962: 180 days from receipt of the redetermination, five days after its date.
    assert "The redetermination of June 1, 2026 upheld" in second and "December 3, 2026 (42 CFR 405.962)" in second
    ran = fresh("packet", "W1", *files, "--level", 2)
    assert ran.code == 0 and "name it and its day" in ran.out
    assert "The time limit for this request" not in docx_text((tmp_path / "out" / "W1.docx").read_bytes())
    for said, told in ((["--decided-on", "2026-06-01"], "name the --level"), (["--level", 2, "--decided-on", "2999-01-01"], "up to today")):
        ran = fresh("packet", "W1", *files, *said)
        assert ran.code == 2 and told in ran.err


def test_a_letter_does_not_differ_from_the_queue(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    own_file(tmp_path, "rules.csv", "payer_id,remedy,level,limit,limit_unit,clock\nP7,appeal,1,60,days,remit_date\n")
    ran = fresh("packet", "W1", *scored, "--payer-rules", tmp_path / "rules.csv")
    assert ran.code == 1 and "deadline_date" in ran.err and "score anew" in ran.err


def test_templates_are_copied_and_the_practices_own_stand_over_them(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    assert fresh("packet-templates", "--out", tmp_path / "copies").code == 0
    assert (tmp_path / "copies" / "appeal.docx").is_file()
    words = (tmp_path / "copies" / "appeal.toml").read_text().replace('title = "Appeal of a denied claim"', 'title = "Our own appeal"')
    own_file(fresh.home / "packets", "appeal.toml", words)
    assert fresh("packet", "W1", *scored).code == 0
    assert "Our own appeal" in docx_text((tmp_path / "out" / "W1.docx").read_bytes())
