"""A rule of the audit, and what it found."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from features.money import NULL

if TYPE_CHECKING:
    from serving.findings.case import Case

SEVERITIES = ("high", "medium", "low", "info")
"""How urgent a finding is: money or a duty at stake and shown by the files; likely; a slip of process; told for completeness."""

DETERMINISTIC, STATISTICAL, LIST = "deterministic", "statistical", "list"
"""What a finding rests on: on what the files say; on what is usual; or it is no accusation but an entry of a list."""

NEEDS = {
    "ledger": "a ledger (--writeoffs)",
    "remits": "835 files (--remits)",
    "policies": "write-off policies (--policies)",
    "approved_by": "a ledger column approved_by",
    "expected": "contract rates (--contracts) or a ledger column expected_allowed_amount",
    "adjustment_code": "a ledger column adjustment_code",
    "patient_id": "a ledger column patient_id",
}
"""What a rule cannot do without, in words."""


class Place(NamedTuple):
    """Where a finding stands when no write-off of the ledger says it: file and segment, and the claim if there is one."""

    file: str
    segment: int
    claim_id: str | None = None
    line_number: int = NULL


@dataclass(slots=True)
class Hits:
    """What one rule found: one entry per finding.

    Parameters
    ----------
    row
        Position in the ledger; -1 where no write-off has to do with it.
    cents
        At stake; NULL where it is not known.
    evidence
        Why, with the figures and the places.
    place
        Where it stands; None: where the ledger's row says.

    Examples
    --------
    >>> hits = Hits()
    >>> hits.add(3, 1250, "posted twice")
    >>> len(hits), list(hits.cents)
    (1, [1250])
    """

    # Not lists: a rule may speak of every row of a large ledger.
    row: array[int] = field(default_factory=lambda: array("q"))
    cents: array[int] = field(default_factory=lambda: array("q"))
    evidence: list[str] = field(default_factory=list)
    place: list[Place | None] = field(default_factory=list)

    def add(self, row: int, cents: int, evidence: str, place: Place | None = None) -> None:
        """Add a finding."""
        self.row.append(row)
        self.cents.append(cents)
        self.evidence.append(evidence)
        self.place.append(place)

    def add_all(self, row: Iterable[int], cents: Iterable[int], evidence: Iterable[str]) -> None:
        """Add findings that stand where the ledger's rows say."""
        before = len(self)
        self.row.extend(row)
        self.cents.extend(cents)
        self.evidence.extend(evidence)
        self.place.extend([None] * (len(self) - before))

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the audit.

    Parameters
    ----------
    id, family
        Its name in `findings.csv`, and what it is about.
    severity, kind
        One of `SEVERITIES`; deterministic, statistical or list.
    sentence, citation
        The rule in our own words, and whence it is; `memory` was not looked up, `DOMAIN` is a decision of ours.
    find
        Looks at a case and returns what it found.
    needs
        Names of `NEEDS` without which it is not run, which the report says.
    """

    id: str
    family: str
    severity: str
    sentence: str
    citation: str
    find: Callable[[Case], Hits]
    needs: tuple[str, ...] = ()
    kind: str = DETERMINISTIC
