"""What a payer usually allows for a procedure, from its latest allowed postings, replayed day by day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.batch import Batch
from features.codes.combinations import number_keys
from features.contract.modifiers import fee_share
from features.feature import Floats
from features.history import days_of
from features.lookup import Lookup
from features.money import NULL
from features.rowwise import is_plain, single, where
from features.tables import Array, Columns

KEPT = 32
"""Values kept per key: enough for a median and a 10-90 % range, few enough to follow a new contract."""

PAIR, PROCEDURE, PAYER = 0, 1, 2
"""What is kept: cents per unit of a payer and procedure; of a procedure; and a payer's ratio to the procedure's median."""

RATIO_ONE = 2**20
"""Ratios are kept as integers of this size."""

_BLANK = np.iinfo(np.int64).max
_LOW, _HIGH = 0.1, 0.9
_REMEMBERED = 4096
"""So many slots are remembered with their values in order, some 5 MB."""
_PSEUDO_POSTINGS = 2.0
"""A pair's own median counts against what payer and procedure would make one expect, by its postings over this many more."""


class Usual:
    """The last allowed amounts per unit of each payer and procedure, and of each alone.

    A ring of integers per key rather than decayed sums: its quantiles are exact, one wrong posting in a few does not move the
    median, and replay, snapshot and online update agree because nothing is rounded on the way.
    """

    def __init__(self) -> None:
        # Slot 0 stays empty: it answers for unknown keys.
        self._slots: dict[int, int] = {}
        self.ring = np.full((1, KEPT), _BLANK, dtype=np.int64)
        self.seen = np.zeros(1, dtype=np.int64)
        self._looked_up = 0, Lookup(np.zeros(0, dtype=np.int64))
        self._sorted: dict[int, list[int]] = {}

    def find(self, columns: Columns, *, grow: bool = False) -> NDArray[np.int64]:
        """Return each row's slots (n x 3: pair, procedure, payer); 0 where a part is null or the key was never seen."""
        payer, procedure = columns["payer_id"], columns["procedure_code"]
        if is_plain(payer) and is_plain(procedure):
            return single([self._slots.get(key, 0) for key in _keys(payer, procedure)])
        payer, procedure = columns["payer_id"].astype(np.int64), columns["procedure_code"].astype(np.int64)
        known = (payer >= 0) & (procedure >= 0)
        keys = np.stack([payer << 28 | procedure, 1 << 58 | procedure, 2 << 58 | payer], axis=1)
        keys[~known] = -1
        if not grow:
            return self._known.find(keys.ravel()).reshape(keys.shape) + 1
        distinct, inverse = np.unique(keys, return_inverse=True)
        return np.array([self._slot(k) for k in distinct.tolist()], dtype=np.int64)[inverse.reshape(keys.shape)]

    @property
    def _known(self) -> Lookup:
        """The keys by their slots: the first slot is no key's."""
        if self._looked_up[0] != len(self._slots):
            # Slots are given in turn, and a dictionary keeps the order.
            keys = np.fromiter(self._slots, dtype=np.int64, count=len(self._slots))
            self._looked_up = len(keys), Lookup(keys)
        return self._looked_up[1]

    def _slot(self, key: int) -> int:
        """Return the slot of a key, an empty one where it has none; 0 for null."""
        slot = self._slots.get(key, 0)
        if slot == 0 and key >= 0:
            slot = self._slots[key] = len(self._slots) + 1
            if slot >= len(self.seen):
                more = len(self.seen) + 256
                self.ring = np.concatenate([self.ring, np.full((more, KEPT), _BLANK, dtype=np.int64)])
                self.seen = np.concatenate([self.seen, np.zeros(more, dtype=np.int64)])
        return slot

    def read(self, slots: NDArray[np.int64], units: Array) -> UsualAllowed:
        """Return median and 10-90 % range in cents for the row's units (NULL where the pair is new), how many postings stand behind
        them, and the smoothed amount: the pair's median drawn to what payer and procedure make one expect (NaN where none is known).
        """
        if is_plain(slots) and is_plain(units):
            return self._read_one(slots, units)
        flat = slots.ravel()
        some, number = number_keys(flat, len(self.seen))
        used, place = flat[some], number.reshape(slots.shape)
        ring = np.sort(self.ring[used], axis=1)
        last = np.maximum(np.minimum(self.seen[used], KEPT) - 1, 0)

        def at(share: float, kind: int) -> NDArray[np.int64]:
            found: NDArray[np.int64] = ring[np.arange(len(used)), np.rint(last * share).astype(np.int64)][place[:, kind]]
            return found

        count = self.seen[used][place].astype(np.float64)
        known = count[:, PAIR] > 0
        factor = np.where(np.isnan(units), 1.0, units)

        def cents(share: float) -> NDArray[np.int64]:
            return np.where(known, np.rint(np.where(known, at(share, PAIR), 0) * factor), NULL).astype(np.int64)

        smooth = _smooth(at(0.5, PAIR), at(0.5, PROCEDURE), at(0.5, PAYER), count) * factor
        return UsualAllowed(cents(0.5), cents(_LOW), cents(_HIGH), count[:, PAIR], smooth)

    def _read_one(self, slots: list[int], units: float) -> UsualAllowed:
        # The same integers and roundings of a single row.
        count = [self.seen.item(slot) for slot in slots]
        rings = list(map(self._values, slots))
        factor = 1.0 if units != units else units
        pair, procedure, payer = (_quantile(ring, 0.5) for ring in rings)
        smooth = _smooth_one(pair, procedure, payer, count) * factor

        def cents(share: float) -> NDArray[np.int64]:
            return single(round(_quantile(rings[PAIR], share) * factor) if count[PAIR] else NULL)

        return UsualAllowed(cents(0.5), cents(_LOW), cents(_HIGH), single(float(count[PAIR])), single(smooth))

    def _values(self, slot: int) -> list[int]:
        """Return what is kept of a slot, ascending: sorted once, since between two days many single rows ask for it."""
        found = self._sorted.get(slot)
        if found is None:
            if len(self._sorted) >= _REMEMBERED:
                self._sorted.clear()
            found = self._sorted[slot] = sorted(self.ring[slot, : min(self.seen.item(slot), KEPT)].tolist())
        return found

    def advance(self, slots: NDArray[np.int64], per_unit: NDArray[np.int64]) -> None:
        """Add the postings of one day in their order (m x 3 slots, m cents per unit).

        A payer's ratio is taken against the procedure's median of that morning, so that the order within the day does not matter to it.
        """
        procedures, place = np.unique(slots[:, PROCEDURE], return_inverse=True)
        middle = np.maximum(np.minimum(self.seen[procedures], KEPT) - 1, 0)
        median = np.sort(self.ring[procedures], axis=1)[np.arange(len(procedures)), np.rint(middle * 0.5).astype(np.int64)][place]
        fresh = self.seen[slots[:, PROCEDURE]] == 0
        ratio = np.where(fresh, 0, np.rint(per_unit / np.where(fresh, 1, median) * RATIO_ONE)).astype(np.int64)
        is_known, is_told = slots[:, PAIR] > 0, ratio > 0
        self._add(slots[is_known, PAIR], per_unit[is_known])
        self._add(slots[is_known, PROCEDURE], per_unit[is_known])
        self._add(slots[is_known & is_told, PAYER], ratio[is_known & is_told])

    def _add(self, slots: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Write values into the rings of their slots one after the other, all at once."""
        self._sorted.clear()
        order = np.argsort(slots, kind="stable")
        slots, values = slots[order], values[order]
        first = np.flatnonzero(np.diff(slots, prepend=-1))
        count = np.diff(first, append=len(slots))
        turn = np.arange(len(slots)) - np.repeat(first, count)
        # Of more values than a ring holds, the last ones stay.
        stays = turn >= np.repeat(count, count) - KEPT
        self.ring[slots[stays], (self.seen[slots] + turn)[stays] % KEPT] = values[stays]
        self.seen[slots[first]] += count

    def snapshot(self) -> Columns:
        """Return the state as columns, one row per key that was seen, ordered by key."""
        found = sorted((key, slot) for key, slot in self._slots.items() if self.seen[slot])
        slots = np.array([slot for _, slot in found], dtype=np.int64)
        state: Columns = {"key": np.array([key for key, _ in found], dtype=np.int64), "seen": self.seen[slots]}
        return state | {f"kept_{i:02d}": self.ring[slots, i] for i in range(KEPT)}

    @classmethod
    def restore(cls, state: Columns) -> Usual:
        """Return the state of a snapshot."""
        usual = cls()
        usual._slots = {int(key): slot + 1 for slot, key in enumerate(state["key"])}
        ring = np.stack([state[f"kept_{i:02d}"] for i in range(KEPT)], axis=1).astype(np.int64).reshape(len(state["key"]), KEPT)
        usual.ring = np.concatenate([usual.ring, ring])
        usual.seen = np.concatenate([usual.seen, state["seen"].astype(np.int64)])
        return usual


def _keys(payer: int, procedure: int) -> tuple[int, int, int]:
    if payer < 0 or procedure < 0:
        return -1, -1, -1
    return payer << 28 | procedure, 1 << 58 | procedure, 2 << 58 | payer


def _quantile(ring: list[int], share: float) -> int:
    return ring[round((len(ring) - 1) * share)] if ring else _BLANK


def _smooth(pair: Array, procedure: Array, payer: Array, count: Floats) -> Floats:
    """Return cents per unit: the pair's median and the procedure's times the payer's ratio, averaged by how much is known of the pair."""
    known = count > 0
    share = np.where(known[:, PAYER], payer, RATIO_ONE) / RATIO_ONE
    expected = np.where(known[:, PROCEDURE], procedure * share, np.nan)
    own = np.where(known[:, PAIR], pair, 0)
    smooth: Floats = (count[:, PAIR] * own + _PSEUDO_POSTINGS * expected) / (count[:, PAIR] + _PSEUDO_POSTINGS)
    return smooth


def _smooth_one(pair: int, procedure: int, payer: int, count: list[int]) -> float:
    share = (payer if count[PAYER] else RATIO_ONE) / RATIO_ONE
    expected = procedure * share if count[PROCEDURE] else float("nan")
    return (float(count[PAIR]) * (pair if count[PAIR] else 0) + _PSEUDO_POSTINGS * expected) / (count[PAIR] + _PSEUDO_POSTINGS)


def in_fees(batch: Batch) -> Columns:
    """Return a batch's columns with units counted in whole fees: a reduced service is half of one.

    Modifiers that say a share would else make proper postings look as if half of the usual were missing.
    """
    units, codes = batch.columns["units"], batch.columns["modifiers"]
    if is_plain(codes):
        if codes < 0:
            return batch.columns
        return batch.columns | {"units": where(units > 0, units, 1.0) * fee_share(batch.vocabulary.word("modifiers", codes))}
    top = int(codes.max(initial=-1))
    if top < 0:
        return batch.columns
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=top + 1))
    # The last stands for rows without modifiers, whose code is -1.
    share = np.ones(top + 2)
    share[used] = [fee_share(text) for text in batch.vocabulary.decode("modifiers", used)]
    return batch.columns | {"units": np.where(np.isnan(units) | (units <= 0), 1.0, units) * share[codes]}


def allowed_per_unit(columns: Columns) -> NDArray[np.int64]:
    """Return cents allowed per unit, NULL where a posting says nothing of the payer's usual: nothing allowed, or no amount given."""
    allowed, units = columns["allowed_amount"], columns["units"]
    units = np.where(np.isnan(units) | (units <= 0), 1.0, units)
    per_unit = np.where(allowed > 0, np.rint(np.maximum(allowed, 0) / units), NULL).astype(np.int64)
    return np.where(per_unit == 0, NULL, per_unit)


def advance_by(usual: Usual, columns: Columns, *, until: int) -> None:
    """Add all postings of before the day `until`, day by day, in order of row within one."""
    per_unit = allowed_per_unit(columns)
    rows = np.flatnonzero((columns["writeoff_date"] < until) & (per_unit != NULL))
    slots = usual.find({name: columns[name][rows] for name in ("payer_id", "procedure_code")}, grow=True)
    for _, at in days_of(columns["writeoff_date"][rows]):
        usual.advance(slots[at], per_unit[rows[at]])


def replay_usual(usual: Usual, postings: Columns, rows: Columns, days: NDArray[np.int64]) -> UsualAllowed:
    """Read each row as of the morning of its day while the postings pass by; `usual` ends after the last posting."""
    per_unit = allowed_per_unit(postings)
    told = np.flatnonzero(per_unit != NULL)
    post_slots = usual.find({name: postings[name][told] for name in ("payer_id", "procedure_code")}, grow=True)
    row_slots = usual.find(rows, grow=True)
    cents = [np.zeros(len(days), dtype=np.int64) for _ in range(3)]
    found = UsualAllowed(cents[0], cents[1], cents[2], np.zeros(len(days)), np.zeros(len(days)))
    reads, adds = dict(days_of(days)), dict(days_of(postings["writeoff_date"][told]))
    for day in sorted(reads.keys() | adds.keys()):
        if day in reads:
            at = reads[day]
            seen = usual.read(row_slots[at], rows["units"][at])
            for name in UsualAllowed.__slots__:
                getattr(found, name)[at] = getattr(seen, name)
        if day in adds:
            usual.advance(post_slots[adds[day]], per_unit[told[adds[day]]])
    return found
