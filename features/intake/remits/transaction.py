"""Segments of an 835 to the records of its transactions.

Element positions are those of 005010X221A1; 004010X091 has the same ones for all that is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from features.intake.remits.balance import is_transaction_balanced
from features.intake.remits.elements import LONGEST_TEXT, at, clean_code, clean_text, read_cents, read_date, read_quantity
from features.intake.remits.issues import IssueLog
from features.intake.remits.open_claim import OpenClaim, OpenLine, add_remarks
from features.intake.remits.records import Adjustment, Claim, ProviderAdjustment, Transaction
from features.intake.remits.segments import TORN, UNKNOWN, Segment

MOST_SEGMENTS = 2_000_000
"""Segments of one transaction that are read; the guide advises at most 10,000 claims (TR3 1.3.2)."""

LEAD_DAYS = 14
"""So many days a payment may be dated after the file that announces it."""

GROUPS = frozenset(("CO", "PR", "OA", "PI", "CR"))

_QUALIFIERS = "AD|ER|HC|HP|IV|N1|N2|N3|N4|N5|N6|NU|UI|UX|WK|ZZ"
_OTHER_COMPONENT = re.compile(rf"(?:{_QUALIFIERS})([^A-Za-z0-9 ])[A-Za-z0-9]")
_RARC = re.compile(r"(?:M|MA|N)[0-9]+")


def read_transactions(
    segments: Iterable[Segment], log: IssueLog, *, latest: str = "2099-12-31", most_segments: int = MOST_SEGMENTS
) -> Iterator[Transaction]:
    """Yield the 835 transactions among the segments of a file; other transaction sets are passed over.

    Parameters
    ----------
    segments
        What `read_segments` yields.
    log
        Receives what is wrong, and names the file.
    latest
        ISO day; a later date is not believed.
    most_segments
        Cap on the segments of one transaction.

    Examples
    --------
    >>> from features.intake.remits.segments import read_segments
    >>> text = b"ST*835*1~BPR*I*60*C*CHK************20240105~TRN*1*9*1999999999~N1*PR*P~CLP*7*1*100*60**12*A1~CAS*CO*45*40~SE*7*1~"
    >>> log = IssueLog("a.835")
    >>> [remit] = read_transactions(read_segments([text], log), log)
    >>> remit.payer_id, remit.remit_date, remit.claims[0].adjustments[0].cents, remit.is_balanced
    ('1999999999', '2024-01-05', 4000, True)
    """
    yield from _Reader(log, latest, most_segments).read(segments)


class _Reader:
    """Envelope state of a file."""

    def __init__(self, log: IssueLog, latest: str, most_segments: int) -> None:
        self._log = log
        self._latest = latest
        self._most = most_segments
        self._isa: list[str] = []
        self._gs: list[str] = []
        self._open: _OpenTransaction | None = None
        self._has_835 = False

    def read(self, segments: Iterable[Segment]) -> Iterator[Transaction]:
        handlers = _HANDLERS
        for number, elements in segments:
            tag = elements[0]
            if tag in _ENVELOPE:
                if self._open is not None:
                    yield self._open.close(number, None)
                self._open = None
                self._envelope(tag, number, elements)
            elif self._open is None:
                # Only an 835 has CLP: without its transaction a claim would be lost in silence.
                if tag == "CLP":
                    self._log.add("claim_outside_transaction", number, "CLP")
            elif tag == "SE":
                yield self._open.close(number, elements)
                self._open = None
            else:
                current = self._open
                current.count += 1
                if current.count > self._most:
                    current.overflow(number)
                    continue
                handler = handlers.get(tag)
                if handler is not None:
                    handler(current, number, elements)
        if self._open is not None:
            yield self._open.close(None, None)
        self._end_interchange([])

    def _envelope(self, tag: str, number: int, elements: list[str]) -> None:
        if tag == "ISA":
            self._end_interchange([])
            self._isa, self._gs = elements, []
        elif tag == "GS":
            self._gs = elements
        elif tag == "IEA":
            self._end_interchange(elements)
        elif tag == "ST" and at(elements, 1) == "835":
            self._has_835 = True
            version = at(self._gs, 8)
            if version and "4010" not in version and "5010" not in version:
                self._log.add("version_unknown", number, "GS", 8)
            self._open = _OpenTransaction(self._log, number, elements, self._isa, self._gs, self._latest)

    def _end_interchange(self, elements: list[str]) -> None:
        if self._has_835 and self._isa and at(elements, 2).lstrip("0") != at(self._isa, 13).lstrip("0"):
            self._log.add("interchange_unclosed", None, "IEA")
        self._isa, self._has_835 = [], False


_ENVELOPE = frozenset(("ISA", "GS", "ST", "GE", "IEA"))


class _OpenTransaction:
    """A transaction while it is read; one method per segment tag."""

    def __init__(self, log: IssueLog, number: int, st: list[str], isa: list[str], gs: list[str], latest: str) -> None:
        self.count = 1
        self._log = log
        self._segment = number
        self._latest = latest
        # no strip: a separator may be a control character, which Python takes for a space
        self._component = (isa[16] if len(isa) > 16 else "") or ":"
        self._control_number = at(st, 2)
        self._isa = isa
        self._gs = gs
        self._payment: int | None = None
        self._payment_date = self._production_date = self._trace = self._originator = ""
        self._party = ""
        self._payer_name = self._payer_number = self._provider = ""
        self._payer_references: dict[str, str] = {}
        self._claims: list[Claim] = []
        self._provider_adjustments: list[ProviderAdjustment] = []
        self._claim: OpenClaim | None = None
        self._is_part_a = False
        self._is_overflowing = False
        self._noted: set[tuple[str, str]] = set()
        self._composites: dict[str, tuple[str, str, tuple[str, ...]]] = {}

    # ---- header -----------------------------------------------------------------------------------------------------

    def payment(self, number: int, elements: list[str]) -> None:
        if self._payment is None and at(elements, 2):
            self._payment = read_cents(at(elements, 2))
        self._payment_date = self._payment_date or self._date(number, elements, 16)

    def trace(self, number: int, elements: list[str]) -> None:
        self._trace = self._trace or clean_text(at(elements, 2))
        self._originator = self._originator or clean_text(at(elements, 3))

    def party(self, number: int, elements: list[str]) -> None:
        if self._claim is not None:
            return
        self._party = at(elements, 1)
        if self._party == "PR" and not self._payer_name:
            self._payer_name, self._payer_number = clean_text(at(elements, 2)), clean_text(at(elements, 4))
        elif self._party == "PE":
            self._provider = self._provider or at(elements, 4)

    def part_a(self, number: int, elements: list[str]) -> None:
        self._is_part_a = True

    def group(self, number: int, elements: list[str]) -> None:
        # LX is only a counter of groups; it ends neither a claim nor a line count
        self._is_part_a = False

    def reference(self, number: int, elements: list[str]) -> None:
        qualifier, value = at(elements, 1), clean_text(at(elements, 2))
        claim = self._claim
        if claim is None:
            if self._party == "PR" and qualifier:
                self._payer_references.setdefault(qualifier, value)
            return
        if len(value) > LONGEST_TEXT:
            claim.fail("text_too_long", number, "REF", 2)
        elif qualifier == "6R" and claim.line is not None:
            claim.line.control_number = claim.line.control_number or value
        elif qualifier == "F8":
            claim.original_icn = claim.original_icn or value

    # ---- claim ------------------------------------------------------------------------------------------------------

    def claim(self, number: int, elements: list[str]) -> None:
        self._end_claim()
        self._claim = OpenClaim(self._log, number, elements, is_ghost=False)
        self._claim.is_institutional = self._is_part_a or bool(at(elements, 11))

    def person(self, number: int, elements: list[str]) -> None:
        if self._claim is not None and at(elements, 1) == "82":
            self._claim.provider = self._claim.provider or at(elements, 2)

    def inpatient(self, number: int, elements: list[str]) -> None:
        if self._claim is not None:
            self._claim.is_institutional = True
            add_remarks(self._claim.rarcs, [*elements[5:6], *elements[20:24]])

    def outpatient(self, number: int, elements: list[str]) -> None:
        if self._claim is not None:
            add_remarks(self._claim.rarcs, elements[3:8])

    def date(self, number: int, elements: list[str]) -> None:
        qualifier, claim = at(elements, 1), self._claim
        if claim is None:
            if qualifier == "405":
                self._production_date = self._production_date or self._date(number, elements, 2)
            return
        if qualifier == "050" and claim.line is None:
            claim.received = claim.received or self._quiet_date(elements, 2)
        if qualifier not in ("150", "151", "232", "233", "472"):
            return
        first, last = self._span(number, elements)
        line = claim.line
        if line is None:
            if qualifier in ("232", "150", "472"):
                claim.service_from = claim.service_from or first
            if qualifier in ("233", "151") or last != first:
                claim.service_to = last
        elif qualifier == "472":
            line.from_472, line.to_472 = line.from_472 or first, line.to_472 or last
        elif qualifier in ("150", "232"):
            line.from_150 = line.from_150 or first
        else:
            line.to_151 = line.to_151 or last

    def amount(self, number: int, elements: list[str]) -> None:
        claim, qualifier = self._claim, at(elements, 1)
        if claim is None or qualifier not in ("B6", "AU"):
            return
        cents = claim.cents(number, elements, 2)
        if qualifier == "B6" and claim.line is not None:
            claim.line.allowed = cents
        elif qualifier == "AU" and claim.line is None:
            claim.allowed = cents

    def service(self, number: int, elements: list[str]) -> None:
        claim = self._claim or self._ghost(number, "SVC")
        line = OpenLine(len(claim.lines) + 1, number)
        claim.lines.append(line)
        claim.line = line
        if max(map(len, elements)) > 2 * LONGEST_TEXT:
            claim.fail("text_too_long", number, "SVC", 1)
            return
        line.qualifier, line.procedure, line.modifiers = self._composite(number, at(elements, 1), 1)
        if at(elements, 6):
            line.original_procedure = self._composite(number, at(elements, 6), 6)[1]
        line.charge = claim.required(number, elements, 2)
        line.paid = claim.required(number, elements, 3)
        line.revenue_code = clean_text(at(elements, 4))
        if line.qualifier == "NU":
            line.revenue_code, line.procedure = line.procedure, ""
        if line.revenue_code:
            claim.is_institutional = True
        # SVC05 is what was paid for and 0 on a denial; SVC07 is what was billed, where that differs
        line.units = read_quantity(at(elements, 7)) or read_quantity(at(elements, 5))

    def adjustment(self, number: int, elements: list[str]) -> None:
        claim = self._claim or self._ghost(number, "CAS")
        holder = claim if claim.line is None else claim.line
        group = clean_code(elements[1]) if len(elements) > 1 else ""
        if group not in GROUPS:
            self._note("group_unknown", group, number, "CAS", 1)
            if len(group) > LONGEST_TEXT:
                claim.fail("text_too_long", number, "CAS", 1)
        # three blanks more, so that every triplet is whole
        triplets = (*elements, "", "", "")
        for start in range(2, len(elements), 3):
            reason, text = clean_code(triplets[start]), triplets[start + 1]
            cents = read_cents(text) if text else None
            if cents is None:
                cents = self._odd_amount(claim, number, start, reason, text.strip())
                if cents is None:
                    continue
            if not reason:
                claim.fail("adjustment_reason_missing", number, "CAS", start)
            elif len(reason) > LONGEST_TEXT:
                claim.fail("text_too_long", number, "CAS", start)
            elif reason[0] in "MN" and _RARC.fullmatch(reason):
                # DOMAIN 2.4: a remark code in a reason field is read as the remark it is
                self._note("rarc_as_reason", "", number, "CAS", start)
                holder.rarcs.append(reason)
                reason = ""
            holder.adjustments.append(Adjustment(group, reason, cents, triplets[start + 2], (start + 1) // 3, number))

    def _odd_amount(self, claim: OpenClaim, number: int, start: int, reason: str, text: str) -> int | None:
        """Return an amount with spaces around it; without one say so, unless the triplet is blank: positions may be left out."""
        cents = read_cents(text)
        if cents is None and (reason or text):
            claim.fail("amount_invalid" if text else "adjustment_amount_missing", number, "CAS", start + 1)
        return cents

    def remark(self, number: int, elements: list[str]) -> None:
        claim = self._claim
        if claim is not None and at(elements, 1) == "HE":
            add_remarks((claim if claim.line is None else claim.line).rarcs, elements[2:3])

    # ---- summary and faults -----------------------------------------------------------------------------------------

    def provider_adjustment(self, number: int, elements: list[str]) -> None:
        self._end_claim()
        for start in range(3, len(elements) - 1, 2):
            composite, text = at(elements, start), at(elements, start + 1)
            if not composite and not text:
                continue
            cents = read_cents(text)
            if cents is None:
                self._log.add("provider_amount_invalid" if text else "amount_missing", number, "PLB", start + 1)
                continue
            # the tokenizer leaves two characters, any separator and the reference
            self._provider_adjustments.append(ProviderAdjustment(composite[:2], clean_text(composite[3:]), cents, number))

    def torn(self, number: int, elements: list[str]) -> None:
        """A segment that could not be read whole: the claim is in doubt, and lines after a torn CLP are nobody's."""
        if elements[2] == "file_truncated":
            self._log.add("file_truncated", number, elements[1])
        if elements[1] == "CLP":
            self._end_claim()
            self._claim = OpenClaim(self._log, number, [], is_ghost=True)
        elif self._claim is not None:
            self._claim.is_torn = True

    def unknown(self, number: int, elements: list[str]) -> None:
        self._log.add("unknown_segment", number)

    def overflow(self, number: int) -> None:
        if not self._is_overflowing:
            self._is_overflowing = True
            self._log.add("transaction_too_long", number)
            if self._claim is not None:
                self._claim.is_torn = True

    def close(self, number: int | None, se: list[str] | None) -> Transaction:
        """End the transaction at its SE, or without one."""
        if se is None:
            self._log.add("transaction_truncated", self._segment, "ST")
            if self._claim is not None:
                self._claim.is_torn = True
        else:
            self.count += 1
            if at(se, 1).lstrip("0") != str(self.count):
                self._log.add("se_count_wrong", number, "SE", 1)
            if at(se, 2) != self._control_number:
                self._log.add("se_control_wrong", number, "SE", 2)
        self._end_claim()
        return self._transaction()

    def _transaction(self) -> Transaction:
        file_dates = [day for day in (self._quiet_date(self._gs, 4), self._quiet_date(self._isa, 9)) if day]
        remit_date = self._production_date or self._payment_date or next(iter(file_dates), "")
        claims = tuple(self._claims)
        paid = [claim.paid for claim in claims]
        balanced = is_transaction_balanced(self._payment, paid, [pair.cents for pair in self._provider_adjustments])
        if claims and self._payment is None:
            self._log.add("bpr_missing", self._segment, "BPR", 2)
        if not balanced:
            self._log.add("transaction_out_of_balance", self._segment, "ST")
        for line in (line for claim in claims for line in claim.lines if remit_date and line.service_from > remit_date):
            self._log.add("service_after_remit", line.segment, "SVC")
        return Transaction(
            file=self._log.file,
            segment=self._segment,
            version=at(self._gs, 8)[:12],
            payer_id=self._payer_id(),
            payer_name=self._payer_name[:LONGEST_TEXT],
            provider=self._provider,
            trace=self._trace,
            payment=self._payment,
            remit_date=remit_date,
            known_date=max([remit_date, *file_dates[:1]]) if remit_date else "",
            sent_date=_sent_date(remit_date, *file_dates[:1]),
            control=(
                self._quiet_date(self._isa, 9),
                at(self._isa, 10),
                at(self._isa, 13),
                at(self._gs, 6).zfill(9),
                self._control_number,
                self._trace,
            ),
            claims=claims,
            provider_adjustments=tuple(self._provider_adjustments),
            is_balanced=balanced,
        )

    def _payer_id(self) -> str:
        """Return N104, else REF*2U, else TRN03, else a further REF, else the name.

        REF*2U is the payer's number as such; TRN03 names who originates the payment, which may be a vendor that pays for many payers.
        """
        named = self._payer_references
        others = (named.get(qualifier, "") for qualifier in ("EO", "HI", "NF"))
        number = next((text for text in (self._payer_number, named.get("2U", ""), self._originator, *others) if text), "")
        if not number and self._claims:
            self._log.add("payer_by_name" if self._payer_name else "payer_unidentified", self._segment, "N1")
        return (number or self._payer_name or "unknown")[:LONGEST_TEXT]

    def _end_claim(self) -> None:
        if self._claim is not None:
            self._claims.append(self._claim.close())
            self._claim = None

    def _ghost(self, number: int, tag: str) -> OpenClaim:
        self._log.add("segment_out_of_place", number, tag)
        self._claim = OpenClaim(self._log, number, [], is_ghost=True)
        return self._claim

    def _composite(self, number: int, text: str, element: int) -> tuple[str, str, tuple[str, ...]]:
        """Split SVC01 or SVC06 into qualifier, code and modifiers; its seventh component, a description, is left out."""
        known = self._composites.get(text)
        if known is not None:
            return known
        if len(text) > LONGEST_TEXT:
            # the description may be long, codes may not
            text = text[:LONGEST_TEXT]
        parts = text.split(self._component)
        if len(parts) == 1 and (match := _OTHER_COMPONENT.match(text)):
            self._note("component_separator", "", number, "SVC", element)
            parts = text.split(match[1])
        if len(parts) == 1:
            parts = ["", *parts]
        codes = [clean_text(part) for part in parts[1:6]]
        found = (clean_text(parts[0]), codes[0], tuple(code for code in codes[1:] if code))
        self._composites[text] = found
        return found

    def _note(self, code: str, value: str, number: int, tag: str, element: int) -> None:
        """Note something once per transaction and value."""
        if (code, value) not in self._noted:
            self._noted.add((code, value))
            self._log.add(code, number, tag, element)

    def _date(self, number: int, elements: list[str], position: int) -> str:
        text = at(elements, position)
        day = self._believed(text)
        if text and not day:
            self._log.add("date_invalid", number, elements[0], position)
        return day

    def _quiet_date(self, elements: list[str], position: int) -> str:
        return self._believed(at(elements, position))

    def _believed(self, text: str) -> str:
        day = read_date(text)
        return day if day <= self._latest else ""

    def _span(self, number: int, elements: list[str]) -> tuple[str, str]:
        """Read DTM02, or a range in DTM05 and DTM06 (RD8)."""
        if at(elements, 2) or at(elements, 5) != "RD8":
            day = self._date(number, elements, 2)
            return day, day
        first, _, last = at(elements, 6).partition("-")
        days = self._believed(first), self._believed(last)
        if not all(days):
            self._log.add("date_invalid", number, "DTM", 6)
        return days


def _sent_date(remit_date: str, file_date: str = "") -> str:
    if not remit_date or not file_date:
        return remit_date
    lead = date.fromisoformat(remit_date) - date.fromisoformat(file_date)
    return file_date if 0 < lead.days <= LEAD_DAYS else remit_date


_Handler = Callable[[_OpenTransaction, int, list[str]], None]

_HANDLERS: dict[str, _Handler] = {
    "BPR": _OpenTransaction.payment,
    "TRN": _OpenTransaction.trace,
    "N1": _OpenTransaction.party,
    "LX": _OpenTransaction.group,
    "TS3": _OpenTransaction.part_a,
    "REF": _OpenTransaction.reference,
    "CLP": _OpenTransaction.claim,
    "NM1": _OpenTransaction.person,
    "MIA": _OpenTransaction.inpatient,
    "MOA": _OpenTransaction.outpatient,
    "DTM": _OpenTransaction.date,
    "AMT": _OpenTransaction.amount,
    "SVC": _OpenTransaction.service,
    "CAS": _OpenTransaction.adjustment,
    "LQ": _OpenTransaction.remark,
    "PLB": _OpenTransaction.provider_adjustment,
    TORN: _OpenTransaction.torn,
    UNKNOWN: _OpenTransaction.unknown,
}
