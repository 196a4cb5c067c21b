"""Bytes of an 835 file to segments: separators, streaming, and no identity of a patient beyond this module.

What leaves the tokenizer is an allow-list per segment. Names and member ids (NM1, N3, N4, DMG, PER, REF*SY and all other REF but the few
that the import needs), bank accounts (BPR), tax ids and free text are replaced by blanks here, so nothing behind can show them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeAlias

from features.intake.remits.issues import IssueLog

Segment: TypeAlias = tuple[int, list[str]]
"""Number in the file, counted from 1, and elements; element 0 is the tag, `TORN` where the segment could not be read whole."""

TORN = "!"
UNKNOWN = "?"

LONGEST_SEGMENT = 16_384
"""Characters of the longest segment that is read; an 835 segment of full elements has under 2,000."""

_WINDOW = 1024
"""Bytes after a start that separators are looked for in; an ISA has 106, GS and ST follow at once."""

_AHEAD = 2 * _WINDOW + 2
"""Bytes that decide what a start is: a window for its marks, and one behind them."""

_BEFORE = 16
"""Bytes before an ISA that tell whether a segment begins there."""

_ISA_WIDTHS = (3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1)
_START = re.compile(rb"ISA|(?<![A-Za-z0-9])GS([^\w\s])HP\1|(?<![A-Za-z0-9])ST([^\w\s])835\2")
_SPACE = b" \t\r\n"
_SPACES = _SPACE.decode()
_BREAKS = b"\r\n"


@dataclass(frozen=True, slots=True)
class Separators:
    """The marks of one interchange and where its first segment begins.

    Parameters
    ----------
    element, component, terminator
        One byte each; `terminator` may be a CR or LF.
    start, end
        Offsets of the ISA and of what follows it; equal where there is no ISA.
    has_isa, is_padded
        Whether an ISA named the marks, and whether its elements have their fixed widths.
    """

    element: bytes
    component: bytes
    terminator: bytes
    start: int
    end: int
    has_isa: bool = True
    is_padded: bool = True


def read_segments(chunks: Iterable[bytes], log: IssueLog) -> Iterator[Segment]:
    """Yield the segments of a file from its chunks, holding one chunk and one segment at most.

    Parameters
    ----------
    chunks
        The bytes in order, cut anywhere.
    log
        Receives what is wrong with separators and segment sizes.

    Examples
    --------
    >>> log = IssueLog("a.835")
    >>> for segment in read_segments([b"ST*835*1~BPR*I*5*C*CHK*", b"**9999~NM1*QC*1*ROE*JANE~CLP*7*1*5*5~"], log):
    ...     print(segment)
    (1, ['ST', '835', '1'])
    (2, ['BPR', 'I', '5', 'C', 'CHK', '', '', ''])
    (3, ['NM1', 'QC'])
    (4, ['CLP', '7', '1', '5', '5'])
    """
    return chain.from_iterable(_Tokenizer(log).read(_as_utf8(chunks)))


class _Tokenizer:
    """State of one file between two chunks. What it finds does not depend on where chunks are cut."""

    def __init__(self, log: IssueLog) -> None:
        self._log = log
        self._number = 0
        self._marks: Separators | None = None
        self._is_skipping = False
        # What is not read yet begins at `_at`; what stands before is kept because a start is known by what it follows.
        self._rest = b""
        self._at = 0

    def read(self, chunks: Iterable[bytes]) -> Iterator[Iterable[Segment]]:
        """Yield segments in batches; each must be used up before the next is asked for."""
        for chunk in chunks:
            yield from self._feed(self._rest + chunk, is_final=False)
        yield from self._feed(self._rest, is_final=True)

    def _feed(self, data: bytes, *, is_final: bool) -> Iterator[Iterable[Segment]]:
        at = self._at
        while True:
            if self._marks is None:
                marks, kept = _find_start(data, at, is_final=is_final)
                if marks is None:
                    self._keep(data, kept)
                    return
            else:
                marks, hold = _find_isa(data, at, self._marks.terminator, is_final=is_final)
                if marks is None and not is_final:
                    batch, at = self._terminated(data, at, hold)
                    self._keep(data, at)
                    yield batch
                    return
                yield self._all(data[at : hold if marks is None else marks.start])
                if marks is None:
                    return
            yield self._begin(data, marks)
            at = marks.end

    def _keep(self, data: bytes, at: int) -> None:
        self._rest = data[max(0, at - _BEFORE) :]
        self._at = min(at, _BEFORE)

    def _begin(self, data: bytes, marks: Separators) -> list[Segment]:
        """Take over the separators of an interchange; return its ISA."""
        self._marks = marks
        self._is_skipping = False
        if not marks.has_isa:
            self._log.add("isa_missing", self._number + 1)
            return []
        # split by elements only: ISA11 may hold the terminator
        header = _flat(data[marks.start : marks.end - 1]).decode("latin-1")
        self._number += 1
        if not marks.is_padded:
            self._log.add("isa_unpadded", self._number, "ISA")
        return [(self._number, _header(header.split(marks.element.decode("latin-1"))))]

    def _terminated(self, data: bytes, at: int, hold: int) -> tuple[Iterable[Segment], int]:
        """Return the segments that end before `hold`, and from where the data is still needed."""
        assert self._marks is not None
        cut = data.rfind(self._marks.terminator, at, hold) + 1
        if cut > at:
            return self._split(data[at:cut], self._marks), cut
        begun = data[at:hold].lstrip(_SPACE)
        if len(begun) <= LONGEST_SEGMENT:
            return [], hold - len(begun)
        torn = [] if self._is_skipping else [self._torn(begun, "segment_too_long")]
        self._is_skipping = True
        # the last bytes may begin an ISA
        return torn, hold - 2

    def _all(self, data: bytes) -> Iterable[Segment]:
        """Return what is left of an interchange; what follows its last terminator is torn unless it is an envelope's end."""
        assert self._marks is not None
        cut = data.rfind(self._marks.terminator) + 1
        found = self._split(data[:cut], self._marks)
        tail = data[cut:].lstrip(_SPACE)
        if not tail or self._is_skipping:
            return found
        if len(tail) <= LONGEST_SEGMENT and _flat(tail).strip(_SPACE).partition(self._marks.element)[0] in (b"SE", b"GE", b"IEA"):
            found = chain(found, self._split(tail, self._marks))
            self._log.add("terminator_missing", self._number)
            return found
        return chain(found, [self._torn(tail, "segment_too_long" if len(tail) > LONGEST_SEGMENT else None)])

    def _split(self, data: bytes, marks: Separators) -> Iterable[Segment]:
        """Return the segments of data in which each is whole."""
        if self._is_skipping and data:
            # the end of a segment that was too long and already counted
            self._is_skipping = False
            data = data[data.index(marks.terminator) + 1 :]
        if _may_be_too_long(data, marks.terminator) or not _is_utf8(data):
            return self._split_odd(data, marks)
        text = _decoded(data, marks)
        pieces = [piece for raw in text.split(marks.terminator.decode("latin-1")) if (piece := raw.strip(_SPACES))]
        first = self._number + 1
        self._number += len(pieces)
        return _allowed(pieces, first, marks.element.decode("latin-1"))

    def _split_odd(self, data: bytes, marks: Separators) -> list[Segment]:
        """Split data in which a segment may be too long or have an encoding of its own: each is looked at for itself."""
        found: list[Segment] = []
        element = marks.element.decode("latin-1")
        for raw in map(bytes.lstrip, data.split(marks.terminator), repeat(_SPACE)):
            if len(raw) > LONGEST_SEGMENT:
                found.append(self._torn(raw, "segment_too_long"))
            elif piece := _decoded(raw, marks).strip(_SPACES):
                self._number += 1
                found += _allowed([piece], self._number, element)
        return found

    def _torn(self, raw: bytes, code: str | None) -> Segment:
        self._number += 1
        begin = _flat(raw[:LONGEST_SEGMENT])
        tag = next((tag for tag in ("CLP", "SVC", "CAS") if begin.startswith(tag.encode())), "")
        if code:
            self._log.add(code, self._number, tag)
        return self._number, [TORN, tag, code or "file_truncated"]


def _allowed(pieces: list[str], first: int, element: str) -> Iterator[Segment]:
    """Yield segments, numbered from `first`, with what may leave."""
    rules = _RULES
    for number, elements in enumerate(map(str.split, pieces, repeat(element)), first):
        rule = rules.get(elements[0], _unknown)
        yield number, elements if rule is None else rule(elements)


def _may_be_too_long(data: bytes, terminator: bytes) -> bool:
    """Whether a segment may be longer than the longest: no terminator stands in some stretch of half that length."""
    half = LONGEST_SEGMENT // 2
    return any(data.find(terminator, at, at + half) < 0 for at in range(0, len(data) - half, half))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, marks: Separators) -> str:
    if marks.terminator not in _BREAKS:
        # line ends are for the eye, also inside a segment: some senders wrap at 80 columns
        data = _flat(data)
    if max(marks.terminator, marks.element) > b"\x7f":
        return data.decode("latin-1")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _flat(data: bytes) -> bytes:
    return data.replace(b"\r", b"").replace(b"\n", b"")


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass bytes through; UTF-16 with its mark becomes UTF-8."""
    rest = iter(chunks)
    begin = b""
    while len(begin) < 2 and (chunk := next(rest, None)) is not None:
        begin += chunk
    if begin[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        yield begin
        yield from rest
        return
    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
    for chunk in chain([begin], rest):
        yield decoder.decode(chunk).encode("utf-8", errors="replace")
    yield decoder.decode(b"", final=True).encode("utf-8", errors="replace")


def _find_start(data: bytes, at: int, *, is_final: bool) -> tuple[Separators | None, int]:
    """Find the first ISA, or GS*HP or ST*835 without one; else say from which offset the data is still needed."""
    while match := _START.search(data, at):
        at = match.start()
        if len(data) - at < _AHEAD and not is_final:
            return None, at
        marks = _read_isa(data, at, b"") if match[0] == b"ISA" else _read_bare(data, at)
        if marks is not None:
            return marks, at
        at += 2
    return None, max(at, len(data) - 8) if not is_final else len(data)


def _find_isa(data: bytes, at: int, terminator: bytes, *, is_final: bool) -> tuple[Separators | None, int]:
    """Find the next ISA; else say up to which offset the data holds none for certain."""
    found = data.find(b"ISA", at)
    while found >= 0:
        if len(data) - found < _AHEAD and not is_final:
            return None, found
        marks = _read_isa(data, found, terminator)
        if marks is not None:
            return marks, found
        found = data.find(b"ISA", found + 3)
    return None, len(data)


def _read_isa(data: bytes, at: int, terminator: bytes) -> Separators | None:
    """Read the separators of an ISA by counting elements; None where it is a word that looks like one.

    A padded ISA is one anywhere; one with other widths only where a segment begins (X12.5: ISA is the one fixed-width segment).
    """
    element = data[at + 3 : at + 4]
    if not _is_mark(element):
        return None
    parts = data[at : at + _WINDOW].split(element, 16)
    if len(parts) < 17 or not _is_mark(parts[16][:1]):
        return None
    end = at + sum(len(part) + 1 for part in parts[:16]) + 2
    component, ends = parts[16][:1], parts[16][1:2]
    if not ends or ends.isalnum() or ends in (element, component, b" "):
        return None
    is_padded = tuple(len(_flat(part)) for part in parts[:16]) == _ISA_WIDTHS
    if not is_padded and not (_has_isa_shape(parts) and _is_segment_start(data, at, terminator)):
        return None
    following = data[end : end + _WINDOW]
    if ends in _BREAKS:
        ends = _mark_before_break(following, element) or ends
    if len(following) > 300 and ends not in following:
        return None
    return Separators(element, component, ends, at, end, is_padded=is_padded)


def _has_isa_shape(parts: list[bytes]) -> bool:
    return parts[9].strip().isdigit() and parts[12].strip().isdigit() and max(map(len, parts[:16])) <= 40


def _is_segment_start(data: bytes, at: int, terminator: bytes) -> bool:
    before = data[max(0, at - _BEFORE) : at]
    return not before or before[-1:] in (terminator, b"\n", b"\r") or before.strip(_SPACE)[-1:] in (b"", terminator, b"\xbf")


def _is_mark(byte: bytes) -> bool:
    return bool(byte) and not byte.isalnum() and byte not in b" \t\r\n\x00"


def _mark_before_break(following: bytes, element: bytes) -> bytes:
    """Return the terminator that stands at the end of the GS line where only the ISA lacks it; blank if there is none."""
    match = re.match(rb"\s*GS" + re.escape(element) + rb"[^\r\n]*?([^\w\s])[ \t]*[\r\n]", following)
    return match[1] if match and match[1] != element else b""


def _read_bare(data: bytes, at: int) -> Separators | None:
    """Read the separators of a transaction without ISA from what stands between ST and the segment after it."""
    start = re.compile(rb"ST([^\w\s])835\1").search(data, at, at + _WINDOW)
    if start is None:
        return None
    mark = re.escape(start[1])
    rest = re.compile(rb"[\w ]*(?:" + mark + rb"[\w ]*)?([^\w \t])\s*[A-Z][A-Z0-9]{1,2}" + mark)
    match = rest.match(data, start.end(), start.end() + _WINDOW)
    if match is None or match[1] == start[1]:
        return None
    return Separators(start[1], b":", match[1], at, at, has_isa=False)


# ---- what may leave -------------------------------------------------------------------------------------------------


def _unknown(elements: list[str]) -> list[str]:
    tag = elements[0].strip()
    if tag != elements[0] and tag in _RULES:
        rule = _RULES[tag]
        spaced = [tag, *elements[1:]]
        return spaced if rule is None else rule(spaced)
    # a tag that is no tag may be a word of a sentence
    return [tag] if tag in _TAG_ONLY else [UNKNOWN]


def _keep(*positions: int) -> Callable[[list[str]], list[str]]:
    """Return a rule that keeps these elements at their places and blanks the others."""
    last = max(positions)

    def rule(elements: list[str]) -> list[str]:
        kept = [""] * min(len(elements), last + 1)
        kept[0] = elements[0]
        for position in positions:
            if position < len(elements):
                kept[position] = elements[position]
        return kept

    return rule


_header = _keep(0, 9, 10, 12, 13, 16)
"""Of the ISA its date, time, version, control number and component separator."""

_REFERENCES = frozenset(("6R", "F8", "2U", "EO", "HI", "NF"))
"""Line control number, original claim number, payer ids; everything else in REF can name a person (SY, 1W, IG, EA, 0F ...)."""


def _reference(elements: list[str]) -> list[str]:
    return elements[:3] if len(elements) > 2 and elements[1] in _REFERENCES else ["REF"]


def _party(elements: list[str]) -> list[str]:
    """N1: of the payer its name and id; of the payee only an NPI (a tax id may be a person's)."""
    if elements[1:2] == ["PR"]:
        return elements[:5]
    return ["N1", "PE", "", "XX", _npi(elements, 3)] if elements[1:2] == ["PE"] else ["N1"]


def _person(elements: list[str]) -> list[str]:
    """NM1: the entity code, and the NPI of who rendered the service."""
    entity = elements[1] if len(elements) > 1 and elements[1] in ("QC", "IL", "74", "82", "TT", "PR", "GB") else ""
    return ["NM1", entity, _npi(elements, 8)] if entity == "82" else ["NM1", entity]


def _npi(elements: list[str], position: int) -> str:
    qualifier, number = (*elements[position : position + 2], "", "")[:2]
    return number if qualifier == "XX" and len(number) == 10 and number.isascii() and number.isdigit() else ""


def _provider_adjustment(elements: list[str]) -> list[str]:
    """PLB without the provider number.

    The reference (PLB03-2) is cut to 19 characters and its first word: Medicare contractors put the patient's Medicare number in
    positions 20 to 30.
    """
    kept = ["PLB", "", *elements[2:15]]
    for position in range(3, len(kept), 2):
        match = _REASON.match(kept[position])
        kept[position] = match[0] if match else ""
    return kept


_REASON = re.compile(r"\s*[A-Z0-9]{2}(?![A-Za-z0-9])(?:[^A-Za-z0-9 ]\S{0,19})?")


_RULES: dict[str, Callable[[list[str]], list[str]] | None] = {
    **dict.fromkeys(("ST", "CLP", "CAS", "SVC", "DTM", "AMT", "LQ", "MOA", "MIA", "SE", "GE", "IEA")),
    "ISA": _header,
    "GS": _keep(0, 1, 4, 5, 6, 8),
    "BPR": _keep(0, 1, 2, 3, 4, 16),
    "TRN": _keep(0, 1, 2, 3),
    "N1": _party,
    "NM1": _person,
    "REF": _reference,
    "PLB": _provider_adjustment,
}

_TAG_ONLY = frozenset(("LX", "TS2", "TS3", "N2", "N3", "N4", "PER", "QTY", "CUR", "RDM", "DMG", "RAS", "TA1", "BHT", "HL"))
