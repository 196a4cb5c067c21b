"""Opens what a table's rows come from: CSV, packed CSV, Parquet, a folder of Parquet or a stream."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import BinaryIO

from features.errors import BadData, StorageFailed, UsageError
from features.intake.csv_source import CsvSource
from features.intake.parquet_source import ParquetSource
from features.intake.source import Source


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
        raise StorageFailed.reading(source, error) from error
    hint = "; save each sheet that is wanted as CSV UTF-8" if name.endswith((".xlsx", ".xlsm", ".xls", ".ods")) else ""
    raise UsageError(f"{source}: a table is a .csv, .csv.gz or .parquet file, a folder of .parquet files, or - for standard input{hint}")


def _parquet_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*.parquet") if path.is_file() and not path.name.startswith((".", "_")))
    if not files:
        raise BadData(f"{folder}: no .parquet file in this folder")
    return files
