"""Who may be given an item: people of its client who may work items and see its facility."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from features.errors import UsageError
from serving.access import Identity
from serving.worklist.item import Item

Staff: TypeAlias = Callable[[], Mapping[str, Identity]]
"""Returns the people of the client who may sign in, by subject."""


def nobody() -> Mapping[str, Identity]:
    """Return that no people are known: then nothing is given to anybody."""
    return {}


def fits(person: Identity, item: Item) -> bool:
    """Tell whether somebody may be given an item: who cannot work or see it would leave it lying.

    >>> from serving.access import Role
    >>> from serving.worklist.item import Worth
    >>> item = Item("default", "i1", "appeal", Worth("AETNA", facility_id="F2"))
    >>> ana, ben = (Identity("person:x", "session", Role.WORKER, facilities=frozenset({place})) for place in ("F2", "F1"))
    >>> fits(ana, item), fits(ben, item), fits(Identity("person:vic", "session", Role.VIEWER), item)
    (True, False, False)
    """
    return person.may("queue.work") and person.sees(item.client_id, item.worth.facility_id)


def hands_for(items: Sequence[Item], staff: Mapping[str, Identity]) -> tuple[str, ...]:
    """Return the subjects to whom at least one of some items may be given."""
    return tuple(subject for subject, person in staff.items() if any(fits(person, item) for item in items))


def check_hand(item: Item, to: str, staff: Mapping[str, Identity]) -> None:
    """Return if an item may be given to somebody.

    Raises
    ------
    UsageError
        When there is nobody of that name, they work no items, or do not see this one.
    """
    person = staff.get(to)
    if person is None:
        # What was sent is not said back: people mistype other things into such a field.
        raise UsageError(f"item {item.item_id} is given to somebody of this client who may sign in; there is nobody of that name")
    if not person.may("queue.work"):
        raise UsageError(f"item {item.item_id} is given to somebody who works items; {to} is a {person.role}, who does not")
    if not fits(person, item):
        raise UsageError(
            f"item {item.item_id} is of facility {item.worth.facility_id}, which {to} does not see; give it to somebody who does"
        )
