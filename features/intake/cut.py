"""A ledger of any size set down in a folder, block by block as it comes, so that each of its parts can be read for itself.

One pass keeps of the three key columns one hash each, which say which rows make which part (`features.intake.part`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from collections.abc import Mapping as Map
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from features.batch import Batch, empty_columns
from features.errors import BadData
from features.intake.column_reader import ColumnReader
from features.intake.made_ids import with_made_ids
from features.intake.mapping import Mapping
from features.intake.output import replace_file
from features.intake.part import Part, Rows, belonging, even_rows, parts_of
from features.intake.source import Block, Source, numbers_of
from features.intake.sources import open_source
from features.intake.table_file import TableReader
from features.intake.table_read import TableRead
from features.pieces import Each
from features.tables import Table
from features.text_hashes import BY_NUMPY, Hashes, TextHasher
from features.vocabulary import Vocabulary

KEYS = ("writeoff_id", "claim_id", "reverses_writeoff_id")

STRETCH_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class Cut:
    """A ledger set down in a folder, and what to know to read parts of it.

    Parameters
    ----------
    folder, blocks
        Holds these files, a block of rows each.
    name, header, is_text
        Of the source; see `features.intake.source.Source`.
    starts
        Position of the first row of each block, and the number of rows behind the last.
    first_row, broken
        Number of the first row, and the numbers of those that had more or fewer fields than the header.
    unknown
        Names in the header that the table does not have.
    blank
        Numbers of the rows that said nothing.
    """

    folder: Path
    blocks: tuple[str, ...]
    name: str
    header: tuple[str, ...]
    is_text: bool
    starts: Rows
    first_row: int
    broken: tuple[int, ...]
    unknown: tuple[str, ...] = ()
    blank: tuple[int, ...] = ()

    def __len__(self) -> int:
        return int(self.starts[-1])

    def read(
        self,
        part: Part,
        table: Table,
        vocabulary: Vocabulary,
        *,
        mapping: Mapping | None,
        latest: int | None,
        unused: Collection[str] = (),
        hasher: TextHasher = BY_NUMPY,
    ) -> TableRead:
        """Read the rows of a part as `read_table` reads a file, any share of them rejected; patient ids are left out.

        `unused` names columns of ids that the caller has no use for; `hasher` tells whether ids are repeated.
        """
        reader = TableReader(
            self.name, table, self.header, is_text=self.is_text, mapping=mapping, latest=latest, unused=unused, hasher=hasher
        )
        reader.add_all(self._blocks(part.rows))
        return reader.finish(vocabulary, self.numbers(part.rows))

    def gather(
        self,
        parts: Sequence[Part],
        table: Table,
        vocabulary: Vocabulary,
        *,
        mapping: Mapping | None,
        latest: int | None,
        names: Sequence[str] | None = None,
        ids: Set[str] | None = None,
    ) -> Batch:
        """Return accepted rows of the whole ledger in its order: some columns of all rows, or all columns of some.

        Parameters
        ----------
        names
            Columns wanted; None: all.
        ids
            Of the rows wanted; None: all.
        """
        found: list[tuple[Rows, Batch]] = []
        for part in parts:
            read = self.read(part, table, vocabulary, mapping=mapping, latest=latest)
            batch, at = read.batch, self.positions(part, read.row_numbers)
            if ids is not None:
                kept = np.flatnonzero([ident in ids for ident in batch.columns[table.columns[0].name].tolist()])
                batch, at = batch.take(kept), at[kept]
            columns = batch.columns if names is None else {name: batch.columns[name] for name in names}
            found.append((at, Batch(table, columns, vocabulary, batch.extras if names is None else {})))
        if not found:
            nothing = empty_columns(table, 0)
            return Batch(table, nothing if names is None else {name: nothing[name] for name in names}, vocabulary)
        order = np.argsort(np.concatenate([at for at, _ in found]))
        first = found[0][1]
        columns = {name: np.concatenate([batch.columns[name] for _, batch in found])[order] for name in first.columns}
        extras = {name: np.concatenate([batch.extras[name] for _, batch in found])[order] for name in first.extras}
        return Batch(table, columns, vocabulary, extras)

    def numbers(self, rows: Rows) -> Rows:
        """Return the row numbers of rows, as rejects name them."""
        return numbers_of(rows, self.first_row, self.broken, self.blank)

    def positions(self, part: Part, numbers: Rows) -> Rows:
        """Return where rows of a part that have these numbers stand in the ledger."""
        return part.rows[np.searchsorted(self.numbers(part.rows), numbers)]

    def _blocks(self, rows: Rows) -> Iterator[Block]:
        edges = np.searchsorted(rows, self.starts)
        few: list[pa.RecordBatch] = []
        for block in np.flatnonzero(np.diff(edges)).tolist():
            inside = rows[edges[block] : edges[block + 1]] - self.starts[block]
            batch = _load(self.folder / self.blocks[block])
            if len(inside) < batch.num_rows:
                # Some rows of many blocks are one block to whoever reads them: each block costs what hundreds of rows do.
                few.append(batch.take(pa.array(inside)))
                continue
            yield from _as_block(few)
            few = []
            yield from _as_block([batch])
        yield from _as_block(few)


def _as_block(batches: Sequence[pa.RecordBatch]) -> Iterator[Block]:
    """Yield the rows of batches as one block; of none, none."""
    if batches:
        whole = pa.concat_batches(batches) if len(batches) > 1 else batches[0]
        yield whole.num_rows, {int(name): whole.column(name) for name in whole.schema.names}


def cut(
    source: Path | BinaryIO,
    table: Table,
    folder: Path,
    *,
    mapping: Mapping | None = None,
    latest: int | None = None,
    part_rows: int | None = None,
    stdin: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    each: Each | None = None,
    stretch_rows: int = STRETCH_ROWS,
    hasher: TextHasher = BY_NUMPY,
) -> tuple[Cut, list[Part]]:
    """Set a ledger down in a folder and say which rows make which part.

    Parameters
    ----------
    source, table, mapping, latest, stdin, progress
        As in `read_table`; the table is `WRITEOFFS`.
    folder
        Where the blocks go; nobody else should be able to read it.
    part_rows
        About so many rows make a part; None: as `even_rows` has it.
    each
        Does what others may do, who see the source and the folder: stretches of it are set down side by side. None: all is done here.
    stretch_rows
        About so many rows make a stretch.
    hasher
        Of the keys; every one gives the same hashes.

    Raises
    ------
    BadData, ColumnsMissing, StorageFailed, UsageError
        As `read_table` does; a broken cell is found when its part is read.
    """
    with closing(open_source(source, stdin, threads=each is None)) as file:
        opened = with_made_ids(file, table, mapping)
        # Before anything is handed out: a header that lacks a column is refused here.
        reader = TableReader(opened.name, table, opened.header, is_text=opened.is_text, mapping=mapping, latest=latest)
        how = _How(table, folder, mapping, hasher)
        pieces = _set_down_apart(how, opened.stretches(stretch_rows), each, progress, is_text=opened.is_text) if each is not None else []
        pieces = pieces or [_set_down(how, opened, 0, progress)]
        sizes = [size for piece in pieces for size in piece.sizes]
        broken, blank = numbered(pieces, opened.first_row)
        if sum(sizes) + len(broken) == 0:
            raise BadData(f"{opened.name}: table {table.name} has no rows below its header")
        done = Cut(
            folder,
            tuple(name for piece in pieces for name in piece.names),
            opened.name,
            tuple(opened.header),
            opened.is_text,
            np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64),
            opened.first_row,
            broken,
            tuple(reader.unknown),
            blank,
        )
    # Each block's hashes are let go of as soon as they stand with the others.
    hashes = (np.concatenate([block.pop(key) for piece in pieces for block in piece.keys]) for key in KEYS)
    together = belonging(*hashes) if sizes else np.zeros(0, dtype=np.uint64)
    _keep(done, together)
    return done, parts_of(together, part_rows or even_rows(len(together)))


def resume(folder: Path, part_rows: int | None = None) -> tuple[Cut, list[Part]] | None:
    """Return what `cut` set down in a folder, or None where it did not come to its end."""
    path = folder / _KEPT
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as kept:
        starts, together, told = kept["starts"], kept["together"], json.loads(str(kept["told"]))
    blocks, name, header, is_text, first_row, broken, unknown, blank = told
    done = Cut(folder, tuple(blocks), name, tuple(header), is_text, starts, first_row, tuple(broken), tuple(unknown), tuple(blank))
    return done, parts_of(together, part_rows or even_rows(len(together)))


_KEPT = "cut.npz"


def _keep(cut: Cut, together: Hashes) -> None:
    told = json.dumps([cut.blocks, cut.name, cut.header, cut.is_text, cut.first_row, cut.broken, cut.unknown, cut.blank])
    replace_file(
        cut.folder / _KEPT, lambda file: np.savez(file, starts=cut.starts, together=together, told=np.array(told)), is_lasting=False
    )


@dataclass(frozen=True, slots=True)
class _How:
    """What all stretches of a ledger are set down with."""

    table: Table
    folder: Path
    mapping: Mapping | None
    hasher: TextHasher


@dataclass(slots=True)
class SetDown:
    """What became of a stretch: its blocks, their rows and the hashes of their keys; its broken and blank rows, as it numbers them."""

    first_row: int
    broken: list[int]
    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    keys: list[dict[str, Hashes]] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)


def _set_down_apart(
    how: _How, stretches: Iterable[Source] | None, each: Each, progress: Callable[[int], None] | None, *, is_text: bool
) -> list[SetDown]:
    """Have others set down the stretches of a ledger; return nothing of one that has none, or whose text one reader must look at."""
    pieces: list[SetDown] = []
    try:
        for piece in each(_set_down, how, ((stretch, number) for number, stretch in enumerate(stretches or ()))):
            pieces.append(piece)
            if progress is not None:
                progress(sum(piece.sizes))
    except BadData:
        if not is_text:
            raise
        # What is wrong with a text is told with the number of its row, which is known to who reads it from its beginning.
        return []
    return pieces


def numbered(pieces: Sequence[SetDown], first_row: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of the broken and of the blank rows of all pieces, in the whole ledger."""
    broken: list[int] = []
    blank: list[int] = []
    before = first_row
    for piece in pieces:
        broken += [number - piece.first_row + before for number in piece.broken]
        blank += [number - piece.first_row + before for number in piece.blank]
        before += sum(piece.sizes) + len(piece.broken) + len(piece.blank)
    return tuple(broken), tuple(blank)


def _set_down(how: _How, source: Source, number: int, progress: Callable[[int], None] | None = None) -> SetDown:
    """Write the blocks of a stretch into the folder."""
    reader = TableReader(source.name, how.table, source.header, is_text=source.is_text, mapping=how.mapping, latest=None)
    keys = {name: ColumnReader(how.table.column(name), how.mapping, escaped=source.is_text, latest=None) for name in KEYS}
    done = SetDown(source.first_row, source.broken, blank=source.blank)
    for rows, arrays in source.blocks(reader.wanted, reader.coded):
        name = f"block-{number}-{len(done.names)}.arrow"
        _save(how.folder / name, arrays, rows)
        done.names.append(name)
        done.sizes.append(rows)
        done.keys.append(
            {key: _hashes(how.hasher, column, arrays.get(reader.places.get(key, -1)), rows, source.name) for key, column in keys.items()}
        )
        if progress is not None:
            progress(rows)
    return done


def _hashes(hasher: TextHasher, column: ColumnReader, array: pa.Array | None, rows: int, where: str) -> Hashes:
    """Return the hashes of a block of one key; 0 where it has none."""
    if array is None:
        return np.zeros(rows, dtype=np.uint64)
    return hasher.hashes(column.texts(array, f"{where}: column {column.column.name}"))


def _save(path: Path, arrays: Map[int, pa.Array], rows: int) -> None:
    columns = {str(place): array for place, array in arrays.items()} or {"-1": pa.nulls(rows)}
    batch = pa.record_batch(columns)

    def write(file: BinaryIO) -> None:
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)

    # Whole or not at all: a worker that was taken for lost may write the same block again.
    replace_file(path, write, is_lasting=False)


def _load(path: Path) -> pa.RecordBatch:
    """Return a block; its pages are read when they are looked at."""
    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
