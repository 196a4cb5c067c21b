"""What became of the efforts of the last year, counted by key: for sentences, where the decayed sums of the history are for features."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.history import KEYS, Events, one_key, pack
from features.tables import Columns

DAYS = 365
"""Efforts that ended so many days before the cut are counted."""

LEAST = 2
"""One effort is no evidence."""


class Seen(NamedTuple):
    """What is known of a key.

    Parameters
    ----------
    efforts, recoveries
        That ended, and of them recovered.
    since
        Day on which the first of them ended.
    days
        Median from the start of an effort to its recovery; 0 without recoveries.
    """

    efforts: int
    recoveries: int
    since: int
    days: int


def _nothing() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Record:
    """Counts by packed key of the history; arrays of one length."""

    key: NDArray[np.int64] = field(default_factory=_nothing)
    efforts: NDArray[np.int64] = field(default_factory=_nothing)
    recoveries: NDArray[np.int64] = field(default_factory=_nothing)
    since: NDArray[np.int64] = field(default_factory=_nothing)
    days: NDArray[np.int64] = field(default_factory=_nothing)

    @classmethod
    def of(cls, events: Events, until: int) -> Record:
        """Count the efforts that ended in the year before a day.

        Examples
        --------
        >>> codes = {name: np.array([0, 0, 1]) for names in KEYS for name in names}
        >>> days, won = np.array([10, 90, 30]), np.array([True, False, True])
        >>> record = Record.of(Events(np.array([100, 130, 140]), codes, won, np.ones(3), days, days), 200)
        >>> record.look(1, {name: values[:1] for name, values in codes.items()}, 0)
        Seen(efforts=2, recoveries=1, since=100, days=10)
        """
        events = events.take((events.known_on < until) & (events.known_on >= until - DAYS))
        parts = [_counted(place, names, events) for place, names in enumerate(KEYS) if names] if len(events) else []
        if not parts:
            return cls()
        whole = np.concatenate(parts, axis=1)
        return cls(*whole[:, np.argsort(whole[0], kind="stable")])

    def look(self, place: int, columns: Columns, row: int) -> Seen | None:
        """Return what is known of the key of a row; None where that is less than two efforts.

        Parameters
        ----------
        place
            In `KEYS`.
        columns
            Coded columns.
        """
        at = self._at.get(one_key(place, [int(columns[name][row]) for name in KEYS[place]]))
        return None if at is None else Seen(int(self.efforts[at]), int(self.recoveries[at]), int(self.since[at]), int(self.days[at]))

    @cached_property
    def _at(self) -> dict[int, int]:
        return {key: at for at, key in enumerate(self.key.tolist())}

    def snapshot(self) -> Columns:
        """Return the counts as columns."""
        return {name: getattr(self, name) for name in ("key", *Seen._fields)}

    @classmethod
    def restore(cls, state: Columns) -> Record:
        """Return the record of a snapshot."""
        return cls(*(np.asarray(state[name], dtype=np.int64) for name in ("key", *Seen._fields)))


def _counted(place: int, names: tuple[str, ...], events: Events) -> NDArray[np.int64]:
    """Return key, efforts, recoveries, first day and median days of each key with enough efforts (5 x keys)."""
    packed, is_known = pack(place, names, events.keys, len(events))
    known = np.flatnonzero(is_known)
    key, group = np.unique(packed[known], return_inverse=True)
    group = group.reshape(-1)
    won = events.recovered[known]
    efforts, recoveries = np.bincount(group, minlength=len(key)), np.bincount(group, won, len(key)).astype(np.int64)
    since = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(since, group, events.known_on[known])
    # Recoveries in order of key and days: the middle one of each key is its median.
    days, of = events.days[known][won], group[won]
    order = np.lexsort((days, of))
    begins = np.searchsorted(of[order], np.arange(len(key)))
    middle = np.zeros(len(key), dtype=np.int64)
    some = recoveries > 0
    middle[some] = days[order][begins[some] + (recoveries[some] - 1) // 2]
    told = np.stack([key, efforts, recoveries, since, middle])
    return told[:, efforts >= LEAST]
