"""Sorted runs of scores merged into one ranking, a bucket of ranks at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.value import order

SAMPLE_ROWS = 512
"""The key of every so many rows of a run says where its buckets may begin."""

BUCKET_KEYS = 512
"""A bucket holds about so many times as many rows: 262,144."""

MOST_RUNS = 128
"""So many runs are read at once, each a stretch ahead; what is more is merged into longer runs before."""

Key = tuple[bool, float, float, str]


class Run:
    """One sorted run, read a stretch of rows at a time.

    Parameters
    ----------
    sample
        Keys of rows at even distances, the smallest first.
    stretches
        Its rows in their order, as `serving.batch.run.run_of` made them.
    """

    def __init__(self, sample: Sequence[Key], stretches: Iterable[pa.RecordBatch]) -> None:
        self.sample = sample
        self._coming = iter(stretches)
        self._held = next(self._coming, None)

    def until(self, cut: Key | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows that come before a key, None: all, and were not yielded yet."""
        while self._held is not None:
            held, keys, end = self._held, _Keys(self._held), self._held.num_rows
            if cut is not None and keys.of(end - 1) >= cut:
                end = bisect_left(range(end), cut, key=keys.of)
            if end:
                yield held.slice(0, end)
            if end < held.num_rows:
                self._held = held.slice(end)
                return
            self._held = next(self._coming, None)


class _Keys:
    """What the rows of a run are ranked by, the smallest first."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._scope, self._ids = batch.column("in_scope"), batch.column("writeoff_id")
        self._value, self._expected = (np.asarray(batch.column(name)) for name in ("by_value", "by_expected"))

    def of(self, place: int) -> Key:
        """Return the key of one row."""
        scope, ident = self._scope[place].as_py(), self._ids[place].as_py()
        return not scope, -float(self._value[place]), -float(self._expected[place]), ident


def sample_of(run: pa.RecordBatch, every: int = SAMPLE_ROWS) -> list[Key]:
    """Return the keys of some rows of sorted scores."""
    return list(map(_Keys(run).of, range(0, run.num_rows, every)))


def merge(runs: Sequence[Run], bucket_keys: int = BUCKET_KEYS, first: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield all rows in rank order, in buckets of about `bucket_keys` sampled rows; the first `first` apart, where a bucket has more.

    The cut points between buckets are keys of rows: what lies between two of them is one stretch of each run, which are put together
    and sorted; ties are broken by id, so a bucket holds as many rows as were meant however many are worth the same.
    """
    sample = sorted(key for run in runs for key in run.sample)
    for cut in [*sample[bucket_keys::bucket_keys], None]:
        slices = [part for run in runs for part in run.until(cut)]
        if slices:
            bucket = _sorted(slices)
            if 0 < first < bucket.num_rows:
                yield bucket.slice(0, first)
                bucket = bucket.slice(first)
            first = 0
            yield bucket


def _sorted(slices: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    batch = pa.concat_batches(slices)
    scope = np.asarray(batch.column("in_scope").cast(pa.int8())) == 1
    value, expected = (np.asarray(batch.column(name)) for name in ("by_value", "by_expected"))
    # Every place is one of the batch's own: to look whether it is takes a sixth of the time.
    return pc.take(batch, pa.array(order(scope, value, expected, batch.column("writeoff_id"))), boundscheck=False)
