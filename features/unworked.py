"""Payers and codes on which nobody ever worked: what is said of them rests on what is like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.money import NULL

NAMED = 5
"""So many are named in a sentence, those with the most dollars first."""

NO_LOT = "No effort was chosen at random: sums of expected dollars lean on what staff chose to work and may be high."
"""What every report says without exploration."""


def was_by_lot(outcomes: Batch, until: int) -> bool:
    """Return whether any effort begun before a day was chosen at random."""
    c = outcomes.columns
    return bool(((c["explored"] == 1) & (c["worked_date"] < until)).any())


def worked_before(writeoffs: Batch, outcomes: Batch, until: int) -> NDArray[np.int64]:
    """Return the places of the write-offs on which an effort had begun before a day."""
    worked = outcomes.columns["writeoff_id"][outcomes.columns["worked_date"] < until]
    return np.flatnonzero(np.isin(writeoffs.columns["writeoff_id"].astype(str), worked.astype(str)))


def never_worked(writeoffs: Batch, tried: NDArray[np.int64], rows: NDArray[np.int64]) -> dict[str, list[dict[str, Any]]]:
    """Return the payers and CARCs of some write-offs on which no effort had begun, the most dollars first.

    Parameters
    ----------
    writeoffs, tried
        All, and the places of those on which one had.
    rows
        Places of the write-offs that a queue would offer.
    """
    found = {}
    for name, column in (("payers", "payer_id"), ("carcs", "carc")):
        codes = writeoffs.columns[column]
        new = rows[~np.isin(codes[rows], np.unique(codes[tried])) & (codes[rows] >= 0)]
        found[name] = sorted((_unknown(writeoffs, column, code, new) for code in np.unique(codes[new])), key=lambda u: -u["dollars"])
    return found


def blind_spots(unknown: Mapping[str, Sequence[Mapping[str, Any]]], until: int) -> list[str]:
    """Name in sentences the payers and codes that are known only by what is like them."""
    found = []
    for kind, column, noun in (("payers", "payer", "payer"), ("carcs", "carc", "reason code")):
        new = unknown[kind]
        if new:
            names = ", ".join(str(one[column]) for one in new[:NAMED]) + (f" and {len(new) - NAMED} more" if len(new) > NAMED else "")
            rows = sum(one["rows"] for one in new)
            noun += "" if len(new) == 1 else "s"
            day = np.datetime64(until, "D")
            of = f"{rows:,} write-off" + ("" if rows == 1 else "s")
            found.append(f"{len(new)} {noun} never worked before {day} ({names}), on {of}: scores lean on what is alike.")
    return found


def _unknown(writeoffs: Batch, column: str, code: int, rows: NDArray[np.int64]) -> dict[str, Any]:
    c = writeoffs.columns
    there = rows[c[column][rows] == code]
    cents = c["writeoff_amount"][there]
    return {
        column.removesuffix("_id"): writeoffs.vocabulary.decode(column, np.array([code]))[0],
        "rows": len(there),
        "dollars": round(float(np.where(cents == NULL, 0, cents).sum()) / 100.0, 2),
    }
