"""Tables from records: JSON objects and Python mappings to canonical columns, value by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from features.batch import Batch, OneRow, Single
from features.errors import BadData
from features.intake import outcomes, writeoffs
from features.intake.adjustments import Adjustment, is_composite, resolve_with
from features.intake.cells import Cells, Unlisted, Value
from features.intake.header import Header
from features.intake.issues import Findings
from features.intake.keys import Key, Spans, has_spans, key_columns, key_of
from features.intake.mapping import Mapping
from features.intake.pseudonyms import Pseudonyms, is_hashed
from features.intake.rejects import Reject, Rule, check_share
from features.intake.table_read import TableRead
from features.intake.texts import text_of
from features.money import NULL
from features.tables import Array, Column, Columns, Kind, Table
from features.vocabulary import Vocabulary

Row: TypeAlias = dict[str, Any]
"""One record's values by our column names, nulls left out: text, cents, days, counts, 1 or 0."""

SHARED_ROWS = 16
"""Up to so many rows, the nulls of absent columns are shared between calls (read-only)."""

LONGEST_EXTRA = 200

_PLAIN = frozenset({str, int, float})
"""Kinds of a cell that says its value and no more."""


def read_records(
    records: Sequence[Map[str, object]],
    table: Table,
    *,
    vocabulary: Vocabulary,
    mapping: Mapping | None = None,
    identity: Pseudonyms | None = None,
    latest: int | None = None,
    most_rejected: float | None = None,
    source: str = "records",
) -> TableRead:
    """Read a table from records; means the same as `read_table` of a file that says the same.

    A value may be text as in a file, or a number (money: an int, a float of at most two decimals, a Decimal), a bool, a date or None.
    A column that none of several records has is an array of nulls that may be shared and must not be written to.

    Parameters
    ----------
    records
        Column name to value.
    table, vocabulary, mapping, identity, latest, most_rejected
        As in `read_table`, but any share may be rejected unless said otherwise: who sent the records sees each reject.
    source
        For messages.

    Raises
    ------
    BadData
        When a record gives one column under two names.
    TooManyRowsRejected
        See `most_rejected`.

    Examples
    --------
    >>> from features.tables import WRITEOFFS
    >>> given = {"writeoff_id": "W1", "writeoff_date": "2024-01-05", "payer_id": "AETNA", "writeoff_amount": 80.5, "carc": "CO-045"}
    >>> batch = read_records([given], WRITEOFFS, vocabulary=Vocabulary()).batch
    >>> batch.columns["writeoff_amount"].tolist(), batch.words("group_code"), batch.words("carc")
    ([8050], ['CO'], ['45'])
    >>> read_records([given | {"writeoff_amount": float("nan")}], WRITEOFFS, vocabulary=Vocabulary()).rejects
    [Reject(row=1, id='W1', column='writeoff_amount', rule=<Rule.NOT_AN_AMOUNT: 'not_an_amount'>)]
    """
    return _reader(table.name, id(table), mapping, _Held(table)).read(
        records, vocabulary=vocabulary, identity=identity, latest=latest, most_rejected=most_rejected, source=source
    )


@dataclass(frozen=True, slots=True)
class Lone:
    """What reading one record gave that nobody else's stood beside.

    Parameters
    ----------
    place
        Its row in the batch; -1 where it was refused or is of no amount.
    read
        As of a table of this record alone, but without a batch of its own.
    """

    place: int
    read: TableRead


def read_apart(
    records: Sequence[Map[str, object]], table: Table, *, vocabulary: Vocabulary, latest: int | None = None
) -> tuple[Batch, list[Lone]]:
    """Read records that have nothing to do with each other into one batch; each as `read_records` would read it alone.

    Keys are not compared: two records of one id are two questions, not a slip. The rows of the batch still share claims and ids, so it is
    only for what looks at each row apart.

    Raises
    ------
    BadData
        As `read_records`.
    """
    return _reader(table.name, id(table), None, _Held(table)).read_apart(records, vocabulary=vocabulary, latest=latest)


class _Held:
    """Carries a table past the cache, which would else hash all of its columns on each call; tables are told apart by identity."""

    __slots__ = ("table",)

    def __init__(self, table: Table) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.table is self.table

    def __hash__(self) -> int:
        return id(self.table)


@lru_cache(maxsize=64)
def _reader(name: str, identity: int, mapping: Mapping | None, held: _Held) -> RecordReader:
    return RecordReader(held.table, mapping)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the values of a name go."""

    name: str
    read: Callable[[str], Value | Rule]
    is_extra: bool


class RecordReader:
    """Reads records of one table with one mapping; keeps what it looked up for the next call. Threads may share it.

    Parameters
    ----------
    table
        What the records are.
    mapping
        The practice's own names and forms.
    """

    def __init__(self, table: Table, mapping: Mapping | None = None) -> None:
        self._table = table
        self._mapping = mapping
        self._header = Header(table, mapping)
        self._columns = {column.name: column for column in table.columns}
        self._texts = frozenset(column.name for column in table.columns if column.kind is Kind.TEXT)
        self._no_words: dict[str, str | None] = dict.fromkeys(self._texts)
        self._plain_nulls = {column.name: column.kind.nulls(1).item(0) for column in table.columns}
        self._order = {name: place for place, name in enumerate(table.names)}
        self._required = tuple(column.name for column in table.columns if not column.nullable)
        self._targets: dict[str, _Target | None] = {}
        self._nulls: dict[int, Columns] = {}
        self._id = next((name for name in table.key[:1] if self._columns[name].kind is Kind.ID), "")
        self._has_adjustments = {"group_code", "carc", "rarcs"} <= set(table.names)
        self._dates = tuple(column.name for column in table.columns if column.kind is Kind.DATE)
        # Most records give our own names: how their values are read is found at once.
        known = {name: self._target(name) for name in table.names}
        self._reads = {name: target.read for name, target in known.items() if target is not None and target.name == name}

    def read(
        self,
        records: Sequence[Map[str, object]],
        *,
        vocabulary: Vocabulary,
        identity: Pseudonyms | None = None,
        latest: int | None = None,
        most_rejected: float | None = None,
        source: str = "records",
    ) -> TableRead:
        """Read records; see `read_records`."""
        call = _Call(latest, identity)
        for number, record in enumerate(records, 1):
            self._read_one(record, number, call, source)
        if len(call.rows) > 1:
            self._drop_repeated(call)
        if call.rejects:
            order = self._order
            call.rejects.sort(key=lambda reject: (reject.row, order.get(reject.column, len(order)), reject.column))
            check_share(source, self._table.name, len(records), call.rejects, most_rejected)
        for row, odd in zip(call.rows, call.odd, strict=True):
            self._complete(row, odd, call)
        if len(call.rows) == 1:
            batch: Batch = OneRow(self._single(call, vocabulary))
        else:
            batch = Batch(self._table, self._arrays(call, vocabulary), vocabulary, self._extras(call))
        numbers = np.array(call.numbers, dtype=np.int64)
        return TableRead(batch, numbers, call.rejects, call.findings, len(records), call.zero_amounts)

    def read_apart(self, records: Sequence[Map[str, object]], *, vocabulary: Vocabulary, latest: int | None) -> tuple[Batch, list[Lone]]:
        """Read records that have nothing to do with each other; see the function."""
        together, lone = _Call(latest, None), []
        nothing = Batch(self._table, {}, vocabulary)
        for record in records:
            call = _Call(latest, None)
            self._read_one(record, 1, call, "records")
            for row, odd in zip(call.rows, call.odd, strict=True):
                self._complete(row, odd, call)
            place = len(together.rows) if call.rows else -1
            together.rows += call.rows
            together.extras |= call.extras
            numbers = np.ones(len(call.rows), dtype=np.int64)
            lone.append(Lone(place, TableRead(nothing, numbers, call.rejects, call.findings, 1, call.zero_amounts)))
        return Batch(self._table, self._arrays(together, vocabulary), vocabulary, self._extras(together)), lone

    def _target(self, name: str) -> _Target | None:
        """Return where a name's values go, looked up once; None for an unknown column."""
        ours = self._header.find(name)
        if ours is None:
            return None
        column = self._columns.get(ours) or Column(ours, Kind.ID, "", longest=LONGEST_EXTRA)
        # The method itself is kept: asked of a dictionary that has `__missing__` by brackets, Python looks it up anew each time.
        target = _Target(ours, Cells(column, self._mapping).__getitem__, is_extra=ours not in self._columns)
        if len(self._targets) < 1024:
            self._targets[name] = target
        return target

    def _read_one(self, record: Map[str, object], number: int, call: _Call, source: str) -> None:
        reads = self._reads
        row: Row = {}
        odd: list[tuple[str, str]] = []
        broken: list[tuple[str, Rule]] = []
        for name, value in record.items():
            read = reads.get(name)
            if read is None:
                target = self._targets.get(name) or self._target(name)
                if target is None:
                    call.findings.unknown[name] = None
                    continue
                given, name, read = name, target.name, target.read
                if given != name and (name in row or name in record):
                    raise BadData(f"{source}: record {number} gives {name} under two names; leave one out")
                if target.is_extra:
                    call.extras[name] = None
            if type(value) is not str:
                value = text_of(value, self._columns[name].kind if name in self._columns else Kind.ID)
                if value is None:
                    continue
            found = read(value)
            if type(found) in _PLAIN:
                row[name] = found
            elif type(found) is Rule:
                broken.append((name, found))
            elif type(found) is Unlisted:
                odd.append((name, found.raw))
                row[name] = found
        if call.latest is not None:
            for name in self._dates:
                if row.get(name, NULL) > call.latest:
                    broken.append((name, Rule.DATE_OUT_OF_RANGE))
        self._accept(row, odd, broken, number, call)

    def _accept(self, row: Row, odd: list[tuple[str, str]], broken: list[tuple[str, Rule]], number: int, call: _Call) -> None:
        """Keep a row, or say why not."""
        for name in self._required:
            if name not in row and not any(name == other for other, _ in broken):
                broken.append((name, Rule.VALUE_MISSING))
        if not broken and self._table.name == "outcomes" and outcomes.lacks_amount_row(row):
            broken.append(("recovered_amount", Rule.AMOUNT_MISSING))
        if broken:
            call.rejects.extend(Reject(number, row.get(self._id, ""), name, rule) for name, rule in broken)
        elif self._table.name == "writeoffs" and row.get("writeoff_amount") == 0:
            call.zero_amounts += 1
        else:
            call.rows.append(row)
            call.odd.append(odd)
            call.numbers.append(number)

    def _drop_repeated(self, call: _Call) -> None:
        names = key_columns(self._table)
        if not names:
            return
        seen: set[Key] = set()
        spans = Spans() if has_spans(self._table) else None
        kept = []
        for place, row in enumerate(call.rows):
            key = key_of(self._table, [row.get(name) for name in names])
            if key in seen:
                call.rejects.append(Reject(call.numbers[place], row.get(self._id, ""), names[0], Rule.DUPLICATE_KEY))
            elif spans is not None and not spans.add(key[:-1], row.get("effective_from"), row.get("effective_to")):
                call.rejects.append(Reject(call.numbers[place], row.get(self._id, ""), "effective_from", Rule.SPAN_OVERLAPS))
            else:
                seen.add(key)
                kept.append(place)
        if len(kept) < len(call.rows):
            call.rows = [call.rows[place] for place in kept]
            call.odd = [call.odd[place] for place in kept]
            call.numbers = [call.numbers[place] for place in kept]

    def _complete(self, row: Row, odd: list[tuple[str, str]], call: _Call) -> None:
        """Resolve what the columns say together, and count remarks."""
        for name, raw in odd:
            call.findings.unlisted.setdefault(name, Counter())[raw] += 1
        if self._has_adjustments:
            self._resolve_adjustment(row)
        if self._table.name == "writeoffs":
            if self._mapping is not None and "payer_type" not in row and (known := self._mapping.payer_types.get(row["payer_id"].lower())):
                row["payer_type"] = known
            writeoffs.review_row(row, call.findings.rows)
            if "patient_id" in row:
                self._hash_patient(row, call)
        elif self._table.name == "outcomes":
            outcomes.review_row(row, call.findings.rows)

    def _resolve_adjustment(self, row: Row) -> None:
        carc = row.get("carc")
        is_mapped = self._mapping is not None and row.get("adjustment_code") in self._mapping.adjustment_codes
        if not is_mapped and (carc is None or not is_composite(carc)):
            return
        given = Adjustment(row.get("group_code"), carc, row.get("rarcs"))
        resolved = resolve_with(self._mapping.adjustment_codes if self._mapping else {}, given, row.get("adjustment_code"))
        for name, word in zip(("group_code", "carc", "rarcs"), resolved, strict=True):
            if word is None:
                row.pop(name, None)
            else:
                row[name] = word

    def _hash_patient(self, row: Row, call: _Call) -> None:
        if call.identity is not None:
            row["patient_id"] = call.identity.of(row["patient_id"])
        elif not is_hashed(row["patient_id"]):
            del row["patient_id"]
            call.findings.rows["patient_id_dropped", "patient_id"] += 1

    def _arrays(self, call: _Call, vocabulary: Vocabulary) -> Columns:
        rows = call.rows
        columns = self._null_columns(len(rows))
        for name in dict.fromkeys(name for row in rows for name in row):
            column = self._columns.get(name)
            if column is not None:
                columns[name] = _array(column.kind, name, [row.get(name) for row in rows], vocabulary)
        return columns

    def _single(self, call: _Call, vocabulary: Vocabulary) -> Single:
        """Return the only row as plain values."""
        (row,) = call.rows
        extras: dict[str, Any] = {name: row.pop(name, None) for name in call.extras}
        words = {name: str(row[name]) for name in self._texts.intersection(row)}
        columns = self._plain_nulls | row | vocabulary.encode_row(words)
        return Single(self._table, columns, vocabulary, extras, spelled={**self._no_words, **words})

    def _null_columns(self, rows: int) -> Columns:
        known = self._nulls.get(rows)
        if known is None:
            of_kind = {kind: kind.nulls(rows) for kind in Kind}
            for nulls in of_kind.values():
                nulls.flags.writeable = False
            known = {column.name: of_kind[column.kind] for column in self._table.columns}
            if rows <= SHARED_ROWS:
                self._nulls[rows] = known
        return dict(known)

    def _extras(self, call: _Call) -> dict[str, Array]:
        return {name: _objects([row.get(name) for row in call.rows]) for name in call.extras}


class _Call:
    """What one call gathers."""

    def __init__(self, latest: int | None, identity: Pseudonyms | None) -> None:
        self.latest = latest
        self.identity = identity
        self.rows: list[Row] = []
        self.odd: list[list[tuple[str, str]]] = []
        self.numbers: list[int] = []
        self.rejects: list[Reject] = []
        self.findings = Findings()
        self.extras: dict[str, None] = {}
        self.zero_amounts = 0


def _array(kind: Kind, name: str, values: list[Any], vocabulary: Vocabulary) -> Array:
    """Return a column's values as it stores them."""
    if kind is Kind.TEXT:
        return vocabulary.encode(name, [str(value) if value.__class__ is Unlisted else value for value in values])
    if kind is Kind.ID:
        return _objects(values)
    if kind is Kind.NUMBER:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if kind is Kind.BOOL:
        return np.array([-1 if value is None else value for value in values], dtype=np.int8)
    return np.array([NULL if value is None else value for value in values], dtype=np.int64)


def _objects(values: list[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
