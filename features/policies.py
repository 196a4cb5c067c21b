"""The practice's own write-off policies, ready to be looked up."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.combinations import Combinations
from features.money import NULL
from features.rowwise import full, is_any, take, where
from features.tables import CATEGORIES

_POLICY = CATEGORIES.index("policy")
_EARLIEST, _LATEST = -(2**62), 2**62


class Limits(NamedTuple):
    """What the policies say of each write-off's code on its day.

    Parameters
    ----------
    amount, approval
        Cents: the largest write-off, and above what somebody must approve; NULL where no policy in force says.
    is_named
        A policy in force on the day names the code.
    """

    amount: NDArray[np.int64]
    approval: NDArray[np.int64]
    is_named: NDArray[np.bool_]


class Policies:
    """Write-off policies by client and adjustment code.

    Parameters
    ----------
    table
        Rows of `WRITEOFF_POLICIES`. A row without an adjustment code covers nothing; one without a client covers every client,
        after the client's own.
    """

    def __init__(self, table: Batch) -> None:
        columns = table.columns
        limit, since, until = (columns[name].copy() for name in ("max_amount", "effective_from", "effective_to"))
        self._amount, self._approval = columns["max_amount"], columns["approval_over"]
        limit[limit == NULL] = _LATEST
        since[since == NULL] = _EARLIEST
        until[until == NULL] = _LATEST
        self._limit, self._since, self._until = limit, since, until
        self._category = np.array([_category(word) for word in table.words("category")], dtype=np.int64)
        self._of: dict[tuple[str | None, str], list[int]] = {}
        for row, (client, code) in enumerate(zip(table.words("client_id"), table.words("adjustment_code"), strict=True)):
            if code is not None:
                self._of.setdefault((client, code), []).append(row)
        own = max((len(rows) for rows in self._of.values()), default=0)
        self._width = max(2 * own, 1)
        self._combinations: Combinations[tuple[int, ...]] = Combinations(("client_id", "adjustment_code"), self._candidates)

    @classmethod
    def of(cls, table: Policies | Batch) -> Policies:
        """Return the table ready to be looked up; the last few tables are remembered, so pass the same one again."""
        if isinstance(table, Policies):
            return table
        known = next((policies for own, policies in _READY if own is table), None)
        if known is None:
            known = cls(table)
            _READY.append((table, known))
        return known

    def __len__(self) -> int:
        return len(self._category)

    def _candidates(self, words: tuple[str | None, ...]) -> tuple[int, ...]:
        client, code = words
        if code is None:
            return (-1,) * self._width
        rows = self._of.get((client, code), []) if client is not None else []
        rows = [*rows, *self._of.get((None, code), [])]
        return tuple(rows + [-1] * (self._width - len(rows)))

    def categories(self, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return each write-off's category under the policies (-1: none), and whether a policy names its code but does not cover it."""
        amount, day = batch.columns["writeoff_amount"], batch.columns["writeoff_date"]
        category, is_named = full(day, -1), full(day, False)
        for row in self._combinations.gather(batch):
            named = row >= 0
            if not is_any(named):
                continue
            limit = take(self._limit, row)
            # An unknown amount cannot be shown to be within a limit.
            covered = named & (amount <= limit) & ((amount != NULL) | (limit == _LATEST))
            covered &= (take(self._since, row) <= day) & (day <= take(self._until, row))
            category = where(covered & (category < 0), take(self._category, row), category)
            is_named |= named
        return category, is_named & (category < 0)

    def limits(self, batch: Batch) -> Limits:
        """Return the limits of the first policy in force on each write-off's day that names its code, whatever its amount."""
        day = batch.columns["writeoff_date"]
        amount = np.full(len(batch), NULL, dtype=np.int64)
        approval, is_named = amount.copy(), np.zeros(len(batch), dtype=np.bool_)
        for row in self._combinations.gather(batch):
            if not (row >= 0).any():
                continue
            holds = (row >= 0) & (self._since[row] <= day) & (day <= self._until[row]) & ~is_named
            amount, approval = np.where(holds, self._amount[row], amount), np.where(holds, self._approval[row], approval)
            is_named |= holds
        return Limits(amount, approval, is_named)


_READY: deque[tuple[Batch, Policies]] = deque(maxlen=4)


def _category(word: str | None) -> int:
    """Return the category a policy means: one of ours by name, bad debt, else the policy itself."""
    if word is None:
        return _POLICY
    name = "_".join(word.lower().replace("-", " ").replace("_", " ").split())
    return CATEGORIES.index(name) if name in CATEGORIES else _POLICY
