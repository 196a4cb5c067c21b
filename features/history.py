"""What became of earlier efforts, replayed day by day: decayed counts per key, shrunk to the parent key.

History is never queried, it is replayed: `read` the rows of a day, then `advance` it by the events of that day. So what a
training row saw on its day is, bit for bit, what a served row sees. An event is visible if it was known before the day asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.codes.combinations import number_keys
from features.feature import Feature, Floats, copied
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
        self._looked_up: tuple[int, tuple[ByCode, ...]] = -1, ()

    def find(self, columns: Columns, *, grow: bool = False) -> NDArray[np.int64]:
        """Return the slot of each row and key (n x len(KEYS)); 0 where a part is null or the key was never seen.

        With `grow`, unseen keys get an empty slot.
        """
        rows = len(columns["payer_id"])
        if rows == 1 and not grow:
            return self._find_one(columns)
        if grow:
            return np.stack([self._grow(place, names, columns, rows) for place, names in enumerate(KEYS)]).T
        found = np.empty((len(KEYS), rows), dtype=np.int64)
        found[0] = self._slots.get(0, 0)
        for place, (names, known) in enumerate(zip(KEYS[1:], self._known, strict=True), start=1):
            found[place] = known.find([columns[name] for name in names])
        return found.T

    @property
    def _known(self) -> tuple[ByCode, ...]:
        """The slots by the codes of each key but the first, which has none."""
        if self._looked_up[0] != len(self._slots):
            # Slots are given in turn, and a dictionary keeps the order.
            keys = np.fromiter(self._slots, dtype=np.int64, count=len(self._slots))
            place, first, second = keys >> 2 * _PART_BITS, keys >> _PART_BITS & _PART, keys & _PART
            found = []
            for number, names in enumerate(KEYS[1:], start=1):
                own = np.flatnonzero(place == number)
                found.append(ByCode([first[own], second[own]][: len(names)], own + 1))
            self._looked_up = len(keys), tuple(found)
        return self._looked_up[1]

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
            key, known = _pack(place, names, {name: columns[name][some] for name in names}, len(some))
            slots = np.zeros(len(row_of), dtype=np.int64)
            slots[used[known]] = [self._slot(k, True) for k in key[known].tolist()]
            return slots[code]
        key, known = _pack(place, names, columns, rows)
        out = np.zeros(rows, dtype=np.int64)
        distinct, inverse = np.unique(key[known], return_inverse=True)
        out[known] = np.array([self._slot(k, True) for k in distinct.tolist()], dtype=np.int64)[inverse]
        return out

    def _find_one(self, columns: Columns) -> NDArray[np.int64]:
        # One row is the request path: plain integers and one dictionary look-up per key, no arrays in between.
        parts = {name: int(columns[name][0]) for name in _PARTS}
        get, found = self._slots.get, []
        for place, names in enumerate(KEYS):
            key = place
            for name in names:
                key = -1 if key < 0 or parts[name] < 0 else key << _PART_BITS | parts[name]
            found.append(get(_top(key, names), 0) if key >= 0 else 0)
        return np.array([found], dtype=np.int64)

    def _slot(self, key: int, grow: bool) -> int:
        slot = self._slots.get(key, 0)
        if slot == 0 and grow:
            slot = self._slots[key] = len(self._slots) + 1
            if slot >= len(self.last):
                more = len(self.last) + 256
                self.sums = np.concatenate([self.sums, np.zeros((len(STATS), more))], axis=1)
                self.last = np.concatenate([self.last, np.zeros(more, dtype=np.int64)])
        return slot

    def read(self, slots: NDArray[np.int64], day: int) -> Floats:
        """Return the decayed sums as of the morning of a day (n x keys x stats)."""
        decayed: Floats = (self.sums[:, slots] * self._left(day - self.last[slots])).transpose(1, 2, 0)
        return decayed

    def read_some(self, columns: Columns, day: int, stats: Sequence[int]) -> Floats:
        """Return some of the decayed sums of some rows (stats x keys x n)."""
        slots = np.ascontiguousarray(self.find(columns).T)
        left = self._left(day - self.last.take(slots))
        return np.stack([self.sums[stat].take(slots) * left for stat in stats])

    def _left(self, gap: NDArray[np.int64]) -> Floats:
        """Return what is left of a sum after so many days."""
        left: Floats = self._decay[np.minimum(np.maximum(gap, 0), _DECAY_DAYS - 1)]
        return left

    def recall(self, day: int) -> Recall:
        """Return what is remembered on the morning of a day, to be asked of many rows."""
        return Recall(self, self._left(day - self.last))

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
        used = flat[some]
        left = self._left(day - self.last[used])
        for sums, added in zip(self.sums, addends.T, strict=True):
            # Whole numbers: their sum is exact in a float, in any order.
            sums[used] = sums[used] * left + np.bincount(place, weights=np.repeat(added, keys))
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


class Recall:
    """A history as of one morning.

    Parameters
    ----------
    history
        It must not be advanced meanwhile.
    left
        What is left of the sums of each slot.
    """

    def __init__(self, history: History, left: Floats) -> None:
        self._history, self._left = history, left
        self._decayed: dict[int, Floats] = {}

    def of(self, columns: Columns) -> Remembered:
        """Return what is remembered of some rows; each column is what `history_columns` makes of `History.read`."""
        slots = np.ascontiguousarray(self._history.find(columns).T)
        return Remembered(lambda place, stat: self._sums(stat).take(slots[place]))

    def _sums(self, stat: int) -> Floats:
        found = self._decayed.get(stat)
        if found is None:
            found = self._decayed[stat] = self._history.sums[stat] * self._left
        return found


_PARTS = tuple(sorted({name for names in KEYS for name in names}))


def _top(key: int, names: tuple[str, ...]) -> int:
    """Shift a key of fewer parts up, so that keys of different length never meet."""
    return key << _PART_BITS * (2 - len(names))


def _pack(place: int, names: tuple[str, ...], columns: Columns, rows: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
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


def replay(history: History, rows: Columns, days: NDArray[np.int64], events: Events) -> Floats:
    """Serve every past day in turn: read that day's rows, then add what became known on it.

    Parameters
    ----------
    history
        Advanced in place to after the last event.
    rows, days
        Key columns of the rows and the day on which each is read.
    events
        What became known, any order.

    Returns
    -------
    Floats
        n x keys x stats, each row as of the morning of its day.
    """
    row_slots, event_slots, addends = history.find(rows, grow=True), history.find(events.keys, grow=True), events.addends()
    out = np.zeros((len(days), len(KEYS), len(STATS)))
    reads, adds = dict(days_of(days)), dict(days_of(events.known_on))
    for day in sorted(reads.keys() | adds.keys()):
        if day in reads:
            out[reads[day]] = history.read(row_slots[reads[day]], day)
        if day in adds:
            history.advance(day, event_slots[adds[day]], addends[adds[day]])
    return out


def replay_columns(history: History, rows: Columns, days: NDArray[np.int64], events: Events, out: Columns) -> None:
    """Write some columns of `history_columns(replay(...))`: sums are held for a block of rows only, not for all of them.

    Parameters
    ----------
    history, rows, days, events
        As in `replay`.
    out
        The columns wanted, by name; they may be columns of a matrix.
    """
    event_slots, addends = history.find(events.keys, grow=True), events.addends()
    reads, adds = dict(days_of(days)), dict(days_of(events.known_on))
    held = _Held(history, rows, tuple(out))
    for day in sorted(reads.keys() | adds.keys()):
        if day in reads:
            if len(reads[day]) < _FEW:
                held.read(reads[day], day)
            else:
                recall = history.recall(day)
                for at in _stretches(reads[day]):
                    _write(out, at, recall.of({name: rows[name][at] for name in _PARTS}))
            if len(held) >= _BLOCK:
                held.write(out)
        if day in adds:
            history.advance(day, event_slots[adds[day]], addends[adds[day]])
    held.write(out)


class _Held:
    """Rows of days that have few, whose sums are held until there are many."""

    def __init__(self, history: History, rows: Columns, names: Collection[str]) -> None:
        self._history, self._rows, self._stats = history, rows, _stats_of(names)
        self._held: list[NDArray[np.int64]] = []
        self._sums: list[Floats] = []

    def __len__(self) -> int:
        return sum(map(len, self._held))

    def read(self, at: NDArray[np.int64], day: int) -> None:
        """Hold the sums of some rows as of the morning of their day."""
        self._held.append(at)
        self._sums.append(self._history.read_some({name: self._rows[name][at] for name in _PARTS}, day, self._stats))

    def write(self, out: Columns) -> None:
        """Write what the sums say to the columns."""
        if self._held:
            sums, stats = np.concatenate(self._sums, axis=2), self._stats
            _write(out, np.concatenate(self._held), Remembered(lambda place, stat: sums[stats.index(stat), place]))
        self._held, self._sums = [], []


def _write(out: Columns, at: NDArray[np.int64] | slice, remembered: Remembered) -> None:
    for name, values in out.items():
        values[at] = remembered.column(name)


def _stretches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64] | slice]:
    """Yield positions a block at a time, as a slice where they follow one another."""
    for start in range(0, len(rows), _BLOCK):
        at = rows[start : start + _BLOCK]
        first, last = int(at[0]), int(at[-1])
        yield slice(first, last + 1) if last - first == len(at) - 1 else at


_BLOCK, _FEW = 4096, 1024
"""So many rows are told together; a day with so many is worth working out what all keys hold that morning."""

LEARNED = ("recovery_rate", "fraction", "days", "dollars")
"""What `shrink` makes of the sums, in the order of its last axis."""

_TOP = (0.3, 0.7, 60.0, 200.0)
_LOW = (0.005, 0.05, 1.0, 1.0)
_HIGH = (0.995, 1.0, 3650.0, 1e9)
_UNIT = (1.0, 1.0 / FRACTION_ONE, 1.0, 0.01)
_PSEUDO_EFFORTS = 8.0
_EFFORTS, _RECOVERIES = STATS.index("efforts"), STATS.index("recoveries")
_PLACE = {names: place for place, names in enumerate(KEYS)}

_ALL: tuple[str, ...] = ()
_PARENTS: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    ("carc",): (("family",), _ALL, _ALL),
    ("payer_id", "family"): (("payer_id",), ("family",), _ALL),
    ("payer_id", "adjustment_code"): (("payer_id",), ("adjustment_code",), _ALL),
    ("payer_id", "procedure_code"): (("payer_id",), ("procedure_code",), _ALL),
    ("payer_id", "remedy"): (("payer_id",), _ALL, _ALL),
    ("payer_id", "carc"): (("payer_id", "family"), ("carc",), ("family",)),
}
"""What a key's parent is made of, plus + plus - minus; everything where nothing is said. A pair's is the sum of its two effects."""


def _made_of(names: tuple[str, ...]) -> tuple[int, int, int]:
    plus, also, minus = _PARENTS.get(names, (_ALL, _ALL, _ALL))
    return _PLACE[plus], _PLACE[also], _PLACE[minus]


_CHAIN = tuple(_made_of(names) for names in KEYS)


class Remembered:
    """What is remembered of some rows, as columns; each is made when it is first asked for.

    Parameters
    ----------
    sums
        From a place in `KEYS` and one in `STATS` to the decayed sum of each row.
    """

    def __init__(self, sums: Callable[[int, int], Floats]) -> None:
        self._ask = sums
        self._asked: dict[tuple[int, int], Floats] = {}
        self._learned: dict[tuple[int, int], Floats] = {}
        self._parents: dict[tuple[int, int, int, int], Floats] = {}

    def column(self, name: str) -> Floats:
        """Return one of `HISTORY_COLUMNS`."""
        place, what = _MADE_OF[name]
        return self.learned(place, LEARNED.index(what)) if what in LEARNED else self._sums(place, STATS.index(what))

    def learned(self, place: int, what: int) -> Floats:
        """Return one of `LEARNED` by one of `KEYS`: what the sums say, drawn to the parent key by eight pseudo-efforts."""
        found = self._learned.get((place, what))
        if found is None:
            # The recovery rate is per effort; fraction, days and dollars are per recovery.
            weight = self._sums(place, _RECOVERIES if what else _EFFORTS) + _PSEUDO_EFFORTS
            total = self._sums(place, what + 1) * _UNIT[what]
            found = self._learned[place, what] = (total + _PSEUDO_EFFORTS * self._parent(place, what)) / weight
        return found

    def _parent(self, place: int, what: int) -> Floats | float:
        if place == _PLACE[_ALL]:
            return _TOP[what]
        plus, also, minus = _CHAIN[place]
        found = self._parents.get((plus, also, minus, what))
        if found is None:
            parent = self.learned(plus, what) + self.learned(also, what) - self.learned(minus, what)
            found = self._parents[plus, also, minus, what] = np.minimum(np.maximum(parent, _LOW[what]), _HIGH[what])
        return found

    def _sums(self, place: int, stat: int) -> Floats:
        found = self._asked.get((place, stat))
        if found is None:
            found = self._asked[place, stat] = self._ask(place, stat)
        return found


def _stats_of(names: Collection[str]) -> list[int]:
    """Return the places in `STATS` of the sums that columns of history are made of."""
    kinds = {_MADE_OF[name][1] for name in names}
    told = {LEARNED.index(kind) for kind in kinds if kind in LEARNED}
    counts = {_RECOVERIES if what else _EFFORTS for what in told}
    return sorted(counts | {what + 1 for what in told} | {STATS.index(kind) for kind in kinds if kind not in LEARNED})


def shrink(sums: Floats) -> Floats:
    """Return per key what the decayed sums say, drawn to the parent key by eight pseudo-efforts (n x keys x `LEARNED`).

    The chain is everything -> payer, family -> payer x family -> payer x CARC; the very top is a fixed prior, so an empty
    history gives that.

    >>> shrink(np.zeros((1, len(KEYS), len(STATS))))[0, 3].tolist()
    [0.3, 0.7, 60.0, 200.0]
    """
    if len(sums) == 1:
        return _shrink_one(sums[0].tolist())
    remembered = _remembered(sums)
    learned = [[remembered.learned(place, what) for what in range(len(LEARNED))] for place in range(len(KEYS))]
    return np.array(learned).transpose(2, 0, 1)


def _remembered(sums: Floats) -> Remembered:
    """Return the columns of sums (n x keys x stats)."""
    by_stat = np.ascontiguousarray(sums.transpose(2, 1, 0))
    return Remembered(lambda place, stat: by_stat[stat, place])


def _shrink_one(sums: list[list[float]]) -> Floats:
    # One row is the request path: the same steps in the same order on plain floats, without arrays of fourteen in between.
    out: list[list[float]] = [[]] * len(sums)
    for place in _IN_ORDER:
        plus, also, minus = _CHAIN[place]
        efforts, won, fraction, days, cents = sums[place]
        one, other, less = out[plus], out[also], out[minus]
        rate, part, wait, cash = (
            _TOP
            if place == 0
            else [min(max(a + b - c, low), high) for a, b, c, low, high in zip(one, other, less, _LOW, _HIGH, strict=True)]
        )
        weight = won + _PSEUDO_EFFORTS
        out[place] = [
            (won * _UNIT[0] + _PSEUDO_EFFORTS * rate) / (efforts + _PSEUDO_EFFORTS),
            (fraction * _UNIT[1] + _PSEUDO_EFFORTS * part) / weight,
            (days * _UNIT[2] + _PSEUDO_EFFORTS * wait) / weight,
            (cents * _UNIT[3] + _PSEUDO_EFFORTS * cash) / weight,
        ]
    return np.array([out])


def _depth(place: int) -> int:
    """Return how many parents are above a key."""
    return 0 if place == _PLACE[_ALL] else 1 + max(map(_depth, _CHAIN[place]))


_IN_ORDER = sorted(range(len(KEYS)), key=_depth)
"""Places of the keys, each behind its parents."""


def _names(key: tuple[str, ...]) -> str:
    return "_x_".join(name.removesuffix("_id").removesuffix("_code") for name in key) or "all"


_SUMS = [f"{_names(key)}_{what}" for key in KEYS for what in STATS[:2]]
_LEARNED = [f"{_names(key)}_{what}" for key in KEYS for what in LEARNED]
_MADE_OF = {f"{_names(key)}_{what}": (place, what) for place, key in enumerate(KEYS) for what in (*STATS[:2], *LEARNED)}


HISTORY_COLUMNS = frozenset(_MADE_OF)
"""The columns of `history_columns`."""


def history_columns(sums: Floats) -> Columns:
    """Return the sums as columns `<key>_<what>`: `efforts`, `recoveries` and `LEARNED`, the key's parts joined by `_x_`."""
    rows = len(sums)
    if rows > 1:
        remembered = _remembered(sums)
        return {name: remembered.column(name) for name in _MADE_OF}
    columns: Columns = dict(zip(_SUMS, sums[:, :, :2].reshape(rows, len(_SUMS)).T, strict=True))
    columns.update(zip(_LEARNED, shrink(sums).reshape(rows, len(_LEARNED)).T, strict=True))
    return columns


def _column(name: str, *, unit: str, concept: str, phrase: str, monotone: int = 0, of_value: bool = True) -> Feature:
    null, meaning = "never null: an empty history reads as its parent", phrase[0].upper() + phrase[1:]
    return copied(
        f"{name}_history", name, meaning, unit=unit, concept=concept, phrase=phrase, null=null, monotone=monotone, of_value=of_value
    )


def _rate(key: str, concept: str, phrase: str) -> Feature:
    return _column(f"{key}_recovery_rate", unit="recoveries per effort", concept=concept, phrase=phrase, monotone=1, of_value=False)


def _efforts(key: str, concept: str, phrase: str) -> Feature:
    return _column(f"{key}_efforts", unit="decayed efforts", concept=concept, phrase=phrase)


# Counts, dollars and days grow with the length of the record itself: on real recoveries a likelihood that read them lost .01 of AUC,
# so they speak only for dollars and hours.
FEATURES = (
    _rate("payer", "payer behaviour", "how often this payer gave in lately"),
    _rate("family", "code history", "how often this kind of reason was overturned lately"),
    _rate("payer_x_family", "payer behaviour", "how often this payer gave in on this kind of reason"),
    _rate("carc", "code history", "how often this reason code was overturned lately"),
    _rate("payer_x_carc", "payer behaviour", "how often this payer gave in on this reason code"),
    _rate("adjustment", "code history", "how often this adjustment was reversed lately"),
    _rate("payer_x_adjustment", "payer behaviour", "how often this payer reversed this adjustment"),
    _rate("procedure", "code history", "how often this procedure was recovered"),
    _rate("payer_x_procedure", "payer behaviour", "how often this payer paid this procedure after all"),
    _rate("provider", "provider history", "how often this provider's write-offs were recovered"),
    _rate("facility", "provider history", "how often this facility's write-offs were recovered"),
    _rate("payer_x_remedy", "payer behaviour", "how often this remedy worked with this payer"),
    _rate("plan", "payer behaviour", "how often this plan's write-offs were recovered"),
    _efforts("payer", "payer behaviour", "how much is known of this payer"),
    _efforts("payer_x_family", "payer behaviour", "how much is known of this payer and reason"),
    _efforts("carc", "code history", "how much is known of this reason code"),
    _column(
        "payer_fraction", unit="share of the cap", concept="payer behaviour", phrase="how much this payer paid when it gave in", monotone=0
    ),
    _column("family_fraction", unit="share of the cap", concept="code history", phrase="how much came back for this kind of reason"),
    _column(
        "payer_x_family_fraction",
        unit="share of the cap",
        concept="payer behaviour",
        phrase="how much this payer paid for this kind of reason",
    ),
    _column("payer_days", unit="days", concept="payer behaviour", phrase="how long this payer takes"),
    _column(
        "payer_dollars", unit="dollars per recovery", concept="payer behaviour", phrase="how many dollars this payer's recoveries brought"
    ),
    _column("adjustment_dollars", unit="dollars per recovery", concept="code history", phrase="how many dollars such adjustments brought"),
    _column("procedure_dollars", unit="dollars per recovery", concept="code history", phrase="how many dollars this procedure brought"),
    _column(
        "plan_dollars", unit="dollars per recovery", concept="payer behaviour", phrase="how many dollars this plan's recoveries brought"
    ),
)
