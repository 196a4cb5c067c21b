"""Sorted runs of scores merged into one ranking, a bucket of ranks at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from models.value import order

BUCKET_ROWS = 1 << 17
"""About so many rows are ranked at a time."""

Key = tuple[bool, float, float, str]


class Run:
    """One sorted run: what `serving.batch.run.run_of` made.

    Parameters
    ----------
    open_
        Returns it. It is opened anew for each look, so that no more of a run is held than is looked at.
    """

    def __init__(self, open_: Callable[[], pa.RecordBatch]) -> None:
        self._open = open_
        self._rows = int(open_().num_rows)
        self._words: dict[str, pa.Array] = {}

    def __len__(self) -> int:
        return self._rows

    def keys(self, places: Iterable[int]) -> list[Key]:
        """Return what the rows at some places are ranked by, the smallest first."""
        return list(map(_Keys(self._open()).of, places))

    def head(self, count: int) -> pa.RecordBatch:
        """Return what the first rows are ranked by."""
        return self._open().slice(0, count).select(["in_scope", "by_value", "by_expected", "writeoff_id"])

    def take(self, begin: int, cut: Key | None) -> pa.RecordBatch:
        """Return the rows from a place on that come before a key; None: all."""
        batch = self._open()
        end = len(self) if cut is None else bisect_left(range(len(self)), cut, begin, key=_Keys(batch).of)
        # A copy, its words too: the pages of a run are let go of before the next one is looked at.
        part = pa.concat_batches([batch.slice(begin, end - begin)])
        columns = [self._with_own_words(name, column) for name, column in zip(part.schema.names, part.columns, strict=True)]
        return pa.record_batch(columns, names=part.schema.names)

    def _with_own_words(self, name: str, column: pa.Array) -> pa.Array:
        """Return a coded column whose words lie in no file; any other as it is."""
        if not pa.types.is_dictionary(column.type):
            return column
        if name not in self._words:
            self._words[name] = pa.array(column.dictionary.to_pylist(), column.dictionary.type)
        return pa.DictionaryArray.from_arrays(column.indices, self._words[name])


class _Keys:
    """What the rows of a run are ranked by."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._scope, self._ids = batch.column("in_scope"), batch.column("writeoff_id")
        self._value, self._expected = (np.asarray(batch.column(name)) for name in ("by_value", "by_expected"))

    def of(self, place: int) -> Key:
        """Return the key of one row."""
        scope, ident = self._scope[place].as_py(), self._ids[place].as_py()
        return not scope, -float(self._value[place]), -float(self._expected[place]), ident


def merge(runs: Sequence[Run], bucket_rows: int = BUCKET_ROWS, first: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield all rows in rank order, in buckets of about `bucket_rows`; the first one of `first` rows, where that is fewer.

    The cut points between buckets are keys of rows: what lies between two of them is one slice of each run, which are put together
    and sorted; ties are broken by id, so a bucket holds as many rows as were meant however many are worth the same.
    """
    total = sum(map(len, runs))
    # Runs are alike, so are their keys at one place, which stand together in the sample: each gives two of them for a bucket.
    step = max(bucket_rows // (2 * max(len(runs), 1)), 1)
    sample = sorted(key for run in runs for key in run.keys(range(0, len(run), step)))
    among = max(bucket_rows // step, 1)
    cuts = sample[among::among] if total > bucket_rows else []
    if 0 < first < min(bucket_rows, total):
        heads = _sorted([run.head(first + 1) for run in runs])
        begin = _Keys(heads).of(first)
        cuts = [begin, *(cut for cut in cuts if cut > begin)]
    begun = [0] * len(runs)
    for cut in [*cuts, None]:
        slices = [run.take(begin, cut) for run, begin in zip(runs, begun, strict=True)]
        begun = [begin + len(part) for begin, part in zip(begun, slices, strict=True)]
        if any(map(len, slices)):
            yield _sorted([part for part in slices if len(part)])


def _sorted(slices: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(slices).unify_dictionaries().combine_chunks()
    batch = table.to_batches()[0]
    scope = np.asarray(batch.column("in_scope").cast(pa.int8())) == 1
    value, expected = (np.asarray(batch.column(name)) for name in ("by_value", "by_expected"))
    return batch.take(pa.array(order(scope, value, expected, batch.column("writeoff_id"))))
