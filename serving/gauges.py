"""What is told of the store when counts are read: how much waits, how old the scores are, what failed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Protocol

from features.errors import RecoupError
from serving.store import depths
from serving.store.store import Store

STATES = ("queued", "running", "done", "failed")


class Gauge(Protocol):
    """Sets a gauge anew; `serving.api.metrics.Metrics.gauge` is one."""

    def __call__(self, name: str, meaning: str, values: Iterable[tuple[dict[str, str], float]]) -> None:
        """Set it."""


def fill(gauge: Gauge, store: Store, today: date) -> None:
    """Set the gauges of the store; when it does not answer, only that."""
    try:
        with store.read() as unit:
            items, jobs, scored_on = depths.items_by_state(unit), depths.jobs_by_state(unit), depths.oldest_scores(unit)
        is_up = 1.0
    except RecoupError:
        items, jobs, scored_on, is_up = {}, {}, None, 0.0
    gauge("recoup_database_up", "Whether the store answers.", [({}, is_up)])
    states = items or {"open": 0}
    gauge("recoup_queue_depth", "Work items by state.", [({"state": state}, count) for state, count in states.items()])
    gauge("recoup_jobs", "Jobs by state.", [({"state": state}, jobs.get(state, 0)) for state in STATES])
    if scored_on is not None:
        age = (today - scored_on).days
        gauge("recoup_score_age_days", "Days since the morning of the oldest scores that are a client's latest.", [({}, age)])


def fill_drift(gauge: Gauge, result: Path) -> None:
    """Set the gauges of the latest look at drift (`recoup drift`); none before the first."""
    try:
        told = json.loads(result.read_bytes())
        alarms, psi = len(told["alarms"]), max((row["psi"] for row in told["moved"]), default=0.0)
    except (OSError, ValueError, KeyError, TypeError):
        return
    gauge("recoup_drift_alarms", "Alarms that rang at the latest look at drift.", [({}, alarms)])
    gauge("recoup_drift_largest_psi", "The largest shift of a feature, as a population stability index.", [({}, float(psi))])
