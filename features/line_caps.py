"""One cap per claim line over all its postings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.combinations import distinct
from features.money import NULL

_NO_CEILING = 2**62


def share_line_caps(
    batch: Batch,
    cap_cents: NDArray[np.int64],
    ceilings_cents: Sequence[NDArray[np.int64]],
    order: NDArray[np.int64],
    later: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the caps such that those of one claim line together stay below the line's ceiling.

    Parameters
    ----------
    batch
        The write-offs; lines are told apart by client, claim and line number, and a row without a claim stands alone.
    cap_cents
        Each row's own cap; NULL takes nothing.
    ceilings_cents
        What the line can still bring, by one measure or several, of which the least stands; NULL: not known. Of one measure, where
        rows of a line differ, the largest counts.
    order
        Who takes first: the smallest; equal ones by their place in the batch.
    later
        0 for rows known on the morning, else the day that a row was posted on: it takes what is left by those before it, and says nothing
        of what these can bring.
    """
    if len(cap_cents) < 2:
        return cap_cents
    rows = np.flatnonzero(cap_cents > 0)
    claim = batch.claims[rows]
    several = is_shared(claim)
    rows = rows[several]
    if not len(rows):
        return cap_cents
    line = _number_lines(batch, rows, claim[several])
    count = np.bincount(line)
    shared = count[line] > 1
    rows, line = rows[shared], line[shared]
    if not len(rows):
        return cap_cents
    ranked = np.lexsort((rows, order[rows], later[rows], line))
    rows, line = rows[ranked], line[ranked]
    ceiling = np.full(len(rows), _NO_CEILING)
    for measured in ceilings_cents:
        largest = _so_far(measured[rows], line, later[rows])
        ceiling = np.where(largest == NULL, ceiling, np.minimum(ceiling, largest))
    wanted = cap_cents[rows]
    before = np.cumsum(wanted) - wanted
    start = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    before -= np.repeat(before[start], np.diff(np.r_[start, len(line)]))
    shares = cap_cents.copy()
    shares[rows] = np.clip(ceiling - before, 0, wanted)
    return shares


def _so_far(values: NDArray[np.int64], line: NDArray[np.intp], later: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the largest value of each row's line among rows of its day and of days before; rows stand by line and day.

    >>> _so_far(np.array([3, 5, 9, 1, 2]), np.array([0, 0, 0, 1, 1]), np.array([0, 0, 7, 0, 8])).tolist()
    [5, 5, 9, 1, 2]
    """
    starts = np.flatnonzero(np.r_[True, (line[1:] != line[:-1]) | (later[1:] != later[:-1])])
    largest = np.maximum.reduceat(values, starts)
    known, rank = np.unique(largest, return_inverse=True)
    # Ranks of a line lie above all ranks of the line before, so that the running maximum begins anew with each.
    base = line[starts].astype(np.int64) * len(known)
    running = known[np.maximum.accumulate(base + rank.reshape(-1)) - base]
    return np.repeat(running, np.diff(np.r_[starts, len(values)]))


def is_shared(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where a number (-1: none) is that of another row too."""
    many: NDArray[np.bool_] = (np.bincount(numbers + 1) > 1)[numbers + 1]
    return many & (numbers >= 0)


def _number_lines(batch: Batch, rows: NDArray[np.intp], claim: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the number of each row's claim line; `claim` is the number of its claim."""
    columns = batch.columns
    _, line = np.unique(columns["line_number"][rows], return_inverse=True)
    return distinct([claim, line.astype(np.int64), columns["client_id"][rows]])[1]
