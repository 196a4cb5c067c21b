"""Lists of items: which, in which order, page by page."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from features.errors import BadData, UsageError
from serving.worklist.item import Item

MOST_ROWS = 200
LONGEST_CURSOR = 400


class Which(StrEnum):
    """Which items a list shows."""

    READY = "ready"
    """They wait for somebody to take them, are awake, and their last day has not passed."""
    MINE = "mine"
    """Assigned to whoever asks, or held by them, and not done."""
    FOLLOW_UP = "follow_up"
    """Sent, and the day to ask again has come."""
    CHECKS = "checks"
    """Sample checks that wait."""
    LAPSED = "lapsed"
    """They wait, and their last day has passed."""
    ASLEEP = "asleep"
    """They wait for a day."""
    DRAFTED = "drafted"
    SENT = "sent"
    NEXT_LEVEL = "next_level"
    WON = "won"
    LOST = "lost"
    SKIPPED = "skipped"
    CLOSED = "closed"
    ALL = "all"
    """Every one but those withdrawn."""


class Sort(StrEnum):
    """In which order a list is; equal ones by id."""

    VALUE = "value_per_hour"
    """Net dollars per hour, most first."""
    EXPECTED = "expected_recovery"
    """Dollars expected, most first."""
    DUE = "due"
    """The last day, first first; items without one come last."""
    FOLLOW_UP = "follow_up"
    """The day to ask again, first first."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a list shows.

    Parameters
    ----------
    which, sort
        See `Which` and `Sort`; a list of follow-ups is sorted by their day unless said otherwise.
    payer_id, carc, family, category, remedy, assigned_to, facility_id, project_id, claim_id
        Only these; None: any. `claim_id` is that of a claim or of a write-off, in capitals or not.
    due_before
        Only items whose last day is before it.
    pinned_before
        Only items that go first because their last day is before this one: law, rule, remark or ledger sets it, it has not passed, and
        the item is worth its hours.
    least_expected
        Only items of which at least so many cents are expected.
    size
        Rows of a page, 1 to 200.
    after
        The cursor of the page before; None begins.
    """

    which: Which = Which.READY
    sort: Sort | None = None
    payer_id: str | None = None
    carc: str | None = None
    family: str | None = None
    category: str | None = None
    remedy: str | None = None
    assigned_to: str | None = None
    facility_id: str | None = None
    project_id: str | None = None
    claim_id: str | None = None
    due_before: date | None = None
    pinned_before: date | None = None
    least_expected: int | None = None
    size: int = 50
    after: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MOST_ROWS:
            raise UsageError(f"a page has 1 to {MOST_ROWS} rows, not {self.size}")

    @property
    def order(self) -> Sort:
        """The order that holds."""
        return self.sort or (Sort.FOLLOW_UP if self.which is Which.FOLLOW_UP else Sort.VALUE)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, and the cursor of the next page; None at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all items of a list, not only its page; money in cents."""

    items: int
    written_off: int
    expected: int
    net: int
    hours: float

    def plus(self, written_off: int, expected: int, net: int, hours: float) -> Totals:
        """Return the sums with one more item."""
        return Totals(self.items + 1, self.written_off + written_off, self.expected + expected, self.net + net, self.hours + hours)

    def rounded(self) -> Totals:
        """Return the sums with hours to the hundredth."""
        return replace(self, hours=round(self.hours, 2))


@dataclass(frozen=True, slots=True)
class Week:
    """The queue from its top as far as a week's hours go.

    Parameters
    ----------
    all, paying
        Sums of what the hours reach, and of what of it brings more than it costs.
    stop_below
        Net cents an hour of the last item that is reached; None where the hours are enough for all.
    """

    all: Totals
    paying: Totals
    stop_below: int | None


@dataclass(frozen=True, slots=True)
class Decided:
    """Items that were decided: how many, how many of them brought something, cents expected of them and cents that came, and how many
    were sample checks."""

    items: int
    won: int
    expected: int
    came: int
    checks: int


def place_of(item: Item, sort: Sort) -> int | str:
    """Return the value by which an item stands where it stands."""
    if sort is Sort.VALUE:
        return item.worth.value_per_hour
    if sort is Sort.EXPECTED:
        return item.worth.expected
    day = item.due_on if sort is Sort.DUE else item.follow_up_on
    return (day or date.max).isoformat()


def cursor_of(item: Item, sort: Sort) -> str:
    """Return the cursor of the page after an item.

    >>> from serving.worklist.item import Worth
    >>> cursor = cursor_of(Item("default", "a1", "appeal", Worth("P", value_per_hour=120)), Sort.VALUE)
    >>> read_cursor(cursor, Sort.VALUE)
    (120, 'a1')
    """
    return base64.urlsafe_b64encode(json.dumps([sort.value, place_of(item, sort), item.item_id]).encode()).decode()


def read_cursor(cursor: str, sort: Sort) -> tuple[int | date, str]:
    """Return the place after which a page begins.

    Raises
    ------
    BadData
        When it is no cursor, or one of another order.
    """
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError
        order, place, item_id = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        is_day = sort in (Sort.DUE, Sort.FOLLOW_UP)
        if order != sort.value or not isinstance(item_id, str) or not isinstance(place, str if is_day else int) or isinstance(place, bool):
            raise ValueError
        if isinstance(place, str):
            return date.fromisoformat(place), item_id
        if abs(place) >= 2**63:
            raise ValueError
        return place, item_id
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise BadData("the cursor is none of this list; begin again without one") from None
