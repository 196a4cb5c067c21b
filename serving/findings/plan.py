"""What working the open rows brings, month by month, for teams of different sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.money import NULL
from features.tables import REMEDIES
from serving.findings.efforts import ended_efforts
from serving.findings.opportunity import Opportunity

HOURS_A_MONTH = 130.0
"""Productive hours of one full-time person in a month (practice norm)."""

FINISHED_IN = (12, 6, 3, 1)
"""Months in which the teams that are compared would be through."""
MONTHS = 12
MONTH_DAYS = 30

USUAL_DAYS: Mapping[str, int] = {
    "corrected_claim": 30, "new_claim": 30, "reopening": 45, "bill_secondary": 30, "rebill_other_payer": 30, "cob_update": 45,
    "send_records": 45, "posting_correction": 15, "verify_duplicate": 30,
}  # fmt: skip
"""Days from sending to money where no outcome of the practice says (DOMAIN 3, practice norms); 60 for every other remedy."""

_LEAST_LABELS = 20


@dataclass(frozen=True, slots=True)
class Lags:
    """Days from working a row to its money, by place in `REMEDIES`, and how many recoveries say so (0: a norm)."""

    days: NDArray[np.int64]
    labels: NDArray[np.int64]


def learn_lags(opportunity: Opportunity) -> Lags:
    """Return the median days of each remedy's recoveries, else the norm."""
    days = np.array([USUAL_DAYS.get(name, 60) for name in REMEDIES], dtype=np.int64)
    labels = np.zeros(len(REMEDIES), dtype=np.int64)
    efforts = opportunity.case.efforts
    if efforts is None:
        return Lags(days, labels)
    c = efforts.columns
    won = (c["recovered_amount"] > 0) & (c["resolved_date"] != NULL) & (c["resolved_date"] < opportunity.case.as_of)
    words = efforts.words("action")
    for number, name in enumerate(REMEDIES):
        rows = np.flatnonzero(won & np.array([word == name for word in words], dtype=np.bool_))
        if len(rows) >= _LEAST_LABELS:
            days[number] = int(np.median(c["resolved_date"][rows] - c["worked_date"][rows]))
            labels[number] = len(rows)
    return Lags(days, labels)


def staffing(opportunity: Opportunity, lags: Lags) -> list[dict[str, Any]]:
    """Return what teams of different sizes bring in a year, the best rows first; what no team reaches in time is lost to its deadline."""
    order, worked = _queue(opportunity)
    cost_of_hour = opportunity.costs.hourly
    told = []
    for people in _teams(float(worked.sum())):
        month = np.floor(np.cumsum(worked) / (people * HOURS_A_MONTH)).astype(np.int64)
        cash, used, lost = _year(opportunity, order, worked, month, lags)
        spent = float(used) * cost_of_hour
        told.append(
            {
                "people": people,
                "hours": round(float(used), 1),
                "cash": [round(float(value), 2) for value in cash],
                "cash_in_a_year": round(float(cash.sum()), 2),
                "cost": round(spent, 2),
                "net": round(float(cash.sum()) - spent, 2),
                "lost_to_deadlines": round(float(lost), 2),
            }
        )
    return told


def _teams(hours: float) -> list[float]:
    """Return team sizes in quarters of a person.

    >>> _teams(1040.0)
    [0.75, 1.5, 2.75, 8.0]
    """
    sizes = [max(1, math.ceil(4 * hours / (HOURS_A_MONTH * months))) / 4 for months in FINISHED_IN]
    return list(dict.fromkeys(sizes))


def _queue(opportunity: Opportunity) -> tuple[NDArray[np.int64], Floats]:
    """Return the rows worth working in the order of their rank, and their hours."""
    rows = np.flatnonzero(opportunity.is_worth_it)
    order = rows[np.argsort(opportunity.case.worth["rank"][rows], kind="stable")]
    return order, opportunity.hours[order]


def _year(
    opportunity: Opportunity, order: NDArray[np.int64], worked: Floats, month: NDArray[np.int64], lags: Lags
) -> tuple[Floats, float, float]:
    """Return cash by month, hours used and expected dollars lost to deadlines."""
    case = opportunity.case
    started = case.as_of + month * MONTH_DAYS
    last = opportunity.last_day[order]
    is_late = opportunity.is_firm[order] & (last != NULL) & (last >= case.as_of) & (started > last)
    in_year = month < MONTHS
    expected = case.worth["expected_recovery"][order]
    takes = lags.days[case.view.triage.remedy[order].astype(np.int64)]
    arrives = (started + MONTH_DAYS // 2 + takes - case.as_of) // MONTH_DAYS
    paid = in_year & ~is_late
    now = paid & (arrives < MONTHS)
    cash: Floats = np.bincount(arrives[now], expected[now], MONTHS).astype(np.float64)
    return cash, float(worked[paid].sum()), float(expected[is_late].sum())


def realised(opportunity: Opportunity) -> dict[str, Any]:
    """Return dollars predicted of the efforts that ended, each as of the day it began, beside what came, by quarter of their end.

    A model that was trained on these very outcomes has seen them; the expert's rates have not.
    """
    ended = ended_efforts(opportunity.case)
    if not len(ended):
        return {"efforts": 0, "quarters": []}
    months = ended.resolved_on.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarters, group = np.unique(months // 3, return_inverse=True)
    told = [
        {
            "quarter": f"{1970 + int(q) // 4} Q{int(q) % 4 + 1}",
            "efforts": int((group == i).sum()),
            "predicted": round(float(ended.expected[group == i].sum()), 2),
            "realised": round(float(ended.came[group == i].sum()), 2),
        }
        for i, q in enumerate(quarters.tolist())
    ]
    return {
        "efforts": len(ended),
        "predicted": round(float(ended.expected.sum()), 2),
        "realised": round(float(ended.came.sum()), 2),
        "predicted_by": opportunity.case.scores_by,
        "quarters": told,
    }
