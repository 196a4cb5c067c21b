"""The remittances in hand: transactions, claims, and what they cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from features.intake.remits.issues import Issue
from features.intake.remits.netting import Chain
from features.intake.remits.records import Transaction
from features.intake.remits.take_backs import NamedPair, named_pairs

TAKING = ("WO", "WU", "OB")
"""PLB reasons by which a payer takes money of an earlier claim (features/codes/plb.csv)."""


class TakenBack(NamedTuple):
    """Money of one claim that a payer held back (cents above nothing) or gave again: day, PLB reason, claim, and where it stands."""

    day: int
    reason: str
    cents: int
    claim_id: str
    payer_id: str
    file: str
    segment: int


@dataclass(frozen=True)
class Remits:
    """What was read of 835 files.

    Parameters
    ----------
    remits, chains, issues
        As `import_remits` returns them.
    groups
        A practice's own group codes -> listed ones.
    """

    remits: list[Transaction]
    chains: list[Chain]
    issues: list[Issue] = field(default_factory=list)
    groups: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def files(self) -> frozenset[str]:
        """Return the names of the files."""
        return frozenset(remit.file for remit in self.remits)

    @cached_property
    def spans(self) -> dict[str, tuple[int, int]]:
        """Return the first and last day of the remittances of each payer."""
        found: dict[str, tuple[int, int]] = {}
        for remit in self.remits:
            if remit.remit_date:
                day = int(np.datetime64(remit.remit_date, "D").astype(np.int64))
                low, high = found.get(remit.payer_id, (day, day))
                found[remit.payer_id] = min(low, day), max(high, day)
        return found

    @cached_property
    def named(self) -> list[TakenBack]:
        """Return every PLB pair that moves money of a claim in hand."""
        return [
            TakenBack(
                int(np.datetime64(one.remit.remit_date, "D").astype(np.int64)),
                one.pair.reason,
                one.pair.cents,
                self.chains[one.chain].adjudications[0].claim.claim_id,
                one.remit.payer_id,
                one.remit.file,
                one.pair.segment,
            )
            for one in self._named_pairs
        ]

    @cached_property
    def _named_pairs(self) -> list[NamedPair]:
        return named_pairs(self.remits, self.chains)

    @cached_property
    def unnamed(self) -> list[TakenBack]:
        """Return what payers took back of claims that are not in hand; `claim_id` is what the pair refers to, as it is written."""
        known = {(id(one.remit), id(one.pair)) for one in self._named_pairs}
        return [
            TakenBack(
                int(np.datetime64(remit.remit_date, "D").astype(np.int64)),
                pair.reason,
                pair.cents,
                pair.reference,
                remit.payer_id,
                remit.file,
                pair.segment,
            )
            for remit in self.remits
            if remit.remit_date
            for pair in remit.provider_adjustments
            if pair.reason in TAKING and pair.cents > 0 and (id(remit), id(pair)) not in known
        ]

    @cached_property
    def taken_back(self) -> list[TakenBack]:
        """Return what payers took back of claims in hand; a claim to which as much was given again is left out."""
        taking = [one for one in self.named if one.reason in TAKING]
        net: dict[tuple[str, str], int] = {}
        for one in taking:
            key = one.payer_id, one.claim_id
            net[key] = net.get(key, 0) + one.cents
        return [one for one in taking if one.cents > 0 and net[one.payer_id, one.claim_id] > 0]
