"""A claim and its service lines while their segments are read, and the records that they end as."""

from __future__ import annotations

from collections.abc import Iterable

from features.intake.remits.balance import is_balanced
from features.intake.remits.elements import LONGEST_TEXT, at, clean_code, clean_text, read_cents
from features.intake.remits.issues import IssueLog
from features.intake.remits.records import Adjustment, Claim, ServiceLine


class OpenLine:
    """A service line while it is read."""

    __slots__ = (
        "adjustments",
        "allowed",
        "charge",
        "control_number",
        "from_150",
        "from_472",
        "modifiers",
        "number",
        "original_procedure",
        "paid",
        "procedure",
        "qualifier",
        "rarcs",
        "revenue_code",
        "segment",
        "to_151",
        "to_472",
        "units",
    )

    def __init__(self, number: int, segment: int) -> None:
        self.number = number
        self.segment = segment
        self.qualifier = self.procedure = self.original_procedure = self.revenue_code = self.units = self.control_number = ""
        self.modifiers: tuple[str, ...] = ()
        self.from_472 = self.to_472 = self.from_150 = self.to_151 = ""
        self.charge: int | None = None
        self.paid: int | None = None
        self.allowed: int | None = None
        self.adjustments: list[Adjustment] = []
        self.rarcs: list[str] = []

    def close(self, claim: OpenClaim) -> ServiceLine:
        """End the line: its service dates are its own, else those of the claim (TR3 2110 DTM)."""
        service_from = self.from_472 or self.from_150 or claim.service_from
        service_to = self.to_472 or self.to_151 or (self.from_150 if self.from_150 else claim.service_to)
        return ServiceLine(
            number=self.number,
            qualifier=self.qualifier,
            procedure=self.procedure,
            modifiers=self.modifiers,
            original_procedure=self.original_procedure,
            charge=self.charge,
            paid=self.paid,
            revenue_code=self.revenue_code,
            units=self.units,
            service_from=service_from,
            service_to=service_to or service_from,
            control_number=self.control_number,
            allowed=self.allowed,
            adjustments=tuple(self.adjustments),
            rarcs=tuple(self.rarcs),
            segment=self.segment,
            is_balanced=is_balanced(self.charge, [one.cents for one in self.adjustments], self.paid),
        )


class OpenClaim:
    """A claim while it is read."""

    __slots__ = (
        "adjustments",
        "allowed",
        "elements",
        "fault",
        "fault_segment",
        "is_ghost",
        "is_institutional",
        "is_torn",
        "line",
        "lines",
        "log",
        "original_icn",
        "provider",
        "rarcs",
        "received",
        "segment",
        "service_from",
        "service_to",
    )

    def __init__(self, log: IssueLog, segment: int, elements: list[str], *, is_ghost: bool) -> None:
        self.log = log
        self.segment = segment
        self.elements = elements
        self.is_ghost = is_ghost
        self.is_torn = is_ghost
        self.is_institutional = False
        self.fault = ""
        self.fault_segment = segment
        self.original_icn = self.service_from = self.service_to = self.received = self.provider = ""
        self.allowed: int | None = None
        self.adjustments: list[Adjustment] = []
        self.rarcs: list[str] = []
        self.lines: list[OpenLine] = []
        self.line: OpenLine | None = None

    def required(self, number: int, elements: list[str], position: int) -> int | None:
        """Return the cents of an element that must be there; say so where it is not."""
        cents = self.cents(number, elements, position)
        if cents is None and not at(elements, position):
            self.log.add("amount_missing", number, elements[0], position)
        return cents

    def cents(self, number: int, elements: list[str], position: int) -> int | None:
        """Return the cents of an element, None where it is blank or no amount; the second is a fault of the claim."""
        if position >= len(elements):
            return None
        cents = read_cents(elements[position])
        if cents is None:
            text = elements[position].strip()
            cents = read_cents(text)
            if cents is None and text:
                self.fail("amount_invalid", number, elements[0], position)
        return cents

    def fail(self, code: str, number: int, tag: str, element: int | None = None) -> None:
        """Say what is wrong; the first that is becomes the claim's fault."""
        self.log.add(code, number, tag, element)
        if not self.fault:
            self.fault, self.fault_segment = code, number

    def close(self) -> Claim:
        """End the claim, with its faults and balances."""
        charge, paid, patient = (self._amount(position) for position in (3, 4, 5))
        lines = tuple(line.close(self) for line in self.lines)
        adjusted = [one.cents for one in self.adjustments] + [one.cents for line in self.lines for one in line.adjustments]
        balanced = is_balanced(charge, adjusted, paid)
        self._check(balanced=balanced, lines=lines)
        return Claim(
            claim_id=self._text(1),
            status=self._text(2),
            charge=charge,
            paid=paid,
            patient=patient,
            filing=self._text(6),
            icn=self._text(7),
            facility=self._text(8),
            frequency=self._text(9),
            drg=self._text(11),
            original_icn=self.original_icn,
            service_from=self.service_from,
            service_to=self.service_to,
            received=self.received,
            allowed=self.allowed,
            provider=self.provider,
            is_institutional=self.is_institutional,
            adjustments=tuple(self.adjustments),
            rarcs=tuple(self.rarcs),
            lines=lines,
            fault=self.fault,
            fault_segment=self.fault_segment,
            segment=self.segment,
            is_ghost=self.is_ghost,
            is_complete=not self.is_torn,
            is_balanced=balanced,
        )

    def _check(self, *, balanced: bool, lines: tuple[ServiceLine, ...]) -> None:
        if self.is_ghost:
            self.fault = self.fault or "claim_incomplete"
            return
        if not at(self.elements, 1) and not at(self.elements, 7):
            self.fail("claim_unidentified", self.segment, "CLP")
        if max(map(len, self.elements)) > LONGEST_TEXT:
            self.fail("text_too_long", self.segment, "CLP")
        is_whole = balanced and all(line.is_balanced for line in lines)
        if self.is_torn and not is_whole:
            self.fail("claim_incomplete", self.segment, "CLP")
        if not balanced:
            self.log.add("claim_out_of_balance", self.segment, "CLP")
        for line in lines:
            if not line.is_balanced:
                self.log.add("line_out_of_balance", line.segment, "SVC")

    def _text(self, position: int) -> str:
        return clean_text(at(self.elements, position))[:LONGEST_TEXT]

    def _amount(self, position: int) -> int | None:
        if self.is_ghost:
            return None
        return (self.cents if position == 5 else self.required)(self.segment, self.elements, position)


def add_remarks(rarcs: list[str], codes: Iterable[str]) -> None:
    """Add the remark codes that are not blank."""
    for code in codes:
        cleaned = clean_code(code)[:LONGEST_TEXT]
        if cleaned:
            rarcs.append(cleaned)
