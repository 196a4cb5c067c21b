"""Tables from files: CSV and Parquet to canonical columns, column by column."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.batch import Batch
from features.errors import BadData
from features.intake import outcomes, writeoffs
from features.intake.adjustments import Adjustment, is_composite, resolve_with
from features.intake.column_reader import TOLD_APART, ColumnReader, is_null
from features.intake.header import resolve as resolve_header
from features.intake.issues import Findings
from features.intake.keys import Key, Spans, has_spans, key_columns, key_of
from features.intake.made_ids import with_made_ids
from features.intake.mapping import Mapping
from features.intake.pseudonyms import Pseudonyms, is_hashed
from features.intake.rejects import MOST_REJECTED, Reject, Rule, check_share
from features.intake.source import Block, Source, numbers_of
from features.intake.sources import open_source
from features.intake.table_read import TableRead
from features.tables import Array, Column, Kind, Table
from features.text_hashes import BY_NUMPY, TextHasher
from features.vocabulary import Vocabulary

Mask = NDArray[np.bool_]

LONGEST_EXTRA = 200
"""Most characters of a value in a column of the user's own."""


def read_table(
    source: Path | BinaryIO,
    table: Table,
    *,
    vocabulary: Vocabulary,
    mapping: Mapping | None = None,
    identity: Pseudonyms | None = None,
    latest: int | None = None,
    allow_empty: bool | None = None,
    most_rejected: float | None = MOST_REJECTED,
    most_rows: int | None = None,
    stdin: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
) -> TableRead:
    """Read a table from a file.

    Parameters
    ----------
    source
        `.csv`, `.csv.gz`, `.parquet`, a folder of Parquet files, `-` (CSV from `stdin`), or an open CSV stream, which is closed.
    table
        What the rows are.
    vocabulary
        Codes the text; words of accepted rows enter it in the order of the rows.
    mapping
        The practice's own names and forms.
    identity
        Hashes patient ids; None: they are left out, and an issue says so. Ids that are hashed already always stay.
    latest
        The last day that is a date, in days since 1970-01-01 (`cells.latest_day(today)`); None: any day from 1990.
    allow_empty
        Whether a table without rows is good; None: all but write-offs may be empty, since on day one nothing has an outcome.
    most_rejected
        Share of the rows that may be rejected; None: any.
    most_rows
        Rows at which reading stops with an error, for files that strangers send; None: any number.
    stdin
        What `-` reads (default: the process's standard input).
    progress
        Called with the number of rows of each block.

    Raises
    ------
    BadData
        Empty, not UTF-8 (with the byte), not of its format, no rows; exit code 65.
    ColumnsMissing, TooManyRowsRejected
        As they say; the second holds the rejects.
    StorageFailed, UsageError
        Not there; no known ending.

    Examples
    --------
    >>> import io
    >>> from features.tables import OUTCOMES
    >>> text = b"writeoff_id,worked_date,status\\nW1,2024-01-05,pending\\nW2,2024-01-05,lost\\n"
    >>> read = read_table(io.BytesIO(text), OUTCOMES, vocabulary=Vocabulary(), most_rejected=None)
    >>> len(read.batch), read.rejects
    (1, [Reject(row=3, id='W2', column='status', rule=<Rule.NOT_LISTED: 'not_listed'>)])
    """
    with closing(open_source(source, stdin)) as file:
        opened = with_made_ids(file, table, mapping)
        reader = TableReader(opened.name, table, opened.header, is_text=opened.is_text, mapping=mapping, latest=latest)
        blocks = opened.blocks(reader.wanted, reader.coded)
        # Who breaks off does not wait for the next block of a stream.
        is_file = isinstance(source, Path) and str(source) != "-"
        reader.add_all(_counted(opened.name, _ahead(blocks) if is_file else blocks, most_rows, progress))
    if reader.rows + len(opened.broken) == 0 and not (table.name != "writeoffs" if allow_empty is None else allow_empty):
        raise BadData(f"{opened.name}: table {table.name} has no rows below its header")
    numbers = row_numbers(opened, reader.rows)
    return reader.finish(vocabulary, numbers, broken=opened.broken, identity=identity, most_rejected=most_rejected)


def _counted(name: str, blocks: Iterator[Block], most_rows: int | None, progress: Callable[[int], None] | None) -> Iterator[Block]:
    total = 0
    for rows, arrays in blocks:
        total += rows
        if most_rows is not None and total > most_rows:
            raise BadData(f"{name}: more than {most_rows} rows; send it in parts, or score it with a batch job")
        yield rows, arrays
        if progress is not None:
            progress(rows)


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield the blocks, the next one parsed by a thread while the last one is worked on."""
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(next, blocks, None)
        while (block := waiting.result()) is not None:
            waiting = aside.submit(next, blocks, None)
            yield block


class TableReader:
    """Reads rows of one table whose header is known, all of them or those of a part.

    Parameters
    ----------
    name
        Of the source, for messages.
    table, mapping, latest
        As in `read_table`.
    header
        Column names as they stand.
    is_text
        True for CSV, where a formula may stand behind an apostrophe.
    unused
        Columns of ids that the caller has no use for: they are held to their rules, and read as null.
    hasher
        Tells whether ids are repeated.

    Attributes
    ----------
    wanted
        Places in the header of the columns that are read.
    coded
        Those of them that hold words of which there are few.
    places
        Our names to these places.
    unknown
        Names that the table does not have.
    rows
        How many came so far.
    """

    def __init__(
        self,
        name: str,
        table: Table,
        header: Sequence[str],
        *,
        is_text: bool,
        mapping: Mapping | None,
        latest: int | None,
        unused: Collection[str] = (),
        hasher: TextHasher = BY_NUMPY,
    ) -> None:
        self.name, self._hasher = name, hasher
        self.places, self.unknown = resolve_header(name, table, header, mapping)
        self.wanted = sorted(self.places.values())
        self.coded = [self.places[column.name] for column in table.columns if column.kind is Kind.TEXT and column.name in self.places]
        self.rows = 0
        self._table, self._mapping = table, mapping
        self._readers = {
            column.name: ColumnReader(column, mapping, escaped=is_text, latest=latest, is_kept=column.name not in unused)
            for column in _columns(table, self.places)
        }

    def add_all(self, blocks: Iterable[Block]) -> None:
        """Take blocks of rows."""
        for rows, arrays in blocks:
            for name, reader in self._readers.items():
                reader.add(arrays.get(self.places[name]), rows, f"{self.name}: column {name}")
            self.rows += rows

    def finish(
        self,
        vocabulary: Vocabulary,
        numbers: NDArray[np.int64],
        *,
        broken: Sequence[int] = (),
        identity: Pseudonyms | None = None,
        most_rejected: float | None = None,
    ) -> TableRead:
        """Return the accepted rows.

        Parameters
        ----------
        vocabulary, identity, most_rejected
            As in `read_table`.
        numbers
            Of the rows that came.
        broken
            Numbers of rows with more or fewer fields than the header.
        """
        for reader in self._readers.values():
            reader.finish()
        findings = Findings()
        findings.unknown.update(dict.fromkeys(self.unknown))
        review = _Review(self._table, self._readers, self.name, numbers, broken, findings, self._mapping, self._hasher)
        return review.finish(vocabulary, identity, most_rejected)


def _columns(table: Table, places: dict[str, int]) -> list[Column]:
    """Return the table's columns that the file has, then the user's own."""
    known = [column for column in table.columns if column.name in places]
    names = {column.name for column in known}
    return known + [Column(name, Kind.ID, "", longest=LONGEST_EXTRA) for name in places if name not in names]


class _Review:
    """The rows of a file after their cells were read: what stays, what is rejected, what is remarked on."""

    def __init__(
        self,
        table: Table,
        readers: dict[str, ColumnReader],
        source: str,
        numbers: NDArray[np.int64],
        broken: Sequence[int],
        findings: Findings,
        mapping: Mapping | None,
        hasher: TextHasher,
    ) -> None:
        self._table, self._hasher = table, hasher
        self._readers = readers
        self._source = source
        self._numbers = numbers
        self._findings = findings
        self._mapping = mapping
        self._rejects = [Reject(number, "", "", Rule.FIELD_COUNT) for number in broken]
        self._rows_read = len(numbers) + len(broken)
        self._order = {name: place for place, name in enumerate(table.names)}
        self._ids = self._id_values()

    def finish(self, vocabulary: Vocabulary, identity: Pseudonyms | None, most_rejected: float | None) -> TableRead:
        """Return the accepted rows."""
        keep = self._readable()
        zero_amounts = self._drop_zero(keep)
        self._drop_repeated(keep)
        self._rejects.sort(key=lambda reject: (reject.row, self._order.get(reject.column, len(self._order)), reject.column))
        check_share(self._source, self._table.name, self._rows_read, self._rejects, most_rejected)
        if not keep.all():
            self._numbers = self._numbers[keep]
            for reader in self._readers.values():
                reader.keep(keep)
        for name, reader in self._readers.items():
            if counts := reader.unlisted():
                self._findings.unlisted[name] = counts
            if reader.digits_lost:
                self._findings.rows["digits_lost", name] = reader.digits_lost
        self._resolve_adjustments()
        self._fill_payer_types()
        self._hash_patients(identity)
        batch = self._batch(vocabulary)
        return TableRead(batch, self._numbers, self._rejects, self._findings, self._rows_read, zero_amounts)

    def _id_values(self) -> Array | None:
        """Return the values that name rows in the rejects, where the table's key begins with an id."""
        first = self._table.key[0] if self._table.key else ""
        reader = self._readers.get(first)
        return reader.values if reader is not None and reader.column.kind is Kind.ID else None

    def _reject(self, rows: Array, column: str, rule: Rule) -> None:
        ids = self._ids
        for row in rows.tolist():
            self._rejects.append(Reject(int(self._numbers[row]), (ids[row] or "") if ids is not None else "", column, rule))

    def _readable(self) -> Mask:
        """Reject rows with a broken cell, and outcomes that lack their amount."""
        keep = np.ones(len(self._numbers), dtype=bool)
        for name, reader in self._readers.items():
            for rows, rule in reader.broken:
                self._reject(rows, name, rule)
                keep[rows] = False
        if self._table.name == "outcomes":
            lacking = np.flatnonzero(outcomes.lacks_amount(self._columns(), self._readers["status"].words()) & keep)
            self._reject(lacking, "recovered_amount", Rule.AMOUNT_MISSING)
            keep[lacking] = False
        return keep

    def _columns(self) -> dict[str, Array]:
        """Return all columns of the table; text in codes of this reading."""
        rows = len(self._numbers)
        return {c.name: self._readers[c.name].values if c.name in self._readers else c.kind.nulls(rows) for c in self._table.columns}

    def _drop_zero(self, keep: Mask) -> int:
        reader = self._readers.get("writeoff_amount") if self._table.name == "writeoffs" else None
        if reader is None:
            return 0
        zero = (reader.values == 0) & keep
        keep &= ~zero
        return int(zero.sum())

    def _drop_repeated(self, keep: Mask) -> None:
        names = key_columns(self._table)
        if not names:
            return
        if len(names) == 1 and self._ids is not None:
            if self._are_apart(self._readers[names[0]].texts_held, self._ids, keep):
                return
        self._drop_one_by_one(keep, names)

    def _are_apart(self, texts: pa.Array | None, ids: Array, keep: Mask) -> bool:
        """Whether no two of the ids that are kept are equal."""
        if texts is not None:
            # Equal texts have equal hashes: where no two are, nothing is repeated.
            ordered = np.sort(self._hasher.hashes(texts)[keep])
            if not (ordered[1:] == ordered[:-1]).any():
                return True
        kept = ids[keep].tolist()
        return len(set(kept)) == len(kept)

    def _drop_one_by_one(self, keep: Mask, names: tuple[str, ...]) -> None:
        columns = [self._key_values(name, keep) for name in names]
        seen: set[Key] = set()
        spans = Spans()
        ends = self._key_values("effective_to", keep) if has_spans(self._table) else []
        for place, row in enumerate(np.flatnonzero(keep).tolist()):
            values = [column[place] for column in columns]
            key = key_of(self._table, values)
            rule = None
            if key in seen:
                rule = Rule.DUPLICATE_KEY
            elif ends and not spans.add(key[:-1], values[-1], ends[place]):
                rule = Rule.SPAN_OVERLAPS
            if rule is None:
                seen.add(key)
            else:
                self._reject(np.array([row]), names[0] if rule is Rule.DUPLICATE_KEY else "effective_from", rule)
                keep[row] = False

    def _key_values(self, name: str, keep: Mask) -> list[object]:
        """Return a column's kept values as Python objects, None where null, words as words."""
        reader = self._readers.get(name)
        if reader is None:
            return [None] * int(keep.sum())
        kept = reader.values[keep]
        nulls = is_null(kept, reader.column.kind).tolist()
        values = [reader.word(code) for code in kept.tolist()] if reader.column.kind is Kind.TEXT else kept.tolist()
        return [None if null else value for value, null in zip(values, nulls, strict=True)]

    def _resolve_adjustments(self) -> None:
        """Put group, CARC and RARCs in their columns: each distinct combination is looked at once."""
        names = ("group_code", "carc", "rarcs")
        if not any(column.name == "carc" for column in self._table.columns):
            return
        rows = self._unresolved()
        if len(rows) == 0:
            return
        for name in names:
            if name in self._order:
                self._reader(name)
        readers = [self._readers.get(name) for name in (*names, "adjustment_code")]
        mapped = self._mapping.adjustment_codes if self._mapping else {}
        codes = np.stack([Kind.TEXT.nulls(len(rows)) if reader is None else reader.values[rows] for reader in readers], axis=1)
        combinations, which = np.unique(codes, axis=0, return_inverse=True)
        found = np.full((len(combinations), 3), -1, dtype=np.int32)
        for place, combination in enumerate(combinations.tolist()):
            group, carc, rarcs, code = (None if r is None else r.word(c) for r, c in zip(readers, combination, strict=True))
            resolved = resolve_with(mapped, Adjustment(group, carc, rarcs), code)
            found[place] = [-1 if r is None else r.code(word) for r, word in zip(readers, resolved, strict=False)]
        for reader, column in zip(readers, found.T, strict=False):
            if reader is not None:
                reader.values[rows] = column[which.ravel()]

    def _unresolved(self) -> Array:
        """Return the rows whose CARC holds more than a CARC, or whose own code is mapped."""
        wanted = np.zeros(len(self._numbers), dtype=bool)
        if (reader := self._readers.get("carc")) is not None:
            wanted |= np.array([is_composite(word) for word in reader.words()] + [False])[reader.values]
        mapped = self._mapping.adjustment_codes if self._mapping else {}
        if mapped and (reader := self._readers.get("adjustment_code")) is not None:
            wanted |= np.array([word in mapped for word in reader.words()] + [False])[reader.values]
        return np.flatnonzero(wanted)

    def _reader(self, name: str) -> ColumnReader:
        """Return the reader of a column of text, which is all null where the file has none."""
        if name not in self._readers:
            self._readers[name] = ColumnReader(self._table.column(name), None, escaped=False, latest=None)
            self._readers[name].values = Kind.TEXT.nulls(len(self._numbers))
        return self._readers[name]

    def _fill_payer_types(self) -> None:
        """Say of which kind a payer is where no column does and the mapping knows."""
        known = self._mapping.payer_types if self._mapping else {}
        if not known or self._table.name != "writeoffs":
            return
        payers, types = self._readers["payer_id"], self._reader("payer_type")
        told = np.array([types.code(known.get(str(word).lower())) for word in payers.words()] + [-1], dtype=np.int32)
        types.values = np.where(types.values < 0, told[payers.values], types.values)

    def _hash_patients(self, identity: Pseudonyms | None) -> None:
        reader = self._readers.get("patient_id")
        if reader is None or self._table.name != "writeoffs":
            return
        known: dict[str | None, str | None] = {None: None}
        dropped = 0
        hashed = np.empty(len(reader.values), dtype=object)
        for place, patient in enumerate(reader.values.tolist()):
            if patient not in known:
                known[patient] = identity.of(patient) if identity else patient if is_hashed(patient) else None
            hashed[place] = known[patient]
            dropped += patient is not None and hashed[place] is None
        reader.values = hashed
        if dropped:
            self._findings.rows["patient_id_dropped", "patient_id"] = dropped

    def _batch(self, vocabulary: Vocabulary) -> Batch:
        columns = self._columns()
        if self._table.name == "writeoffs":
            writeoffs.review(columns, self._findings.rows)
        if self._table.name == "outcomes":
            outcomes.review(columns, self._readers["status"].words(), self._findings.rows)
        for name, reader in self._readers.items():
            if reader.column.kind is Kind.TEXT:
                columns[name] = reader.encode(vocabulary)
        extras = {name: reader.values for name, reader in self._readers.items() if name not in self._order}
        batch = Batch(self._table, columns, vocabulary, extras)
        for name in TOLD_APART:
            if name in self._readers and self._readers[name].texts_held is not None:
                batch.hold_texts(name, self._readers[name].texts_held)
        return batch


def row_numbers(source: Source, rows: int) -> NDArray[np.int64]:
    """Return the numbers of the rows that came."""
    return numbers_of(np.arange(rows, dtype=np.int64), source.first_row, source.broken, source.blank)
