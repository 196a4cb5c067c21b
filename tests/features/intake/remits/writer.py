"""Writes 835 files for tests: what a payer would send, or nearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

Triplet = tuple[str, str, int]
"""Group, CARC, cents."""


def dollars(cents: int) -> str:
    """Write cents as X12 does."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


@dataclass(frozen=True)
class Line:
    """A service line; what was paid is what the adjustments leave."""

    charge: int
    adjustments: tuple[Triplet, ...] = ()
    procedure: str = "HC:99213"
    day: str = "20231201"
    control: str = ""
    rarcs: tuple[str, ...] = ()
    allowed: int | None = None

    @property
    def paid(self) -> int:
        """Charge less adjustments."""
        return self.charge - sum(cents for _, _, cents in self.adjustments)

    def segments(self) -> list[str]:
        """Return the SVC loop."""
        return [
            f"SVC*{self.procedure}*{dollars(self.charge)}*{dollars(self.paid)}**1",
            *([f"DTM*472*{self.day}"] if self.day else []),
            *(f"CAS*{group}*{carc}*{dollars(cents)}" for group, carc, cents in self.adjustments),
            *([f"REF*6R*{self.control}"] if self.control else []),
            *([f"AMT*B6*{dollars(self.allowed)}"] if self.allowed is not None else []),
            *(f"LQ*HE*{rarc}" for rarc in self.rarcs),
        ]


@dataclass(frozen=True)
class Claim:
    """A claim; its charge and payment follow from its lines, or from `charge` where it has none."""

    lines: tuple[Line, ...] = ()
    name: str = "ACCT1"
    icn: str = "ICN1"
    status: str = "1"
    charge: int = 0
    adjustments: tuple[Triplet, ...] = ()
    original: str = ""
    filing: str = "12"
    extra: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """What was charged."""
        return sum(line.charge for line in self.lines) if self.lines else self.charge

    @property
    def paid(self) -> int:
        """What was paid."""
        lines = sum(line.paid - line.charge for line in self.lines)
        return self.total + lines - sum(cents for _, _, cents in self.adjustments)

    def reversed(self) -> Claim:
        """Return the reversal of this claim: status 22, every amount negated (TR3 1.10.2.8)."""
        return replace(
            self,
            status="22",
            charge=-self.charge,
            adjustments=_negated(self.adjustments),
            lines=tuple(replace(line, charge=-line.charge, adjustments=_negated(line.adjustments), allowed=None) for line in self.lines),
        )

    def segments(self) -> list[str]:
        """Return the CLP loop."""
        return [
            f"CLP*{self.name}*{self.status}*{dollars(self.total)}*{dollars(self.paid)}**{self.filing}*{self.icn}*11*1",
            *(f"CAS*{group}*{carc}*{dollars(cents)}" for group, carc, cents in self.adjustments),
            "NM1*QC*1*CANARYNAME*CANARYGIVEN****MI*CANARYMEMBER",
            *([f"REF*F8*{self.original}"] if self.original else []),
            *self.extra,
            *(segment for line in self.lines for segment in line.segments()),
        ]


def _negated(triplets: tuple[Triplet, ...]) -> tuple[Triplet, ...]:
    return tuple((group, carc, -cents) for group, carc, cents in triplets)


@dataclass(frozen=True)
class Remit:
    """A transaction with its envelope."""

    claims: tuple[Claim, ...] = ()
    day: str = "20240105"
    trace: str = "TRACE1"
    payer: str = "60054"
    control: int = 1
    plb: tuple[tuple[str, int], ...] = ()
    header: tuple[str, ...] = field(default=())

    def transaction(self) -> list[str]:
        """Return ST to SE."""
        payment = sum(claim.paid for claim in self.claims) - sum(cents for _, cents in self.plb)
        body = [
            f"BPR*I*{dollars(payment)}*C*CHK************{self.day}",
            f"TRN*1*{self.trace}*1999999999",
            f"DTM*405*{self.day}",
            f"N1*PR*A PAYER*XV*{self.payer}",
            "N1*PE*CANARYPRACTICE*XX*1234567893",
            "REF*TJ*CANARYTAX",
            *self.header,
            "LX*1",
            *(segment for claim in self.claims for segment in claim.segments()),
            *(f"PLB*1234567893*20241231*{reason}*{dollars(cents)}" for reason, cents in self.plb),
        ]
        return ["ST*835*0001", *body, f"SE*{len(body) + 2}*0001"]

    def segments(self) -> list[str]:
        """Return ISA to IEA."""
        return interchange([self], self.control, self.day)


def interchange(remits: Sequence[Remit], control: int = 1, day: str = "20240105") -> list[str]:
    """Return one interchange around several transactions."""
    return [
        f"ISA*00*          *00*          *ZZ*PAYER          *ZZ*PRACTICE       *{day[2:]}*1200*^*00501*{control:09d}*0*P*:",
        f"GS*HP*PAYER*PRACTICE*{day}*1200*{control}*X*005010X221A1",
        *(segment for remit in remits for segment in remit.transaction()),
        f"GE*{len(remits)}*{control}",
        f"IEA*1*{control:09d}",
    ]


def encode(segments: Sequence[str], *, terminator: str = "~", element: str = "*", component: str = ":", after: str = "") -> bytes:
    """Return segments as bytes with these separators; `after` follows every terminator."""
    table = str.maketrans({"*": element, ":": component})
    return "".join(segment.translate(table) + terminator + after for segment in segments).encode()


def denied(name: str = "ACCT1", **changes: object) -> Claim:
    """Return a small denied claim."""
    claim = Claim((Line(20000, (("CO", "16", 20000),), rarcs=("N130",)),), name=name)
    return replace(claim, **changes)  # type: ignore[arg-type]


def paid(name: str = "ACCT1", **changes: object) -> Claim:
    """Return a claim paid with a contractual adjustment and a share of the patient."""
    claim = Claim((Line(20000, (("CO", "45", 8000), ("PR", "2", 2000)), allowed=12000),), name=name)
    return replace(claim, **changes)  # type: ignore[arg-type]
