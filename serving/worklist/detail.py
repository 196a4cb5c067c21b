"""Everything that a specialist needs of one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.worklist.events import Effort
from serving.worklist.item import Item
from serving.worklist.reversals import Reversal
from serving.worklist.shelf import Entry
from serving.worklist.sight import Seen


@dataclass(frozen=True, slots=True)
class Line:
    """A write-off of an item.

    Parameters
    ----------
    writeoff
        The row of the ledger in the canonical columns; money in cents.
    score
        Its score in the columns of scores; money in cents, `reasons` as a list.
    seen
        What the rules say of it today; None where no rules are at hand.
    """

    writeoff: Mapping[str, Any]
    score: Mapping[str, Any]
    seen: Seen | None = None

    @property
    def writeoff_id(self) -> str:
        """The posting."""
        return str(self.writeoff["writeoff_id"])


@dataclass(frozen=True, slots=True)
class PastCase:
    """A decided effort on a like write-off: same client, payer and reason code."""

    writeoff_id: str
    item_id: str | None
    action: str | None
    status: str
    written_off: int | None
    net: int
    hours: float | None
    worked_on: date
    resolved_on: date


@dataclass(frozen=True, slots=True)
class Similar:
    """Past cases of the same client with the same payer and reason code.

    Parameters
    ----------
    decided, won, net
        How many were decided, how many of them brought something, and cents of all.
    cases
        The latest ones.
    """

    decided: int = 0
    won: int = 0
    net: int = 0
    cases: tuple[PastCase, ...] = ()


@dataclass(frozen=True, slots=True)
class Detail:
    """An item with all that belongs to it.

    Parameters
    ----------
    item
        The item.
    lines
        Its write-offs, the one expected to bring most first.
    others
        Other items of the same claim.
    efforts
        What is known of the efforts on its write-offs.
    story
        Acts, notes and calls, oldest first.
    remits
        Lines of remittances of the claim, in the canonical columns; money in cents.
    similar
        Past cases that are alike.
    reversals
        What the ledger was asked to take back.
    """

    item: Item
    lines: tuple[Line, ...]
    others: tuple[Item, ...]
    efforts: tuple[Effort, ...]
    story: tuple[Entry, ...]
    remits: tuple[Mapping[str, Any], ...]
    similar: Similar
    reversals: tuple[Reversal, ...]
