"""Many files in bounded memory give what all files in memory give, whatever order they come in."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from features.errors import BadData
from features.intake.mapping import Mapping
from features.intake.output import write_blocks, write_table
from features.intake.remits import import_remits
from features.intake.remits.netting import distinct_remits
from features.intake.remits.plain import claim_of, content, plain_claim, plain_shell, shell_of
from features.intake.remits.records import Transaction
from features.intake.remits.volume import ManyRemits, import_many
from tests.features.intake.remits.public_folder import public_remits
from tests.features.intake.remits.reading import TODAY, read
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode, paid
from tests.practice import Files


def many(paths: Sequence[Path], folder: Path, mapping: Mapping | None = None, workers: int = 1, bucket_bytes: int = 20_000) -> ManyRemits:
    """Import with small buckets."""
    folder.mkdir()
    return import_many(
        paths, folder=folder, mapping=mapping, today=TODAY, workers=workers, has_lines=True, bucket_bytes=bucket_bytes
    )  # fmt: skip


def tables(found: ManyRemits, folder: Path) -> tuple[bytes, bytes]:
    """Return candidates and lines as files."""
    write_blocks(folder / "candidates.csv", found.candidates())
    write_blocks(folder / "lines.csv", found.lines())
    return (folder / "candidates.csv").read_bytes(), (folder / "lines.csv").read_bytes()


@pytest.fixture(scope="module")
def inbox(practice: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample's remits with later ones, some sent again under other names, one cut off, and public files of every kind."""
    folder = tmp_path_factory.mktemp("inbox")
    draw = random.Random(4)
    for kind in ("remits", "later_remits"):
        for path in sorted((practice.folder / kind).iterdir()):
            shutil.copy(path, folder / f"{kind}-{path.name}")
            if draw.random() < 0.3:
                (folder / "again").mkdir(exist_ok=True)
                shutil.copy(path, folder / "again" / f"{draw.random()}.835")
    whole = max(folder.glob("remits-*"), key=lambda path: path.stat().st_size).read_bytes()
    (folder / "cut.835").write_bytes(whole[: len(whole) * 2 // 3])
    split = (Claim((Line(100),), "S"), Claim((Line(200, procedure="HC:99214"),), "S"), denied("R").reversed())
    (folder / "odd.835").write_bytes(encode(Remit(split).segments()))
    # One payer claim number on two claims: what names it belongs to neither, wherever the two are looked at.
    first = (paid("Q1", icn="SAME"), paid("Q2", icn="SAME"), paid("Q3", icn="ONE"))
    (folder / "first.835").write_bytes(encode(Remit(first, trace="Q").segments()))
    later = Remit((paid("Q4", icn="Q4"),), day="20240301", trace="R", plb=(("WO:SAME", 500), ("WO:ONE", 700)))
    (folder / "later.835").write_bytes(encode(later.segments()))
    shutil.copytree(public_remits(), folder / "public")
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_bounded_memory_gives_what_all_files_in_memory_give(inbox: Path, tmp_path: Path, workers: int) -> None:
    mapping = Mapping(payers={"P003": "P004"}, groups={"PI": "CO"})
    known, found = import_remits([inbox], mapping=mapping, today=TODAY), many([inbox], tmp_path / "work", mapping, workers)
    write_table(tmp_path / "known.csv", known.candidates)
    write_table(tmp_path / "known-lines.csv", known.lines)
    assert tables(found, tmp_path) == ((tmp_path / "known.csv").read_bytes(), (tmp_path / "known-lines.csv").read_bytes())
    assert found.issues == known.issues
    assert {issue.code for issue in found.issues} >= {"no_835", "claim_split", "reversal_without_original", "transaction_truncated"}
    assert found.rejects == known.rejects and found.summary == known.summary
    assert len(list((tmp_path / "work").glob("candidates-*"))) > 10


@pytest.mark.parametrize("has_ledger", [True, False])
def test_a_ledger_and_outcomes_are_those_of_all_files_in_memory(practice: Files, inbox: Path, tmp_path: Path, has_ledger: bool) -> None:
    ledger = practice.folder / "writeoffs.csv" if has_ledger else None
    known = import_remits([inbox], ledger=ledger, today=TODAY)
    write_table(tmp_path / "known.csv", known.candidates)
    for as_of in (None, date(2026, 5, 1)):
        work = tmp_path / f"work-{as_of}"
        work.mkdir()
        found = import_many(
            [inbox], folder=work, ledger=ledger, today=TODAY, workers=1, has_outcomes=True, as_of=as_of, bucket_bytes=100_000
        )  # fmt: skip
        write_blocks(tmp_path / "found.csv", found.candidates())
        assert (tmp_path / "found.csv").read_bytes() == (tmp_path / "known.csv").read_bytes()
        assert found.issues == known.issues and found.rejects == known.rejects and found.summary == known.summary
        outcomes = known.outcomes(as_of)
        assert found.outcomes is not None and len(outcomes.events) > 50
        assert found.outcomes.columns == outcomes.columns
        assert (found.outcomes.loose_recovered, found.outcomes.loose_taken_back) == (outcomes.loose_recovered, outcomes.loose_taken_back)
        # Seven dollars are taken back of a first payment that no outcome brought.
        assert has_ledger or outcomes.loose_taken_back >= 700


def test_what_was_kept_counts_a_remittance_once_and_no_rejected_claim(tmp_path: Path) -> None:
    begin = b"ST*835*1~BPR*I*60*C*CHK************20240105~TRN*1*9*1999999999~CLP*7*1*100*60**12*A1~CAS*CO*45*40~"
    (tmp_path / "one.835").write_bytes(begin + b"SE*6*1~")
    (tmp_path / "copy.835").write_bytes(begin + b"SE*6*1~")
    (tmp_path / "bad.835").write_bytes(begin.replace(b"TRN*1*9", b"TRN*1*8") + b"CLP*8*1*100*50**12*A2~CAS*CO*45*5O~SE*8*1~")
    found = many([tmp_path / "one.835", tmp_path / "copy.835"], tmp_path / "work")
    assert found.summary["totals"]["paid"] == "120.00"
    assert found.summary["kept"] == {"repeated_transactions": 1, "claims": 1, "amount_by_group": {"CO": "40.00"}, "paid": "60.00"}
    rejected = many([tmp_path / "bad.835"], tmp_path / "other")
    assert rejected.summary["totals"]["paid"] == "110.00" and len(rejected.rejects) == 1
    assert rejected.summary["kept"] == {"repeated_transactions": 0, "claims": 1, "amount_by_group": {"CO": "40.00"}, "paid": "60.00"}


def test_the_order_of_files_and_the_size_of_buckets_do_not_matter(inbox: Path, tmp_path: Path) -> None:
    paths = sorted(path for path in inbox.iterdir() if path.is_file())
    once = tables(many(paths, tmp_path / "a"), tmp_path)
    random.Random(1).shuffle(paths)
    assert tables(many(paths, tmp_path / "b", bucket_bytes=200_000), tmp_path) == once


def test_a_pipe_is_read_as_a_file(inbox: Path, tmp_path: Path) -> None:
    path = max(inbox.glob("remits-*"), key=lambda path: path.stat().st_size)
    (tmp_path / "work").mkdir()
    with path.open("rb") as file:
        piped = import_many([Path("-")], folder=tmp_path / "work", today=TODAY, stdin=file, has_lines=True)
    named = tables(many([path], tmp_path / "named"), tmp_path)
    assert [text.replace(b",'-,", b"," + path.name.encode() + b",") for text in tables(piped, tmp_path)] == list(named)


def test_a_table_of_lines_is_read_beside_files(inbox: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "lines.csv", import_remits([inbox / "public"], today=TODAY).lines)
    paths = [tmp_path / "lines.csv", *sorted(inbox.glob("remits-*"))[:2]]
    known, found = import_remits(paths, today=TODAY), many(paths, tmp_path / "work")
    write_table(tmp_path / "known.csv", known.candidates)
    assert tables(found, tmp_path)[0] == (tmp_path / "known.csv").read_bytes()
    assert found.issues == known.issues and found.rejects == known.rejects and found.summary == known.summary


def test_records_come_back_from_what_was_set_down(inbox: Path) -> None:
    remits = import_remits([inbox], today=TODAY).remits
    for remit in remits:
        claims = [claim_of(plain_claim(claim)) for claim in remit.claims]
        assert repr(claims) == repr(list(remit.claims))
        assert shell_of(plain_shell(remit)).control == remit.control
    assert len({content(remit) for remit in remits if all(claim.is_complete for claim in remit.claims)}) == len(
        [remit for remit in remits if all(claim.is_complete for claim in remit.claims)]
    )


def test_what_is_sent_again_has_the_same_content_and_nothing_else_has() -> None:
    remit = Remit((denied(), paid("B")), plb=(("WO:X", 500),))

    def one(changed: Remit, control: int = 1) -> Transaction:
        [found] = read(encode(changed.segments()), name=f"{control}.835")[0]
        return found

    again = one(Remit(remit.claims, plb=remit.plb, control=7), 2)
    assert content(again) == content(one(remit)) and len(distinct_remits([one(remit), again])) == 1
    for other in (Remit(remit.claims), Remit(remit.claims, plb=remit.plb, trace="T2"), Remit(remit.claims[::-1], plb=remit.plb)):
        assert content(one(other)) != content(one(remit)) and len(distinct_remits([one(remit), one(other)])) == 2


def test_files_without_an_835_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(BadData, match="no 835 transaction in 1 files"):
        many([tmp_path / "a.txt"], tmp_path / "work")
