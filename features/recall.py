"""A history as of one morning, asked of many rows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.history import KEYS, History
from features.learned import CHAIN, LEARNED, TOP, Remembered, drawn, parent_of, weighed_by
from features.tables import Columns


class Recall:
    """What is remembered on a morning.

    What a key says is worked out once for the key and not for each of its rows, where what stands above it follows from its own parts:
    a payer with a procedure has one payer, but a reason code may be of several families.

    Parameters
    ----------
    history
        It must not be advanced meanwhile.
    day
        The morning.
    rows
        So many will be asked about: keys of which there are more are worked out row by row. None: any number.
    """

    def __init__(self, history: History, day: int, rows: int | None = None) -> None:
        self._history, self._left, self._rows = history, history.left(day - history.last), rows
        self._decayed: dict[int, Floats] = {}
        self._tables: list[Floats | None] = [None] * len(LEARNED)
        self._told: dict[tuple[int, int], bool] = {}

    def of(self, columns: Columns) -> Remembered:
        """Return what is remembered of some rows; each column is what `history_columns` makes of `History.read`."""
        return _Recalled(self, np.ascontiguousarray(self._history.find(columns).T))

    def sums(self, stat: int) -> Floats:
        """Return one of `STATS` for all slots."""
        found = self._decayed.get(stat)
        if found is None:
            found = self._decayed[stat] = self._history.sums[stat] * self._left
        return found

    def table(self, place: int, what: int) -> Floats | None:
        """Return one of `LEARNED` for all slots, right for those of a key but not for slot 0; None where rows must be looked at."""
        is_told = self._told.get((place, what))
        if is_told is None:
            is_told = self._told[place, what] = self._tell(place, what)
        return self._tables[what] if is_told else None

    def _tell(self, place: int, what: int) -> bool:
        """Write what a key's slots say to the table; return False where that does not follow from the key."""
        own, above = self._history.own(place), CHAIN[place]
        if self._rows is not None and len(own) > self._rows:
            return False
        table = self._tables[what]
        if table is None:
            table = self._tables[what] = np.empty(len(self._left))
        parent: Floats | float = TOP[what]
        if place:
            if not all(set(KEYS[other]) <= set(KEYS[place]) and self.table(other, what) is not None for other in above):
                return False
            plus, also, minus = (self._history.above(place, other) for other in above)
            if not (plus.all() and also.all() and minus.all()):
                return False
            parent = parent_of(table[plus], table[also], table[minus], what)
        table[own] = drawn(self.sums(weighed_by(what))[own], self.sums(what + 1)[own], parent, what)
        return True


class _Recalled(Remembered):
    """Rows with their slots (keys x n)."""

    def __init__(self, recall: Recall, slots: NDArray[np.int64]) -> None:
        super().__init__(lambda place, stat: recall.sums(stat).take(slots[place]))
        self._recall, self._slots = recall, slots
        self._unseen: dict[int, NDArray[np.int64]] = {}

    def _learn(self, place: int, what: int) -> Floats:
        table = self._recall.table(place, what)
        if table is None:
            return super()._learn(place, what)
        found: Floats = table.take(self._slots[place])
        unseen = self._unseen.get(place)
        if unseen is None:
            unseen = self._unseen[place] = np.flatnonzero(self._slots[place] == 0)
        if len(unseen):
            # A key that was never seen reads as its parent.
            parent = self._parent(place, what)
            found[unseen] = parent if isinstance(parent, float) else parent[unseen]
        return found
