"""The vault: encrypted, opened by its key alone, and no read without its line."""

from __future__ import annotations

import csv
import io
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from features.errors import BadData, Misconfigured, StorageFailed, TooManyRejects
from features.intake.pseudonyms import Pseudonyms
from serving.packet import Desk
from serving.packet.people import Identity
from serving.packet.vault import PLACE, Reading, Vault
from tests.serving.packet.cases import a_case, docx_text, pdf_text

NAMES = Pseudonyms(b"n" * 32)
KEY = "k'" * 20
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
WHO = "person:ana"
HEAD = "patient_id,payer_id,name,birth_date,member_id,group_number"


def kept(path: Path, *rows: str) -> Vault:
    vault = Vault(path, KEY, clock=lambda: NOON)
    vault.import_rows(io.StringIO("\n".join([HEAD, *rows]) + "\n"), "patients.csv", NAMES)
    return vault


def test_what_was_imported_is_read_by_payer_and_each_read_is_logged(tmp_path: Path) -> None:
    told: list[Reading] = []
    vault = kept(tmp_path / "v.db", "MRN-1,,Ada Example,1950-02-03,ANY-1,", "MRN-1,P7,Ada Example,1950-02-03,SEVEN-1,G9")
    patient = NAMES.of("MRN-1")
    with vault.reader(WHO, told.append) as look_up:
        assert look_up(patient, "P7") == Identity("Ada Example", date(1950, 2, 3), "SEVEN-1", "G9")
        assert look_up(patient, "P8") == Identity("Ada Example", date(1950, 2, 3), "ANY-1", None)
        assert look_up(NAMES.of("MRN-2"), "P8") is None
    at = "2026-11-01T12:00:00+00:00"
    lines = [Reading(at, WHO, patient, "P7", True), Reading(at, WHO, patient, "P8", True), Reading(at, WHO, NAMES.of("MRN-2"), "P8", False)]
    assert told == lines
    assert vault.readings() == lines[::-1]
    assert "Ada" not in repr(told)


def test_a_read_that_cannot_be_logged_gives_nothing(tmp_path: Path) -> None:
    vault = kept(tmp_path / "v.db", "MRN-1,,Ada Example,,,")

    def full(reading: Reading) -> None:
        raise StorageFailed("the log is full")

    with vault.reader(WHO, full) as look_up, pytest.raises(StorageFailed):
        look_up(NAMES.of("MRN-1"), "P7")


def test_the_file_holds_no_name_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "identities" / "v.db"
    kept(path, "MRN-1,P7,Ada Example,1950-02-03,MEM-77,")
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"Ada" not in content and b"MEM-77" not in content and b"SQLite" not in content and b"MRN-1" not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_key_or_a_bad_file_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    kept(path, "MRN-1,,Ada Example,,,")
    with pytest.raises(Misconfigured, match="the key does not open"):
        Vault(path, "z" * 40).readings()
    with pytest.raises(Misconfigured, match="there is no vault"):
        Vault(tmp_path / "none.db", KEY).readings()
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Vault(path, KEY).readings()


def test_a_row_that_cannot_be_read_is_named_without_its_value(tmp_path: Path) -> None:
    rows = [f"MRN-{number},,Name {number},1950-01-01,," for number in range(30)]
    vault = Vault(tmp_path / "v.db", KEY)
    stream = io.StringIO("\n".join([HEAD, *rows, "MRN-99,,Secret Name,03/04/1950,,"]))
    found = vault.import_rows(stream, "patients.csv", NAMES)
    assert (found.rows, found.kept, found.rejects) == (31, 30, ((31, "birth_date", "not_a_day"),))
    with pytest.raises(TooManyRejects) as refused:
        vault.import_rows(io.StringIO(f"{HEAD}\nMRN-1,,Secret Name,1950-13-01,,\n"), "patients.csv", NAMES)
    assert "Secret" not in str(refused.value) and "nothing was kept" in str(refused.value)
    with pytest.raises(BadData, match="lacks name"):
        vault.import_rows(io.StringIO("patient_id\nMRN-1\n"), "patients.csv", NAMES)


@pytest.mark.parametrize("cell", ["", "a\x00b", "n" * 201])
def test_a_name_that_is_no_name_is_refused(cell: str, tmp_path: Path) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([HEAD.split(","), ["MRN-1", "", cell, "", "", ""]])
    with pytest.raises(TooManyRejects):
        Vault(tmp_path / "v.db", KEY).import_rows(io.StringIO(out.getvalue()), "patients.csv", NAMES)


def test_an_import_replaces_what_is_known_and_a_quote_is_text(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    kept(path, "MRN-1,,Ada Example,,,")
    vault = kept(path, """MRN-1,,"O'Brien; DROP TABLE identity --",,,""")
    with vault.reader(WHO, lambda _: None) as look_up:
        assert look_up(NAMES.of("MRN-1"), "P7") == Identity("O'Brien; DROP TABLE identity --")


def test_the_desk_reads_the_vault_only_while_it_writes(tmp_path: Path) -> None:
    told: list[Reading] = []
    without = Desk.at(tmp_path, KEY).write(a_case(), subject=WHO, log=told.append)
    assert without.status == "incomplete" and told == []
    patient = NAMES.of("MRN-1")
    kept(tmp_path / PLACE, "MRN-1,P7,Ada Example,1950-02-03,MEM-77,")
    desk = Desk.at(tmp_path, KEY)
    packet = desk.write(a_case(patient_id=patient), subject=WHO, log=told.append)
    assert packet.status == "complete" and [reading.found for reading in told] == [True]
    assert "MEM-77" in docx_text(desk.docx(packet)) and "MEM-77" in pdf_text(desk.pdf(packet))
    assert "Ada" not in pdf_text(desk.pdf(packet, is_worksheet=True))
    # Without its key the vault stays shut, and the block stays to be completed.
    assert Desk.at(tmp_path, None).write(a_case(patient_id=patient), subject=WHO, log=told.append).status == "incomplete"
    assert len(told) == 1


def test_practice_toml_is_the_letterhead(tmp_path: Path) -> None:
    folder = tmp_path / "packets"
    folder.mkdir()
    (folder / "practice.toml").write_text('[practice]\nname = "Hill"\nlines = ["NPI 1"]\n[payers.P7]\nname = "Good Health"\n')
    letter = Desk.at(tmp_path).write(a_case(), subject=WHO, log=lambda _: None).letter
    assert letter.sender == ("Hill", "NPI 1") and letter.addressee == ("Good Health",)
    for text, told in (("[practis]\nname = 'x'", "allowed are"), ("[practice]\nnpi = '1'", "needs a name"), ("[practice", "not TOML")):
        (folder / "practice.toml").write_text(text)
        with pytest.raises(Misconfigured, match=told):
            Desk.at(tmp_path)
