"""Outcomes that became known after a model's data cut, as the events that its history takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.batch import Batch
from features.tables import Columns

if TYPE_CHECKING:
    from features.history import Events
    from features.view import Viewer
    from models.scorer import Scorer


def prepare(scorer: Scorer, ledger: Batch, outcomes: Batch | None, day: int) -> None:
    """Let a scorer see what became known since its data cut: usual allowed amounts without a model, outcomes where they are given."""
    from models.scorer import PRIOR

    if scorer.version == PRIOR:
        scorer.learn_usual(ledger, until=day)
    add_outcomes(scorer, ledger, outcomes, day)


def add_outcomes(scorer: Scorer, ledger: Batch, outcomes: Batch | None, day: int) -> None:
    """Bring a scorer's history up to the morning of a day by the efforts on these write-offs, coded in one vocabulary."""
    if outcomes is not None and len(outcomes):
        scorer.advance(events_of(scorer.viewer, ledger, outcomes, as_of=day), until=day)


def events_of(viewer: Viewer, ledger: Batch, outcomes: Batch, *, as_of: int) -> Events:
    """Return the efforts on these write-offs that were decided before a morning.

    Parameters
    ----------
    viewer
        Says what each write-off was on the day it was worked; it is left as it is.
    ledger, outcomes
        In one vocabulary.
    as_of
        Morning by which they were known (days since 1970-01-01).
    """
    from training.events import make_events
    from training.labels import cases_as_of

    cases, _ = cases_as_of(ledger, outcomes, as_of)
    decided = cases.take(np.flatnonzero(cases.decided))
    columns: Columns = {}
    for day in np.unique(decided.worked_on).tolist():
        rows = np.flatnonzero(decided.worked_on == day)
        viewed = viewer.serve(ledger.take(decided.row[rows]), day).columns
        for name, values in viewed.items():
            columns.setdefault(name, np.empty(len(decided), dtype=values.dtype))[rows] = values
    return make_events(decided, columns or viewer.serve(ledger.take(decided.row), as_of).columns)
