"""Acts on items: in which states each may be done, why an item is left, and what whoever does one may say of days and hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from features.errors import UsageError
from serving.worklist.item import State
from serving.worklist.since import Since

LONGEST_SNOOZE, LONGEST_FOLLOW_UP = 180, 365
MOST_HOURS = 1000.0

SKIP_REASONS = {
    "not_recoverable": "the payer owes nothing here",
    "not_worth_it": "it would cost more than it brings",
    "documents_missing": "papers that are needed cannot be had",
    "wrong_remedy": "another step is needed than the one proposed",
    "already_worked": "somebody has worked it elsewhere",
    "patient_matter": "it concerns the patient, not the payer",
    "other": "something else; say what in a note",
}
"""Why an item is skipped or closed."""

LOSS_REASONS = {
    "payer_right": "the payer is right",
    "no_level_left": "there is no next level",
    "not_worth_it": "the next level would cost more than it brings",
    "documents_missing": "papers that are needed cannot be had",
}
"""Why a refusal is not taken to the next level."""

MOVES: Mapping[str, tuple[tuple[State, ...], State]] = {
    "draft": ((State.OPEN, State.NEXT_LEVEL), State.DRAFTED),
    "send": ((State.OPEN, State.NEXT_LEVEL, State.DRAFTED), State.SENT),
    "follow_up": ((State.SENT,), State.SENT),
    "win": ((State.OPEN, State.NEXT_LEVEL, State.DRAFTED, State.SENT), State.WON),
    "lose": ((State.OPEN, State.NEXT_LEVEL, State.DRAFTED, State.SENT), State.LOST),
    "next_level": ((State.SENT, State.LOST, State.WON), State.NEXT_LEVEL),
    "skip": ((State.OPEN, State.NEXT_LEVEL, State.DRAFTED), State.SKIPPED),
    "close": ((State.OPEN, State.NEXT_LEVEL, State.DRAFTED, State.SENT), State.CLOSED),
    "snooze": ((State.OPEN, State.NEXT_LEVEL), State.OPEN),
    "wake": ((State.OPEN, State.NEXT_LEVEL), State.OPEN),
    "take_back": ((State.WON,), State.WON),
    "pay_again": ((State.WON,), State.WON),
    "reopen": ((State.SKIPPED, State.CLOSED, State.LOST), State.OPEN),
}
"""Each act, the states in which it may be done, and the state after it (a snooze and its end keep the state)."""

STORY = {
    "draft": "drafted",
    "send": "sent",
    "follow_up": "asked",
    "win": "won",
    "lose": "lost",
    "next_level": "next_level",
    "skip": "skipped",
    "close": "closed",
    "take_back": "taken_back",
    "pay_again": "paid",
    "reopen": "reopened",
}
"""How an item's story names an act."""


def check_reason(reason: str) -> str:
    """Return a reason of `SKIP_REASONS`.

    >>> check_reason("bored")
    Traceback (most recent call last):
    features.errors.UsageError: the reason is one of not_recoverable, not_worth_it, ...
    """
    if reason not in SKIP_REASONS:
        raise UsageError(f"the reason is one of {', '.join(SKIP_REASONS)}")
    return reason


def check_loss(reason: str) -> str | None:
    """Return a reason of `LOSS_REASONS`, or None where none was given."""
    if reason and reason not in LOSS_REASONS:
        raise UsageError(f"the reason is one of {', '.join(LOSS_REASONS)}")
    return reason or None


def check_ahead(what: str, day: date, most: int, *, today: date) -> date:
    """Return a day that is ahead, by so many days at most.

    >>> check_ahead("a snooze", date(2026, 11, 2), 180, today=date(2026, 11, 2))
    Traceback (most recent call last):
    features.errors.UsageError: a snooze is after 2026-11-02 and at most 180 days ahead, not 2026-11-02
    """
    if not 0 < (day - today).days <= most:
        raise UsageError(f"{what} is after {today} and at most {most} days ahead, not {day}")
    return day


def check_past(name: str, day: date | None, *, today: date, since: Since | None = None) -> date:
    """Return a day that was, today where none was given, and not before what it follows on.

    >>> check_past("sent_on", date(2026, 11, 3), today=date(2026, 11, 2))
    Traceback (most recent call last):
    features.errors.UsageError: sent_on is not after 2026-11-02, nor before 1990; 2026-11-03 came
    >>> check_past("sent_on", date(1995, 1, 1), today=date(2026, 11, 2), since=Since(date(2024, 8, 9), "the day of its remittance"))
    Traceback (most recent call last):
    features.errors.UsageError: sent_on is not before 2024-08-09, the day of its remittance, nor after 2026-11-02; 1995-01-01 came
    """
    found = day or today
    if not date(1990, 1, 1) <= found <= today:
        raise UsageError(f"{name} is not after {today}, nor before 1990; {found} came")
    if since is not None and found < min(since.day, today):
        raise UsageError(f"{name} is not before {since.day}, {since.what}, nor after {today}; {found} came")
    return found


def check_hours(hours: float) -> float:
    """Return hours that may have been spent."""
    if not 0.0 <= hours <= MOST_HOURS:
        raise UsageError(f"hours are from 0 to {MOST_HOURS:g}")
    return hours
