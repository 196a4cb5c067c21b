"""What became known since a model's data cut, as tables that its history is brought up to the day with."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import func, select

from features.batch import Batch
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from serving.store import efforts, writeoffs
from serving.store.outcomes import outcomes_of
from serving.store.rows import EPOCH, batch_of
from serving.store.store import Unit

AT_ONCE = 1_000


def last_event(unit: Unit, *, before: date) -> int:
    """Return the number of the latest outcome event that was known before a day; 0 where there is none.

    It grows with each such event. What becomes known on the day itself, as all that people write down on it, leaves it as it is.
    """
    c = efforts.events.c
    latest = select(c.sequence).where(c.known_on < before).order_by(c.sequence.desc()).limit(1)
    return unit.connection.execute(latest).scalar() or 0


def last_events(unit: Unit, *, before: date) -> dict[str, int]:
    """Return the same of each client that has any."""
    c = efforts.events.c
    found = select(c.client_id, func.max(c.sequence)).where(c.known_on < before).group_by(c.client_id).order_by(c.client_id)
    return {client: last for client, last in unit.connection.execute(found)}


def news_of(unit: Unit, client_id: str, vocabulary: Vocabulary, *, since: date, as_of: date) -> tuple[Batch, Batch]:
    """Return the efforts of a client that were decided from one morning to another, and the write-offs they were on.

    Parameters
    ----------
    vocabulary
        Words of both tables; it grows by what is new.
    since, as_of
        An effort counts that became known on or after `since` and before `as_of`.
    """
    outcomes = outcomes_of(unit, client_id, vocabulary, as_of=as_of, since=since)
    fresh = np.flatnonzero(outcomes.columns["resolved_date"] >= (since - EPOCH).days)
    outcomes = outcomes.take(fresh)
    ids = sorted(set(outcomes.columns["writeoff_id"].tolist()))
    rows: list[dict[str, Any]] = []
    for first in range(0, len(ids), AT_ONCE):
        rows += writeoffs.find(unit, client_id, ids[first : first + AT_ONCE]).values()
    return batch_of(rows, WRITEOFFS, vocabulary), outcomes
