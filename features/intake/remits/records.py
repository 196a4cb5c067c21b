"""What an 835 says, as records: transactions, claims, service lines, adjustments and provider adjustments."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One CAS triplet.

    Parameters
    ----------
    group, carc
        CAS01 and the reason; `carc` is blank where a remark code stood in its place.
    cents
        Positive lowers the payment, negative raises it.
    quantity
        As written; mostly blank.
    position
        Which triplet of its segment, from 1.
    segment
        Number of the CAS in the file.
    """

    group: str
    carc: str
    cents: int
    quantity: str
    position: int
    segment: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One SVC loop (2110). Amounts are cents, None where blank; dates ISO text, blank where unknown.

    `procedure` is what the payer adjudicated, `original_procedure` what was billed where the payer changed it (SVC06).
    `number` counts the SVC of the claim from 1, whatever LX says.
    """

    number: int
    qualifier: str
    procedure: str
    modifiers: tuple[str, ...]
    original_procedure: str
    charge: int | None
    paid: int | None
    revenue_code: str
    units: str
    service_from: str
    service_to: str
    control_number: str
    allowed: int | None
    adjustments: tuple[Adjustment, ...]
    rarcs: tuple[str, ...]
    segment: int = field(compare=False)
    is_balanced: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """One CLP loop (2100). Two claims are equal when they say the same, wherever they stand.

    Parameters
    ----------
    fault
        Issue code that makes the claim unreadable; blank where it was read. `fault_segment` is where.
    received
        When the payer received the claim (DTM*050), ISO text; blank where it does not say.
    is_ghost
        Lines and adjustments without a readable CLP: counted as read, never used.
    is_complete
        False where the file was cut or damaged in this claim.
    is_institutional
        A sign of an institutional claim was seen (MIA, TS3, DRG, revenue code).
    """

    claim_id: str
    status: str
    charge: int | None
    paid: int | None
    patient: int | None
    filing: str
    icn: str
    facility: str
    frequency: str
    drg: str
    original_icn: str
    service_from: str
    service_to: str
    received: str = field(compare=False)
    allowed: int | None
    provider: str
    is_institutional: bool
    adjustments: tuple[Adjustment, ...]
    rarcs: tuple[str, ...]
    lines: tuple[ServiceLine, ...]
    fault: str
    fault_segment: int = field(compare=False)
    segment: int = field(compare=False)
    is_ghost: bool = field(compare=False)
    is_complete: bool = field(compare=False)
    is_balanced: bool = field(compare=False)

    @property
    def is_reversal(self) -> bool:
        """Whether it takes an earlier adjudication back: status 22, or a negative charge as 4010 senders write it."""
        return self.status == "22" or (self.charge is not None and self.charge < 0)

    @property
    def is_predetermination(self) -> bool:
        """Whether it is an estimate before service (CLP02 25)."""
        return self.status == "25"


@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """One pair of a PLB segment; positive `cents` reduce the payment, `reference` may name a claim of the payer (ICN)."""

    reason: str
    reference: str
    cents: int
    segment: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One ST*835 to SE.

    Parameters
    ----------
    payer_id, payer_name
        N104, else REF*2U, else TRN03, else another REF, else the name; the name may be blank.
    remit_date
        First valid of DTM*405, BPR16, GS04, ISA09, as ISO text; blank with none.
    known_date
        The later of `remit_date` and the day the file was made: a safe day from which everybody knew.
    sent_date
        `remit_date`, or the day the file was made where that is up to `LEAD_DAYS` before: a payment is often dated after its file. Not
        the other way round: a clearing house makes a new envelope whenever a file is fetched again.
    control
        ISA09 and ISA10, ISA13, GS06, ST02, TRN02: orders remits of one day whatever the order of files.
    payment
        BPR02 in cents; None where blank or unreadable.
    """

    file: str
    segment: int = field(compare=False)
    version: str
    payer_id: str
    payer_name: str = field(compare=False)
    provider: str
    trace: str
    payment: int | None
    remit_date: str
    known_date: str
    sent_date: str = field(compare=False)
    control: tuple[str, ...] = field(compare=False)
    claims: tuple[Claim, ...]
    provider_adjustments: tuple[ProviderAdjustment, ...]
    is_balanced: bool = field(compare=False)
