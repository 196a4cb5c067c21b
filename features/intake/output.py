"""Tables written as files: whole or not at all, and safe to open in a spreadsheet."""

from __future__ import annotations

import gzip
import io
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.batch import Batch
from features.errors import StorageFailed, UsageError
from features.money import NULL
from features.tables import Kind

BLOCK = 1 << 14
"""Rows turned into text at a time."""

_DANGEROUS = r"^'*[=+\-@\t\r]"
_PLAIN_NUMBER = r"^-[0-9]+(\.[0-9]+)?$"
_NEEDS_QUOTES = '[",\r\n]'


def write_table(
    path: Path | str,
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    *,
    kinds: Mapping[str, Kind] | None = None,
    stdout: BinaryIO | None = None,
) -> None:
    """Write columns as a file of the format that its ending names.

    `.csv` is RFC 4180 in UTF-8 with `\\n` between lines; `.csv.gz` the same, compressed without a time stamp, so equal tables give
    equal bytes; `.parquet` keeps types, money as float64 dollars (exact to the cent below 9e13, and every frame can add them); `-` is
    CSV on standard output. A file is written beside its target and renamed, so a reader never meets half of one.

    In CSV, a text cell that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, TAB or CR) gets an apostrophe in
    front; so does one that begins with apostrophes before such a character. `read_table` takes exactly that one apostrophe away again, so
    every text, ids included, comes back as it was. Text that is a plain negative number (`-12.5`) stays as it is: it is harmless,
    and other programs join on ids.

    Parameters
    ----------
    path
        Where to; `-` for standard output.
    columns
        Name to values, equally long: lists of str, int, float, bool, datetime.date or None, or arrays. NaN and None are blank.
    kinds
        Columns that hold values as `features.tables` stores them: money in cents, dates in days, booleans as 1, 0, -1, and so on.
    stdout
        What `-` writes to (default: the process's standard output).

    Raises
    ------
    UsageError
        When the ending names no known format.
    StorageFailed
        When the disk is full or the place cannot be written; nothing is left behind.

    Examples
    --------
    >>> out = io.BytesIO()
    >>> write_table("-", {"writeoff_id": ["W1", "=1+1"], "paid": np.array([1250, -7])}, kinds={"paid": Kind.MONEY}, stdout=out)
    >>> out.getvalue().decode().splitlines()
    ['writeoff_id,paid', 'W1,12.50', "'=1+1,-0.07"]
    """
    arrays = {name: _arrow(values, (kinds or {}).get(name)) for name, values in columns.items()}
    write_blocks(path, [arrays], stdout=stdout)


def write_blocks(
    path: Path | str, blocks: Iterable[Mapping[str, pa.Array]], *, repeating: Set[str] = frozenset(), stdout: BinaryIO | None = None
) -> None:
    """Write a table that comes in blocks of rows, as `write_table` does: whole or not at all, never more than a block in memory.

    Parameters
    ----------
    path, stdout
        As in `write_table`.
    blocks
        One or more, each with the same columns: text (plain or coded by a dictionary), numbers, dates, booleans; money as decimals.
    repeating
        Numbers of which a block holds few that differ. Parquet then names these, and the texts that a dictionary codes, by their place in
        a list, and nothing else; without any, it looks for itself.
    """
    checked = map(_equally_long, blocks)
    if str(path) == "-":
        target = stdout if stdout is not None else sys.stdout.buffer
        with _storage(path):
            _write_csv(target, checked)
            target.flush()
        return
    path = Path(path)
    replace_file(path, _writer(path, checked, repeating))


def write_parts(path: Path | str, parts: Iterable[Mapping[str, Sequence[Any] | NDArray[Any]]]) -> None:
    """Write a table whose rows come in parts, each as `write_table` takes columns; no more than a part is text at a time."""
    write_blocks(path, ({name: _arrow(values, None) for name, values in part.items()} for part in parts))


def _equally_long(arrays: Mapping[str, pa.Array]) -> Mapping[str, pa.Array]:
    if len({len(array) for array in arrays.values()}) > 1:
        raise ValueError("columns differ in length: " + ", ".join(f"{name} {len(array)}" for name, array in arrays.items()))
    return arrays


def write_batch(path: Path | str, batch: Batch, *, stdout: BinaryIO | None = None) -> None:
    """Write rows of a table; the file is valid input again.

    Columns without any value are left out unless they must be there; a batch without rows keeps them all.
    """
    columns: dict[str, Any] = {}
    for place, column in enumerate(batch.table.columns):
        values = batch.columns[column.name]
        if place == 0 or not column.nullable or len(batch) == 0 or not is_all_null(values, column.kind):
            columns[column.name] = batch.words(column.name) if column.kind is Kind.TEXT else values
    kinds = {column.name: column.kind for column in batch.table.columns}
    write_table(path, columns | batch.extras, kinds=kinds, stdout=stdout)


def is_all_null(values: NDArray[Any], kind: Kind) -> bool:
    """Tell whether a stored column holds nothing but nulls."""
    if kind is Kind.ID:
        return all(value is None for value in values)
    if kind is Kind.NUMBER:
        return bool(np.isnan(values).all())
    if kind in (Kind.TEXT, Kind.BOOL):
        return bool((values < 0).all())
    return bool((values == NULL).all())


def replace_file(path: Path, write: Callable[[BinaryIO], object], *, is_lasting: bool = True) -> None:
    """Write a file beside its target and rename it into place.

    Where the system can, the file has no name until it is whole, so that even a killed process leaves nothing behind. One that is not
    lasting may be torn when the machine itself goes down: the disk is not waited for.

    Raises
    ------
    StorageFailed
        When anything fails on the way; the target is as it was and no other file is left.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with _storage(path):
        try:
            handle, is_named = _open_beside(aside)
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                if is_lasting:
                    os.fsync(file.fileno())
                if not is_named:
                    # The directory is not looked at, the path being absolute; naming one makes Python follow the link.
                    os.link(f"/proc/self/fd/{handle}", aside, src_dir_fd=handle)
            os.replace(aside, path)
        finally:
            with suppress(OSError):
                os.unlink(aside)


def put_file(path: Path, content: bytes | str) -> None:
    """Write a file whole, as `replace_file` does; text as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    replace_file(path, lambda file: file.write(data))


def _open_beside(aside: Path) -> tuple[int, bool]:
    """Open a new file in the folder, without a name if that can be; tell whether it has its name."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        with suppress(OSError):
            return os.open(aside.parent, os.O_TMPFILE | os.O_WRONLY, 0o666), False
    return os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), True


class _storage:
    """Turns failures of the disk into StorageFailed."""

    def __init__(self, path: Path | str) -> None:
        self._name = "standard output" if str(path) == "-" else str(path)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise StorageFailed(f"{self._name}: cannot be written: {error.strerror or error}; nothing was left there") from error


def _writer(path: Path, blocks: Iterable[Mapping[str, pa.Array]], repeating: Set[str]) -> Callable[[BinaryIO], None]:
    name = path.name.lower()
    if name.endswith(".csv"):
        return lambda file: _write_csv(file, blocks)
    if name.endswith(".csv.gz"):
        return lambda file: _write_gzip(file, blocks)
    if name.endswith(".parquet"):
        return lambda file: _write_parquet(file, blocks, repeating)
    raise UsageError(f"{path}: a table's name ends in .csv, .csv.gz or .parquet, or is - for standard output")


def _write_gzip(file: BinaryIO, blocks: Iterable[Mapping[str, pa.Array]]) -> None:
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        _write_csv(packed, blocks)


def _write_parquet(file: BinaryIO, blocks: Iterable[Mapping[str, pa.Array]], repeating: Set[str]) -> None:
    writer: pq.ParquetWriter | None = None
    for block in blocks:
        table = pa.table({name: _dollars(array) if pa.types.is_decimal(array.type) else array for name, array in block.items()})
        if writer is None:
            # Without Arrow's own schema coded words read back as plain text.
            writer = pq.ParquetWriter(file, table.schema, store_schema=False, **_encoded(table.schema, repeating))
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _encoded(schema: pa.Schema, repeating: Set[str]) -> dict[str, Any]:
    """Return how Parquet holds each column.

    Where columns say which of them repeat, others are told how they lie small for little work: whole numbers and dates as steps from one
    to the next, and floats, whose last digits nothing makes smaller, nearly as they are. Older readers know texts only as they are.
    """
    types = {field.name: field.type for field in schema}
    # The first and last of texts say little where rows stand in another order.
    bounded = [name for name, kind in types.items() if not pa.types.is_string(kind)]
    coded = [name for name, kind in types.items() if pa.types.is_dictionary(kind) or name in repeating]
    if not coded:
        return {"compression": "zstd", "use_dictionary": True, "write_statistics": bounded}
    encodings, codecs = {}, dict.fromkeys(types, "zstd")
    for name, kind in types.items():
        if name in coded:
            continue
        if pa.types.is_integer(kind) or pa.types.is_date32(kind):
            encodings[name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_floating(kind):
            codecs[name] = "snappy"
    return {"compression": codecs, "use_dictionary": coded, "column_encoding": encodings, "write_statistics": bounded}


def _dollars(array: pa.Array) -> pa.Array:
    """Return decimals as the nearest floats; Arrow's own cast may be off in the last bit."""
    if array.type.scale != 2 or array.type.precision > 19:
        return array.cast(pa.string()).cast(pa.float64())
    halves = np.frombuffer(array.buffers()[1], dtype=np.int64)[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    return pa.array(halves / 100.0, mask=np.asarray(array.is_null()))


def _write_csv(file: BinaryIO | io.BufferedIOBase, blocks: Iterable[Mapping[str, pa.Array]]) -> None:
    has_header = False
    for arrays in blocks:
        if not has_header:
            header = _as_cells(pa.array(list(arrays), pa.string()))
            file.write((",".join(header.to_pylist()) + "\n").encode())
            has_header = True
        rows = len(next(iter(arrays.values()))) if arrays else 0
        for start in range(0, rows, BLOCK):
            cells = [_as_cells(array.slice(start, BLOCK)) for array in arrays.values()]
            # One lone blank column would be a blank line, which readers skip.
            if len(cells) == 1:
                cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
            lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, ","), "", "\n")
            file.write(_bytes_of(lines))


def _bytes_of(texts: pa.Array) -> bytes:
    """Return the texts one behind the other, as Arrow holds them."""
    _, starts_buffer, data = texts.buffers()
    starts = np.frombuffer(starts_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(data)[starts[0] : starts[-1]])


def _as_cells(array: pa.Array) -> pa.Array:
    """Return one column's cells as CSV text."""
    if pa.types.is_dictionary(array.type):
        return pc.fill_null(_as_cells(array.dictionary).take(array.indices), "")
    is_text = pa.types.is_string(array.type)
    if pa.types.is_boolean(array.type):
        array = pc.if_else(array, "true", "false")
    cells = pc.fill_null(array.cast(pa.string()), "")
    if not is_text:
        return cells
    danger = pc.match_substring_regex(cells, _DANGEROUS)
    if pc.any(danger).as_py():
        danger = pc.and_not(danger, pc.match_substring_regex(cells, _PLAIN_NUMBER))
        cells = pc.if_else(danger, pc.binary_join_element_wise("'", cells, ""), cells)
    quotes = pc.match_substring_regex(cells, _NEEDS_QUOTES)
    if pc.any(quotes).as_py():
        doubled = pc.replace_substring(cells, '"', '""')
        cells = pc.if_else(quotes, pc.binary_join_element_wise('"', doubled, '"', ""), cells)
    return cells


def _arrow(values: Sequence[Any] | NDArray[Any], kind: Kind | None) -> pa.Array:
    """Return values as an Arrow array with nulls."""
    if kind in (Kind.MONEY, Kind.DATE, Kind.INT):
        return _arrow_int64(np.asarray(values, dtype=np.int64), kind)
    if kind is Kind.BOOL:
        flags = np.asarray(values, dtype=np.int8)
        return pa.array(flags == 1, mask=flags < 0)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[D]"))
    if isinstance(values, np.ndarray) and values.dtype.kind == "U":
        values = values.tolist()
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type) or pa.types.is_large_string(array.type):
        array = array.cast(pa.string())
    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type):
        raise TypeError(f"a table's cells are text, numbers, dates or booleans, not {array.type}")
    return array


def _arrow_int64(values: NDArray[np.int64], kind: Kind) -> pa.Array:
    is_null = values == NULL
    if kind is Kind.INT:
        return pa.array(values, mask=is_null)
    if kind is Kind.DATE:
        return pa.array(np.where(is_null, 0, values).astype(np.int32), mask=is_null).cast(pa.date32())
    return decimal_from_cents(values, is_null)


def decimal_from_cents(cents: NDArray[np.int64], is_null: NDArray[np.bool_]) -> pa.Array:
    """Return cents as exact decimals with two places: the sixteen bytes of a decimal are its integer."""
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    wide[:, 1] = cents >> 63
    valid = pa.py_buffer(np.packbits(~is_null, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.decimal128(19, 2), len(cents), [valid, pa.py_buffer(wide.tobytes())])
