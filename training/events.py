"""Decided efforts as events of the history; light enough for a service that only follows what became known."""

from __future__ import annotations

import numpy as np

from features.feature import Floats
from features.history import KEYS, Events
from features.money import NULL
from features.tables import Columns
from training.labels import Cases


def make_events(cases: Cases, columns: Columns) -> Events:
    """Return the decided cases as events of the history."""
    decided = np.flatnonzero(cases.decided)
    keys = {name: columns[name][decided] for name in sorted({name for names in KEYS for name in names})}
    fraction = np.nan_to_num(fraction_of(cases, columns)[decided])
    days = cases.resolved_on[decided] - cases.worked_on[decided]
    return Events(cases.resolved_on[decided], keys, cases.recovered[decided], fraction, np.maximum(days, 0), cases.cents[decided])


def fraction_of(cases: Cases, columns: Columns) -> Floats:
    """Return what part of the cap came in, 0 to 1; NaN where the cap is unknown."""
    cap = columns["cap_cents"]
    good = (cap != NULL) & (cap > 0)
    return np.where(good, np.clip(cases.cents / np.where(good, cap, 1), 0.0, 1.0), np.nan)
