"""Files into the queue of the service and out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from features.batch import Batch
from features.errors import StorageFailed, UsageError
from serving.access import Identity
from serving.identity.gate import Gate
from serving.jobs.failpoints import FailPoints
from serving.store import loading, outcomes, policies
from serving.store.loading import Load
from serving.store.outcomes import Recorded
from serving.store.rows import rows_of
from serving.store.store import Unit

BLOCK = 1 << 20
TOLD_AT_ONCE = 1_000
RECORDED_AT_ONCE = 500


def identity_of(*files: Path | None) -> str:
    """Return what tells these files from others: the hashes of their contents; None is a file that the run has not.

    Raises
    ------
    UsageError
        For standard input, which cannot be read again where a load was cut short.
    """
    return "\x1f".join("" if file is None else _hash(file) for file in files)


def _hash(file: Path) -> str:
    if str(file) == "-":
        raise UsageError("a load goes on where it was cut short, so it reads files; name one instead of -")
    found = hashlib.sha256()
    try:
        for part in sorted(file.rglob("*.parquet")) if file.is_dir() else [file]:
            with part.open("rb") as stream:
                while block := stream.read(BLOCK):
                    found.update(block)
    except OSError as error:
        raise StorageFailed.reading(file, error) from error
    return found.hexdigest()


def load(
    gate: Gate,
    who: Identity,
    ledger: Batch,
    scored: Batch,
    *,
    identity: str,
    points: FailPoints = FailPoints(),  # noqa: B008 - it is frozen
    progress: Callable[[int], None] = lambda _: None,
) -> Load:
    """Put scores and their write-offs into a client's queue, told to the access log chunk by chunk."""

    def after_chunk(unit: Unit, ids: Sequence[str]) -> None:
        _tell(gate, unit, who, "job.run", ids)
        points.reach("chunk-loading")

    def after_all(rows: int) -> None:
        points.reach("chunk-loaded")
        progress(rows)

    points.reach("load-began")
    return loading.load(
        gate.store,
        ledger,
        scored,
        client_id=who.client_id,
        identity=identity,
        clock=gate.now,
        progress=after_all,
        after_chunk=after_chunk,
    )


def record(gate: Gate, who: Identity, said: Batch, *, source: str, today: date) -> Recorded:
    """Record the outcomes of a table, some hundreds in each transaction; what is known already is nothing new."""
    rows = rows_of(said)
    total = Recorded()
    for first in range(0, len(rows), RECORDED_AT_ONCE):
        efforts = [outcomes.said_by(row) for row in rows[first : first + RECORDED_AT_ONCE]]
        with gate.store.write() as unit:
            limit = policies.find(unit, who.client_id).approval_over
            found = outcomes.record(
                unit, who.client_id, efforts, source=source, today=today, at=gate.now(), by=who.subject, approval_over=limit
            )
            _tell(gate, unit, who, "outcome.record", sorted({effort.writeoff_id for effort in efforts}))
        total = Recorded(total.stated + found.stated, total.events + found.events, total.unknown + found.unknown, total.items + found.items)
    return total


def _tell(gate: Gate, unit: Unit, who: Identity, action: str, ids: Sequence[str]) -> None:
    for first in range(0, len(ids), TOLD_AT_ONCE):
        gate.log.tell(unit, who, action, ids[first : first + TOLD_AT_ONCE])
