"""Rows of Parquet: a file, some row groups of one, or several files as one table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import BadData, RecoupError, StorageFailed
from features.intake.source import Block, Source

BLOCK_ROWS = 1 << 16


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

    def stretches(self, rows: int) -> Iterable[Source] | None:
        """Return a source for every few row groups, at least so many rows of a file where it has as many."""
        found: list[Source] = []
        # Absolute: who reads a stretch may work in another folder.
        for path in (path.absolute() for path in self._files):
            with self._open(path) as file:
                sizes = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
            groups, held = [], 0
            for number, size in enumerate(sizes):
                groups.append(number)
                held += size
                if held >= rows or number == len(sizes) - 1:
                    found.append(ParquetSource(self.name, [path], header=self.header, groups=groups))
                    groups, held = [], 0
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
        return StorageFailed.reading(name, error)
    return BadData(f"{name}: not a whole Parquet file: {str(error).split(':')[0][:60]}")
