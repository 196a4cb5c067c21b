"""Days before which nothing can have been done about an item: what the ledger and its own story know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from serving.worklist.item import Item, State


@dataclass(frozen=True, slots=True)
class Since:
    """A day, and what was on it, in words that follow a comma."""

    day: date
    what: str


KnownSince: TypeAlias = Callable[[Item], Since | None]
"""Returns the day from which on an item's payer could be asked, as the ledger has it; None where it is silent."""


def unknown(item: Item) -> Since | None:
    """Return that nothing is known of an item's days."""
    return None


_ANSWERS = {"initial_denial_date": "the day of its first denial", "remit_date": "the day of its remittance"}
_EARLIER = {"service_date": "the day of service", "writeoff_date": "the day it was posted"}


def ledger_since(rows: Sequence[Mapping[str, Any]]) -> Since | None:
    """Return the earliest day of an answer of the payer; where no row has one, of service, and where none has that, of posting.

    A posting does not count where something earlier is known: an effort may well begin before the ledger gives up.

    >>> row = {"service_date": date(2024, 7, 1), "remit_date": date(2024, 8, 9), "writeoff_date": date(2024, 12, 1)}
    >>> ledger_since([row, row | {"initial_denial_date": date(2024, 8, 2)}])
    Since(day=datetime.date(2024, 8, 2), what='the day of its first denial')
    >>> ledger_since([row | {"remit_date": None}]), ledger_since([])
    (Since(day=datetime.date(2024, 7, 1), what='the day of service'), None)
    """
    for names in (_ANSWERS, *({name: what} for name, what in _EARLIER.items())):
        known = [(row[name], what) for row in rows for name, what in names.items() if row.get(name) is not None]
        if known:
            return Since(*min(known))
    return None


def sending_since(item: Item, known: KnownSince) -> Since | None:
    """Return the day before which nothing can have been sent: of the decision that the level is about, or as the ledger says."""
    if item.level > 1 and item.state in (State.NEXT_LEVEL, State.DRAFTED, State.SENT) and item.decided_on is not None:
        return Since(item.decided_on, "the day of the decision before")
    return known(item)


def decision_since(item: Item, known: KnownSince) -> Since | None:
    """Return the day before which nothing can have been decided: on which it was sent, or could have been."""
    return Since(item.sent_on, "the day it was sent") if item.sent_on is not None else sending_since(item, known)
