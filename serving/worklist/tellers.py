"""Which known effort a statement is about: the one of its id, or the same one as another teller told it under another id.

An effort is what its id says on its write-off; that is how its table is keyed. But the queue, a practice's own file and the payer's money
name efforts each in its own way, and tell of the same dollars. The same result is told again when it is on the same write-off (so of one
claim, line and code), of the same cents, decided within a month, and neither action nor level say otherwise; the nearest day is taken.
Then it is the effort that is known, under one name more: what comes by that name later is about it. An effort gets one name of each
source, so that a payer who pays the same sum twice has paid it twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from serving.worklist.events import PENDING, Effort
from serving.worklist.statements import NO_EFFORT, WORDS

NEAR_DAYS = 31
"""So many days apart two tellers may date the same result: one says when the payer decided, another when the money was posted."""

Name = tuple[str, str]
"""A source (`person`, `remit` or `file`), and how it calls an effort."""


@dataclass(frozen=True, slots=True)
class Known:
    """An effort as it is known, and the names that others gave it."""

    effort: Effort
    names: frozenset[Name] = frozenset()

    def may_be_called(self, name: Name) -> bool:
        """Tell whether its source has not called it otherwise."""
        return all(source != name[0] or own == name[1] for source, own in self.names)


@dataclass(frozen=True, slots=True)
class Match:
    """What a statement is about.

    Parameters
    ----------
    known
        The effort; None: a new one.
    said
        The statement, as one about that effort.
    doubled
        An open effort under the statement's own id, which proves to be the known one.
    """

    known: Known | None
    said: Effort
    doubled: Known | None = None

    def told(self, after: Effort, name: Name) -> Known:
        """Return the effort as it is after this statement of a name."""
        names = frozenset() if self.known is None else self.known.names
        return Known(after, names if after.effort_id == name[1] else names | {name})


def match(said: Effort, known: Sequence[Known], *, source: str, item_id: str | None) -> Match:
    """Return what a statement is about.

    Parameters
    ----------
    known
        Every effort on the write-off.
    source
        Of the statement.
    item_id
        Of the item that the write-off is in: efforts of the queue are called after it.

    Examples
    --------
    >>> from datetime import date
    >>> queue = Effort("W1", "I1.1", date(2026, 4, 1), "recovered", date(2026, 5, 4), recovered=9_000, action="appeal", source="person")
    >>> file = Effort("W1", "E-77", date(2026, 4, 2), "recovered", date(2026, 5, 11), recovered=9_000)
    >>> def about(said: Effort) -> str | None:
    ...     found = match(said, [Known(queue)], source="file", item_id="I1")
    ...     return found.known and found.known.effort.effort_id
    >>> about(file), about(replace(file, recovered=8_000)), about(replace(file, action="cob_update"))
    ('I1.1', None, None)
    >>> about(replace(file, resolved_on=date(2026, 6, 5)))
    """
    name = source, said.effort_id
    own = next((one for one in known if one.effort.effort_id == said.effort_id), None)
    is_open = own is not None and own.effort.status == PENDING
    is_named = said.effort_id != NO_EFFORT
    if own is not None and is_named and not is_open:
        return Match(own, said)
    if is_named and (called := next((one for one in known if name in one.names), None)) is not None:
        return Match(called, _said_of(called, said, name))
    others = [one for one in known if one is not own and one.may_be_called(name)]
    same = [one for one in others if _is_of_another(one.effort, said, source, item_id) and _says_the_same(one.effort, said)]
    found = min(same, key=lambda one: (_days_between(one.effort, said), one.effort.effort_id), default=None)
    if found is not None:
        return Match(found, _said_of(found, said, name), own if is_open else None)
    if own is None and source == "remit" and (ours := _answered(said, others)) is not None:
        return Match(ours, _said_of(ours, said, name))
    return Match(own, said)


def _is_of_another(one: Effort, said: Effort, source: str, item_id: str | None) -> bool:
    """Tell whether an effort was told by somebody else than who says this: another source, or the queue and a program beside it."""
    ours = f"{item_id}."
    return one.source != source or one.effort_id.startswith(ours) != said.effort_id.startswith(ours)


def _says_the_same(one: Effort, said: Effort) -> bool:
    """Tell whether both say the same result."""
    if PENDING in (one.status, said.status) or (one.recovered or 0) != (said.recovered or 0):
        return False
    # Nothing came in both: then they must say the same of why.
    is_same_end = bool(said.recovered) or one.status == said.status
    return is_same_end and _days_between(one, said) <= NEAR_DAYS and _agree(one.action, said.action) and _agree(one.level, said.level)


def _answered(said: Effort, known: Sequence[Known]) -> Known | None:
    """Return the effort of people that a remittance answers: the latest begun by then that no other answer has taken; None if none is.

    A win that somebody wrote down days after the payer's money came is answered by it too, whatever sum was written down.
    """
    ours = [one for one in known if one.effort.source == "person"]
    begun = [
        one
        for one in ours
        if one.effort.worked_on <= (said.resolved_on or said.worked_on)
        or (one.effort.recovered and said.recovered and _days_between(one.effort, said) <= NEAR_DAYS)
    ]
    return max(begun, key=lambda one: (one.effort.worked_on, one.effort.effort_id), default=None)


def _said_of(known: Known, said: Effort, name: Name) -> Effort:
    """Return what another teller says, as said of an effort that is known.

    Where both say the same sum, what is known stands, and only what was taken back, moved to the patient or logged beside may be news. Else
    the known effort has when and how, and the other says what came of it.
    """
    ours = known.effort
    # A name that it has already is no news, though another one came since.
    is_known = name in known.names
    called = ours.source_effort_id if is_known else said.effort_id
    if (ours.recovered or 0) == (said.recovered or 0) and PENDING not in (ours.status, said.status):
        return replace(
            ours,
            # A payer who gives back what it had taken says so in its next remittance; nobody else can.
            taken_back=said.taken_back if is_known and name[0] == "remit" else max(ours.taken_back, said.taken_back),
            shifted=max(ours.shifted, said.shifted),
            patient_paid=max(ours.patient_paid, said.patient_paid),
            hours=said.hours if ours.hours is None else ours.hours,
            source_effort_id=called,
        )
    own = {word: getattr(ours, word) for word in ("worked_on", "hours", *WORDS) if getattr(ours, word) is not None}
    return replace(said, effort_id=ours.effort_id, source_effort_id=called, **own)


def _days_between(one: Effort, other: Effort) -> int:
    return abs(((one.resolved_on or one.worked_on) - (other.resolved_on or other.worked_on)).days)


def _agree(one: object, other: object) -> bool:
    """Tell whether two words say the same, or one says nothing."""
    return one == other or bool({one, other} & {None, "other"})
