"""Outcomes that a client's store learns after a model's data cut."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
from sqlalchemy import insert

from serving.store import outcomes, writeoffs
from serving.store.rows import EPOCH, rows_of
from serving.store.store import Store
from tests.practice import AS_OF, Files

TODAY = date(2026, 11, 2)
DAY = (TODAY - EPOCH).days


def tell(store: Store, practice: Files, *, most: int, first: int = 0, client_id: str = "default", worth: int = 1) -> list[str]:
    """Put write-offs and what came of them since the model's cut into the store, as a nightly file would; return their ids.

    Parameters
    ----------
    most, first
        So many of the practice's efforts, from one on.
    worth
        0: every one of them brought nothing.
    """
    columns = practice.outcomes.columns
    fresh = np.flatnonzero((columns["resolved_date"] >= AS_OF) & (columns["resolved_date"] < DAY))[first : first + most]
    said = [outcomes.said_by(row | ({} if worth else LOST)) for row in rows_of(practice.outcomes.take(fresh))]
    place = {name: row for row, name in enumerate(practice.writeoffs.columns["writeoff_id"].tolist())}
    ids = sorted({one.writeoff_id for one in said})
    ledger = rows_of(practice.writeoffs.take(np.array([place[name] for name in ids])))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with store.write() as unit:
        rows = [{**row, "client_id": client_id, "extras": {}, "loaded_at": at} for row in ledger]
        unit.connection.execute(insert(writeoffs.writeoffs), rows)
        for day in sorted({one.resolved_on for one in said if one.resolved_on is not None}):
            outcomes.record(unit, client_id, [one for one in said if one.resolved_on == day], source="file", today=day, at=at, by="test")
    return ids


LOST = {"status": "denied", "recovered_amount": 0, "taken_back_amount": 0}
