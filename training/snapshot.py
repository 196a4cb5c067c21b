"""A snapshot of what a fit was given: the ledger as known on a morning, kept whole under its own hash, so that the fit can be repeated."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.batch import Batch
from features.errors import BadData
from features.tables import CITATIONS, CONTRACT_RATES, OUTCOMES, PAYER_RULES, REFERENCE_FEES, WRITEOFF_POLICIES, WRITEOFFS, Array
from features.vocabulary import Vocabulary
from models.registry import settle
from training.cut import Ledger

FORMAT = 1
_ABANDONED_SECONDS = 86_400
_TABLES = {
    "writeoffs": WRITEOFFS,
    "outcomes": OUTCOMES,
    "contracts": CONTRACT_RATES,
    "payer_rules": PAYER_RULES,
    "policies": WRITEOFF_POLICIES,
    "reference_fees": REFERENCE_FEES,
    "citations": CITATIONS,
}


def digest(ledger: Ledger) -> str:
    """Return the SHA-256 of all values of a ledger, the same whatever files, formats or versions they came from."""
    told = hashlib.sha256()
    for name, batch in _batches(ledger):
        for kind, columns in (("column", batch.columns), ("extra", batch.extras)):
            for column in sorted(columns):
                told.update(f"{name}/{kind}/{column}/{len(batch)}\n".encode())
                told.update(_bytes(columns[column]))
    told.update(json.dumps(ledger.vocabulary.as_dict(), sort_keys=True).encode())
    return told.hexdigest()


def keep(ledger: Ledger, place: Path) -> str:
    """Write a ledger into a folder named by its digest, whole or not at all, and return the digest; one that is there stays.

    Any number may keep the same ledger at once: each writes a folder of its own, and the first that is whole stays.

    Parameters
    ----------
    ledger
        As `cut_ledger` returns it.
    place
        Folder of all snapshots.
    """
    name = digest(ledger)
    folder = place / name
    if folder.is_dir():
        return name
    place.mkdir(parents=True, exist_ok=True)
    # Not the process id: containers that share a disk often have the same.
    making = place / f".{name}.making-{secrets.token_hex(8)}"
    try:
        making.mkdir()
        for table, batch in _batches(ledger):
            arrays = {column: _arrow(values) for column, values in (batch.columns | batch.extras).items()}
            pq.write_table(pa.table(arrays), making / f"{table}.parquet", compression="zstd")
        told = {
            "format": FORMAT,
            "extras": sorted(ledger.writeoffs.extras),
            "rows": {table: len(batch) for table, batch in _batches(ledger)},
        }
        (making / "vocabulary.json").write_text(json.dumps(ledger.vocabulary.as_dict(), sort_keys=True))
        (making / "snapshot.json").write_text(json.dumps(told, indent=1))
        settle(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return name


def sweep(place: Path, now: float | None = None) -> None:
    """Take away what was left by those who were killed while they kept a ledger: nothing was added to it for a day.

    Younger folders may be those of somebody who is at it, on this machine or another.

    Parameters
    ----------
    place
        Folder of all snapshots.
    now
        Seconds since 1970; None asks the clock.
    """
    before = (time.time() if now is None else now) - _ABANDONED_SECONDS
    for making in place.glob(".*.making-*"):
        # Whoever is done with it meanwhile has moved it.
        with suppress(FileNotFoundError):
            if making.stat().st_mtime < before:
                shutil.rmtree(making, ignore_errors=True)


def recall(place: Path, name: str) -> Ledger:
    """Read a snapshot back.

    Raises
    ------
    BadData
        When it is not there, or is not what its name says.
    """
    folder = place / name
    if not name or not (folder / "snapshot.json").is_file():
        raise BadData(f"the snapshot {name[:12] or '(none recorded)'} is not under {place}: this model cannot be refitted here")
    told: dict[str, Any] = json.loads((folder / "snapshot.json").read_text())
    vocabulary = Vocabulary(json.loads((folder / "vocabulary.json").read_text()))
    batches = {}
    for table in told["rows"]:
        read = pq.ParquetFile(folder / f"{table}.parquet").read()
        columns = {column: _array(read[column]) for column in read.column_names}
        extras = {column: columns.pop(column) for column in (told["extras"] if table == "writeoffs" else [])}
        batches[table] = Batch(_TABLES[table], columns, vocabulary, extras)
    ledger = Ledger(batches.pop("writeoffs"), batches.pop("outcomes"), batches, vocabulary)
    if digest(ledger) != name:
        raise BadData(f"the snapshot {name[:12]} was altered: this model cannot be refitted from it")
    return ledger


def _batches(ledger: Ledger) -> Iterator[tuple[str, Batch]]:
    yield "writeoffs", ledger.writeoffs
    yield "outcomes", ledger.outcomes
    yield from sorted(ledger.tables.items())


def _bytes(values: Array) -> bytes:
    if values.dtype == object:
        return json.dumps(values.tolist()).encode()
    # One NaN is every NaN.
    plain = np.where(np.isnan(values), np.nan, values) if values.dtype.kind == "f" else values
    return str(plain.dtype).encode() + np.ascontiguousarray(plain).tobytes()


def _arrow(values: Array) -> pa.Array:
    return pa.array(values.tolist(), pa.string()) if values.dtype == object else pa.array(values)


def _array(column: pa.ChunkedArray) -> Array:
    if pa.types.is_string(column.type):
        out = np.empty(len(column), dtype=object)
        out[:] = column.to_pylist()
        return out
    return np.asarray(column.to_numpy(zero_copy_only=False))
