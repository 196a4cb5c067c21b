"""How fast answers come: the share of recoveries and of refusals that are known by an age, for each payer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.batch import Batch
from features.feature import Floats
from training.labels import Cases

AGES = (30, 60, 90, 120, 180)
"""Days since the work began."""

PSEUDO_CASES = 30.0
"""A payer's own curve counts as its cases, the curve of all payers as this many."""

LEAST_AT_RISK = 25
_LEAST_OWN = 10


def share_by(delay: Floats, age: Floats, at: Floats, *, least_at_risk: int = LEAST_AT_RISK) -> Floats:
    """Return the share of efforts that end within some days, from efforts that all have ended.

    An effort is seen only if its delay was shorter than its age, so young efforts show quick answers alone: the share is the
    product-limit estimate for such right-truncated delays, and is of those that end within the longest age seen.

    Parameters
    ----------
    delay, age
        Days, delay <= age (n).
    at
        Days to tell the share for.
    least_at_risk
        Cases that must speak for a time of the curve.

    Returns
    -------
    Floats
        0 to 1, ascending in `at`; 1 where there are no cases.

    Examples
    --------
    Old efforts say that half take ten days.

    >>> share_by(np.array([2., 10., 2., 10., 2.]), np.array([90., 90., 90., 90., 5.]), np.array([1., 5., 10.]), least_at_risk=1).tolist()
    [0.0, 0.5, 1.0]

    References
    ----------
    Lynden-Bell 1971, run backwards in time; see `training.labels.resolved_by`, which tells the same curve at the cases' own ages.
    """
    if not len(delay):
        return np.ones(len(at))
    times, events = np.unique(delay, return_counts=True)
    at_risk = np.searchsorted(np.sort(delay), times, side="right") - np.searchsorted(np.sort(age), times, side="left")
    keep = np.where(at_risk >= least_at_risk, 1.0 - events / np.maximum(at_risk, 1), 1.0)
    # The earliest time of a class always has all its events at risk: what lies before it is nothing.
    later = np.append(np.cumprod(np.where(keep > 0, keep, 1.0)[::-1])[::-1][1:], 1.0)
    place = np.searchsorted(times, at, side="right") - 1
    return np.where(place >= 0, later[np.maximum(place, 0)], 0.0)


def class_shares(cases: Cases, as_of: int, age: Floats) -> tuple[Floats, Floats]:
    """Return the share of refusals and of recoveries that are known at each age, over all payers; at least .01."""
    lost, won = (
        np.maximum(share_by(*_delays(cases.take(cases.decided & (cases.recovered == kind)), as_of), age), 0.01) for kind in (False, True)
    )
    return lost, won


def maturity(writeoffs: Batch, cases: Cases, as_of: int) -> dict[str, Any]:
    """Return the share of recoveries and refusals known by 30 to 180 days, for all and for each payer.

    Parameters
    ----------
    writeoffs, cases
        Efforts on these write-offs, as known on the morning of `as_of`.

    Returns
    -------
    dict
        `ages`, `all` and `payers` (most cases first): for each class its count, shares by age, and whether the payer's own cases
        speak for more than half.
    """
    at = np.array(AGES, dtype=np.float64)
    done = cases.take(cases.decided)
    base = {kind: share_by(*_delays(done.take(done.recovered == kind), as_of), at) for kind in (True, False)}
    payer = writeoffs.columns["payer_id"][done.row]
    codes, count = np.unique(payer, return_counts=True)
    names = writeoffs.vocabulary.decode("payer_id", codes)
    order = sorted(range(len(codes)), key=lambda i: (-int(count[i]), str(names[i])))
    return {
        "ages": list(AGES),
        "longest_age_days": int((as_of - 1 - done.worked_on).max()) if len(done) else 0,
        "all": {_CLASS[kind]: _told(int((done.recovered == kind).sum()), base[kind]) for kind in (True, False)},
        "payers": [{"payer": names[i], **_of_payer(done.take(payer == codes[i]), as_of, at, base)} for i in order],
    }


_CLASS = {True: "recoveries", False: "refusals"}


def _of_payer(cases: Cases, as_of: int, at: Floats, base: Mapping[bool, Floats]) -> dict[str, Any]:
    return {_CLASS[kind]: _drawn(cases.take(cases.recovered == kind), as_of, at, base[kind]) for kind in (True, False)}


def _drawn(cases: Cases, as_of: int, at: Floats, base: Floats) -> dict[str, Any]:
    """Return a payer's shares, drawn to those of all payers while its cases are few."""
    own = share_by(*_delays(cases, as_of), at, least_at_risk=_LEAST_OWN) if len(cases) >= _LEAST_OWN else base
    weight = len(cases) / (len(cases) + PSEUDO_CASES)
    return _told(len(cases), weight * own + (1.0 - weight) * base) | {"mostly_own": weight > 0.5}


def _told(count: int, shares: Floats) -> dict[str, Any]:
    return {"count": count, "shares": [round(float(s), 4) for s in shares] if count or shares.any() else None}


def _delays(cases: Cases, as_of: int) -> tuple[Floats, Floats]:
    return (cases.resolved_on - cases.worked_on).astype(np.float64), (as_of - 1 - cases.worked_on).astype(np.float64)
