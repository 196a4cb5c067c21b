"""A table's rows: as arrays, as the plain values of a single one, or as such values of which arrays are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.tables import Array, Columns, Kind, Table
from features.vocabulary import Vocabulary


@dataclass(slots=True)
class Batch:
    """Rows of one table as arrays.

    Parameters
    ----------
    table
        What the rows are.
    columns
        Every column of the table, absent ones filled with nulls (see `Kind`).
    vocabulary
        What coded text stands for.
    extras
        The user's own `x_` columns as read: object arrays of str or None.
    """

    table: Table
    columns: Columns
    vocabulary: Vocabulary
    extras: dict[str, Array] = field(default_factory=dict)
    _claims: tuple[Array, NDArray[np.int64]] | None = field(default=None, init=False, repr=False, compare=False)
    _texts: dict[str, tuple[Array, pa.Array]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.columns[self.table.columns[0].name])

    @property
    def claims(self) -> NDArray[np.int64]:
        """For each row the first row of the same claim, -1 without a claim; prices, copies and caps ask, so it is remembered."""
        ids = self.columns["claim_id"]
        if self._claims is None or self._claims[0] is not ids:
            self._claims = ids, first_texts(self._texts["claim_id"][1]) if self._holds_texts("claim_id") else first_rows(ids)
        return self._claims[1]

    def texts(self, name: str) -> pa.Array:
        """Return a column of ids as Arrow's texts, which are remembered."""
        if not self._holds_texts(name):
            self.hold_texts(name, pa.array(self.columns[name], pa.string()))
        return self._texts[name][1]

    def hold_texts(self, name: str, texts: pa.Array) -> None:
        """Remember the texts that a column of ids was read from, for as long as it stays the column."""
        self._texts[name] = self.columns[name], texts

    def _holds_texts(self, name: str) -> bool:
        return name in self._texts and self._texts[name][0] is self.columns[name]

    def take(self, rows: Array) -> Batch:
        """Return the rows at these positions, or under this mask."""
        return Batch(
            self.table,
            {name: values[rows] for name, values in self.columns.items()},
            self.vocabulary,
            {name: values[rows] for name, values in self.extras.items()},
        )

    def words(self, name: str) -> list[str | None]:
        """Return a text or id column as strings."""
        values = self.columns[name]
        if values.dtype == object:
            return list(values)
        return self.vocabulary.decode(name, values)

    def single(self) -> Single:
        """Return the only row as plain values."""
        columns, extras = ({name: values.item(0) for name, values in arrays.items()} for arrays in (self.columns, self.extras))
        return Single(self.table, columns, self.vocabulary, extras)


class OneRow(Batch):
    """A batch of one row that is known by its plain values; arrays are made of them when somebody asks for columns.

    Parameters
    ----------
    row
        The plain values.
    """

    __slots__ = ("_arrays", "_row")

    def __init__(self, row: Single) -> None:
        self._row, self._claims, self._texts = row, None, {}
        self._arrays: Columns | None = None
        self.table, self.vocabulary = row.table, row.vocabulary
        self.extras = {name: _alike(Kind.ID, [value])[0] for name, value in row.extras.items()}

    def __len__(self) -> int:
        return 1

    def __reduce__(self) -> tuple[type[OneRow], tuple[Single]]:
        # It is copied, and goes to another process, as what it was made of.
        return OneRow, (self.single(),)

    @property
    def columns(self) -> Columns:  # type: ignore[override]
        """Every column of the table as an array of one."""
        if self._arrays is None:
            names: dict[Kind, list[str]] = {}
            for column in self.table.columns:
                names.setdefault(column.kind, []).append(column.name)
            arrays: Columns = {}
            for kind, of_kind in names.items():
                arrays.update(zip(of_kind, _alike(kind, [self._row.columns[name] for name in of_kind]), strict=True))
            self._arrays = {column.name: arrays[column.name] for column in self.table.columns}
        return self._arrays

    def single(self) -> Single:
        """Return the plain values."""
        # Who asked for arrays may have changed them.
        return self._row if self._arrays is None else super().single()


def _alike(kind: Kind, values: list[Any]) -> Array:
    """Return plain values of one kind as arrays of one, which share their place: making an array costs more than a value."""
    arrays = kind.nulls(len(values))
    arrays[:] = values
    return arrays.reshape(-1, 1)


class Single(Batch):
    """A batch of one row, with a plain value (int, float, text or None) in each column where others have an array.

    Only rules that are written in the words of `features.rowwise` can read it.

    Parameters
    ----------
    spelled
        The words of its coded columns, where they are at hand; else they are looked up when somebody asks.
    """

    __slots__ = ("_spelled",)
    columns: dict[str, Any]
    extras: dict[str, Any]

    def __init__(
        self,
        table: Table,
        columns: dict[str, Any],
        vocabulary: Vocabulary,
        extras: dict[str, Any] | None = None,
        *,
        spelled: dict[str, str | None] | None = None,
    ) -> None:
        super().__init__(table, columns, vocabulary, extras if extras is not None else {})
        self._spelled = spelled

    @property
    def spelled(self) -> dict[str, str | None]:
        """The words of its coded columns; null is None."""
        if self._spelled is None:
            self._spelled = _Spelled(self.columns, self.vocabulary)
        return self._spelled

    def __len__(self) -> int:
        return 1

    @property
    def claims(self) -> Any:
        """The row itself, -1 without a claim."""
        return -1 if self.columns["claim_id"] is None else 0


class _Spelled(dict[str, str | None]):
    """The words of the coded columns of a single row, each looked up when it is first asked for."""

    def __init__(self, columns: dict[str, Any], vocabulary: Vocabulary) -> None:
        super().__init__()
        self._columns, self._vocabulary = columns, vocabulary

    def __missing__(self, name: str) -> str | None:
        word = self[name] = self._vocabulary.word(name, self._columns[name])
        return word


def first_rows(ids: Array) -> NDArray[np.int64]:
    """Return for each row the first row of the same id; -1 where it is null.

    Examples
    --------
    >>> first_rows(np.array(["a", "b", None, "a"], dtype=object)).tolist()
    [0, 1, -1, 0]
    """
    seen: dict[str | None, int] = {None: -1}
    return np.fromiter(map(seen.setdefault, ids.tolist(), range(len(ids))), dtype=np.int64, count=len(ids))


def first_texts(ids: pa.Array) -> NDArray[np.int64]:
    """Return the same of Arrow's texts.

    Examples
    --------
    >>> first_texts(pa.array(["a", "b", None, "a"])).tolist()
    [0, 1, -1, 0]
    """
    coded = ids.dictionary_encode()
    codes: NDArray[np.int32] = np.asarray(coded.indices.fill_null(len(coded.dictionary)))
    first = np.empty(len(coded.dictionary) + 1, dtype=np.int64)
    # Of equal places the last one written stays, which is the first row.
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    first[-1] = -1
    return first[codes]


def empty_columns(table: Table, rows: int) -> Columns:
    """Return all columns of a table with `rows` nulls each."""
    return {column.name: column.kind.nulls(rows) for column in table.columns}
