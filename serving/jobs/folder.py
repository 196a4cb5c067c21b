"""Where the files of jobs are: a folder for each, that only the service's own user may read, with names that say nothing of a patient."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from features.errors import BadData, StorageFailed

MOST_BYTES = 512 * 1024 * 1024
FORGOTTEN_SECONDS = 3600.0
"""A folder without a job is a file whose sender broke off; it is swept away after so long."""

_MAGIC = ((b"PAR1", "parquet"), (b"\x1f\x8b", "csv.gz"), (b"ISA", "835"), (b"PK\x03\x04", "zip"))


@dataclass(frozen=True, slots=True)
class File:
    """A file of a job: its name in the job's folder, its SHA-256 and its size."""

    name: str
    hash: str
    bytes: int


class Incoming:
    """A file that is being handed in: written as it comes, hashed on the way.

    Raises
    ------
    BadData
        When it grows beyond `MOST_BYTES`, or is empty when it ends.
    StorageFailed
        When the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hash, self._bytes, self._first = hashlib.sha256(), 0, b""
        try:
            folder.mkdir(mode=0o700, parents=True)
            self._file: BinaryIO = os.fdopen(os.open(folder / "input.part", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except OSError as error:
            raise _failed(error) from error

    def add(self, part: bytes) -> None:
        """Take some bytes."""
        self._bytes += len(part)
        if self._bytes > MOST_BYTES:
            raise BadData(f"the file is larger than {MOST_BYTES >> 20} MB; send parts of it")
        self._first = self._first if len(self._first) >= 4 else (self._first + part)[:4]
        self._hash.update(part)
        try:
            self._file.write(part)
        except OSError as error:
            raise _failed(error) from error

    def end(self) -> File:
        """Keep the file for good and return it; its ending says what it is by how it begins."""
        if not self._bytes:
            raise BadData("the body is empty; send the file itself as the body of the request")
        kind = next((ending for magic, ending in _MAGIC if self._first.startswith(magic)), "csv")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            (self.folder / "input.part").rename(self.folder / f"input.{kind}")
            sync_folder(self.folder)
        except OSError as error:
            raise _failed(error) from error
        return File(f"input.{kind}", self._hash.hexdigest(), self._bytes)

    def drop(self) -> None:
        """Throw it away."""
        self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def keep(made: Path, folder: Path, name: str) -> File:
    """Move a file that a job made into its folder for good."""
    digest, size = hashlib.sha256(), 0
    with made.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
            size += len(part)
        os.fsync(file.fileno())
    os.replace(made, folder / name)
    sync_folder(folder)
    return File(name, digest.hexdigest(), size)


def sync_folder(folder: Path) -> None:
    """See that the names in a folder outlive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def tidy(folder: Path, keep_names: Iterable[str]) -> None:
    """Remove everything from a job's folder but some files."""
    kept = set(keep_names)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def sweep(folder: Path, known: set[str], now: float | None = None) -> int:
    """Remove folders of files that never became a job; return how many."""
    before = (time.time() if now is None else now) - FORGOTTEN_SECONDS
    lost = [path for path in folder.iterdir() if path.name not in known and path.stat().st_mtime < before] if folder.is_dir() else []
    for path in lost:
        shutil.rmtree(path, ignore_errors=True)
    return len(lost)


def _failed(error: OSError) -> StorageFailed:
    return StorageFailed(f"the file could not be kept: {error.strerror or type(error).__name__}")
