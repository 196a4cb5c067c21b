"""A list of work items as a table for CSV and XLSX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from features.codes.tables import Codes
from features.money import NULL
from features.tables import Kind
from serving.web.lists import DECIDED, reason_of
from serving.web.words import ACTIONS, STATE_WORDS, spoken
from serving.worklist.item import Item

MONEY = ("expected_recovery", "came_in", "writeoff_amount", "recoverable_amount", "value_per_hour")
KINDS = dict.fromkeys(MONEY, Kind.MONEY)


def table_of(listed: Sequence[Item], names: Mapping[str, str], codes: Codes, came: Mapping[str, int] | None = None) -> dict[str, list[Any]]:
    """Return items as columns; money in cents, days as text, what is unknown as None, or NULL of money.

    Parameters
    ----------
    listed, names, codes
        The items, how people are called, and meanings of codes.
    came
        Cents that came in by item; None where that was not looked up, and then there is no such column.

    Examples
    --------
    >>> from serving.worklist.item import Worth
    >>> table = table_of([Item("c", "i1", "appeal", Worth("ACME", "C7", carc="50", expected=12_300))], {}, Codes.load())
    >>> table["what_to_do"], table["claim_id"], table["expected_recovery"], table["assigned_to"]
    (['Appeal'], ['C7'], [12300], [None])
    """

    def meaning(item: Item) -> str | None:
        known = codes.carc(item.worth.carc) if item.worth.carc else None
        return known.meaning if known else None

    def in_all(item: Item) -> int:
        return (came or {}).get(item.item_id, 0) if item.state in DECIDED else NULL

    columns: dict[str, Callable[[Item], Any]] = {
        "item_id": lambda item: item.item_id,
        "claim_id": lambda item: item.worth.claim_id,
        "payer_id": lambda item: item.worth.payer_id,
        "carc": lambda item: item.worth.carc,
        "why_it_was_not_paid": meaning,
        "what_to_do": lambda item: ACTIONS.get(item.remedy, spoken(item.remedy)),
        "state": lambda item: STATE_WORDS[item.state.value],
        "asleep_until": lambda item: item.snoozed_until.isoformat() if item.snoozed_until else None,
        "decided_on": lambda item: item.decided_on.isoformat() if item.decided_on and item.state in DECIDED else None,
        "reason": lambda item: reason_of(item) or None,
        "expected_recovery": lambda item: item.worth.expected,
        **({} if came is None else {"came_in": in_all}),
        "recoverable_amount": lambda item: item.worth.recoverable,
        "writeoff_amount": lambda item: item.worth.written_off,
        "recovery_probability": lambda item: round(item.worth.probability, 3),
        "expected_hours": lambda item: round(item.worth.hours, 2),
        "value_per_hour": lambda item: item.worth.value_per_hour,
        "last_day": lambda item: item.due_on.isoformat() if item.due_on else None,
        "last_day_source": lambda item: item.due_source,
        "sent_on": lambda item: item.sent_on.isoformat() if item.sent_on else None,
        "ask_again_on": lambda item: item.follow_up_on.isoformat() if item.follow_up_on else None,
        "assigned_to": lambda item: names.get(item.assigned_to, item.assigned_to) if item.assigned_to else None,
        "writeoffs": lambda item: item.worth.writeoffs,
        "as_of": lambda item: item.worth.as_of.isoformat(),
    }
    return {name: [value(item) for item in listed] for name, value in columns.items()}
