"""Counts of 835 files as read, before netting and de-duplication, and of what is kept: the `--json` of `import-remits` (DESIGN 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypedDict

from features.intake.remits.records import Adjustment, Claim, Transaction
from features.money import format_cents


class OutOfBalance(TypedDict):
    """How many lines, claims and transactions do not balance."""

    line: int
    claim: int
    transaction: int


class Counts(TypedDict):
    """The counts of a file or of all; money as text with two decimals."""

    transactions: int
    claims: int
    service_lines: int
    adjustments: int
    amount_by_group: dict[str, str]
    count_by_group: dict[str, int]
    rarcs: dict[str, int]
    paid: str
    plb: str
    out_of_balance: OutOfBalance
    issues: int


class FileCounts(Counts):
    """The counts of one file."""

    file: str
    sha256: str


class KeptCounts(TypedDict):
    """What of all files is in the tables: each remittance once, and no claim that was left out; money as text with two decimals."""

    repeated_transactions: int
    claims: int
    amount_by_group: dict[str, str]
    paid: str


class Summary(TypedDict):
    """What `--json` prints: `files` and `totals` as read, and what was kept."""

    files: list[FileCounts]
    totals: Counts
    kept: KeptCounts


@dataclass(slots=True)
class Kept:
    """What is in the tables; amounts in cents. `repeated_transactions` came again and are not."""

    repeated_transactions: int = 0
    claims: int = 0
    paid: int = 0
    amount_by_group: Counter[str] = field(default_factory=Counter)

    def add(self, claim: Claim) -> None:
        """Count one claim."""
        self.claims += 1
        self.paid += claim.paid or 0
        for one in _adjustments(claim):
            self.amount_by_group[one.group] += one.cents

    def merge(self, other: Kept) -> None:
        """Add what another bucket of claims holds."""
        self.claims += other.claims
        self.paid += other.paid
        self.amount_by_group.update(other.amount_by_group)

    def as_json(self) -> KeptCounts:
        """Return the counts under their public names, money as text with two decimals."""
        return {
            "repeated_transactions": self.repeated_transactions,
            "claims": self.claims,
            "amount_by_group": {group: format_cents(cents) for group, cents in sorted(self.amount_by_group.items())},
            "paid": format_cents(self.paid),
        }


@dataclass(slots=True)
class Tally:
    """What one file held; amounts in cents.

    `claims` counts CLP, `service_lines` SVC, `adjustments` CAS triplets with a readable amount, and the codes are those of the file,
    rejected claims included.

    Examples
    --------
    >>> one, two = Tally("a.835"), Tally("b.835")
    >>> one.claims, two.claims = 2, 3
    >>> summary([one, two], Kept(), issues=1)["totals"]["claims"]
    5
    """

    file: str
    sha256: str = ""
    transactions: int = 0
    claims: int = 0
    service_lines: int = 0
    adjustments: int = 0
    amount_by_group: Counter[str] = field(default_factory=Counter)
    count_by_group: Counter[str] = field(default_factory=Counter)
    rarcs: Counter[str] = field(default_factory=Counter)
    paid: int = 0
    plb: int = 0
    lines_out_of_balance: int = 0
    claims_out_of_balance: int = 0
    transactions_out_of_balance: int = 0
    issues: int = 0

    def add(self, remit: Transaction) -> None:
        """Count one transaction."""
        self.transactions += 1
        self.transactions_out_of_balance += not remit.is_balanced
        self.plb += sum(pair.cents for pair in remit.provider_adjustments)
        for claim in remit.claims:
            self._add_claim(claim)

    def _add_claim(self, claim: Claim) -> None:
        self.service_lines += len(claim.lines)
        self.lines_out_of_balance += sum(not line.is_balanced for line in claim.lines)
        if not claim.is_ghost:
            self.claims += 1
            self.paid += claim.paid or 0
            self.claims_out_of_balance += not claim.is_balanced
        for one in _adjustments(claim):
            self.adjustments += 1
            self.count_by_group[one.group] += 1
            self.amount_by_group[one.group] += one.cents
        self.rarcs.update(claim.rarcs)
        for line in claim.lines:
            self.rarcs.update(line.rarcs)

    def merge(self, other: Tally) -> None:
        """Add another file's counts."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _BY_CODE:
            getattr(self, name).update(getattr(other, name))

    def as_json(self) -> Counts:
        """Return the counts under their public names, money as text with two decimals."""
        return {
            "transactions": self.transactions,
            "claims": self.claims,
            "service_lines": self.service_lines,
            "adjustments": self.adjustments,
            "amount_by_group": {group: format_cents(cents) for group, cents in sorted(self.amount_by_group.items())},
            "count_by_group": dict(sorted(self.count_by_group.items())),
            "rarcs": dict(sorted(self.rarcs.items())),
            "paid": format_cents(self.paid),
            "plb": format_cents(self.plb),
            "out_of_balance": {
                "line": self.lines_out_of_balance,
                "claim": self.claims_out_of_balance,
                "transaction": self.transactions_out_of_balance,
            },
            "issues": self.issues,
        }


_COUNTS = (
    "transactions", "claims", "service_lines", "adjustments", "paid", "plb", "lines_out_of_balance", "claims_out_of_balance",
    "transactions_out_of_balance", "issues",
)  # fmt: skip
_BY_CODE = ("amount_by_group", "count_by_group", "rarcs")


def summary(tallies: Iterable[Tally], kept: Kept, *, issues: int | None = None) -> Summary:
    """Return `{"files": [...], "totals": {...}, "kept": {...}}`.

    Parameters
    ----------
    tallies
        One per file.
    kept
        What of all files is in the tables.
    issues
        All issues, those of no file included; by default the sum over the files.
    """
    total = Tally("")
    files: list[FileCounts] = []
    for tally in tallies:
        files.append({"file": tally.file, "sha256": tally.sha256, **tally.as_json()})
        total.merge(tally)
    if issues is not None:
        total.issues = issues
    return {"files": files, "totals": total.as_json(), "kept": kept.as_json()}


def _adjustments(claim: Claim) -> Iterator[Adjustment]:
    yield from claim.adjustments
    for line in claim.lines:
        yield from line.adjustments
