"""Sorted runs of scores merged into one ranking, a bucket of ranks at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from models.value import order

BUCKET_ROWS = 1 << 17
"""About so many rows are ranked at a time."""

Key = tuple[bool, float, float, str]


class Run:
    """One sorted run: what `serving.batch.run.run_of` made."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self._scope = np.asarray(batch.column("in_scope").cast(pa.int8())) == 1
        self._value, self._expected = (np.asarray(batch.column(name)) for name in ("by_value", "by_expected"))

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def key(self, place: int) -> Key:
        """Return what a row is ranked by, the smallest first."""
        ident = self.batch.column("writeoff_id")[place].as_py()
        return not self._scope[place], -float(self._value[place]), -float(self._expected[place]), ident

    def below(self, key: Key) -> int:
        """Return how many rows come before a key."""
        return bisect_left(range(len(self)), key, key=self.key)


def merge(runs: Sequence[Run], bucket_rows: int = BUCKET_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield all rows in rank order, in buckets of about `bucket_rows`.

    The cut points between buckets are keys of rows: what lies between two of them is one slice of each run, which are put together
    and sorted; ties are broken by id, so a bucket holds as many rows as were meant however many are worth the same.
    """
    total = sum(map(len, runs))
    step = max(bucket_rows // 8, 1)
    sample = sorted(run.key(place) for run in runs for place in range(0, len(run), step))
    cuts = sample[8::8] if total > bucket_rows else []
    begun = [0] * len(runs)
    for cut in [*cuts, None]:
        ends = [len(run) if cut is None else run.below(cut) for run in runs]
        slices = [run.batch.slice(a, b - a) for run, a, b in zip(runs, begun, ends, strict=True) if b > a]
        begun = ends
        if slices:
            yield _sorted(slices)


def _sorted(slices: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(slices).unify_dictionaries().combine_chunks()
    batch = table.to_batches()[0]
    scope = np.asarray(batch.column("in_scope").cast(pa.int8())) == 1
    value, expected = (np.asarray(batch.column(name)) for name in ("by_value", "by_expected"))
    return batch.take(pa.array(order(scope, value, expected, _Texts(batch.column("writeoff_id")))))  # type: ignore[arg-type]


class _Texts:
    """A column of texts of which only the rows that are asked for become Python's."""

    def __init__(self, array: pa.Array) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        texts: np.ndarray[tuple[int], np.dtype[np.object_]] = self._array.take(pa.array(rows)).to_numpy(zero_copy_only=False)
        return texts
