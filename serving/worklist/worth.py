"""What the scores of an item's write-offs add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from serving.worklist.item import Worth


@dataclass(frozen=True, slots=True)
class Scored:
    """One write-off of an item with what its score says; money in cents, None where unknown."""

    writeoff_id: str
    payer_id: str
    claim_id: str | None
    facility_id: str | None
    carc: str | None
    family: str | None
    category: str
    written_off: int | None
    recoverable: int | None
    expected: int
    net: int | None
    probability: float
    hours: float | None
    deadline_on: date | None
    deadline_source: str | None
    as_of: date
    model_version: str
    remedy: str


def worth_of(parts: Sequence[Scored]) -> Worth:
    """Return the worth of an item from its write-offs, of which it has at least one.

    Hours and costs are those of the write-off that takes longest, once for the item: one letter is written for all of them.

    >>> def part(key: str, expected: int, net: int, hours: float) -> Scored:
    ...     day = date(2026, 11, 1)
    ...     return Scored(key, "P", "C", None, "50", "x", "denial", 9_000, 8_000, expected, net, 0.5, hours, None, None, day, "7", "appeal")
    >>> worth = worth_of([part("A", 5_000, 1_000, 1.0), part("B", 6_000, -2_000, 2.0)])
    >>> worth.expected, worth.hours, worth.net, worth.value_per_hour
    (11000, 2.0, 3000, 1500)
    """
    lead = min(parts, key=lambda part: (-part.expected, part.writeoff_id))
    longest = max(parts, key=lambda part: (part.hours or 0.0, part.writeoff_id))
    hours = longest.hours or 0.0
    cost = longest.expected - longest.net if longest.net is not None else 0
    expected = sum(part.expected for part in parts)
    dated = [(part.deadline_on, part.deadline_source) for part in parts if part.deadline_on is not None]
    day, source = min(dated, key=lambda found: found[0]) if dated else (None, None)
    newest = max(parts, key=lambda part: part.as_of)
    return Worth(
        payer_id=lead.payer_id,
        claim_id=lead.claim_id,
        facility_id=lead.facility_id,
        carc=lead.carc,
        family=lead.family,
        category=lead.category,
        writeoffs=len(parts),
        written_off=sum(max(part.written_off or 0, 0) for part in parts),
        recoverable=sum(part.recoverable or 0 for part in parts),
        expected=expected,
        net=expected - cost,
        probability=lead.probability,
        hours=hours,
        value_per_hour=round((expected - cost) / hours) if hours > 0 else 0,
        deadline_on=day,
        deadline_source=source,
        as_of=newest.as_of,
        model_version=newest.model_version,
    )
