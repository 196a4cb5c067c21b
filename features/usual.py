"""What a payer usually allows for a procedure, from its latest allowed postings, replayed day by day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.history import days_of
from features.money import NULL
from features.tables import Array, Columns

KEPT = 32
"""Postings kept per payer and procedure: enough for a median and a 10-90 % range, few enough to follow a new contract."""

_BLANK = np.iinfo(np.int64).max
_LOW, _HIGH = 0.1, 0.9


class Usual:
    """The last allowed amounts per unit of each payer and procedure.

    A ring of integers per key rather than decayed sums: its quantiles are exact cents, one wrong posting in a few does not move
    the median, and replay, snapshot and online update agree because nothing is rounded.
    """

    def __init__(self) -> None:
        # Slot 0 stays empty: it answers for unknown keys.
        self._slots: dict[int, int] = {}
        self.ring = np.full((1, KEPT), _BLANK, dtype=np.int64)
        self.seen = np.zeros(1, dtype=np.int64)

    def find(self, columns: Columns, *, grow: bool = False) -> NDArray[np.int64]:
        """Return each row's slot; 0 where payer or procedure is null or the pair was never seen."""
        payer, procedure = columns["payer_id"].astype(np.int64), columns["procedure_code"].astype(np.int64)
        key = np.where((payer < 0) | (procedure < 0), -1, payer << 28 | procedure)
        if len(key) == 1 and not grow:
            return np.array([self._slots.get(int(key[0]), 0)])
        distinct, inverse = np.unique(key, return_inverse=True)
        return np.array([self._slot(k, grow) for k in distinct.tolist()], dtype=np.int64)[inverse]

    def _slot(self, key: int, grow: bool) -> int:
        slot = self._slots.get(key, 0)
        if slot == 0 and grow and key >= 0:
            slot = self._slots[key] = len(self._slots) + 1
            if slot >= len(self.seen):
                more = len(self.seen) + 256
                self.ring = np.concatenate([self.ring, np.full((more, KEPT), _BLANK, dtype=np.int64)])
                self.seen = np.concatenate([self.seen, np.zeros(more, dtype=np.int64)])
        return slot

    def read(self, slots: NDArray[np.int64], units: Array) -> UsualAllowed:
        """Return median, 10-90 % range (cents for the row's units; NULL where nothing is known) and how many postings stand behind."""
        if len(slots) == 1:
            return self._read_one(int(slots[0]), float(units[0]))
        used, place = np.unique(slots, return_inverse=True)
        ring = np.sort(self.ring[used], axis=1)
        count = np.minimum(self.seen[used], KEPT)
        last = np.maximum(count - 1, 0)
        row = np.arange(len(used))

        def at(share: float) -> NDArray[np.int64]:
            found: NDArray[np.int64] = ring[row, np.rint(last * share).astype(np.int64)][place]
            return found

        known = (count > 0)[place]
        factor = np.where(np.isnan(units), 1.0, units)

        def cents(per_unit: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.where(known, np.rint(np.where(known, per_unit, 0) * factor), NULL).astype(np.int64)

        return UsualAllowed(cents(at(0.5)), cents(at(_LOW)), cents(at(_HIGH)), self.seen[used][place].astype(np.float64))

    def _read_one(self, slot: int, units: float) -> UsualAllowed:
        # One row is the request path: the same integers and roundings without arrays in between.
        seen = int(self.seen[slot])
        if not seen:
            null = np.array([NULL])
            return UsualAllowed(null, null, null, np.zeros(1))
        last = sorted(self.ring[slot, : min(seen, KEPT)].tolist())
        factor = 1.0 if units != units else units
        cents = np.array([round(last[round((len(last) - 1) * share)] * factor) for share in (0.5, _LOW, _HIGH)])
        return UsualAllowed(cents[:1], cents[1:2], cents[2:], np.array([float(seen)]))

    def advance(self, slots: NDArray[np.int64], per_unit: NDArray[np.int64]) -> None:
        """Add postings in their order: cents allowed per unit."""
        for slot, cents in zip(slots.tolist(), per_unit.tolist(), strict=True):
            if slot:
                self.ring[slot, self.seen[slot] % KEPT] = cents
                self.seen[slot] += 1

    def snapshot(self) -> Columns:
        """Return the state as columns, one row per payer and procedure that was seen, ordered by key."""
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


def allowed_per_unit(columns: Columns) -> NDArray[np.int64]:
    """Return cents allowed per unit, NULL where a posting says nothing of the payer's usual: nothing allowed, or no amount given."""
    allowed, units = columns["allowed_amount"], columns["units"]
    units = np.where(np.isnan(units) | (units <= 0), 1.0, units)
    return np.where(allowed > 0, np.rint(np.maximum(allowed, 0) / units), NULL).astype(np.int64)


def advance_by(usual: Usual, columns: Columns, *, until: int) -> None:
    """Add all postings of before the day `until`, in order of day, then of row."""
    per_unit = allowed_per_unit(columns)
    rows = np.flatnonzero((columns["writeoff_date"] < until) & (per_unit != NULL))
    rows = rows[np.argsort(columns["writeoff_date"][rows], kind="stable")]
    picked = {name: columns[name][rows] for name in ("payer_id", "procedure_code")}
    usual.advance(usual.find(picked, grow=True), per_unit[rows])


def replay_usual(usual: Usual, postings: Columns, rows: Columns, days: NDArray[np.int64]) -> UsualAllowed:
    """Read each row as of the morning of its day while the postings pass by; `usual` ends after the last posting."""
    per_unit = allowed_per_unit(postings)
    told = np.flatnonzero(per_unit != NULL)
    post_slots = usual.find({name: postings[name][told] for name in ("payer_id", "procedure_code")}, grow=True)
    row_slots = usual.find(rows, grow=True)
    parts = [np.zeros(len(days), dtype=np.int64) for _ in range(3)]
    count = np.zeros(len(days))
    reads, adds = dict(days_of(days)), dict(days_of(postings["writeoff_date"][told]))
    for day in sorted(reads.keys() | adds.keys()):
        if day in reads:
            at = reads[day]
            seen = usual.read(row_slots[at], rows["units"][at])
            parts[0][at], parts[1][at], parts[2][at], count[at] = seen.median_cents, seen.low_cents, seen.high_cents, seen.count
        if day in adds:
            usual.advance(post_slots[adds[day]], per_unit[told[adds[day]]])
    return UsualAllowed(parts[0], parts[1], parts[2], count)
