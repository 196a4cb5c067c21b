"""What is known of efforts: events that are only ever added, and the efforts that they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from features.errors import CheckFailed

PENDING = "pending"


class Kind(StrEnum):
    """What an event says."""

    STATED = "stated"
    """An effort began, went on or ended."""
    CORRECTED = "corrected"
    """What was stated was wrong, and is this."""
    TAKEN_BACK = "taken_back"
    """The payer took money back."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that became known of one effort.

    Parameters
    ----------
    writeoff_id, effort_id
        Of what.
    kind
        What it says.
    known_on
        The day it became known; it counts for every morning after it.
    source
        Who says so: `person`, `remit` or `file`.
    cents
        Payer cash, to be added: more that came is positive, what was taken back and what never came is negative.
    shifted, patient_paid, hours
        To be added: cents moved to the patient, cents the patient paid, staff hours.
    status, worked_on, resolved_on, action, level, channel, sent_on, reference, follow_up_on
        As in the table of outcomes; None says nothing new.
    is_reopened
        The effort is pending again: its day of decision is taken away.
    is_void
        What was stated of the effort before was a slip: it is as if nothing had been. Events after it begin anew.
    explored, lot_share, came_with
        Whether the item was drawn as a sample check, the chance of that, and the cohort of the draw.
    chance
        Chance the policy gave the item when it was not drawn: 1 where it was first in order, None where a person chose it.
    source_effort_id
        The effort as its source names it, where that is not ours.
    """

    writeoff_id: str
    effort_id: str
    kind: Kind
    known_on: date
    source: str
    cents: int = 0
    shifted: int = 0
    patient_paid: int = 0
    hours: float = 0.0
    status: str | None = None
    worked_on: date | None = None
    resolved_on: date | None = None
    action: str | None = None
    level: int | None = None
    channel: str | None = None
    sent_on: date | None = None
    reference: str | None = None
    follow_up_on: date | None = None
    is_reopened: bool = False
    is_void: bool = False
    explored: bool | None = None
    lot_share: float | None = None
    came_with: str | None = None
    chance: float | None = None
    source_effort_id: str | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """An effort as its events add up; money in cents, fields as in the table of outcomes.

    `recovered` is what came, `taken_back` what of that the payer took back; hours are None where nobody logged any.
    """

    writeoff_id: str
    effort_id: str
    worked_on: date
    status: str = PENDING
    resolved_on: date | None = None
    recovered: int | None = None
    taken_back: int = 0
    shifted: int = 0
    patient_paid: int = 0
    hours: float | None = None
    action: str | None = None
    level: int | None = None
    channel: str | None = None
    sent_on: date | None = None
    reference: str | None = None
    follow_up_on: date | None = None
    explored: bool | None = None
    lot_share: float | None = None
    came_with: str | None = None
    chance: float | None = None
    source: str = "file"
    source_effort_id: str | None = None

    @property
    def net(self) -> int:
        """Payer cash net of what was taken back."""
        return (self.recovered or 0) - self.taken_back


_LATEST = (
    "status",
    "worked_on",
    "resolved_on",
    "action",
    "level",
    "channel",
    "sent_on",
    "reference",
    "follow_up_on",
    "explored",
    "lot_share",
    "came_with",
    "chance",
    "source_effort_id",
)
"""Fields of which the latest statement holds."""


def add(effort: Effort | None, event: Event) -> Effort:
    """Return an effort after one more event; the first event of an effort begins it.

    Raises
    ------
    CheckFailed
        When more would have been taken back than came, or an amount would fall below nothing.

    Examples
    --------
    >>> day = date(2026, 5, 4)
    >>> won = add(None, Event("W1", "E1", Kind.STATED, day, "person", cents=10_000, status="recovered", worked_on=day, resolved_on=day))
    >>> back = add(won, Event("W1", "E1", Kind.TAKEN_BACK, date(2026, 7, 1), "remit", cents=-4_000))
    >>> back.recovered, back.taken_back, back.net, back.status
    (10000, 4000, 6000, 'recovered')
    >>> add(back, Event("W1", "E1", Kind.TAKEN_BACK, date(2026, 8, 1), "remit", cents=-9_000))
    Traceback (most recent call last):
    features.errors.CheckFailed: an effort cannot give back more than it brought
    """
    if effort is None:
        effort = Effort(event.writeoff_id, event.effort_id, event.worked_on or event.known_on, source=event.source)
    changed: dict[str, object] = {name: value for name in _LATEST if (value := getattr(event, name)) is not None}
    if event.is_reopened:
        changed |= {"resolved_on": None, "status": PENDING}
    if event.kind is Kind.TAKEN_BACK:
        changed["taken_back"] = effort.taken_back - event.cents
    elif event.cents or event.status not in (None, PENDING, "settled"):
        changed["recovered"] = (effort.recovered or 0) + event.cents
    changed["shifted"], changed["patient_paid"] = effort.shifted + event.shifted, effort.patient_paid + event.patient_paid
    if event.hours:
        changed["hours"] = round((effort.hours or 0.0) + event.hours, 4)
    found = replace(effort, **changed)  # type: ignore[arg-type]
    if found.taken_back > (found.recovered or 0):
        raise CheckFailed("an effort cannot give back more than it brought")
    if min(found.recovered or 0, found.taken_back, found.shifted, found.patient_paid) < 0 or (found.hours or 0.0) < 0:
        raise CheckFailed("an amount or the hours of an effort would fall below nothing")
    return found


def restated(effort: Effort, *, known_on: date, source: str) -> list[Event]:
    """Return the events that state an effort as a whole."""
    words = {name: getattr(effort, name) for name in _LATEST}
    sums = {"cents": effort.recovered or 0, "shifted": effort.shifted, "patient_paid": effort.patient_paid, "hours": effort.hours or 0.0}
    words["worked_on"] = effort.worked_on
    stated = Event(effort.writeoff_id, effort.effort_id, Kind.CORRECTED, known_on, source, **sums, **words)  # type: ignore[arg-type]
    if not effort.taken_back:
        return [stated]
    return [stated, Event(effort.writeoff_id, effort.effort_id, Kind.TAKEN_BACK, known_on, source, cents=-effort.taken_back)]


def fold(events: Iterable[Event], *, as_of: date | None = None) -> Effort | None:
    """Return the effort that its events add up to on the morning of a day (None: now); None if nothing was known.

    Events are in the order in which they were added.
    """
    effort: Effort | None = None
    for event in events:
        if as_of is None or event.known_on < as_of:
            effort = None if event.is_void else add(effort, event)
    return effort
