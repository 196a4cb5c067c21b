"""A claim that was refused in January of 2024, and what the payer may answer later."""

from __future__ import annotations

from dataclasses import replace

from features.intake.remits.events import Outcomes
from features.intake.remits.netting import chains, distinct_remits
from features.intake.remits.recoveries import outcomes
from tests.features.intake.remits.reading import read
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode

REFUSED = denied()
"""200.00 refused for CO-16 in January."""


def a_line(*adjustments: tuple[str, str, int], charge: int = 20000, **changes: object) -> Line:
    """Return a line of 200.00 with its adjustments."""
    return replace(Line(charge, adjustments), **changes)  # type: ignore[arg-type]


def a_claim(*lines: Line, **changes: object) -> Claim:
    """Return a claim."""
    return replace(Claim(lines), **changes)  # type: ignore[arg-type]


WON = a_claim(a_line(("CO", "45", 8000), ("PR", "2", 2000)))
PART = a_claim(a_line(("CO", "16", 15000)))
SECOND = replace(WON, icn="ICN2")


def a_remit(month: int, *claims: Claim, **changes: object) -> Remit:
    """Return a remittance of the fifth of a month of 2024."""
    base = Remit(claims, day=f"2024{month:02d}05", trace=f"T{month}", control=month)
    return replace(base, **changes)  # type: ignore[arg-type]


def with_cause(claim: Claim, *rarcs: str) -> Claim:
    """Return the claim with a cause on each line."""
    return replace(claim, lines=tuple(replace(line, rarcs=rarcs) for line in claim.lines))


def corrected(month: int, before: Claim, after: Claim, *rarcs: str) -> Remit:
    """Return a remittance that reverses a claim, says why, and answers it anew."""
    return a_remit(month, with_cause(before.reversed(), *rarcs), after)


def outcomes_of(*remits: Remit, as_of: str = "9999-12-31") -> Outcomes:
    """Return what remits say of what came in later, each in a file of its own."""
    found = distinct_remits([one for i, remit in enumerate(remits) for one in read(encode(remit.segments()), name=f"{i}.835")[0]])
    return outcomes(chains(found), found, as_of=as_of)


JANUARY = a_remit(1, REFUSED)
MARCH = corrected(3, REFUSED, WON, "N690")
