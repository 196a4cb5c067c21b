"""What somebody states of an effort, against what is known of it: the events that make the difference, and none where there is none."""

from __future__ import annotations

from datetime import date

from serving.worklist.events import PENDING, Effort, Event, Kind

NO_EFFORT = "-"
"""The id of an effort that its source does not name."""

WORDS = ("action", "level", "channel", "sent_on", "reference", "follow_up_on")


def differences(known: Effort | None, said: Effort, *, source: str, today: date) -> list[Event]:
    """Return the events that bring what is known of an effort to what is said of it.

    Parameters
    ----------
    known, said
        The effort as it is known, None for a new one, and as a whole as it is said to be. Blank words say nothing new.
    source
        `person`, `remit` or `file`. What a file or a remit says first is known since the day that it names, an end without a day since
        today; so is everything else, and what a remit says was taken back, of which it names no day. A file's take-backs are those of its
        efforts' days, as training reads them.
    today
        The day on the wall.

    Examples
    --------
    >>> from dataclasses import replace
    >>> day = date(2026, 5, 4)
    >>> said = Effort("W1", "E1", date(2026, 4, 1), "recovered", day, recovered=9_000)
    >>> [(event.kind.value, event.cents, str(event.known_on)) for event in differences(None, said, source="remit", today=date(2026, 6, 1))]
    [('stated', 9000, '2026-05-04')]
    >>> differences(said, said, source="remit", today=date(2026, 6, 1))
    []
    >>> back = replace(said, taken_back=9_000)
    >>> [(event.kind.value, event.cents, str(event.known_on)) for event in differences(said, back, source="remit", today=date(2026, 6, 1))]
    [('taken_back', -9000, '2026-06-01')]
    """
    is_first = known is None or known.status == PENDING
    named = said.resolved_on or (said.worked_on if known is None and said.status == PENDING else today)
    known_on = min(named, today) if source != "person" and is_first else today
    before = known if known is not None else Effort(said.writeoff_id, said.effort_id, said.worked_on)
    stated = Event(
        said.writeoff_id,
        said.effort_id,
        Kind.STATED if is_first else Kind.CORRECTED,
        known_on,
        source,
        cents=(said.recovered or 0) - (before.recovered or 0),
        shifted=said.shifted - before.shifted,
        patient_paid=said.patient_paid - before.patient_paid,
        hours=round((said.hours or 0.0) - (before.hours or 0.0), 4) if said.hours is not None else 0.0,
        is_reopened=said.status == PENDING and before.status != PENDING,
        source_effort_id=said.source_effort_id if said.source_effort_id != before.source_effort_id else None,
        **_news(None if known is None else before, said),  # type: ignore[arg-type]
    )
    found = [stated] if known is None or _says_something(stated) else []
    taken = said.taken_back - before.taken_back
    if not taken:
        return found
    taken_on = known_on if known is None and source == "file" else today
    back = Event(said.writeoff_id, said.effort_id, Kind.TAKEN_BACK, taken_on, source, cents=-taken)
    # At no moment is more taken back than came.
    return [*found, back] if taken > 0 else [back, *found]


def _news(before: Effort | None, said: Effort) -> dict[str, object]:
    found = {name: getattr(said, name) for name in WORDS if before is None or getattr(said, name) != getattr(before, name)}
    if before is None or said.worked_on != before.worked_on:
        found["worked_on"] = said.worked_on
    if before is None or said.status != before.status:
        found["status"] = said.status
    if said.resolved_on is not None and (before is None or said.resolved_on != before.resolved_on):
        found["resolved_on"] = said.resolved_on
    return found


def _says_something(event: Event) -> bool:
    words = (*WORDS, "worked_on", "status", "resolved_on", "source_effort_id")
    return any((event.cents, event.shifted, event.patient_paid, event.hours, event.is_reopened)) or any(
        getattr(event, name) is not None for name in words
    )
