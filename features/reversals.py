"""Which write-offs of a batch were reversed, and which rows reversed them."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.batch import Batch
from features.money import NULL
from features.rowwise import is_any
from features.tables import Array

_Key: TypeAlias = tuple[object, ...]


def reversed_rows(batch: Batch, as_of: int | NDArray[np.int64] | None = None) -> NDArray[np.bool_] | None:
    """Return a mask of reversals and of what they reverse; None if the batch has no reversal.

    A reversal is a row of kind `reversal`, of negative amount, or one that names another posting. It reverses the posting it
    names, else the first open one of the same client, claim, line, code and amount that was not posted after it; never across
    claims. What was posted on the day `as_of` or later reverses nothing but what was posted on that day or later too: each row is seen
    with what was known on that morning, or, if it came later, on its own day. Without a day all postings are known.
    """
    is_reversal = _are_reversals(batch)
    if not is_any(is_reversal):
        return None
    if len(batch) == 1:
        return is_reversal
    dates = batch.columns["writeoff_date"]
    seen_until = np.full(len(batch), _ALWAYS) if as_of is None else np.maximum(as_of - 1, dates)
    mask = is_reversal.copy()
    matched = _match_named(batch, is_reversal, seen_until, mask)
    _match_first_in_first_out(batch, is_reversal, matched, seen_until, mask)
    return mask


def _are_reversals(batch: Batch) -> NDArray[np.bool_]:
    amount = batch.columns["writeoff_amount"]
    is_reversal: NDArray[np.bool_] = (amount < 0) & (amount != NULL)
    kind = batch.vocabulary.find("posting_kind", "reversal")
    if kind >= 0:
        is_reversal |= batch.columns["posting_kind"] == kind
    is_reversal |= _is_named(batch.columns["reverses_writeoff_id"])
    return is_reversal


def _is_named(names: Array) -> NDArray[np.bool_]:
    """Return where a posting is named; an array is told apart from None only as an array."""
    named: NDArray[np.bool_] = names != _NOBODY if isinstance(names, np.ndarray) else names is not None
    return named


_NOBODY = np.array(None)
_ALWAYS = np.iinfo(np.int64).max


def _match_named(batch: Batch, is_reversal: NDArray[np.bool_], seen_until: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the postings that reversals name; return the reversals that are done with."""
    names = batch.columns["reverses_writeoff_id"]
    done: NDArray[np.bool_] = is_reversal & _is_named(names)
    if done.any():
        # Of several that name one posting the first is found: the earliest.
        naming = np.flatnonzero(done)[np.argsort(batch.columns["writeoff_date"][done], kind="stable")]
        place = pc.index_in(batch.texts("writeoff_id"), value_set=pa.array(names[naming], pa.string()), skip_nulls=True)
        rows, by = np.flatnonzero(np.asarray(place.is_valid())), naming[np.asarray(place.drop_null())]
        mask[rows[batch.columns["writeoff_date"][by] <= seen_until[rows]]] = True
    return done


def _match_first_in_first_out(
    batch: Batch, is_reversal: NDArray[np.bool_], matched: NDArray[np.bool_], seen_until: NDArray[np.int64], mask: NDArray[np.bool_]
) -> None:
    """Mark what the reversals without a name reverse."""
    claims, dates = batch.columns["claim_id"], batch.columns["writeoff_date"]
    asking = [row for row in np.flatnonzero(is_reversal & ~matched).tolist() if claims[row] is not None]
    if not asking:
        return
    is_wanted = np.zeros(len(claims), dtype=np.bool_)
    is_wanted[batch.claims[asking]] = True
    rows = np.flatnonzero((batch.claims >= 0) & is_wanted[batch.claims]).tolist()
    rows.sort(key=lambda row: (int(dates[row]), row))
    open_rows: dict[_Key, deque[int]] = {}
    for row in rows:
        if not is_reversal[row] and not mask[row]:
            open_rows.setdefault(_key(batch, row), deque()).append(row)
    for row in sorted(asking, key=lambda row: (int(dates[row]), row)):
        waiting = open_rows.get(_key(batch, row))
        if waiting and dates[waiting[0]] <= dates[row]:
            reversed_one = waiting.popleft()
            mask[reversed_one] |= dates[row] <= seen_until[reversed_one]


def _key(batch: Batch, row: int) -> _Key:
    """Return client, claim, line, code and size of a posting; the code is the CARC, else the practice's own."""
    columns = batch.columns
    carc = int(columns["carc"][row])
    code = ("carc", carc) if carc >= 0 else ("own", int(columns["adjustment_code"][row]))
    amount = int(columns["writeoff_amount"][row])
    size = None if amount == NULL else abs(amount)
    if size is None:
        return (row,)  # An unknown amount matches nothing.
    return int(columns["client_id"][row]), columns["claim_id"][row], int(columns["line_number"][row]), code, size
