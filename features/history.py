"""What became of earlier efforts, replayed day by day: decayed counts per key, shrunk to the parent key.

History is never queried, it is replayed: `read` the rows of a day, then `advance` it by the events of that day. So what a
training row saw on its day is, bit for bit, what a served row sees. An event is visible if it was known before the day asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.codes.combinations import number_keys
from features.feature import Floats
from features.lookup import ByCode
from features.tables import Array, Columns

KEYS: tuple[tuple[str, ...], ...] = (
    (),
    ("payer_id",),
    ("family",),
    ("payer_id", "family"),
    ("carc",),
    ("payer_id", "carc"),
    ("adjustment_code",),
    ("payer_id", "adjustment_code"),
    ("procedure_code",),
    ("payer_id", "procedure_code"),
    ("provider_id",),
    ("facility_id",),
    ("payer_id", "remedy"),
    ("plan_id",),
)
"""What efforts are counted by; the empty key is everything."""

PARTS = tuple(sorted({name for names in KEYS for name in names}))
"""The columns that keys are made of."""

STATS = ("efforts", "recoveries", "fraction", "days", "cents")
"""Per key: resolved efforts; of them recovered; and over the recovered: fraction of the cap, days to resolution, cents."""

FRACTION_ONE = 2**20
"""Fractions are summed as integers of this size, so that a day's sum is exact whatever its order."""

_PART_BITS = 28
_PART = (1 << _PART_BITS) - 1
_DECAY_DAYS = 20_000


@dataclass(frozen=True, slots=True)
class Events:
    """Resolved efforts: one entry per effort.

    Parameters
    ----------
    known_on
        Day on which the outcome was known (int64 days).
    keys
        Columns that `KEYS` name, of the write-off worked.
    recovered
        Payer cash net of take-backs was above zero (bool).
    fraction
        Net dollars as a part of the cap, 0 to 1; 0 where not recovered or the cap is unknown.
    days
        From the start of the effort to its resolution (int64).
    cents
        Net payer cash (int64, >= 0).
    """

    known_on: NDArray[np.int64]
    keys: Columns
    recovered: NDArray[np.bool_]
    fraction: Floats
    days: NDArray[np.int64]
    cents: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.known_on)

    def take(self, rows: Array) -> Events:
        """Return the events at these positions, or under this mask."""
        keys = {name: values[rows] for name, values in self.keys.items()}
        return Events(self.known_on[rows], keys, self.recovered[rows], self.fraction[rows], self.days[rows], self.cents[rows])

    def addends(self) -> NDArray[np.int64]:
        """Return what each event adds to each of `STATS` (n x 5, integers)."""
        won = self.recovered.astype(np.int64)
        fraction = np.rint(np.clip(self.fraction, 0.0, 1.0) * FRACTION_ONE).astype(np.int64)
        return np.stack([np.ones(len(self), dtype=np.int64), won, fraction * won, self.days * won, self.cents * won], axis=1)


class History:
    """Decayed sums per key and the day of their last change.

    Parameters
    ----------
    decay_days
        An event's weight falls by a factor e in this many days.

    Notes
    -----
    A sum changes only on days with events of its key: `sum * decay[gap] + addends`, the gap in whole days and the addends
    integers. Replay, snapshot and online update therefore run through the same operations and agree to the last bit.
    """

    def __init__(self, decay_days: float = 180.0) -> None:
        self.decay_days = decay_days
        self._decay = np.exp(-np.arange(_DECAY_DAYS) / decay_days)
        # Slot 0 stays empty: it answers for null and unknown keys, which therefore read as their parent.
        self._slots: dict[int, int] = {}
        self.sums = np.zeros((len(STATS), 1))
        self.last = np.zeros(1, dtype=np.int64)
        self._indexed: _Index | None = None

    def find(self, columns: Columns, *, grow: bool = False) -> NDArray[np.int64]:
        """Return the slot of each row and key (n x len(KEYS)); 0 where a part is null or the key was never seen.

        With `grow`, unseen keys get an empty slot.
        """
        rows = len(columns["payer_id"])
        if grow:
            return np.stack([self._grow(place, names, columns, rows) for place, names in enumerate(KEYS)]).T
        found = np.empty((len(KEYS), rows), dtype=np.int64)
        found[0] = self._slots.get(0, 0)
        for place, (names, known) in enumerate(zip(KEYS[1:], self._index.slots, strict=True), start=1):
            found[place] = known.find([columns[name] for name in names])
        return found.T

    @property
    def _index(self) -> _Index:
        if self._indexed is None or self._indexed.size != len(self._slots):
            self._indexed = _Index.of(self._slots)
        return self._indexed

    def own(self, place: int) -> NDArray[np.int64]:
        """Return the slots of one of `KEYS`."""
        return self._index.own[place]

    def above(self, place: int, other: int) -> NDArray[np.int64]:
        """Return for the slots of one of `KEYS` those of another, whose parts are all among its own; 0 where it was never seen."""
        index = self._index
        found = index.above.get((place, other))
        if found is None:
            if other == 0:
                found = np.full(len(index.own[place]), self._slots.get(0, 0), dtype=np.int64)
            else:
                found = index.slots[other - 1].find([index.codes[place][KEYS[place].index(name)] for name in KEYS[other]])
            index.above[place, other] = found
        return found

    def _grow(self, place: int, names: tuple[str, ...], columns: Columns, rows: int) -> NDArray[np.int64]:
        """Return the slots of one key, each distinct one asked for once; unseen ones get an empty slot."""
        sizes = [int(columns[name].max(initial=-1)) + 2 for name in names]
        if math.prod(sizes) <= 8 * rows:
            # Few enough combinations to be counted: ten times faster than sorting.
            code = np.zeros(rows, dtype=np.int64)
            for name, size in zip(names, sizes, strict=True):
                code = code * size + columns[name] + 1
            row_of = np.full(math.prod(sizes), -1, dtype=np.int64)
            row_of[code] = np.arange(rows)
            used = np.flatnonzero(row_of >= 0)
            some = row_of[used]
            key, known = pack(place, names, {name: columns[name][some] for name in names}, len(some))
            slots = np.zeros(len(row_of), dtype=np.int64)
            slots[used[known]] = [self._slot(k) for k in key[known].tolist()]
            return slots[code]
        key, known = pack(place, names, columns, rows)
        out = np.zeros(rows, dtype=np.int64)
        distinct, inverse = np.unique(key[known], return_inverse=True)
        out[known] = np.array([self._slot(k) for k in distinct.tolist()], dtype=np.int64)[inverse]
        return out

    def read_single(self, row: Mapping[str, Any], day: int) -> list[float]:
        """Return the decayed sums of a single row, whose values are plain, as of the morning of a day (keys x stats, flat)."""
        find = self._slots.get
        # Of a null, which is -1, all high bits are set: no key is like that.
        keys = [place | row[one] << _PART_BITS | (row[other] if other else 0) for place, one, other in _PARTS_OF]
        slots = np.array([find(0, 0), *[find(key, 0) for key in keys]])
        decayed = self.sums.take(slots, axis=1) * self.left(day - self.last.take(slots))
        sums: list[float] = decayed.T.ravel().tolist()
        return sums

    def _slot(self, key: int) -> int:
        slot = self._slots.get(key, 0)
        if slot == 0:
            slot = self._slots[key] = len(self._slots) + 1
            if slot >= len(self.last):
                more = len(self.last) + 256
                self.sums = np.concatenate([self.sums, np.zeros((len(STATS), more))], axis=1)
                self.last = np.concatenate([self.last, np.zeros(more, dtype=np.int64)])
        return slot

    def read(self, slots: NDArray[np.int64], day: int) -> Floats:
        """Return the decayed sums as of the morning of a day (n x keys x stats)."""
        decayed: Floats = (self.sums[:, slots] * self.left(day - self.last[slots])).transpose(1, 2, 0)
        return decayed

    def read_some(self, columns: Columns, day: int, stats: Sequence[int]) -> Floats:
        """Return some of the decayed sums of some rows (stats x keys x n)."""
        slots = np.ascontiguousarray(self.find(columns).T)
        left = self.left(day - self.last.take(slots))
        return np.stack([self.sums[stat].take(slots) * left for stat in stats])

    def left(self, gap: NDArray[np.int64]) -> Floats:
        """Return what is left of a sum after so many days."""
        return self._decay.take(gap, mode="clip")

    def advance(self, day: int, slots: NDArray[np.int64], addends: NDArray[np.int64]) -> None:
        """Add all events that became known on one day; days must not go back.

        Parameters
        ----------
        day
            The day (int).
        slots, addends
            Of the events (m x keys; m x stats).
        """
        flat, keys = slots.ravel(), slots.shape[1]
        some, place = number_keys(flat, len(self.last))
        used = flat.take(some)
        left = self.left(day - self.last.take(used))
        for sums, added in zip(self.sums, addends.T, strict=True):
            # Whole numbers: their sum is exact in a float, in any order.
            sums[used] = sums.take(used) * left + np.bincount(place, weights=np.repeat(added.astype(np.float64), keys))
        self.last[used] = day
        # Events without a key fell into the first slot, which stays empty.
        self.sums[:, 0] = self.last[0] = 0

    def advance_all(self, events: Events, *, until: int) -> None:
        """Add all events known before the day `until`, one day after the other."""
        events = events.take(events.known_on < until)
        slots, addends = self.find(events.keys, grow=True), events.addends()
        for day, rows in days_of(events.known_on):
            self.advance(day, slots[rows], addends[rows])

    def copy(self) -> History:
        """Return a history of the same state that goes its own way from here."""
        other = History(self.decay_days)
        other._slots, other.sums, other.last = dict(self._slots), self.sums.copy(), self.last.copy()
        return other

    def snapshot(self) -> Columns:
        """Return the state as columns, one row per key that has had an event, ordered by key."""
        found = sorted((key, slot) for key, slot in self._slots.items() if self.sums[0, slot] > 0)
        keys = np.array([key for key, _ in found], dtype=np.int64)
        slots = np.array([slot for _, slot in found], dtype=np.int64)
        state: Columns = {"key": keys, "last": self.last[slots]}
        return state | {name: sums[slots] for name, sums in zip(STATS, self.sums, strict=True)}

    @classmethod
    def restore(cls, state: Columns, decay_days: float = 180.0) -> History:
        """Return the history of a snapshot."""
        history = cls(decay_days)
        history._slots = {int(key): slot + 1 for slot, key in enumerate(state["key"])}
        history.sums = np.stack([np.concatenate([np.zeros(1), state[name]]) for name in STATS])
        history.last = np.concatenate([np.zeros(1, dtype=np.int64), state["last"].astype(np.int64)])
        return history


@dataclass(frozen=True, slots=True)
class _Index:
    """The slots by key, made anew when there are more of them.

    Parameters
    ----------
    size
        How many slots there were.
    own, codes
        For each of `KEYS` its slots, and the codes of its parts.
    slots
        For each but the first, which has no parts, its slots by these codes.
    above
        What `History.above` found.
    """

    size: int
    own: tuple[NDArray[np.int64], ...]
    codes: tuple[tuple[NDArray[np.int64], ...], ...]
    slots: tuple[ByCode, ...]
    above: dict[tuple[int, int], NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(cls, slots: Mapping[int, int]) -> _Index:
        # Slots are given in turn, and a dictionary keeps the order.
        keys = np.fromiter(slots, dtype=np.int64, count=len(slots))
        place, parts = keys >> 2 * _PART_BITS, (keys >> _PART_BITS & _PART, keys & _PART)
        own = [np.flatnonzero(place == number) for number in range(len(KEYS))]
        codes = [tuple(part[rows] for part in parts[: len(names)]) for names, rows in zip(KEYS, own, strict=True)]
        found = [ByCode(codes[number], own[number] + 1) for number in range(1, len(KEYS))]
        return cls(len(keys), tuple(rows + 1 for rows in own), tuple(codes), tuple(found))


def one_key(place: int, parts: Sequence[int]) -> int:
    """Return the packed key of one of `KEYS` from the codes of its parts; -1, which is no key, where one is null."""
    key = place
    for part in parts:
        if part < 0:
            return -1
        key = key << _PART_BITS | part
    # One of fewer parts is shifted up, so that keys of different length never meet.
    return key << _PART_BITS * (2 - len(parts))


_PARTS_OF = [(place << 2 * _PART_BITS, names[0], names[1] if len(names) > 1 else "") for place, names in enumerate(KEYS) if names]
"""Of each of `KEYS` but the first what its packed keys begin with, and the columns of both parts; blank: it has one."""


def pack(place: int, names: tuple[str, ...], columns: Columns, rows: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each row's key as one integer, and whether all of its parts are known."""
    key = np.full(rows, place, dtype=np.int64)
    known = np.ones(rows, dtype=bool)
    for name in names:
        part = columns[name].astype(np.int64)
        known &= part >= 0
        key = key << _PART_BITS | np.maximum(part, 0)
    return key << _PART_BITS * (2 - len(names)), known


def days_of(days: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Return each day, ascending, with the positions of its entries in their order.

    >>> [(day, rows.tolist()) for day, rows in days_of(np.array([7, 3, 7]))]
    [(3, [1]), (7, [0, 2])]
    """
    if not len(days):
        return []
    first = int(days.min())
    # Days of a century and more fit into sixteen bits, which are sorted without comparing.
    number = (days - first).astype(np.uint16) if int(days.max()) - first < 1 << 16 else days
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return list(zip(days[order[begins]].tolist(), np.split(order, begins[1:]), strict=True))
