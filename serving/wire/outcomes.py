"""Outcomes that programs state."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from serving.store.outcomes import Recorded
from serving.wire.fields import Asked, Told

MOST_OUTCOMES = 1_000


class OutcomesAsked(Asked):
    """Outcomes in the columns of the data dictionary; each states an effort as a whole, and what is news of it is recorded."""

    outcomes: Annotated[list[dict[str, str | int | bool | None]], Field(min_length=1, max_length=MOST_OUTCOMES)]


class OutcomesTold(Told):
    """How many outcomes were stated, events were news, and items changed for them."""

    stated: int
    events: int
    items: int

    @classmethod
    def of(cls, found: Recorded) -> Self:
        """Return what was recorded as it is told."""
        return cls(stated=found.stated, events=found.events, items=found.items)
