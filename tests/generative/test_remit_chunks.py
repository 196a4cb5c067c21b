"""Damaged 835 files: what is read of them does not depend on where their bytes are cut into chunks."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.intake.remits.issues import IssueLog
from features.intake.remits.segments import LONGEST_SEGMENT, Segment, read_segments
from tests.features.intake.remits.writer import Remit, denied, encode, paid

MARKS = [
    ("~", "*", ":", ""),
    ("~", "*", ":", "\r\n"),
    ("\n", "|", ">", ""),
    ("\r\n", "*", ":", ""),
    ("'", "+", "^", "\n"),
    ("^", "*", ":", ""),
]
JUNK = [
    b"",
    b"\x00",
    b"~",
    b"\n",
    b" " * 40,
    b"ISA",
    b"ISA*",
    b"\r\nISA*00*",
    b"ST*835*0001~",
    b"\xe9",
    "“É”".encode(),
    b"\xff\xfe",
    b"N" * 300,
    b"X" * (LONGEST_SEGMENT - 5),
    b"CLP*" + b"Y" * (LONGEST_SEGMENT + 5),
    b" \n" * LONGEST_SEGMENT,
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw up to three interchanges and injuries to them, most of them near an ISA."""
    data = draw(st.sampled_from([b"", b"words before\r\n", b"\xef\xbb\xbf", b"an ISA*00* in words. "]))
    for control in range(draw(st.integers(1, 3))):
        terminator, element, component, after = draw(st.sampled_from(MARKS))
        claims = (denied(f"A{control}"), *(paid(f"B{i}") for i in range(draw(st.sampled_from([0, 1, 40])))))
        data += encode(Remit(claims, control=control).segments(), terminator=terminator, element=element, component=component, after=after)
    for _ in range(draw(st.integers(0, 5))):
        begins = [at for at in range(len(data)) if data.startswith(b"ISA", at)] or [0]
        at = draw(st.one_of(st.sampled_from(begins).flatmap(lambda one: st.integers(one, one + 130)), st.integers(0, len(data))))
        data = data[:at] + draw(st.sampled_from(JUNK)) + data[at + draw(st.sampled_from([0, 0, 1, 2, 30])) :]
    return data


def read(data: bytes, size: int) -> tuple[list[Segment], list[tuple[int | None, str]]]:
    """Return segments and issues of data cut into chunks."""
    log = IssueLog("a.835")
    found = list(read_segments([data[at : at + size] for at in range(0, len(data), size)], log))
    return found, [(issue.segment, issue.code) for issue in log.issues]


@settings(max_examples=200, deadline=None)
@given(damaged(), st.sampled_from([1, 7, 100, 997, 4096, LONGEST_SEGMENT + 3]))
@example(b"ISA*00*" + b"X" * 3000 + encode(Remit((denied(),)).segments(), after="\n"), 100)
@example(encode(Remit((denied(),)).segments()).decode().encode("utf-16"), 1)
def test_where_damaged_files_are_cut_does_not_matter(data: bytes, size: int) -> None:
    assert read(data, size) == read(data, len(data) or 1)
