"""Public 835 files: counts as their manifest says, dollars as an independent reader says."""

from __future__ import annotations

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from pyx12.errors import X12Error
from pyx12.x12file import X12Reader

from features.intake.remits import RemitImport, import_remits
from features.intake.remits.summary import FileCounts
from tests.features.intake.remits.public_folder import public_remits
from tests.features.intake.remits.reading import TODAY


@pytest.fixture(scope="module")
def folder() -> Path:
    return public_remits()


@pytest.fixture(scope="module")
def found(folder: Path) -> RemitImport:
    return import_remits([folder], today=TODAY)


@pytest.fixture(scope="module")
def counts(found: RemitImport) -> dict[str, FileCounts]:
    return {counts["file"]: counts for counts in found.summary["files"]}


def _manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "MANIFEST.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_counts_of_every_file_are_those_of_the_manifest(folder: Path, counts: dict[str, FileCounts]) -> None:
    manifest = _manifest(folder)
    assert len(manifest) == 21
    for entry in manifest:
        ours = counts[entry["file"]]
        groups = " ".join(f"{group}:{count}" for group, count in ours["count_by_group"].items())
        got = (str(ours["transactions"]), str(ours["claims"]), str(ours["service_lines"]), groups)
        assert got == (entry["transactions"], entry["claims"], entry["service_lines"], entry["group_codes"]), entry["file"]


def test_files_out_of_balance_are_flagged_and_kept(folder: Path, counts: dict[str, FileCounts]) -> None:
    for entry in _manifest(folder):
        flags = counts[entry["file"]]["out_of_balance"]
        expected = {"line": "'svc': 1" in entry["exercises"], "claim": False, "transaction": "'tx': 1" in entry["exercises"]}
        assert {level: bool(count) for level, count in flags.items()} == expected, entry["file"]


def test_wrong_segment_counts_are_issues(folder: Path, found: RemitImport) -> None:
    wrong = {issue.file for issue in found.issues if issue.code == "se_count_wrong"}
    assert wrong == {entry["file"] for entry in _manifest(folder) if "SE count wrong" in entry["exercises"]}


def test_what_is_no_835_is_one_issue_each(found: RemitImport) -> None:
    assert [issue.code for issue in found.issues if issue.file in ("MANIFEST.csv", "NOTICE.md")] == ["no_835", "no_835"]


def test_one_interchange_repeated_156_times_makes_the_candidates_of_one(folder: Path) -> None:
    once = import_remits([folder / "x12-parser__profee.edi"], today=TODAY)
    often = import_remits([folder / "x12-parser__profee-multiple.edi"], today=TODAY)
    assert often.candidates["writeoff_id"] == once.candidates["writeoff_id"]
    assert often.candidates["writeoff_amount"] == once.candidates["writeoff_amount"] == ["12.00", "22.00", "2.75", "20.00"]


def test_dollars_by_group_and_remark_counts_equal_an_oracle_wherever_it_parses(folder: Path, counts: dict[str, FileCounts]) -> None:
    compared = set()
    for entry in _manifest(folder):
        oracle = _oracle((folder / entry["file"]).read_bytes())
        if oracle is None:
            continue
        dollars, triplets, rarcs = oracle
        ours = counts[entry["file"]]
        assert {group: Decimal(text) for group, text in ours["amount_by_group"].items()} == dollars, entry["file"]
        assert (ours["count_by_group"], ours["rarcs"]) == (triplets, rarcs), entry["file"]
        compared.add(entry["file"])
    # pyx12 wants a padded ISA at the first byte: three files have prose before it, one no ISA, one an ISA that is not padded
    assert len(compared) == 16 and "x12-parser__profee-multiple.edi" in compared


def _oracle(data: bytes) -> tuple[dict[str, Decimal], dict[str, int], dict[str, int]] | None:
    """Sum CAS and count remarks of the 835 transactions with pyx12's segment reader; None where it cannot read the file."""
    triplets: Counter[str] = Counter()
    rarcs: Counter[str] = Counter()
    amounts: dict[str, Decimal] = {}
    is_835 = False
    try:
        for segment in X12Reader(io.StringIO(data.decode("latin-1"))):
            tag = segment.get_seg_id()
            values = [(segment.get_value(f"{tag}{position:02d}") or "").strip() for position in range(1, 25)]
            if tag == "ST":
                is_835 = values[0] == "835"
            if not is_835:
                continue
            if tag == "CAS":
                for reason, amount in zip(values[1:19:3], values[2:19:3], strict=False):
                    if reason:
                        amounts[values[0]] = amounts.get(values[0], Decimal(0)) + Decimal(amount)
                        triplets[values[0]] += 1
            remarks = {"LQ": values[1:2] if values[0] == "HE" else [], "MOA": values[2:7], "MIA": [values[4], *values[19:23]]}
            rarcs.update(code for code in remarks.get(tag, []) if code)
    except X12Error:
        return None
    return amounts, dict(triplets), dict(rarcs)
