"""Files in, rows out: grain, ids, order, repeats, torn files, and no identity of a patient anywhere."""

from __future__ import annotations

import csv
import gc
import gzip
import hashlib
import io
import json
import random
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BadData, StorageFailed, UsageError
from features.intake.mapping import Mapping
from features.intake.remits import RemitImport, import_remits
from features.intake.remits.candidates import CANDIDATE_COLUMNS, LINE_COLUMNS, PAYER_TYPES
from features.intake.remits.export import write_candidates, write_issues, write_lines, write_rejects
from features.intake.remits.issues import KINDS
from features.intake.table_file import read_table
from features.tables import PAYER_TYPES as LISTED_PAYER_TYPES
from features.tables import REMIT_LINES, WRITEOFFS
from features.vocabulary import Vocabulary
from tests.features.intake.remits.reading import TODAY, codes, file_of, imported, read, rows
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode, interchange, paid
from tests.practice import Files

JANUARY = Remit((denied("A"), paid("B", icn="ICN2"), denied("C", icn="ICN3")), day="20240105", trace="T1", control=1)
FEBRUARY = Remit((denied("A").reversed(), paid("A"), paid("D", icn="ICN4")), day="20240205", trace="T2", control=2, plb=(("WO:ICN9", 700),))
FILES = {"1.835": encode(JANUARY.segments()), "2.txt": encode(FEBRUARY.segments(), after="\r\n")}


def _said(found: RemitImport) -> list[tuple[str, ...]]:
    return sorted(zip(*found.candidates.values(), strict=True))


def test_columns_are_those_of_the_tables() -> None:
    assert set(CANDIDATE_COLUMNS) <= set(WRITEOFFS.names) and "patient_id" not in CANDIDATE_COLUMNS
    assert set(LINE_COLUMNS) == set(REMIT_LINES.names)
    assert set(PAYER_TYPES.values()) <= set(LISTED_PAYER_TYPES)


def test_a_candidate_says_what_the_835_says(tmp_path: Path) -> None:
    line = Line(20000, (("CO", "45", 8000),), procedure="HC:99213:25", control="0007", rarcs=("N130",), allowed=12000)
    claim = Claim((line,), original="OLD", extra=("MOA***MA01", "NM1*82*1*CANARYNAME*****XX*1999999984"))
    [row] = rows(imported(tmp_path, {"a.835": file_of(claim)}))
    expected = {
        "writeoff_date": "2024-01-05", "payer_id": "60054", "writeoff_amount": "80.00", "posting_kind": "writeoff", "claim_id": "ACCT1",
        "line_number": "7", "payer_claim_number": "ICN1", "original_payer_claim_number": "OLD", "claim_frequency": "1",
        "payer_type": "commercial", "payer_sequence": "1", "provider_id": "1999999984", "place_of_service": "11",
        "claim_type": "professional", "type_of_bill": "", "drg_code": "", "procedure_code": "99213", "modifiers": "25",
        "revenue_code": "", "units": "1", "service_date": "2023-12-01", "service_date_to": "2023-12-01", "remit_date": "2024-01-05",
        "billed_amount": "200.00", "allowed_amount": "120.00", "paid_amount": "120.00", "patient_responsibility_amount": "0.00",
        "group_code": "CO", "carc": "45", "rarcs": "N130 MA01", "posting_source": "835", "claim_status": "1", "filing_indicator": "12",
        "remit_file": "a.835", "balanced": "true",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    segments = Remit((claim,)).segments()
    assert segments[int(row["remit_segment"]) - 1] == "CAS*CO*45*80.00"
    assert len(row["writeoff_id"]) == 16 and int(row["writeoff_id"], 16) >= 0


def test_one_row_per_claim_line_group_and_carc_of_more_than_nothing(tmp_path: Path) -> None:
    line = Line(10000, (("CO", "45", 1000), ("CO", "97", 0), ("CO", "45", 500), ("OA", "94", -300), ("PR", "1", 200), ("OA", "23", 700)))
    claim = Claim((line, line), adjustments=(("CO", "253", 150), ("CO", "253", -150), ("PI", "45", 90)))
    found = rows(imported(tmp_path, {"a.835": file_of(claim)}))
    got = [(row["line_number"], row["group_code"], row["carc"], row["writeoff_amount"]) for row in found]
    per_line = [("CO", "45", "15.00"), ("PR", "1", "2.00"), ("OA", "23", "7.00")]
    assert got == [("", "PI", "45", "0.90"), *(("1", *one) for one in per_line), *(("2", *one) for one in per_line)]
    assert len({row["writeoff_id"] for row in found}) == len(found)


@pytest.mark.parametrize(
    ("status", "adjustment", "allowed"),
    [("1", ("CO", "16", 20000), "0.00"), ("4", ("CO", "16", 20000), "0.00"), ("2", ("CO", "16", 20000), ""), ("1", ("OA", "23", 20000), ""),
     ("1", ("PR", "1", 20000), ""), ("1", ("CO", "45", 5000), "")],
)  # fmt: skip
def test_allowed_is_what_is_said_or_nothing_on_a_denial(
    tmp_path: Path, status: str, adjustment: tuple[str, str, int], allowed: str
) -> None:
    [row] = rows(imported(tmp_path, {"a.835": file_of(Claim((Line(20000, (adjustment,)),), status=status))}))
    assert row["allowed_amount"] == allowed


def test_ids_do_not_hang_on_amounts_places_or_lx(tmp_path: Path) -> None:
    one, two = Line(10000, (("CO", "45", 1000),)), Line(9000, (("CO", "45", 900),), procedure="HC:99214")
    before = {row["procedure_code"]: row["writeoff_id"] for row in rows(imported(tmp_path / "a", {"a.835": file_of(Claim((one, two)))}))}
    changed = Claim((replace(two, adjustments=(("CO", "45", 950),)), one))
    after = {
        row["procedure_code"]: row["writeoff_id"] for row in rows(imported(tmp_path / "b", {"b.835": file_of(changed, day="20240301")}))
    }
    assert after == before


def test_ids_of_claims_without_a_payers_number_do_not_hang_on_what_else_is_there(tmp_path: Path) -> None:
    days = [Claim((Line(10000, (("CO", "45", 1000),), day=day, control="1"),), icn="") for day in ("20231201", "20231202")]
    both = imported(tmp_path / "both", {"a.835": file_of(*days)}).candidates["writeoff_id"]
    alone = [imported(tmp_path / str(i), {"a.835": file_of(claim)}).candidates["writeoff_id"][0] for i, claim in enumerate(days)]
    assert sorted(both) == sorted(alone) and len(set(both)) == 2


def test_parts_of_a_split_claim_count_their_lines_on(tmp_path: Path) -> None:
    parts = [Claim((Line(10000, (("CO", "45", 1000),), procedure=f"HC:9921{i}"),)) for i in range(3)]
    found = imported(tmp_path, {"a.835": file_of(*parts)})
    assert found.candidates["line_number"] == ["1", "2", "3"]
    assert codes(found.issues) == ["claim_split"]


@pytest.mark.parametrize(
    ("old", "new", "flags"),
    [
        ("BPR*I*300.00", "BPR*I*300.01", ["false"] * 6),
        ("CLP*A*1*200.00", "CLP*A*1*201.00", ["false", "false", "true", "true", "true", "true"]),
        ("CAS*PR*2*20.00", "CAS*PR*2*21.00", ["false", "false", "true", "true", "true", "true"]),
    ],
)
def test_balanced_says_that_line_claim_and_transaction_balance(tmp_path: Path, old: str, new: str, flags: list[str]) -> None:
    data = file_of(paid("A"), paid("B", icn="I2"), paid("C", icn="I3")).replace(old.encode(), new.encode(), 1)
    assert imported(tmp_path, {"a.835": data}).candidates["balanced"] == flags


def test_order_of_files_changes_nothing(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / name for name in FILES]
    one, two = (import_remits(order, today=TODAY) for order in (paths, paths[::-1]))
    assert (one.candidates, one.lines) == (two.candidates, two.lines)


def test_a_file_sent_twice_and_a_claim_twice_in_a_file_change_nothing(tmp_path: Path) -> None:
    plain = imported(tmp_path / "plain", FILES)
    resent = encode(replace(JANUARY, control=99).segments())
    copies = {**FILES, "copy/1.835": FILES["1.835"], "later.835": resent, "both.835": FILES["1.835"] + FILES["2.txt"]}
    assert _said(imported(tmp_path / "copies", copies)) == _said(plain)
    twice = replace(JANUARY, claims=(*JANUARY.claims, JANUARY.claims[0], JANUARY.claims[2]))
    found = imported(tmp_path / "twice", {**FILES, "1.835": encode(twice.segments())})
    assert found.candidates["writeoff_id"] == plain.candidates["writeoff_id"]
    assert found.candidates["writeoff_amount"] == plain.candidates["writeoff_amount"]
    assert found.summary["totals"]["claims"] == plain.summary["totals"]["claims"] + 2


def test_the_same_path_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "1.835"
    path.write_bytes(FILES["1.835"])
    found = import_remits([path, tmp_path, path], today=TODAY)
    assert [counts["file"] for counts in found.summary["files"]] == ["1.835"]


def test_reversals_stay_in_the_lines_and_leave_the_candidates(tmp_path: Path) -> None:
    found = imported(tmp_path, FILES)
    assert "A" in found.candidates["claim_id"]
    of_a = [row for row in rows(found) if row["claim_id"] == "A"]
    assert {(row["carc"], row["writeoff_date"]) for row in of_a} == {("45", "2024-02-05"), ("2", "2024-02-05")}
    pairs = zip(found.lines["claim_id"], found.lines["is_reversal"], found.lines["amount"], strict=True)
    assert [(reversal, amount) for claim, reversal, amount in pairs if claim == "A"] == [
        ("false", "200.00"), ("true", "-200.00"), ("false", "80.00"), ("false", "20.00"),
    ]  # fmt: skip


def test_counts_are_as_read_with_money_as_text(tmp_path: Path) -> None:
    found = imported(tmp_path, FILES)
    totals = found.summary["totals"]
    assert (totals["transactions"], totals["claims"], totals["service_lines"], totals["adjustments"]) == (2, 6, 6, 9)
    assert totals["amount_by_group"] == {"CO": "440.00", "PR": "60.00"}
    assert totals["count_by_group"] == {"CO": 6, "PR": 3}
    assert totals["rarcs"] == {"N130": 3}
    assert (totals["paid"], totals["plb"], totals["issues"]) == ("300.00", "7.00", 0)
    assert totals["out_of_balance"] == {"line": 0, "claim": 0, "transaction": 0}
    json.dumps(found.summary)


def test_provider_adjustments_are_kept_with_file_and_day(tmp_path: Path) -> None:
    [(file, day, pair)] = imported(tmp_path, {**FILES, "again/2.txt": FILES["2.txt"]}).provider_adjustments
    assert (file, day, pair.reason, pair.reference, pair.cents) == ("2.txt", "2024-02-05", "WO", "ICN9", 700)


def test_junk_is_one_issue_each_and_no_835_at_all_is_bad_data(tmp_path: Path) -> None:
    junk = {
        "deep/er/x.zip": b"PK\x03\x04" + random.Random(1).randbytes(4000),
        "empty": b"",
        "table.csv": b"a,b\n1,2\n",
        "image.png": b"\x89PNG\r\n\x1a\n" + bytes(2000),
        "claim.837": encode(["ISA*00*          *00*          *ZZ*A              *ZZ*B              *240105*1200*^*00501*000000001*0*P*:",
                             "GS*HC*A*B*20240105*1200*1*X*005010X222A1", "ST*837*0001", "SE*2*0001", "GE*1*1", "IEA*1*000000001"]),
    }  # fmt: skip
    with pytest.raises(BadData, match="5 files"):
        imported(tmp_path, junk)
    found = imported(tmp_path, FILES)
    assert sorted((issue.file, issue.code) for issue in found.issues) == sorted((name, "no_835") for name in junk)
    assert found.summary["totals"]["issues"] == len(junk)


def test_a_path_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="nowhere: cannot be read"):
        import_remits([tmp_path / "nowhere"])


def test_an_empty_folder_is_bad_data(tmp_path: Path) -> None:
    with pytest.raises(BadData):
        import_remits([tmp_path])


def test_claims_without_a_day_go_to_issues_and_rejects(tmp_path: Path) -> None:
    segments = [one for one in JANUARY.transaction() if not one.startswith("DTM*405")]
    segments = ["BPR*I*100.00*C*CHK" if one.startswith("BPR") else one for one in segments]
    found = imported(tmp_path, {"a.835": encode(segments)})
    assert found.candidates["writeoff_id"] == []
    assert [(one.id, one.rule) for one in found.rejects] == [(name, "claim_undated") for name in "ABC"]
    assert codes(found.issues).count("claim_undated") == 3


def test_an_unreadable_claim_is_rejected_with_its_segment(tmp_path: Path) -> None:
    segments = JANUARY.segments()
    place = next(i for i, one in enumerate(segments) if one.startswith("CAS"))
    segments[place] = "CAS*CO*16*12.3O"
    found = imported(tmp_path, {"a.835": encode(segments)})
    assert [tuple(one) for one in found.rejects] == [("a.835", place + 1, "A", "", "amount_invalid")]
    assert "A" not in found.candidates["claim_id"] and "12.3O" not in json.dumps([asdict(issue) for issue in found.issues])


def test_predeterminations_make_no_candidate(tmp_path: Path) -> None:
    found = imported(tmp_path, {"a.835": file_of(denied(status="25"), paid("B"))})
    assert set(found.candidates["claim_id"]) == {"B"}
    assert codes(found.issues) == ["predetermination"]


def test_payers_and_groups_take_the_practices_names(tmp_path: Path) -> None:
    (tmp_path / "a.835").write_bytes(file_of(Claim((Line(100, (("CONTRACT", "45", 40),)),))))
    mapping = Mapping(payers={"60054": "AETNA"}, groups={"CONTRACT": "CO"})
    [row] = rows(import_remits([tmp_path], mapping=mapping, today=TODAY))
    assert (row["payer_id"], row["group_code"]) == ("AETNA", "CO")


def test_payers_are_mapped_by_name_too(tmp_path: Path) -> None:
    (tmp_path / "a.835").write_bytes(file_of(denied()))
    assert rows(import_remits([tmp_path], mapping=Mapping(payers={"A PAYER": "P1"}), today=TODAY))[0]["payer_id"] == "P1"


def test_standard_input_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "1.835").write_bytes(FILES["1.835"])
    plain = import_remits([tmp_path], today=TODAY)
    piped = import_remits([Path("-")], today=TODAY, stdin=io.BytesIO(FILES["1.835"]))
    assert piped.candidates["writeoff_id"] == plain.candidates["writeoff_id"]
    assert piped.summary["files"][0]["sha256"] == hashlib.sha256(FILES["1.835"]).hexdigest()


def test_a_leap_day_is_a_day(tmp_path: Path) -> None:
    (tmp_path / "a.835").write_bytes(file_of(denied(), day="20290301"))
    (tmp_path / "b.835").write_bytes(file_of(paid("B"), day="20290227"))
    assert import_remits([tmp_path], today=date(2024, 2, 29)).candidates["claim_id"] == ["B", "B"]


def test_a_file_that_is_gone_when_its_turn_comes_is_an_issue(tmp_path: Path) -> None:
    for name in ("a.835", "b.835"):
        (tmp_path / name).write_bytes(file_of(denied(name)))

    def remove_next(file: str, done: int, size: int) -> None:
        (tmp_path / "b.835").unlink(missing_ok=True)

    found = import_remits([tmp_path], progress=remove_next, today=TODAY)
    assert found.candidates["claim_id"] == ["a.835"]
    assert [(issue.file, issue.code) for issue in found.issues] == [("b.835", "file_unreadable")]


def test_a_link_to_nothing_is_an_issue(tmp_path: Path) -> None:
    (tmp_path / "a.835").write_bytes(file_of(denied("A")))
    (tmp_path / "b.835").symlink_to(tmp_path / "unmounted" / "b.835")
    found = import_remits([tmp_path], today=TODAY)
    assert found.candidates["claim_id"] == ["A"] and [file["file"] for file in found.summary["files"]] == ["a.835", "b.835"]
    assert [(issue.file, issue.code, issue.severity) for issue in found.issues] == [("b.835", "file_unreadable", "error")]


def test_the_cycle_collector_runs_again_after_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"nothing")
    with pytest.raises(BadData):
        import_remits([tmp_path], today=TODAY)
    assert gc.isenabled()


def test_progress_reaches_the_size_of_all_files(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    told: list[tuple[str, int, int]] = []
    import_remits([tmp_path], progress=lambda *what: told.append(what), today=TODAY)
    total = sum(map(len, FILES.values()))
    assert told[-1] == ("2.txt", total, total)


# ---- torn files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["", "\r\n"])
def test_every_truncation_gives_issues_and_never_a_traceback(after: str) -> None:
    data = encode(interchange([JANUARY, FEBRUARY]), after=after)
    whole, _ = read(data)
    good = {(claim.claim_id, claim.status, claim.paid): claim for remit in whole for claim in remit.claims}
    for end in range(len(data) - len(after)):
        found, issues = read(data[:end])
        assert not found or issues, end
        for claim in (claim for remit in found for claim in remit.claims if not claim.fault):
            # what is kept from a torn file says nothing that the whole one does not: at most remarks and details are missing
            same = good[claim.claim_id, claim.status, claim.paid]
            assert claim.charge == same.charge
            assert [line.adjustments for line in claim.lines] == [line.adjustments for line in same.lines]


def test_a_torn_copy_beside_the_whole_file_changes_no_candidate(tmp_path: Path) -> None:
    data = encode(interchange([JANUARY, FEBRUARY]))
    plain = _ids_and_amounts(imported(tmp_path / "plain", {"m.835": data}))
    for end in range(len(data) // 3, len(data), 97):
        folder = tmp_path / str(end)
        for name in ("a.835", "z.835"):
            assert _ids_and_amounts(imported(folder / name[0], {"m.835": data, name: data[:end]})) == plain, end


def test_a_claim_torn_before_its_remarks_gives_way_to_the_whole_one(tmp_path: Path) -> None:
    torn = FILES["1.835"][: FILES["1.835"].rindex(b"LQ*HE")]
    alone = imported(tmp_path / "alone", {"1.835": torn})
    assert [row["rarcs"] for row in rows(alone) if row["claim_id"] == "C"] == [""]
    for name in ("0.835", "z.835"):
        both = imported(tmp_path / name[0], {"1.835": FILES["1.835"], name: torn})
        plain = imported(tmp_path / "plain", {"1.835": FILES["1.835"]})
        assert _ids_and_amounts(both) == _ids_and_amounts(plain)


def _ids_and_amounts(found: RemitImport) -> set[tuple[str, str, str, str]]:
    names = ("writeoff_id", "writeoff_amount", "rarcs", "writeoff_date")
    assert len(set(zip(*(found.lines[name] for name in LINE_GRAIN), strict=True))) == len(found.lines["carc"])
    return set(zip(*(found.candidates[name] for name in names), strict=True))


LINE_GRAIN = ("remit_id", "claim_id", "payer_claim_number", "claim_status", "line_number", "group_code", "carc")


def test_claims_without_their_transaction_are_named() -> None:
    text = (encode(JANUARY.segments()) + encode(FEBRUARY.segments())).decode()
    start = text.index("ST*835")
    transactions, issues = read((text[:start] + text[text.index("~", start) + 1 :]).encode())
    assert len(transactions) == 1
    assert codes(issues).count("claim_outside_transaction") == len(JANUARY.claims)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_bytes_bring_the_reader_down(data: st.DataObject) -> None:
    good = bytearray(encode(JANUARY.segments()))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(good) - 1))
        kind = data.draw(st.sampled_from(("change", "cut", "double", "insert")))
        if kind == "change":
            good[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del good[place : place + data.draw(st.integers(1, 40))]
        elif kind == "double":
            good[place:place] = good[place : place + 60]
        else:
            good[place:place] = data.draw(st.sampled_from((b"~", b"*", b"ISA*", b"ST*835*", b"CLP*", b"\xff", b"SE*1*1~", b"LX*~", b"**")))
        if not good:
            good = bytearray(b"~")
    size = data.draw(st.sampled_from((0, 64)))
    transactions, issues = read(bytes(good), size=size)
    assert {issue.code for issue in issues} <= set(KINDS)
    assert all(isinstance(claim.paid, int | None) for transaction in transactions for claim in transaction.claims)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400))
def test_random_bytes_bring_nothing_down(data: bytes) -> None:
    transactions, issues = read(encode(JANUARY.segments()[:9]) + data)
    # The file has no end, so however it goes on there is something to say.
    assert issues
    assert len(transactions) <= 1 + data.count(b"ST")


# ---- identity -------------------------------------------------------------------------------------------------------

CANARIES = (
    "NM1*QC*1*CANARY1*CANARY2*C***MI*CANARY3", "NM1*IL*1*CANARY4*CANARY5****MI*CANARY6", "NM1*74*1*CANARY7*CANARY8****C*CANARY9",
    "NM1*82*1*CANARY10*CANARY11****SY*CANARY12", "N3*CANARY13 STREET", "N4*CANARY14*NY*CANARY15", "DMG*D8*CANARY16*F",
    "REF*SY*CANARY17", "REF*1W*CANARY18", "REF*EA*CANARY19", "REF*IG*CANARY20", "PER*CX*CANARY21*TE*CANARY22", "NTE*CANARY23",
    "CANARY24*1*2", "MSG*CANARY25", "REF*CANARY26*CANARY27",
)  # fmt: skip


def test_names_and_member_ids_stand_in_no_output(tmp_path: Path) -> None:
    broken = paid("B", extra=(*CANARIES, "CAS*CO*45*CANARY28", "DTM*232*CANARY29"))
    whole = denied("A", icn="ICN5", extra=CANARIES)
    header = ("REF*2U*1", "N3*CANARY30", "PER*BL*CANARY31", "CANARY32")
    data = encode(Remit((whole, broken), header=header).segments(), after="\n")
    torn = data[: data.rindex(b"SVC")] + b"NM1*QC*1*CANARY33*CANAR"
    found = imported(tmp_path / "in", {"a.835": data, "b.835": torn, "c.txt": b"CANARY34 " * 100})
    out = tmp_path / "out"
    out.mkdir()
    write_candidates(out / "c.csv", found.candidates)
    write_lines(out / "l.csv", found.lines)
    write_issues(out / "i.jsonl", found.issues)
    write_rejects(out / "r.csv", found.rejects)
    (out / "s.json").write_text(json.dumps(found.summary))
    said = "".join(path.read_text() for path in out.iterdir()) + repr(found.provider_adjustments)
    assert "CANARY" not in said
    assert "ICN5" in said and len(found.rejects) >= 1


# ---- files out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_candidates_are_valid_input_again(tmp_path: Path, ending: str) -> None:
    found = imported(tmp_path / "in", {**FILES, "x.835": file_of(paid("=1+1", icn="E"), trace="T9")})
    path = tmp_path / f"out.{ending}"
    write_candidates(path, found.candidates)
    read_again = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), most_rejected=0.0)
    assert len(read_again.batch) == len(found.candidates["writeoff_id"]) and read_again.rejects == [] and read_again.issues == []
    assert read_again.batch.words("claim_id") == found.candidates["claim_id"]
    lines = tmp_path / f"lines.{ending}"
    write_lines(lines, found.lines)
    assert read_table(lines, REMIT_LINES, vocabulary=Vocabulary(), most_rejected=0.0).rejects == []


def test_csv_money_has_two_decimals_and_formulas_are_inert(tmp_path: Path) -> None:
    found = imported(tmp_path / "in", {"x.835": file_of(denied("=1+1"))})
    write_candidates(tmp_path / "out.csv.gz", found.candidates)
    with gzip.open(tmp_path / "out.csv.gz", "rt", newline="") as file:
        [row] = list(csv.DictReader(file))
    assert (row["writeoff_amount"], row["claim_id"]) == ("200.00", "'=1+1")


def test_parquet_is_typed(tmp_path: Path) -> None:
    found = imported(tmp_path / "in", FILES)
    write_candidates(tmp_path / "out.parquet", found.candidates)
    table = pq.read_table(tmp_path / "out.parquet")
    assert str(table.schema.field("writeoff_date").type) == "date32[day]"
    assert table.column("writeoff_amount").to_pylist() == [float(text) for text in found.candidates["writeoff_amount"]]


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    found = imported(tmp_path / "in", FILES)
    for write, what in ((write_candidates, found.candidates), (write_lines, found.lines)):
        with pytest.raises(StorageFailed):
            write(tmp_path / "no" / "such.csv", what)
    with pytest.raises(StorageFailed):
        write_issues(tmp_path / "no" / "i.jsonl", found.issues)
    with pytest.raises(UsageError):
        write_candidates(tmp_path / "out.xlsx", found.candidates)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_an_import_without_rows_writes_tables_without_rows(tmp_path: Path) -> None:
    found = imported(tmp_path / "in", {"a.835": file_of(Claim((Line(100),)))})
    for name in ("out.csv", "out.parquet"):
        write_candidates(tmp_path / name, found.candidates)
    write_rejects(tmp_path / "r.csv", found.rejects)
    assert (tmp_path / "out.csv").read_text().splitlines() == [",".join(CANDIDATE_COLUMNS)]
    assert found.lines["group_code"] == [""]


def test_files_read_side_by_side_give_what_files_read_in_turn_give(practice: Files, tmp_path: Path) -> None:
    (tmp_path / "no.835").write_text("nothing of the kind")
    paths = [practice.folder / "remits", tmp_path / "no.835"]
    alone, beside = import_remits(paths), import_remits(paths, workers=2)
    assert beside.summary == alone.summary and len(alone.summary["files"]) > 3
    assert beside.candidates == alone.candidates and beside.lines == alone.lines
    assert beside.issues == alone.issues and beside.rejects == alone.rejects
