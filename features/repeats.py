"""Postings made twice: the same write-off of the same claim line, posted again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch, first_rows
from features.codes.combinations import distinct
from features.money import NULL


def repeated_rows(batch: Batch, is_reversed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Return a mask of later copies of a posting; None if there is none.

    A copy has client, payer, claim, line, group, CARC, remarks, own code, amount and place in the remittance of an earlier row: what
    a remittance says twice, in two segments, was no slip of the ledger. The row posted first is no copy, nor are rows that were
    reversed, whole-claim rows (two lines may look alike), rows of no amount, and what was carried over to another account or system,
    which is no second write-off.
    """
    if len(batch) < 2:
        return None
    columns = batch.columns
    amount, line = columns["writeoff_amount"], columns["line_number"]
    may_be = (amount > 0) & (line != NULL)
    for kind in ("transfer", "conversion"):
        if (code := batch.vocabulary.find("posting_kind", kind)) >= 0:
            may_be &= columns["posting_kind"] != code
    if is_reversed is not None:
        may_be &= ~is_reversed
    rows = np.flatnonzero(may_be)
    claim = batch.claims[rows]
    rows, claim = rows[claim >= 0], claim[claim >= 0]
    names = ("client_id", "payer_id", "group_code", "carc", "rarcs", "adjustment_code")
    rows = _shared([claim, amount[rows], line[rows]], rows)
    if not len(rows):
        return None
    claim = first_rows(columns["claim_id"][rows])
    file, segment = first_rows(columns["remit_file"][rows]), columns["remit_segment"][rows]
    arrays = [claim, _dense(amount[rows]), _dense(line[rows]), file, _dense(segment), *(columns[name][rows] for name in names)]
    _, place = distinct(arrays)
    order = np.lexsort((rows, columns["writeoff_date"][rows], place))
    is_later = np.r_[False, place[order][1:] == place[order][:-1]]
    mask = np.zeros(len(batch), dtype=np.bool_)
    mask[rows[order][is_later]] = True
    return mask if is_later.any() else None


def _shared(keys: list[NDArray[np.int64]], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows that may share all keys with another: a cheap sieve by a hash, never losing one that does."""
    mixed = np.zeros(len(rows), dtype=np.uint64)
    for key in keys:
        mixed = (mixed ^ key.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    ranked = np.sort(mixed)
    doubled = ranked[1:][ranked[1:] == ranked[:-1]]
    return rows[np.isin(mixed, doubled)] if len(doubled) else rows[:0]


def _dense(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the values numbered without gaps."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)
