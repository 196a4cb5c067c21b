"""Which item a turn offers, and the chance that the policy gave it.

Sample checks are drawn by lot when an item first comes into the queue: each with the same chance, whatever it is worth. A turn offers
one of those drawn with a set chance, in an order that is random too, and else the best item. So the items drawn that were worked say
what items are like that nobody would have picked (`docs/worklist.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from serving.worklist.policy import Policy

Draw: TypeAlias = Callable[[], float]
"""Returns a random number in [0, 1)."""


class How(StrEnum):
    """How an item was chosen."""

    GREEDY = "greedy"
    """By the order of the queue."""
    LOT = "lot"
    """As a sample check."""
    PERSON = "person"
    """By somebody, from a list."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One item that was offered, and the chance of that.

    Parameters
    ----------
    how
        How it was chosen.
    chance
        Chance in (0, 1] that the policy chose this item at this turn; None where a person did.
    waiting
        Sample checks that waited at this turn.
    """

    how: How
    chance: float | None
    waiting: int = 0


def is_sample_turn(policy: Policy, waiting: int, draw: Draw) -> bool:
    """Tell whether this turn offers a sample check; never while none waits."""
    return waiting > 0 and draw() < policy.sample_turn


def chance_of(policy: Policy, *, waiting: int, is_drawn: bool, is_best: bool) -> float:
    """Return the chance that a turn offers an item.

    Parameters
    ----------
    waiting
        Sample checks that wait.
    is_drawn
        Whether the item is one of them; each is equally likely, because their order is random.
    is_best
        Whether it is first in the order of the queue.

    Examples
    --------
    >>> policy = Policy(sample_turn=0.1)
    >>> [round(chance_of(policy, waiting=4, is_drawn=drawn, is_best=best), 3) for drawn, best in ((1, 0), (0, 1), (1, 1))]
    [0.025, 0.9, 0.925]
    >>> chance_of(policy, waiting=0, is_drawn=False, is_best=True)
    1.0
    """
    turn = policy.sample_turn if waiting else 0.0
    return (turn / waiting if is_drawn else 0.0) + (1.0 - turn if is_best else 0.0)
