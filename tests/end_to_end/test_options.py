"""Options and settings that do one thing each: with it the command says or leaves something else than without it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysqlite3
import pytest

from recoup.settings import Settings
from tests.end_to_end.commands import Commands
from tests.serving.packet.cases import docx_text, own_file

LEDGER = """\
writeoff_id,writeoff_date,payer_id,payer_type,claim_id,line_number,payer_claim_number,patient_id,procedure_code,service_date,submitted_date,remit_date,\
billed_amount,allowed_amount,paid_amount,writeoff_amount,group_code,carc,rarcs
W1,2026-04-08,P7,commercial,C1,1,ICN1,MRN-1,10021,2026-01-05,2026-02-06,2026-03-07,500.00,0.00,0.00,500.00,CO,50,
W2,2026-04-08,P7,commercial,C2,1,ICN2,MRN-2,10022,2026-01-06,2026-02-06,2026-03-07,321.09,0.00,0.00,321.09,CO,4,
W3,2026-04-08,P7,commercial,C3,1,ICN3,MRN-3,10023,2026-01-07,2026-02-06,2026-03-07,500.00,90.00,90.00,410.00,CO,45,
"""
TABLES = {
    "ledger.csv": LEDGER,
    "citations.csv": "carc,title,quote\n50,Policy of wound care 7.1,It is covered where it heals.\n",
    "contracts.csv": "payer_id,method,value,lesser_of_charges\nP7,percent_of_reference,120,false\n",
    "fees.csv": "schedule,year,procedure_code,amount\nMPFS,2026,10023,200.00\n",
    "lines.csv": "remit_id,payer_id,claim_id,line_number,remit_date,group_code,carc,amount,file,segment\n"
    "R77,P7,C1,1,2026-03-07,CO,50,500.00,march.835,41\n",
    "patients.csv": "patient_id,name\nMRN-1,Ada Example\n",
}


@pytest.fixture
def scored(fresh: Commands, tmp_path: Path) -> list[object]:
    """Return the flags of a ledger and its scores, with the tables beside it in the same folder."""
    for name, text in TABLES.items():
        own_file(tmp_path, name, text)
    ran = fresh("score", "--writeoffs", "ledger.csv", "--out", "scores.csv", "--as-of", "2026-05-01")
    assert ran.code == 0, ran.err
    return ["--writeoffs", "ledger.csv", "--scores", "scores.csv"]


def letter(run: Commands, folder: Path, *words: object) -> str:
    ran = run("packet", *words, "--out", "out", "--json")
    assert ran.code == 0, ran.err
    return docx_text((folder / "out" / f"{words[0]}.docx").read_bytes()) + ran.out


def test_a_passage_of_citations_stands_in_the_letter(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    passage = "Policy of wound care 7.1"
    assert passage not in letter(fresh, tmp_path, "W1", *scored)
    assert passage in letter(fresh, tmp_path, "W1", *scored, "--citations", "citations.csv")


def test_remit_lines_are_read_for_a_packet_and_shown_beside_the_queue(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    assert "W1" in letter(fresh, tmp_path, "W1", *scored, "--remit-lines", "lines.csv")
    refused = fresh("packet", "W1", *scored, "--out", "out", "--remit-lines", "fees.csv")
    assert refused.code == 65 and "table remit_lines lacks remit_id" in refused.err
    loaded = json.loads(fresh("queue", "load", *scored, "--remit-lines", "lines.csv", "--json").out)
    assert loaded["remit_lines"] == 1


def test_a_claim_is_taken_back_by_void(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    plain, void = letter(fresh, tmp_path, "W2", *scored), letter(fresh, tmp_path, "W2", *scored, "--void")
    assert "replacement of a prior claim" in plain and "void of a prior claim" in void and "void of a prior claim" not in plain


def test_reference_fees_price_what_a_contract_pays_by_them(fresh: Commands, scored: list[object], tmp_path: Path) -> None:
    owed = []
    for more in ([], ["--reference-fees", "fees.csv"]):
        given = ["--writeoffs", "ledger.csv", "--contracts", "contracts.csv", *more, "--out", "priced.csv", "--as-of", "2026-05-01"]
        assert fresh("score", *given).code == 0
        with (tmp_path / "priced.csv").open() as file:
            owed.append({row["writeoff_id"]: row["underpayment_amount"] for row in csv.DictReader(file)}["W3"])
    # 120 % of 200 dollars, of which 90 were allowed.
    assert owed[0] in ("", "0.00") and owed[1] == "150.00"


def test_the_latest_reads_of_identities_are_told_first_and_no_more_than_asked_for(
    fresh: Commands, scored: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOUP_IDENTITY_KEY", "0123456789abcdef0123456789abcdef")
    assert fresh("identities", "import", "patients.csv").code == 0
    for one in ("W1", "W2"):
        letter(fresh, tmp_path, one, *scored)
    every = json.loads(fresh("identities", "reads", "--json").out)
    assert len(every) == 2 and json.loads(fresh("identities", "reads", "--most", "1", "--json").out) == every[:1]


def test_a_practice_ends_on_the_morning_that_end_names(fresh: Commands, tmp_path: Path) -> None:
    assert fresh("sample", "--rows", "2000", "--end", "2025-06-01", "--out", "made").code == 0
    with (tmp_path / "made" / "writeoffs.csv").open() as file:
        latest = max(row["writeoff_date"] for row in csv.DictReader(file))
    assert "2025-05-01" < latest < "2025-06-01"


def test_a_backup_is_only_read_by_verify(fresh: Commands) -> None:
    assert fresh("key", "create", "--role", "viewer").code == 0 and fresh("backup", "kept.tar").code == 0
    assert "the file is whole" in fresh("restore", "kept.tar", "--verify").out
    refused = fresh("restore", "kept.tar")
    assert refused.code == 1 and "empty" in refused.err


def test_a_key_a_link_and_a_password_are_what_was_asked_for(fresh: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    fresh("key", "create", "--role", "viewer", "--days", "30")
    (key,) = json.loads(fresh("key", "list", "--json").out)
    assert timedelta(days=30, minutes=-1) < datetime.fromisoformat(key["expires_at"]) - now < timedelta(days=30, minutes=5)
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert fresh("user", "add", "ana", "--role", "worker", "--password-stdin").code == 65
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
    assert not json.loads(fresh("user", "add", "ana", "--role", "worker", "--password-stdin", "--json").out).get("password")
    for minutes in (5, 600):
        fresh("user", "link", "ana", "--minutes", minutes)
    with pysqlite3.connect(fresh.home / "recoup.db") as connection:
        ends = sorted(row[0] for row in connection.execute("SELECT ends_at FROM tickets"))
    first, last = (datetime.fromisoformat(str(end)).replace(tzinfo=UTC) for end in ends)
    assert timedelta(minutes=594) < last - first < timedelta(minutes=596)


def test_tables_go_down_only_after_a_yes(fresh: Commands) -> None:
    assert fresh("store", "up").code == 0
    at = json.loads(fresh("store", "show", "--json").out)["version"]
    refused = fresh("store", "down", "base")
    assert refused.code == 2 and "--yes" in refused.err and json.loads(fresh("store", "show", "--json").out)["version"] == at
    assert json.loads(fresh("store", "down", "base", "--yes", "--json").out)["version"] is None


def test_the_end_of_the_log_is_copied_to_where_trail_head_says(fresh: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    monkeypatch.setenv("RECOUP_TRAIL_HEAD", str(tmp_path / "disk" / "head"))
    assert fresh("key", "create", "--role", "viewer").code == 0
    assert (tmp_path / "disk" / "head").is_file() and not (fresh.home / "keys" / "trail.head").exists()


def test_claims_of_the_provider_name_organisation_and_facilities() -> None:
    from recoup.identity import provider_of

    named = {"RECOUP_OIDC_CLIENT_CLAIM": "org", "RECOUP_OIDC_FACILITY_CLAIM": "sites"}
    told = {"ISSUER": "https://id.example", "CLIENT_ID": "recoup", "CLIENT_SECRET": "s" * 20, "ROLES": "groups: Billing=worker"}
    provider = provider_of(Settings.read({}, named | {f"RECOUP_OIDC_{name}": value for name, value in told.items()}, folder=None))
    assert provider is not None
    assert (provider.registration.client_claim, provider.registration.facility_claim) == ("org", "sites")
