"""What efforts came to, row by row of the ledger."""

from __future__ import annotations

import numpy as np

from features.money import NULL
from serving.findings.case import Case, Flags

ENDED = frozenset(("recovered", "partially_recovered", "denied", "settled", "expired"))
"""Statuses that say how an effort ended; a pending, abandoned or open one says nothing yet."""


def decided_rows(case: Case) -> tuple[Flags, Flags]:
    """Return the rows whose efforts brought money, and those whose efforts ended."""
    won, ended = np.zeros(len(case), dtype=np.bool_), np.zeros(len(case), dtype=np.bool_)
    if case.efforts is None:
        return won, ended
    c, statuses = case.efforts.columns, case.efforts.words("status")
    for row, status, on, got, back in zip(
        case.effort_rows.tolist(),
        statuses,
        c["resolved_date"].tolist(),
        c["recovered_amount"].tolist(),
        c["taken_back_amount"].tolist(),
        strict=True,
    ):
        if row >= 0 and on != NULL and on < case.as_of and status in ENDED:
            ended[row] = True
            won[row] |= max(got, 0) - max(back, 0) > 0
    return won, ended
