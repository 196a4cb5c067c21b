"""How much of what there is in the store, for whoever watches over the service; counts only, of all clients together."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from serving.store import jobs
from serving.store.items import items
from serving.store.loads import loads
from serving.store.store import Unit


def items_by_state(unit: Unit) -> dict[str, int]:
    """Return how many work items are in each state."""
    counted = unit.connection.execute(select(items.c.state, func.count()).group_by(items.c.state))
    return {str(state): int(count) for state, count in counted}


def jobs_by_state(unit: Unit) -> dict[str, int]:
    """Return how many jobs are in each state."""
    return jobs.depths(unit)


def oldest_scores(unit: Unit) -> date | None:
    """Return the morning of the scores in the queue, of the client whose are oldest; None before anything was loaded."""
    latest = select(func.max(loads.c.as_of).label("as_of")).where(loads.c.ended_at.is_not(None)).group_by(loads.c.client_id).subquery()
    return unit.connection.execute(select(func.min(latest.c.as_of))).scalar()
