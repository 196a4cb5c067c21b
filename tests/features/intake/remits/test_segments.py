"""Bytes to segments: separators, encodings, cuts and sizes."""

from __future__ import annotations

import pytest

from features.intake.remits.issues import IssueLog
from features.intake.remits.segments import LONGEST_SEGMENT, TORN, read_segments
from tests.features.intake.remits.reading import codes, read
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode, paid

REMIT = Remit((denied(), paid("ACCT2", icn="ICN2")), plb=(("WO:ICN9", 500),))
SEGMENTS = REMIT.segments()
PLAIN, PLAIN_ISSUES = read(encode(SEGMENTS))


def test_a_good_file_has_no_issue() -> None:
    assert PLAIN_ISSUES == []
    [remit] = PLAIN
    assert [claim.claim_id for claim in remit.claims] == ["ACCT1", "ACCT2"]
    assert remit.is_balanced and all(claim.is_balanced for claim in remit.claims)


@pytest.mark.parametrize(
    ("terminator", "element", "component", "after"),
    [
        ("~", "*", ":", "\n"),
        ("~", "*", ":", "\r\n"),
        ("~", "*", ":", "\r\n   \t"),
        ("\n", "*", ":", ""),
        ("\r\n", "*", ":", ""),
        ("\r", "*", ":", ""),
        ("'", "+", ":", ""),
        ("~", "|", "^", "\n"),
        ("\x1c", "\x1d", "\x1f", ""),
        ("!", "*", ">", "\n\n"),
        ("\n", "|", "\\", ""),
    ],
)
def test_separators_are_those_of_the_isa(terminator: str, element: str, component: str, after: str) -> None:
    found, issues = read(encode(SEGMENTS, terminator=terminator, element=element, component=component, after=after))
    assert found == PLAIN
    assert codes(issues) in ([], ["terminator_missing"])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 64, 105, 106, 107, 500])
def test_where_chunks_are_cut_does_not_matter(size: int) -> None:
    data = b"some words before\r\n" + encode(SEGMENTS, after="\r\n") + encode(SEGMENTS, terminator="'", element="+", component=">")
    whole, whole_issues = read(data)
    assert len(whole) == 2
    assert read(data, size=size) == (whole, whole_issues)


def test_separators_are_read_again_at_every_isa() -> None:
    marks = [("~", "*", ":"), ("\n", "|", ">"), ("'", "+", "^")]
    data = b"".join(
        encode(Remit((denied(f"A{i}"),), control=i).segments(), terminator=end, element=element, component=component)
        for i, (end, element, component) in enumerate(marks, 1)
    )
    found, issues = read(data)
    assert [remit.claims[0].claim_id for remit in found] == ["A1", "A2", "A3"]
    assert [remit.claims[0].lines[0].procedure for remit in found] == ["99213"] * 3
    assert issues == []


@pytest.mark.parametrize("size", [0, 1, 150])
def test_the_next_isa_may_hold_the_last_terminator(size: int) -> None:
    data = encode(SEGMENTS, terminator="^") + encode(Remit((denied("B"),), control=2).segments())
    found, issues = read(data, size=size)
    assert [remit.claims[0].claim_id for remit in found] == ["ACCT1", "B"]
    assert issues == []


def test_no_name_leaves_the_tokenizer() -> None:
    claim = denied(extra=("NM1*IL*1*CANARY*CANARY****MI*CANARY", "NM1*82*1*CANARY*CANARY****SY*CANARY", "REF*SY*CANARY", "REF*1W*CANARY"))
    header = ("N1*PE*CANARY*FI*CANARY", "N1*XX*CANARY", "N3*CANARY", "N4*CANARY", "PER*CX*CANARY", "CANARY WORDS", "DMG*D8*CANARY")
    remit = Remit((claim,), header=header, plb=(("CANARY NAME", 5), ("WO:CANARY", 5)))
    segments = remit.segments()
    segments[0] = segments[0].replace("00*          *00*          ", "00*CANARY    *00*CANARY    ")
    log = IssueLog("a.835")
    said = [" ".join(elements) for _, elements in read_segments([encode(segments)], log)]
    assert [one for one in said if "CANARY" in one] == ["PLB  20241231 WO:CANARY 0.05"]
    assert "CANARY" not in repr(log.issues)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + encode(SEGMENTS), encode(SEGMENTS).decode().encode("utf-16")])
def test_byte_order_marks_are_no_text(data: bytes) -> None:
    assert read(data)[0] == PLAIN


@pytest.mark.parametrize(("encoding", "payer"), [("utf-8", "KRÄNKEN “A”"), ("cp1252", "KRÄNKEN “A”"), ("latin-1", "KR\x81NKEN É")])
def test_text_is_utf_8_else_cp1252_else_latin_1(encoding: str, payer: str) -> None:
    segments = [f"N1*PR*{payer}" if segment.startswith("N1*PR") else segment for segment in SEGMENTS]
    segments = ["TRN*1*T1" if segment.startswith("TRN") else segment for segment in segments]
    [remit], issues = read("".join(f"{segment}~" for segment in segments).encode(encoding))
    assert remit.payer_id == payer.replace("\x81", "")
    assert codes(issues) == ["payer_by_name"]


def test_lines_wrapped_at_80_columns_are_joined() -> None:
    text = encode(SEGMENTS).decode()
    wrapped = "\r\n".join(text[i : i + 80] for i in range(0, len(text), 80))
    assert read(wrapped.encode())[0] == PLAIN


def test_a_terminator_that_only_the_isa_lacks_is_found() -> None:
    data = encode(SEGMENTS, after="\n").replace(b"*P*:~\n", b"*P*:\n", 1)
    assert read(data)[0] == PLAIN


@pytest.mark.parametrize(("start", "missing"), [(1, "ISA"), (2, "ISA and GS")])
@pytest.mark.parametrize("terminator", ["~", "~\r\n", "\n", "|"])
def test_a_file_without_isa_is_read(start: int, missing: str, terminator: str) -> None:
    [remit], issues = read(encode(SEGMENTS[start:-2], terminator=terminator))
    assert remit.claims == PLAIN[0].claims, missing
    assert codes(issues) == ["isa_missing"]


def test_an_isa_without_its_padding_is_read_where_a_segment_begins() -> None:
    segments = ["ISA*00**00**ZZ*A*ZZ*B*240105*1200*^*00501*1*0*P*:", *SEGMENTS[1:-1], "IEA*1*1"]
    found, issues = read(encode(segments))
    assert found[0].claims == PLAIN[0].claims
    assert codes(issues) == ["isa_unpadded"]


def test_words_that_look_like_an_isa_are_words() -> None:
    person = "NM1*QC*1*ISA*BELLA****MI*1"
    segments = [person if segment.startswith("NM1*QC") else segment for segment in SEGMENTS]
    data = b"VISA-card. ISA*00* is how an 835 begins.\n" + encode(segments, after="\n")
    assert read(data)[0] == PLAIN


def test_a_component_separator_other_than_the_isa_names_is_noticed_once() -> None:
    claim = Claim((Line(100, procedure="HC>99213>25"), Line(100, procedure="HC>99214")))
    [remit], issues = read(encode(Remit((claim,)).segments()))
    assert [(line.procedure, line.modifiers) for line in remit.claims[0].lines] == [("99213", ("25",)), ("99214", ())]
    assert codes(issues) == ["component_separator"]


def test_a_segment_over_the_cap_is_dropped_and_its_claim_kept_only_if_it_balances() -> None:
    for size in (0, 4096):
        giant = "LQ*HE*" + "N" * (3 * LONGEST_SEGMENT)
        [remit], issues = read(encode(Remit((denied(extra=(giant,)), paid("B"))).segments()), size=size)
        assert [claim.fault for claim in remit.claims] == ["", ""]
        assert codes(issues) == ["segment_too_long"]
        giant = "CAS*CO*45*1" + "0" * (3 * LONGEST_SEGMENT)
        [remit], issues = read(encode(Remit((denied(extra=("SVC*HC:1*1*0", giant)), paid("B"))).segments()), size=size)
        assert [claim.fault for claim in remit.claims] == ["claim_incomplete", ""]
        assert "segment_too_long" in codes(issues)


def test_lines_after_a_claim_segment_over_the_cap_are_nobodys() -> None:
    segments = ["CLP*" + "X" * (2 * LONGEST_SEGMENT) + segment[3:] if segment.startswith("CLP*ACCT2") else segment for segment in SEGMENTS]
    [remit], _ = read(encode(segments))
    assert [(claim.claim_id, claim.fault, claim.is_ghost) for claim in remit.claims] == [
        ("ACCT1", "", False),
        ("", "claim_incomplete", True),
    ]


def test_memory_is_bounded_by_a_chunk_and_a_segment() -> None:
    log = IssueLog("a.835")
    head = encode(SEGMENTS[:4])

    def chunks() -> object:
        yield head
        for _ in range(200):
            yield b"X" * 65536

    segments = list(read_segments(chunks(), log))  # type: ignore[arg-type]
    assert [elements[0] for _, elements in segments][-1] == TORN
    assert codes(log.issues) == ["segment_too_long"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 5000, b"PK\x03\x04" + bytes(range(256)) * 40, b"a,b\n1,2\n", b"ISA" * 5000, b"ISA*" * 5000, b"ST*837*1~BHT*0~SE*3*1~"],
)
def test_what_is_no_835_gives_nothing(data: bytes) -> None:
    assert read(data)[0] == []


def test_other_transaction_sets_are_passed_over() -> None:
    other = ["ST*837*0001", "BHT*0019*00*1", "CLP*X*1*5*5", "CAS*CO*45*5", "SE*5*0001"]
    segments = [*SEGMENTS[:2], *other, *SEGMENTS[2:-2], *other, *SEGMENTS[-2:]]
    assert read(encode(segments))[0] == PLAIN
