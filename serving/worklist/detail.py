"""Everything that a specialist needs of one item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from serving.worklist.events import Effort
from serving.worklist.item import Item
from serving.worklist.reversals import Reversal
from serving.worklist.shelf import Entry
from serving.worklist.sight import Seen


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What reversals took back of a write-off: cents, of how many, and the days of the first and the last of them."""

    cents: int
    of: int
    first: date
    last: date


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
    taken_back
        What the ledger has taken back of it already; None where that is nothing, and where it was not looked up.
    """

    writeoff: Mapping[str, Any]
    score: Mapping[str, Any]
    seen: Seen | None = None
    taken_back: TakenBack | None = None

    @property
    def writeoff_id(self) -> str:
        """The posting."""
        return str(self.writeoff["writeoff_id"])


class Alike(StrEnum):
    """In what past cases are like an item; the narrowest of these that any case was decided in."""

    PAYER_AND_CODE = "payer_and_code"
    PAYER_AND_REMEDY = "payer_and_remedy"
    CODE = "code"
    """The same reason code, at any payer."""


@dataclass(frozen=True, slots=True)
class PastCase:
    """A decided effort on a like write-off of the same client.

    `argument` is what whoever sent it said that it rests on; blank where nobody said. `papers` is the column of the ledger that says
    that the papers which answer such a refusal were on file; blank where they were not.
    """

    writeoff_id: str
    item_id: str | None
    payer_id: str
    action: str | None
    level: int | None
    channel: str | None
    argument: str
    papers: str
    status: str
    written_off: int | None
    net: int
    hours: float | None
    worked_on: date
    resolved_on: date


@dataclass(frozen=True, slots=True)
class Way:
    """What like cases did alike: remedy, level, channel and argument; how many did so, how many of them won, and cents of all."""

    action: str | None
    level: int
    channel: str | None
    argument: str
    papers: str
    decided: int
    won: int
    net: int


@dataclass(frozen=True, slots=True)
class Similar:
    """Past cases of the same client that are like an item.

    Parameters
    ----------
    decided, won, net
        How many were decided, how many of them brought something, and cents of all.
    cases
        The latest ones.
    alike
        In what they are like it.
    ways
        What they did, the way that won most first.
    """

    decided: int = 0
    won: int = 0
    net: int = 0
    cases: tuple[PastCase, ...] = ()
    alike: Alike = Alike.PAYER_AND_CODE
    ways: tuple[Way, ...] = ()


def ways_of(cases: Sequence[PastCase]) -> tuple[Way, ...]:
    """Return what some cases did, the way that won most first.

    Examples
    --------
    >>> from dataclasses import replace
    >>> day = date(2026, 5, 4)
    >>> case = PastCase("W1", None, "P", "appeal", 1, "fax", "", "timely_proof_on_file", "recovered", 9_000, 8_000, 1.0, day, day)
    >>> [(way.channel, way.won, way.decided) for way in ways_of([case, replace(case, net=0), replace(case, channel="mail", net=0)])]
    [('fax', 1, 2), ('mail', 0, 1)]
    """
    found: dict[tuple[str | None, int, str | None, str, str], list[int]] = {}
    for case in cases:
        papers = "" if case.argument else case.papers
        found.setdefault((case.action, case.level or 1, case.channel, case.argument, papers), []).append(case.net)
    ways = [Way(*key, len(nets), sum(net > 0 for net in nets), sum(nets)) for key, nets in found.items()]
    return tuple(sorted(ways, key=lambda way: (-way.won, -way.net, way.decided, str(way))))


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
