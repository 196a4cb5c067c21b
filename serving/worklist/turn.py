"""One turn: the item that somebody is offered next, and the chance that the policy gave it."""

from __future__ import annotations

from serving.worklist.choice import Choice, Draw, How, chance_of, is_sample_turn
from serving.worklist.item import Item
from serving.worklist.policy import Policy
from serving.worklist.shelf import Shelf, Wanted, is_waiting_check


def choose(shelf: Shelf, wanted: Wanted, policy: Policy, draw: Draw) -> tuple[Item, Choice] | None:
    """Return the item of a turn and how it was chosen; None when nothing waits. Who narrows the queue down is offered no sample check."""
    if wanted.is_narrowed:
        found = shelf.best(wanted)
        return (found[0], Choice(How.PERSON, None)) if found else None
    waiting = shelf.waiting_checks(wanted)
    drawn = shelf.next_check(wanted) if is_sample_turn(policy, waiting, draw) else None
    best = shelf.best(wanted)
    item = drawn or (best[0] if best else None)
    if item is None:
        return None
    if drawn is None and item.assigned_to == wanted.subject:
        return item, Choice(How.PERSON, None, waiting)
    is_best = bool(best) and best[0].item_id == item.item_id
    chance = chance_of(policy, waiting=waiting, is_drawn=is_waiting_check(item), is_best=is_best)
    return item, Choice(How.LOT if drawn else How.GREEDY, chance, waiting)
