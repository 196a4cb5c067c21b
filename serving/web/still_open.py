"""The way that is still open once the last day of an item has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from features.errors import CheckFailed
from features.view import Viewer
from features.vocabulary import Vocabulary
from serving.packet.case import Due
from serving.packet.stored import stored_cases
from serving.web.words import ACTIONS, long_day, spoken
from serving.worklist.detail import Detail, Line


@dataclass(frozen=True, slots=True)
class StillOpen:
    """What may still be done, until which day in words (blank where no day is known), and whether only for good cause."""

    action: str
    until: str
    needs_cause: bool = False


def still_open(detail: Detail, viewer: Viewer, vocabulary: Vocabulary, today: date) -> StillOpen | None:
    """Return what the rules leave open of an item after its last day, as its worksheet says it; None while the day is not over.

    Parameters
    ----------
    detail
        The item.
    viewer, vocabulary
        Of the model that serves.
    today
        The day on the wall: a day that has passed since the scoring counts.
    """
    item = detail.item
    if item.due_on is None or item.due_on >= today or item.level > 1:
        # The last day of a higher level counts from a decision that the ledger does not know.
        return None
    due = _first_due([replace(line, score={**line.score, "as_of": today}) for line in detail.lines], viewer, vocabulary)
    if due is None or not due.next_remedy or (due.next_day is not None and due.next_day < today):
        return None
    until = long_day(due.next_day) if due.next_day is not None else ""
    return StillOpen(ACTIONS.get(due.next_remedy, spoken(due.next_remedy)), until, due.next_needs_cause)


def _first_due(lines: Sequence[Line], viewer: Viewer, vocabulary: Vocabulary) -> Due | None:
    """Return the earliest last day of some write-offs; None also where today's tables tell otherwise than the scores do."""
    try:
        cases = stored_cases(viewer, vocabulary, lines)
    except CheckFailed:
        return None
    dated = sorted((case.due.day, case.row.writeoff_id, place) for place, case in enumerate(cases) if case.due is not None)
    return cases[dated[0][2]].due if dated else None
