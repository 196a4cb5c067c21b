"""Current adjudications to rows: write-off candidates in the columns of `writeoffs`, and `remit_lines`.

A candidate's grain is one row per claim, line, group and CARC of the last adjudication that is not reversed, amount > 0. Patient
responsibility, OA-23 and informational reasons stay; triage routes them. Nothing here is guessed: what an 835 does not say is blank.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from features.intake.remits.elements import read_quantity
from features.intake.remits.netting import Adjudication, Chain, line_keys, service_date
from features.intake.remits.records import Adjustment, Claim, ServiceLine
from features.money import format_cents

TextColumns: TypeAlias = dict[str, list[str]]
"""Column name to text values, blank where null; all lists are equally long."""

CANDIDATE_COLUMNS = (
    "writeoff_id", "writeoff_date", "payer_id", "writeoff_amount", "posting_kind", "claim_id", "line_number", "payer_claim_number",
    "original_payer_claim_number", "claim_frequency", "payer_type", "payer_sequence", "provider_id", "place_of_service", "claim_type",
    "type_of_bill", "drg_code", "procedure_code", "modifiers", "revenue_code", "units", "service_date", "service_date_to", "remit_date",
    "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "group_code", "carc", "rarcs", "posting_source",
    "claim_status", "filing_indicator", "remit_file", "remit_segment", "balanced",
)  # fmt: skip

LINE_COLUMNS = (
    "remit_id", "remit_date", "known_date", "payer_id", "payer_sequence", "claim_id", "payer_claim_number", "line_number",
    "procedure_code", "modifiers", "units", "service_date", "claim_status", "group_code", "carc", "rarcs", "amount", "quantity",
    "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "is_reversal", "file", "segment", "balanced",
)  # fmt: skip

LONGEST_CELL = 200
"""Characters that a text column may have (`features.tables.Column.longest`); over thirty remarks."""

PAYER_TYPES = {
    "MA": "medicare",
    "MB": "medicare",
    "16": "medicare_advantage",
    "MC": "medicaid",
    "CH": "tricare",
    "WC": "workers_comp",
    "AM": "auto",
    "BL": "bcbs",
    "12": "commercial",
    "13": "commercial",
    "14": "commercial",
    "15": "commercial",
    "17": "commercial",
    "CI": "commercial",
    "DS": "other",
    "LM": "other",
    "OF": "other",
    "TV": "other",
    "VA": "other",
    "09": "self_pay",
}
"""CLP06 -> payer_type, only where the code settles it.

MA, MB Medicare A and B; 16 Medicare HMO; MC Medicaid; CH TRICARE; WC, AM by law; BL Blue Cross; 12 PPO, 13 POS, 14 EPO, 15 indemnity, 17
dental HMO, CI commercial; DS disability, LM liability, OF other federal, TV Title V, VA veterans; 09 self-pay. Left blank: HM (an HMO
may be commercial, Medicare or Medicaid), 10, 11, ZZ.
"""

_MAY_BE_BLUE = frozenset(("12", "13", "14", "15", "17", "CI"))
_BLUE = re.compile(r"\bBLUE (?:CROSS|SHIELD)|\bBCBS", re.IGNORECASE)

PAYER_SEQUENCES = {"1": "1", "19": "1", "2": "2", "20": "2", "3": "3", "21": "3"}
"""CLP02 -> payer_sequence; 4, 22, 23 and the old codes do not say it."""

_INSTITUTIONAL, _PROFESSIONAL, _DENTAL, _PHARMACY = "institutional", "professional", "dental", "pharmacy"


@dataclass(slots=True)
class Bucket:
    """The triplets of one group and CARC on one line, summed."""

    cents: int
    segment: int
    quantity: str


def candidate_columns(chains: Iterable[Chain], groups: Mapping[str, str] | None = None) -> TextColumns:
    """Return the write-off candidates of all chains, ready to be written.

    Parameters
    ----------
    chains
        As `netting.chains` returns them.
    groups
        A practice's or payer's own group codes -> CO, PR, OA, PI or CR; others are kept as they are.

    Examples
    --------
    >>> candidate_columns([])["writeoff_id"]
    []
    """
    rows: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for chain in chains:
        rows.extend(chain_rows(chain, groups or {}, taken))
    return _as_columns(CANDIDATE_COLUMNS, rows)


def remit_line_columns(chains: Iterable[Chain], groups: Mapping[str, str] | None = None) -> TextColumns:
    """Return every adjudication, reversals included: one row per remit, claim, line, group and CARC.

    A line without an adjustment has one row with a blank group: that it was paid in full is known too.
    """
    rows = (row for chain in chains for one in chain.adjudications for row in history_rows(one, groups or {}))
    return _as_columns(LINE_COLUMNS, rows)


def line_numbers(claim: Claim) -> list[str]:
    """Return the number of each line: REF*6R where it is purely that, or CLP01 and that, else the ordinal of its SVC.

    Every line must have such a number and no two the same, else a provider's own running number would be taken for a line.
    """
    plain = [line_number(line.control_number, claim.claim_id) for line in claim.lines]
    if all(plain) and len(plain) == len(set(plain)):
        return plain
    return [str(line.number) for line in claim.lines]


def line_number(control: str, claim_id: str) -> str:
    """Return the line that a line control number names by itself, blank where it is a number of another kind.

    >>> line_number("0002", "C7"), line_number("C7-2", "C7"), line_number("88412", "C7"), line_number("C72", "C7")
    ('2', '2', '', '')
    """
    rest = control.removeprefix(claim_id) if claim_id else control
    if rest != control:
        rest = rest[1:] if rest[:1] in ("-", "_", ".", "/", " ") else ""
    number = rest.lstrip("0")
    return number if 0 < len(number) <= 3 and rest.isascii() and rest.isdigit() else ""


def claim_type(claim: Claim) -> str:
    """Return the form of a claim where its segments show it, else blank.

    Institutional: MIA, TS3, a DRG or a revenue code. Dental: only ADA codes. Pharmacy: only NDC lines. Professional: HCPCS lines and
    not one revenue code, which an institutional line must bring back (TR3 2110 SVC04). A facility code alone settles nothing: 11 is an
    office and a hospital inpatient bill.
    """
    if claim.is_institutional:
        return _INSTITUTIONAL
    qualifiers = {line.qualifier for line in claim.lines}
    return {frozenset(("AD",)): _DENTAL, frozenset(("N4",)): _PHARMACY, frozenset(("HC",)): _PROFESSIONAL}.get(frozenset(qualifiers), "")


def payer_type(filing: str, payer_name: str) -> str:
    """Return the kind of payer where CLP06 settles it; a commercial code of a payer called Blue Cross or Blue Shield is bcbs.

    >>> payer_type("12", "BLUE CROSS OF X"), payer_type("12", "AETNA"), payer_type("MC", ""), payer_type("HM", "AETNA")
    ('bcbs', 'commercial', 'medicaid', '')
    """
    if filing in _MAY_BE_BLUE and _BLUE.search(payer_name):
        return "bcbs"
    return PAYER_TYPES.get(filing, "")


def remit_id(one: Adjudication) -> str:
    """Return what names a remit: a digest of payer, check or EFT number, date and amount, so that a copy has the same."""
    remit = one.remit
    return _digest(remit.payer_id, remit.trace or remit.control[4], remit.remit_date, str(remit.payment))


def patient_cents(adjustments: Iterable[Adjustment]) -> int:
    """Return what these adjustments leave to the patient.

    >>> patient_cents([Adjustment("PR", "1", 300, "", 1, 9), Adjustment("CO", "45", 50, "", 1, 10)])
    300
    """
    return sum(one.cents for one in adjustments if one.group == "PR")


def claim_patient_cents(claim: Claim) -> int:
    """Return CLP05, or where it is blank the PR adjustments of the claim and its lines."""
    if claim.patient is not None:
        return claim.patient
    return patient_cents(claim.adjustments) + sum(patient_cents(line.adjustments) for line in claim.lines)


class Posting(NamedTuple):
    """What one adjudication says of one line (None: the claim as a whole) under one group and CARC.

    `bucket` is None on a line without adjustments.
    """

    adjudication: Adjudication
    line: ServiceLine | None
    number: str
    key: str
    group: str
    carc: str
    bucket: Bucket | None


def postings(parts: Sequence[Adjudication], groups: Mapping[str, str]) -> Iterator[Posting]:
    """Yield all that the parts of one current adjudication say, line by line; the parts of a split claim count their lines on."""
    offset = 0
    for one in parts:
        numbers = line_numbers(one.claim)
        if offset and numbers == [str(line.number) for line in one.claim.lines]:
            numbers = [str(line.number + offset) for line in one.claim.lines]
        offset += len(numbers)
        yield from _postings(one, numbers, groups)


def _postings(one: Adjudication, numbers: list[str], groups: Mapping[str, str]) -> Iterator[Posting]:
    claim = one.claim
    for (group, carc), bucket in _sums(claim.adjustments, groups).items():
        yield Posting(one, None, "", "", group, carc, bucket)
    if not claim.lines and not claim.adjustments:
        yield Posting(one, None, "", "", "", "", None)
    for line, number, key in zip(claim.lines, numbers, line_keys(claim), strict=True):
        for (group, carc), bucket in _sums(line.adjustments, groups).items():
            yield Posting(one, line, number, key, group, carc, bucket)
        if not line.adjustments:
            yield Posting(one, line, number, key, "", "", None)


def chain_rows(chain: Chain, groups: Mapping[str, str], taken: set[str]) -> Iterator[tuple[str, ...]]:
    """Yield the candidates of a claim in the order of CANDIDATE_COLUMNS; `taken` are ids given before, and is added to."""
    shared: Shared | None = None
    for identity, posting in identified(chain.current(), groups, taken):
        if shared is None or shared.adjudication is not posting.adjudication:
            shared = Shared(posting.adjudication)
        yield shared.row(posting, identity)


def identified(parts: Sequence[Adjudication], groups: Mapping[str, str], taken: set[str]) -> Iterator[tuple[str, Posting]]:
    """Yield the candidates of the parts of one adjudication with their `writeoff_id`; `taken` are those given before, and is added to."""
    seen: dict[tuple[str, str, str], int] = {}
    for posting in postings(parts, groups):
        if posting.bucket is None or posting.bucket.cents <= 0:
            continue
        name = posting.key, posting.group, posting.carc
        occurrence = seen.get(name, 0)
        seen[name] = occurrence + 1
        yield _identity(posting, occurrence, taken), posting


def _identity(posting: Posting, occurrence: int, taken: set[str]) -> str:
    remit, claim, key = posting.adjudication.remit, posting.adjudication.claim, posting.key
    if not claim.icn:
        # without the payer's number the account number may stand for claims of several days
        key = f"{service_date(claim)}|{key}"
    while True:
        found = _digest(remit.payer_id, claim.claim_id, claim.icn, key, posting.group, posting.carc, str(occurrence))
        if found not in taken:
            taken.add(found)
            return found
        occurrence += 1


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


class Shared:
    """What all rows of one adjudication share, made once; `row` adds the rest in the order of CANDIDATE_COLUMNS."""

    def __init__(self, one: Adjudication) -> None:
        remit, claim = one.remit, one.claim
        self.adjudication = one
        self._line: ServiceLine | None = None
        self._said: Said | None = None
        form = claim_type(claim)
        is_professional = form in (_PROFESSIONAL, _DENTAL)
        is_bill = form == _INSTITUTIONAL and len(claim.facility) == 2 and len(claim.frequency) == 1
        self.payer_sequence = PAYER_SEQUENCES.get(claim.status, "")
        self._head = remit.remit_date, remit.payer_id
        self._numbers = claim.icn, claim.original_icn, claim.frequency
        self._payer = (
            payer_type(claim.filing, remit.payer_name),
            self.payer_sequence,
            claim.provider or remit.provider,
            claim.facility if is_professional else "",
            form,
            claim.facility + claim.frequency if is_bill else "",
            claim.drg,
        )
        self._tail = claim.status, claim.filing, remit.file

    def row(self, posting: Posting, identity: str) -> tuple[str, ...]:
        """Return the candidate row of a posting."""
        said, bucket, claim = self.said(posting.line), posting.bucket, self.adjudication.claim
        return (
            identity,
            *self._head,
            "" if bucket is None else format_cents(bucket.cents),
            "writeoff",
            claim.claim_id,
            posting.number,
            *self._numbers,
            *self._payer,
            *said.service,
            self._head[0],
            *said.amounts,
            posting.group,
            posting.carc,
            said.remarks,
            "835",
            *self._tail,
            said.segment if bucket is None else str(bucket.segment),
            said.balanced,
        )

    def said(self, line: ServiceLine | None) -> Said:
        """Return what is said of a line; the last one asked for is remembered, since its postings follow each other."""
        if self._said is None or line is not self._line:
            self._line, self._said = line, self._say(line)
        return self._said

    def _say(self, line: ServiceLine | None) -> Said:
        one, claim = self.adjudication, self.adjudication.claim
        is_balanced = one.remit.is_balanced and claim.is_balanced and (line is None or line.is_balanced)
        return Said(
            _service(claim, line),
            _amounts(claim, line),
            _remarks(claim, line),
            str(claim.segment if line is None else line.segment),
            "true" if is_balanced else "false",
        )


class Said(NamedTuple):
    """What all postings of one line (or of a claim as a whole) share, as text.

    `balanced` is true where the line, its claim and its transaction balance; for the claim as a whole, the last two.
    """

    service: tuple[str, str, str, str, str, str]
    amounts: tuple[str, str, str, str]
    remarks: str
    segment: str
    balanced: str


def history_rows(one: Adjudication, groups: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield the `remit_lines` of an adjudication in the order of LINE_COLUMNS."""
    claim, remit = one.claim, one.remit
    head = (
        remit_id(one),
        remit.remit_date,
        remit.known_date,
        remit.payer_id,
        PAYER_SEQUENCES.get(claim.status, ""),
        claim.claim_id,
        claim.icn,
    )
    shared = Shared(one)
    is_reversal = "true" if claim.is_reversal else "false"
    for posting in _postings(one, line_numbers(claim), groups):
        said, bucket = shared.said(posting.line), posting.bucket
        procedure, modifiers, _, units, day, _ = said.service
        yield (
            *head,
            posting.number,
            procedure,
            modifiers,
            units,
            day,
            claim.status,
            posting.group,
            posting.carc,
            said.remarks,
            "" if bucket is None else format_cents(bucket.cents),
            "" if bucket is None else bucket.quantity,
            *said.amounts,
            is_reversal,
            remit.file,
            said.segment if bucket is None else str(bucket.segment),
            said.balanced,
        )


def _sums(adjustments: Sequence[Adjustment], groups: Mapping[str, str]) -> dict[tuple[str, str], Bucket]:
    sums: dict[tuple[str, str], Bucket] = {}
    for one in adjustments:
        key = groups.get(one.group.upper(), one.group), one.carc
        bucket = sums.get(key)
        if bucket is None:
            sums[key] = Bucket(one.cents, one.segment, read_quantity(one.quantity))
        else:
            bucket.cents += one.cents
            # two quantities of one reason have no meaning together
            bucket.quantity = ""
    return sums


def _service(claim: Claim, line: ServiceLine | None) -> tuple[str, str, str, str, str, str]:
    """Procedure, modifiers, revenue code, units, first and last service date."""
    if line is None:
        return "", "", "", "", service_date(claim), claim.service_to or claim.service_from or _last_day(claim)
    return line.procedure, " ".join(line.modifiers), line.revenue_code, line.units, line.service_from, line.service_to


def _last_day(claim: Claim) -> str:
    return max((line.service_to for line in claim.lines), default="")


def _amounts(claim: Claim, line: ServiceLine | None) -> tuple[str, str, str, str]:
    """Billed, allowed, paid, patient's share."""
    if line is None:
        patient = claim_patient_cents(claim)
        allowed = _allowed(claim, claim.allowed, claim.paid, patient, claim.adjustments)
        return _money(claim.charge), _money(allowed), _money(claim.paid), _money(patient)
    patient = patient_cents(line.adjustments)
    allowed = _allowed(claim, line.allowed, line.paid, patient, line.adjustments)
    return _money(line.charge), _money(allowed), _money(line.paid), _money(patient)


def _allowed(claim: Claim, said: int | None, paid: int | None, patient: int, adjustments: Iterable[Adjustment]) -> int | None:
    """Return what was allowed; nothing where a payer that is first paid nothing and left nothing to the patient (DOMAIN 0.6).

    Payers send AMT*B6 with what they allow and leave it out of a denial. After another payer (OA-23, status 2 or 3) nothing paid says
    nothing about what is allowed.
    """
    if said is not None or paid != 0 or patient != 0 or PAYER_SEQUENCES.get(claim.status) in ("2", "3"):
        return said
    return None if any(one.carc == "23" for one in adjustments) else 0


def _money(cents: int | None) -> str:
    if cents is None:
        return ""
    return f"{cents // 100}.{cents % 100:02d}" if cents >= 0 else format_cents(cents)


def _remarks(claim: Claim, line: ServiceLine | None) -> str:
    """The remarks of the line, then those of the claim (MOA, MIA), which hold for all its lines; as many as a cell may hold."""
    codes = dict.fromkeys((*(line.rarcs if line is not None else ()), *claim.rarcs))
    text = " ".join(codes)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL + 1].rpartition(" ")[0]


def _as_columns(names: Sequence[str], rows: Iterable[tuple[str, ...]]) -> TextColumns:
    values = list(zip(*rows, strict=True))
    if not values:
        return {name: [] for name in names}
    return {name: list(column) for name, column in zip(names, values, strict=True)}
