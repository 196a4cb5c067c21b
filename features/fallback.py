"""What is done with a write-off whose own remedy has lapsed: the next that is open, by its own steps, guards and chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.batch import Batch
from features.codes.meaning import PRIOR_MILLS
from features.codes.steps import STEP_CAUSE, steps_of
from features.codes.tables import FAMILIES, Codes
from features.deadlines import Deadlines, thin
from features.rowwise import Flags, as_type, is_any, least, pick, put, rows_where, take, where
from features.standing import judge_sending
from features.tables import Array
from features.triage import Triage

_HOPELESS = PRIOR_MILLS["none"] / 1000.0

CLERICAL = ("coding", "provider_enrollment", "by_rarc", "unknown")
"""Families whose reopening puts an error of data right, which asks for no cause (42 CFR 405.980(c)(3))."""
# What was refused as late was not decided: an exception is asked for, not a reopening for cause (42 CFR 424.44(b)).
_IS_FOR_CAUSE = np.array([name not in (*CLERICAL, "timely_filing") for name in FAMILIES])


def fall_back(batch: Batch, triage: Triage, dated: Deadlines, codes: Codes) -> Triage:
    """Return triage in which each row has the remedy that is open of it; of a row whose own is open, or that has none, nothing changes.

    What the row is, what is believed of its codes and what it can bring at most does not depend on the remedy; that its own day has passed
    lowers the chance as it does of every row (`models.prior`). A reopening that needs good cause is offered, since only where nothing is
    open may a row be left out; but it is believed hopeless until outcomes say otherwise: hardly any row has the new evidence that it takes
    (42 CFR 405.986).

    Parameters
    ----------
    batch, triage, dated
        Write-offs, what triage said of them, and `deadlines` of the same rows.
    codes
        The code tables.
    """
    has_moved = dated.has_moved
    if not is_any(has_moved):
        return triage
    rows = rows_where(has_moved)
    remedy, family = pick(dated.remedy, rows), pick(triage.family, rows)
    is_for_cause = needs_cause(pick(dated.level, rows), family)
    step = take(steps_of(codes).array, as_type(remedy, np.int64) * len(FAMILIES) + family)
    step = where(is_for_cause, STEP_CAUSE, where(remedy == pick(dated.own_remedy, rows), pick(triage.next_step, rows), step))
    _, step, refused, asked = judge_sending(thin(batch, rows), pick(triage.payer_type, rows), remedy, step)
    rate = pick(triage.prior_rate, rows)
    rate = where(is_for_cause, least(rate, _HOPELESS), rate)
    return replace(
        triage,
        remedy=dated.remedy,
        prior_rate=put(triage.prior_rate, rows, rate),
        next_step=put(triage.next_step, rows, as_type(step, np.int16)),
        refused=put(triage.refused, rows, refused),
        asked=put(triage.asked, rows, asked),
    )


def needs_cause(level: Array, family: Array) -> Flags:
    """Return where what is open of a row whose own remedy has lapsed asks for good cause: the second reopening in Medicare.

    >>> from features.codes.meaning import FAMILY
    >>> families = [FAMILY[name] for name in ("medical_necessity", "medical_necessity", "coding")]
    >>> needs_cause(np.array([1, 2, 2]), np.array(families)).tolist()
    [False, True, False]
    """
    found: Flags = (level > 1) & take(_IS_FOR_CAUSE, family)
    return found
