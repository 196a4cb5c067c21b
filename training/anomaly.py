"""Fit of what proper contractual postings leave against the usual, and how far they stray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.expected import log_implied
from features.feature import Floats
from features.matrix import Layout
from features.tables import Columns
from models.anomaly import AGREED, DEFAULT_SPREAD, FLAGGED, LOGISTIC, NARROWEST, count_class
from training.trees import fit_trees, predict

LEAST_POSTINGS = 500
_FURTHEST = 3.0
_PSEUDO_POSTINGS = 30.0

_NAMES = (
    "payer_type_code",
    "plan_id_code",
    "network_status_code",
    "facility_id_code",
    "place_of_service_code",
    "specialty_code",
    "claim_type_code",
    "billed_dollars",
    "units_count",
    "usual_count",
)
"""What says how a proper posting looks; never what holds this posting's own write-off, which is what is judged."""


@dataclass(frozen=True, slots=True)
class AnomalyFit:
    """What `models.anomaly.Anomaly` is made of."""

    trees: dict[str, str]
    spread: tuple[float, ...]
    payer_factor: tuple[float, ...]
    facts: Mapping[str, float] = field(default_factory=dict)


def fit_anomaly(matrix: Floats, columns: Columns, layout: Layout, seed: int) -> AnomalyFit:
    """Fit on postings viewed on the morning they came; most are proper, and medians bear the others.

    Parameters
    ----------
    matrix, columns
        Of all postings; those without a contractual ratio to what is proper are left out.
    """
    ratio, is_agreed = log_implied(columns)
    rows = np.flatnonzero(~np.isnan(ratio) & (np.abs(ratio) < _FURTHEST))
    if len(rows) < LEAST_POSTINGS:
        return AnomalyFit({}, DEFAULT_SPREAD, ())
    x, y, agreed = matrix[rows], ratio[rows], is_agreed[rows]
    trees, median = {}, np.zeros(len(rows))
    if (~agreed).sum() >= LEAST_POSTINGS:
        names = [name for name in layout.names if name in _NAMES]
        booster = fit_trees(
            x[~agreed], y[~agreed], layout, objective="quantile", alpha=0.5, rounds=200, seed=seed, names=names, learning_rate=0.1
        )
        trees["anomaly"] = booster.model_to_string()
        median[~agreed] = predict(booster, x[~agreed])
    stray = np.abs(y - median)
    kind = np.where(agreed, AGREED, count_class(columns["usual_count"][rows]))
    whole = _spread(stray[~agreed]) if (~agreed).any() else DEFAULT_SPREAD[0]
    spread = tuple(_shrunk(stray[kind == k], DEFAULT_SPREAD[k] if k == AGREED else whole) for k in range(AGREED + 1))
    relative, payer = stray / np.array(spread)[kind], columns["payer_id"][rows]
    factor = tuple(_shrunk(relative[payer == code], 1.0) for code in range(int(payer.max()) + 1))
    return AnomalyFit(
        trees, spread, factor, _alarms((median - y) / np.maximum(np.array(spread)[kind] * np.array(factor)[payer], NARROWEST))
    )


def _alarms(stray: Floats) -> dict[str, float]:
    """Return the share of contractual postings that are called unusual, and the share that is so by leaving as much too much.

    Who mis-posts leaves too little, and proper postings stray both ways, upwards further: about so many alarms are false, at most.
    """
    least = np.log(10.0**FLAGGED - 1.0) / LOGISTIC
    return {"unusual_share": round(float((stray >= least).mean()), 5), "false_alarm_share": round(float((stray <= -least).mean()), 5)}


def _spread(stray: Floats) -> float:
    # 1.4826 x the median absolute deviation is the spread of a normal core, whatever the mis-posted tail does.
    return max(1.4826 * float(np.median(stray)), NARROWEST)


def _shrunk(stray: NDArray[np.float64], common: float) -> float:
    own = _spread(stray) if len(stray) else common
    return max((len(stray) * own + _PSEUDO_POSTINGS * common) / (len(stray) + _PSEUDO_POSTINGS), NARROWEST)
