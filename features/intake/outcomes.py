"""What the columns of an outcome say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.money import NULL
from features.tables import Array

PAID = ("recovered", "partially_recovered")
"""Statuses that need an amount: without one nobody knows what came, and 0 would teach the model a refusal."""

UNPAID = ("denied", "abandoned", "expired", "upheld_next_level_open")
"""Statuses that say nothing came: a blank recovered_amount is 0 there."""

OPEN = "pending"


def lacks_amount_row(row: Mapping[str, object]) -> bool:
    """Tell whether an outcome must be rejected: it says that money came, and not how much (rule `amount_missing`)."""
    return row["status"] in PAID and row.get("recovered_amount") is None


def review_row(row: dict[str, Any], rows: Counter[tuple[str, str]]) -> None:
    """Complete one outcome and count remarks on it.

    - recovered and partially_recovered have an amount here (see `lacks_amount_row`); settled may lack it.
    - denied, abandoned, expired and upheld_next_level_open with a blank amount get 0. pending stays null.
    - A resolved_date before worked_date, a final status without resolved_date, a pending one with it, dollars that contradict the
      status, and more taken back than came are kept and named: the practice has to look, the row may still be right.
    """
    if row["status"] in UNPAID and row.get("recovered_amount") is None:
        row["recovered_amount"] = 0
    status, recovered, taken = row["status"], row.get("recovered_amount"), row.get("taken_back_amount")
    worked, resolved = row["worked_date"], row.get("resolved_date")
    for remark, column, holds in (
        ("resolved_before_worked", "resolved_date", resolved is not None and resolved < worked),
        ("resolved_without_date", "resolved_date", resolved is None and status != OPEN),
        ("pending_with_date", "resolved_date", resolved is not None and status == OPEN),
        ("denied_with_amount", "recovered_amount", status in UNPAID and (recovered or 0) > 0),
        ("recovered_nothing", "recovered_amount", status in PAID and recovered == 0),
        ("taken_back_more", "taken_back_amount", taken is not None and taken > (recovered or 0)),
    ):
        if holds:
            rows[remark, column] += 1


def lacks_amount(columns: Mapping[str, Array], statuses: list[str]) -> NDArray[np.bool_]:
    """Tell which rows must be rejected, as `lacks_amount_row`; `statuses` are the words of the codes in `columns`."""
    lacking: NDArray[np.bool_] = _among(columns["status"], statuses, PAID) & (columns["recovered_amount"] == NULL)
    return lacking


def review(columns: Mapping[str, Array], statuses: list[str], rows: Counter[tuple[str, str]]) -> None:
    """Complete accepted outcomes in place and count remarks on them; see `review_row`."""
    status, recovered, taken = columns["status"], columns["recovered_amount"], columns["taken_back_amount"]
    unpaid, paid, is_open = _among(status, statuses, UNPAID), _among(status, statuses, PAID), _among(status, statuses, (OPEN,))
    recovered[unpaid & (recovered == NULL)] = 0
    resolved, has_date = columns["resolved_date"], columns["resolved_date"] != NULL
    rows["resolved_before_worked", "resolved_date"] += int((has_date & (resolved < columns["worked_date"])).sum())
    rows["resolved_without_date", "resolved_date"] += int((~has_date & ~is_open).sum())
    rows["pending_with_date", "resolved_date"] += int((has_date & is_open).sum())
    rows["denied_with_amount", "recovered_amount"] += int((unpaid & (recovered > 0)).sum())
    rows["recovered_nothing", "recovered_amount"] += int((paid & (recovered == 0)).sum())
    rows["taken_back_more", "taken_back_amount"] += int(((taken != NULL) & (taken > np.maximum(recovered, 0))).sum())


def _among(codes: Array, words: list[str], wanted: tuple[str, ...]) -> NDArray[np.bool_]:
    is_wanted = np.array([word in wanted for word in words] + [False])
    found: NDArray[np.bool_] = is_wanted[codes]
    return found
