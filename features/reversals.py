"""What reversals undid of the write-offs of a batch: which rows are reversed, and how much of the others is still written off."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.batch import Batch
from features.money import NULL
from features.rowwise import is_any
from features.tables import Array

_Key: TypeAlias = tuple[object, ...]


class Undone(NamedTuple):
    """What reversals undid.

    `is_reversed`: the row is a reversal, or was undone whole; `left_cents`: how much of it is still written off, NULL where its amount
    is not known; of a reversed row its own amount.
    """

    is_reversed: NDArray[np.bool_]
    left_cents: NDArray[np.int64]


def undo(batch: Batch, as_of: int | NDArray[np.int64] | None = None) -> Undone | None:
    """Return what the reversals of a batch undid; None if it has no reversal.

    A reversal is a row of kind `reversal`, of negative amount, or one that names another posting. It undoes the posting it names, else
    the first open one of the same client, claim, line, code and amount that was not posted after it; where none has its amount, a part
    of the one of which most is left, if that is enough. Never across claims. A posting of which nothing is left is reversed; one of
    unknown amount, or undone by an unknown amount, is so at once. What was posted on the day `as_of` or later undoes nothing but what
    was posted on that day or later too: each row is seen with what was known on that morning, or, if it came later, on its own day.
    Without a day all postings are known.

    Examples
    --------
    >>> from features.batch import empty_columns
    >>> from features.tables import WRITEOFFS
    >>> from features.vocabulary import Vocabulary
    >>> columns = empty_columns(WRITEOFFS, 2) | {"writeoff_amount": np.array([250_00, -200_00]), "writeoff_date": np.array([5, 6])}
    >>> columns["claim_id"][:] = "C1"
    >>> found = undo(Batch(WRITEOFFS, columns, Vocabulary()))
    >>> found.is_reversed.tolist(), found.left_cents.tolist()
    ([False, True], [5000, -20000])
    """
    is_naming = _is_named(batch.columns["reverses_writeoff_id"])
    is_reversal = is_naming | _are_taken_back(batch)
    if not is_any(is_reversal):
        return None
    amount, dates = batch.columns["writeoff_amount"], batch.columns["writeoff_date"]
    if len(batch) == 1:
        return Undone(is_reversal, amount)
    seen_until = np.full(len(batch), _ALWAYS) if as_of is None else np.maximum(as_of - 1, dates)
    found = Undone(is_reversal.copy(), amount.copy())
    for pairs in (_named, _matched):
        for row, by in pairs(batch, is_reversal, is_naming, found):
            if dates[by] <= seen_until[row]:
                _take(found, row, int(amount[row]), int(amount[by]))
    return found


def _take(found: Undone, row: int, amount: int, by: int) -> None:
    """Take a reversal's amount from what is left of a row."""
    left = int(found.left_cents[row]) - abs(by)
    if amount == NULL or by == NULL or left <= 0:
        found.is_reversed[row], found.left_cents[row] = True, amount
    elif not found.is_reversed[row]:
        found.left_cents[row] = left


def _are_taken_back(batch: Batch) -> NDArray[np.bool_]:
    """Return where kind or sign says that the row is a reversal."""
    amount = batch.columns["writeoff_amount"]
    is_reversal: NDArray[np.bool_] = (amount < 0) & (amount != NULL)
    kind = batch.vocabulary.find("posting_kind", "reversal")
    if kind >= 0:
        is_reversal |= batch.columns["posting_kind"] == kind
    return is_reversal


def _is_named(names: Array) -> NDArray[np.bool_]:
    """Return where a posting is named; an array is told apart from None only as an array."""
    named: NDArray[np.bool_] = names != _NOBODY if isinstance(names, np.ndarray) else names is not None
    return named


_NOBODY = np.array(None)
_ALWAYS = np.iinfo(np.int64).max


def _named(batch: Batch, is_reversal: NDArray[np.bool_], is_naming: NDArray[np.bool_], found: Undone) -> Iterator[tuple[int, int]]:
    """Yield postings with each reversal that names them."""
    naming = np.flatnonzero(is_naming)
    if not len(naming):
        return
    names = pa.array(batch.columns["reverses_writeoff_id"][naming], pa.string()).dictionary_encode()
    by_name: defaultdict[int, list[int]] = defaultdict(list)
    for by, name in zip(naming.tolist(), names.indices.to_pylist(), strict=True):
        by_name[name].append(by)
    place = pc.index_in(batch.texts("writeoff_id"), value_set=names.dictionary, skip_nulls=True)
    for row, name in zip(np.flatnonzero(np.asarray(place.is_valid())).tolist(), place.drop_null().to_pylist(), strict=True):
        for by in by_name[name]:
            yield row, by


def _matched(batch: Batch, is_reversal: NDArray[np.bool_], is_naming: NDArray[np.bool_], found: Undone) -> Iterator[tuple[int, int]]:
    """Yield postings with each reversal without a name that is theirs; what those with a name left is in `found`.

    Day by day, so that no posting changes what was matched before it.
    """
    claims, dates, amount = (batch.columns[name] for name in ("claim_id", "writeoff_date", "writeoff_amount"))
    is_asking = is_reversal & ~is_naming & (amount != NULL)
    asking = [row for row in np.flatnonzero(is_asking).tolist() if claims[row] is not None]
    if not asking:
        return
    is_wanted = np.zeros(len(claims), dtype=np.bool_)
    is_wanted[batch.claims[asking]] = True
    is_open = ~is_reversal & ~found.is_reversed & (amount != NULL) & (batch.claims >= 0) & is_wanted[batch.claims]
    rows = [*np.flatnonzero(is_open).tolist(), *asking]
    rows.sort(key=lambda row: (int(dates[row]), bool(is_asking[row]), row))
    lines: defaultdict[_Key, _Line] = defaultdict(_Line)
    for row in rows:
        line, cents = lines[_key(batch, row)], int(amount[row])
        if not is_asking[row]:
            line.add(row, cents, int(found.left_cents[row]))
        elif (undone := line.take(abs(cents))) is not None:
            yield undone, row


class _Line:
    """The open postings of one line and code."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}
        self._of_amount: defaultdict[int, deque[int]] = defaultdict(deque)
        self._largest: list[tuple[int, int, int]] = []
        self._count = 0

    def add(self, row: int, cents: int, left: int) -> None:
        """Add a posting and what is left of it."""
        self._left[row] = left
        self._of_amount[cents].append(row)
        self._count += 1
        heappush(self._largest, (-left, self._count, row))

    def take(self, cents: int) -> int | None:
        """Take an amount back; return from which posting."""
        alike = self._of_amount[cents]
        while alike:
            if (row := alike.popleft()) in self._left:
                del self._left[row]
                return row
        while self._largest:
            left, place, row = self._largest[0]
            if self._left.get(row) == -left:
                break
            heappop(self._largest)
        if not self._largest or not 0 < cents <= -left:
            return None
        heappop(self._largest)
        del self._left[row]
        if cents < -left:
            self._left[row] = -left - cents
            heappush(self._largest, (left + cents, place, row))
        return row


def _key(batch: Batch, row: int) -> _Key:
    """Return client, claim, line and code of a posting; the code is the CARC, else the practice's own."""
    columns = batch.columns
    carc = int(columns["carc"][row])
    code = ("carc", carc) if carc >= 0 else ("own", int(columns["adjustment_code"][row]))
    return int(columns["client_id"][row]), columns["claim_id"][row], int(columns["line_number"][row]), code
