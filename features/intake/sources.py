"""Where a table's rows come from: CSV, packed CSV, Parquet, a folder of Parquet or a stream, as blocks of text columns."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.errors import BadData, RecoupError, StorageFailed, UsageError
from features.intake.row_ends import stretches_of

BLOCK_BYTES = 8 << 20
BLOCK_ROWS = 1 << 16
HEADER_BYTES = 1 << 20
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What other programs put between columns."""

Block: TypeAlias = tuple[int, Mapping[int, pa.Array]]
"""Rows of a block, and the columns wanted by their place in the header; a file of a folder may lack one."""


class Source(Protocol):
    """Rows of one table.

    Parameters
    ----------
    name
        For messages.
    header
        Column names as they stand.
    first_row
        Number of the first row: that behind a CSV header, else 1.
    is_text
        True for CSV, where a formula may stand behind an apostrophe.
    broken
        After reading: numbers of the rows with more or fewer fields than the header.
    blank
        After reading: numbers of the rows of a CSV file that say nothing: blank lines, and rows without a value in any column that is read.
        They are passed over; a spreadsheet counts them.
    """

    name: str
    header: list[str]
    first_row: int
    is_text: bool
    broken: list[int]
    blank: list[int]

    def blocks(self, wanted: Sequence[int], coded: Collection[int] = ()) -> Iterator[Block]:
        """Yield the rows; once. Texts of the columns at `coded` may come as codes of words, where the file holds them so."""
        ...

    def stretches(self) -> Iterable[Source] | None:
        """Return sources of some rows each, in order and with the same header, that others may read; None where it is one stream.

        A stretch numbers its own rows from its own `first_row`.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def numbers_of(positions: NDArray[np.int64], first_row: int, *others: Sequence[int]) -> NDArray[np.int64]:
    """Return the numbers of rows, by their positions among the rows that came; `others` have numbers and did not come.

    Examples
    --------
    >>> numbers_of(np.arange(4), 2, [3], [5, 6]).tolist()
    [2, 4, 7, 8]
    """
    away = np.sort(np.concatenate([np.array(numbers, dtype=np.int64) for numbers in others]))
    # A row comes behind as many others as there are with fewer rows before them than it has.
    return positions + first_row + np.searchsorted(away - np.arange(len(away)) - first_row, positions, side="right")


def open_source(source: Path | BinaryIO, stdin: BinaryIO | None = None, *, threads: bool = False) -> Source:
    """Return the rows of a file, a folder of Parquet, `-` or an open CSV stream; `threads`: columns may be read side by side.

    Raises
    ------
    BadData
        When it is empty or not of the format that its name says.
    UsageError
        When its name ends in no known format.
    StorageFailed
        When it is not there or cannot be read.
    """
    if not isinstance(source, Path):
        return CsvSource(str(getattr(source, "name", "stream")), source)
    if str(source) == "-":
        return CsvSource("standard input", sys.stdin.buffer if stdin is None else stdin)
    name = source.name.lower()
    try:
        if source.is_dir():
            return ParquetSource(str(source), _parquet_files(source), threads=threads)
        if name.endswith(".parquet"):
            return ParquetSource(str(source), [source], threads=threads)
        if name.endswith(".csv"):
            return CsvSource(str(source), source.open("rb"), path=source.absolute())
        if name.endswith(".csv.gz"):
            return CsvSource(str(source), gzip.open(source, "rb"))  # type: ignore[arg-type]
    except OSError as error:
        raise StorageFailed(f"{source}: cannot be read: {error.strerror or error}") from error
    raise UsageError(f"{source}: a table is a .csv, .csv.gz or .parquet file, a folder of .parquet files, or - for standard input")


def _parquet_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*.parquet") if path.is_file() and not path.name.startswith((".", "_")))
    if not files:
        raise BadData(f"{folder}: no .parquet file in this folder")
    return files


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
                    return number + 1, fields
        except csv.Error as error:
            raise BadData(f"{self.name}: the header cannot be read: {error}") from error
        raise BadData(f"{self.name}: the file is empty; a header and rows are expected")

    def _refuse_other_separators(self, fields: Sequence[str]) -> None:
        """Say so where what should be columns is one of them: no table has one only."""
        for mark, name in _SEPARATORS.items():
            if len(fields) == 1 and mark in fields[0]:
                raise BadData(f"{self.name}: the header is one column with {name} in it; save the file with commas between its columns")

    def stretches(self) -> Iterable[Source] | None:
        """Return stretches of a file, each as soon as its end is found; None of a stream, which is read from its beginning."""
        return _csv_stretches(self.name, self._path, self.header, self.first_row) if self._path is not None else None

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

    def stretches(self) -> None:
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


def _csv_stretches(name: str, path: Path, header: list[str], first_row: int) -> Iterator[Source]:
    with _opened(path) as file:
        for begin, end in stretches_of(file):
            yield CsvStretch(name, path, header, begin, end, first_row)


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
        raise StorageFailed(f"{path}: cannot be read: {error.strerror or error}") from error


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
            raise StorageFailed(f"{self._name}: cannot be read: {error.strerror or error}") from error
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(part, final=not part)
        except UnicodeDecodeError as error:
            at = self._position - pending + error.start
            raise BadData(f"{self._name}: not UTF-8 at byte {at}; save the file as CSV UTF-8") from None
        self._position += len(part)
        return part


class ParquetSource:
    """One Parquet file or several as one table; see `Source`.

    Parameters
    ----------
    name, files
        For messages, and what is read.
    threads
        Columns may be read side by side.
    header
        Column names of the whole table; None: those of these files.
    groups
        Row groups of the only file that are read; None: all of all files.
    """

    first_row = 1
    is_text = False

    def __init__(
        self,
        name: str,
        files: Sequence[Path],
        *,
        threads: bool = False,
        header: Sequence[str] | None = None,
        groups: Sequence[int] | None = None,
    ) -> None:
        self.name = name
        self._threads = threads
        self.broken: list[int] = []
        self.blank: list[int] = []
        self._files = list(files)
        self._groups = groups
        names = header if header is not None else (column for path in self._files for column in self._names(path))
        self.header = list(dict.fromkeys(names))

    def close(self) -> None:
        """Let go of the files: each is open only while it is read."""

    def stretches(self) -> Iterable[Source] | None:
        """Return a source for every few row groups, at least `BLOCK_ROWS` rows of a file where it has as many."""
        found: list[Source] = []
        # Absolute: who reads a stretch may work in another folder.
        for path in (path.absolute() for path in self._files):
            with self._open(path) as file:
                sizes = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
            groups, rows = [], 0
            for number, size in enumerate(sizes):
                groups.append(number)
                rows += size
                if rows >= BLOCK_ROWS or number == len(sizes) - 1:
                    found.append(ParquetSource(self.name, [path], header=self.header, groups=groups))
                    groups, rows = [], 0
        return found

    def _texts(self, path: Path, names: Sequence[str]) -> list[str]:
        """Return which of the columns a file holds as text."""
        with self._open(path) as file:
            texts = {field.name for field in file.schema_arrow if pa.types.is_string(field.type)}
        return [name for name in names if name in texts]

    def _names(self, path: Path) -> list[str]:
        with self._open(path) as file:
            names = list(file.schema_arrow.names)
        if doubled := next((name for name in names if names.count(name) > 1), None):
            raise BadData(f"{path}: column {doubled} stands there more than once; leave one of them")
        return names

    def blocks(self, wanted: Sequence[int], coded: Collection[int] = ()) -> Iterator[Block]:
        """Yield the rows; once."""
        for path in self._files:
            with self._open(path, self._texts(path, [self.header[place] for place in coded])) as file:
                present = set(file.schema_arrow.names)
                places = [place for place in wanted if self.header[place] in present]
                yield from self._blocks_of(file, places)

    def _blocks_of(self, file: pq.ParquetFile, places: Sequence[int]) -> Iterator[Block]:
        groups = range(file.metadata.num_row_groups) if self._groups is None else self._groups
        if not places:
            yield sum(file.metadata.row_group(number).num_rows for number in groups), {}
            return
        names = [self.header[place] for place in places]
        try:
            for batch in file.iter_batches(BLOCK_ROWS, row_groups=list(groups), columns=names, use_threads=self._threads):
                # Arrow takes the bytes of a text on trust; a torn file may hold anything.
                batch.validate(full=True)
                yield batch.num_rows, {place: batch.column(self.header[place]) for place in places}
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _not_parquet(self.name, error) from error

    def _open(self, path: Path, coded: Sequence[str] = ()) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(path, read_dictionary=list(coded))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _not_parquet(str(path), error) from error


def _not_parquet(name: str, error: Exception) -> RecoupError:
    """Return what went wrong: an OSError with a number is the system's, one without is Arrow's word for a torn file."""
    if isinstance(error, OSError) and error.errno is not None:
        return StorageFailed(f"{name}: cannot be read: {error.strerror}")
    return BadData(f"{name}: not a whole Parquet file: {_first_words(error)}")
