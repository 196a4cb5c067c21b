"""Rows of CSV, from its beginning or from a place within."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from features.errors import BadData, StorageFailed
from features.intake.row_ends import stretches_of
from features.intake.source import Block, Source, numbers_of

BLOCK_BYTES = 8 << 20
HEADER_BYTES = 1 << 20
ROW_BYTES = 384
"""About so long is a row of a ledger."""

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How the files of spreadsheet programs begin."""

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What other programs put between columns."""

_CODED = pa.dictionary(pa.int32(), pa.string())


class CsvSource:
    """CSV in UTF-8 with commas and a header; see `Source`."""

    is_text = True

    def __init__(self, name: str, stream: BinaryIO, *, path: Path | None = None) -> None:
        self.name, self._path = name, path
        self.broken: list[int] = []
        self.blank: list[int] = []
        self._open_quote: int | None = None
        self._bytes = _CheckedBytes(name, stream)
        try:
            self.first_row, self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._bytes.close()

    def _read_header(self) -> tuple[int, list[str]]:
        """Return the number of the row behind the header, and the header."""
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(self._bytes.peek(HEADER_BYTES))
        try:
            for number, fields in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
                if any(field.strip() for field in fields):
                    self._refuse_other_separators(fields)
                    self._refuse_a_title(fields, number)
                    return number + 1, fields
        except csv.Error as error:
            raise BadData(f"{self.name}: the header cannot be read: {error}") from error
        raise BadData(f"{self.name}: the file is empty; a header and rows are expected")

    def _refuse_other_separators(self, fields: Sequence[str]) -> None:
        """Say so where what should be columns is one of them: no table has one only."""
        for mark, name in _SEPARATORS.items():
            if len(fields) == 1 and mark in fields[0]:
                raise BadData(f"{self.name}: the header is one column with {name} in it; save the file with commas between its columns")

    def _refuse_a_title(self, fields: Sequence[str], number: int) -> None:
        """Say so where a row above the names of the columns is still there: a title, merged cells, a spreadsheet's own mark."""
        if fields[0].strip().lower().startswith("sep="):
            raise BadData(f"{self.name}: row {number} tells a spreadsheet how columns are separated; delete that row")
        named = sum(map(bool, map(str.strip, fields)))
        last = max(place for place, field in enumerate(fields, 1) if field.strip())
        if len(fields) > 1 and (named == 1 or (not fields[0].strip() and 2 * named < last)):
            raise BadData(
                f"{self.name}: row {number} is no header: {named} of its {len(fields)} columns {'has' if named == 1 else 'have'} a name; "
                "delete what stands above the names of the columns, such as a title or merged cells"
            )

    def stretches(self, rows: int) -> Iterable[Source] | None:
        """Return stretches of a file, each as soon as its end is found; None of a stream, which is read from its beginning."""
        return self._stretches(self._path, rows * ROW_BYTES) if self._path is not None else None

    def _stretches(self, path: Path, size: int) -> Iterator[Source]:
        with _opened(path) as file:
            for begin, end in stretches_of(file, size):
                yield CsvStretch(self.name, path, self.header, begin, end, self.first_row)

    def blocks(self, wanted: Sequence[int], coded: Collection[int] = ()) -> Iterator[Block]:
        """Yield the rows; once."""
        yield from self._blocks(wanted, coded)

    def _blocks(self, wanted: Sequence[int], coded: Collection[int]) -> Iterator[Block]:
        # Names of our own, since a header may hold blank or equal ones.
        names = [f"c{place}" for place in range(len(self.header))]
        before, silent = 0, [np.zeros(0, dtype=np.int64)]
        try:
            reader = pa.csv.open_csv(
                pa.PythonFile(self._bytes, mode="r"),
                read_options=pa.csv.ReadOptions(
                    column_names=names, skip_rows_after_names=self.first_row - 1, block_size=BLOCK_BYTES, use_threads=False
                ),
                parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._on_broken, ignore_empty_lines=False),
                convert_options=pa.csv.ConvertOptions(
                    column_types={name: _CODED if place in coded else pa.string() for place, name in enumerate(names)},
                    include_columns=[names[place] for place in wanted],
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    check_utf8=False,
                ),
            )
            for batch in reader:
                self._refuse_open_quote()
                rows = batch.num_rows
                if (is_silent := _silent(batch)) is not None:
                    silent.append(np.flatnonzero(is_silent) + before)
                    batch = batch.filter(pc.invert(is_silent))
                before += rows
                if batch.num_rows:
                    yield batch.num_rows, dict(zip(wanted, batch.columns, strict=True))
            self._refuse_open_quote()
            # Only now is known how many rows that did not come lie before each.
            self.blank += numbers_of(np.concatenate(silent), self.first_row, self.broken, self.blank).tolist()
            self.blank.sort()
        except pa.ArrowInvalid as error:
            # Arrow's words may quote a row; what is broken is said without it.
            raise BadData(f"{self.name}: cannot be read as CSV: {_first_words(error)}") from None
        finally:
            self.close()

    def _on_broken(self, row: pa.csv.InvalidRow) -> str:
        if not row.text.strip(" ,\t\r\n"):
            self.blank.append(row.number)
            return "skip"
        self.broken.append(row.number)
        if self._open_quote is None and "\n" in row.text.rstrip("\r\n"):
            self._open_quote = row.number
        return "skip"

    def _refuse_open_quote(self) -> None:
        """Refuse a file of which a broken row runs over several lines: those lines would be lost as one reject."""
        if self._open_quote is not None:
            raise BadData(f"{self.name}, row {self._open_quote}: a quote is left open, the lines after it cannot be told apart")


class CsvStretch(CsvSource):
    """Rows of a CSV file between two places; see `CsvSource`. It is opened when it is read.

    Parameters
    ----------
    name, path, header
        Of the whole file.
    begin, end
        Where its first row begins and its last one ends; None: with the file. The one that begins at 0 begins with the header.
    first_row
        Of the whole file.
    """

    def __init__(self, name: str, path: Path, header: list[str], begin: int, end: int | None, first_row: int = 2) -> None:
        self.name, self.header, self._path = name, header, path
        self.first_row = 1 if begin else first_row
        self.broken: list[int] = []
        self.blank: list[int] = []
        self._open_quote: int | None = None
        self._begin, self._end = begin, end

    def close(self) -> None:
        """Let go of the file, if it is read."""

    def stretches(self, rows: int) -> None:
        """Return none: it is one."""

    def blocks(self, wanted: Sequence[int], coded: Collection[int] = ()) -> Iterator[Block]:
        """Yield the rows; once."""
        assert self._path is not None
        with _opened(self._path) as file:
            file.seek(self._begin)
            self._bytes = _CheckedBytes(self.name, file, begin=self._begin, end=self._end)
            try:
                yield from self._blocks(wanted, coded)
            finally:
                del self._bytes


def _silent(batch: pa.RecordBatch) -> pa.Array | None:
    """Return which rows have no value in any column; None where all have one, which is known at once where a column has no null."""
    if not batch.num_columns or not all(column.null_count for column in batch.columns):
        return None
    found = pc.is_null(batch.columns[0])
    for column in batch.columns[1:]:
        if not found.true_count:
            return None
        found = pc.and_(found, pc.is_null(column))
    return found if found.true_count else None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise StorageFailed.reading(path, error) from error


def _first_words(error: Exception) -> str:
    text = str(error)
    return "a row is longer than 8 MB; is a quote left open?" if "straddling" in text else text.split(":")[0][:60]


class _CheckedBytes:
    """A stream that is read once, checked to be UTF-8 on the way; its beginning can be looked at before.

    `begin` is where the stream stands, and `end` where its last byte that is read ends; None: it is read to its end.
    """

    def __init__(self, name: str, stream: BinaryIO, *, begin: int = 0, end: int | None = None) -> None:
        self._name = name
        self._stream, self._end = stream, end
        self._ahead = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._position = begin
        self.closed = False

    def peek(self, size: int) -> bytes:
        """Return up to so many of the first bytes, which `read` will return again."""
        parts = []
        left = size
        while left > 0 and (part := self._next(left)):
            parts.append(part)
            left -= len(part)
        self._ahead = b"".join(parts)
        if left > 0 and not self._ahead.endswith(b"\n"):
            # The whole file: Arrow cannot read a header alone that has no line end.
            self._ahead += b"\n"
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; blank at the end."""
        if self._ahead:
            size = len(self._ahead) if size < 0 else size
            head, self._ahead = self._ahead[:size], self._ahead[size:]
            return head
        return self._next(size)

    def close(self) -> None:
        """Close the stream below."""
        self.closed = True
        self._stream.close()

    def _next(self, size: int) -> bytes:
        if self._end is not None:
            left = self._end - self._position
            size = left if size < 0 else min(size, left)
        try:
            part = self._stream.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadData(f"{self._name}: not a whole gzip file: {error}") from error
        except OSError as error:
            raise StorageFailed.reading(self._name, error) from error
        if self._position == 0 and part.startswith(_WORKBOOKS):
            raise BadData(f"{self._name}: an Excel workbook, whatever its name says; save each sheet that is wanted as CSV UTF-8")
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(part, final=not part)
        except UnicodeDecodeError as error:
            at = self._position - pending + error.start
            raise BadData(f"{self._name}: not UTF-8 at byte {at}; save the file as CSV UTF-8") from None
        self._position += len(part)
        return part
