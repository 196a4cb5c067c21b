"""The way that is still open once the first one has passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from serving.web.words import ACTIONS, long_day, spoken
from serving.worklist.detail import Detail


@dataclass(frozen=True, slots=True)
class StillOpen:
    """What could be done and until when, what may still be done and until when, in words, and whether only for good cause."""

    passed: str
    passed_on: str
    action: str
    until: str
    needs_cause: bool


def still_open(detail: Detail, today: date) -> StillOpen | None:
    """Return what the rules leave open of an item whose first remedy has lapsed; None where it has not, or nothing is.

    Parameters
    ----------
    detail
        The item; the scores may have moved it to what is open already, or its day has passed since.
    today
        The day on the wall.
    """
    item, told = detail.item, [line.seen.passed for line in detail.lines if line.seen is not None and line.seen.passed is not None]
    if item.due_on is None or item.level > 1:
        # The last day of a higher level counts from a decision that the ledger does not know.
        return None
    told = [one for one in told if item.due_on < today or item.due_on == one.until]
    if not told:
        return None
    first = min(told, key=lambda one: one.until)
    passed, action = (ACTIONS.get(name, spoken(name)) for name in (first.remedy, first.open_remedy))
    return StillOpen(passed, long_day(first.on), action, long_day(first.until), first.needs_cause)
