"""A shop for jobs in a folder, with rows to work on."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

from serving.identity.gate import Gate
from serving.jobs.task import Bundle, Limits
from serving.jobs.worker import Shop
from serving.store.store import Store

TODAY = date(2026, 11, 23)
HEADER = "writeoff_id,writeoff_date,payer_id,writeoff_amount,billed_amount,carc,group_code,claim_id"


def ledger(rows: int, first: int = 0) -> bytes:
    """Return a small table of write-offs."""
    lines = [f"W{i},2026-10-0{1 + i % 9},P00{i % 3},{100 + i}.25,{300 + i}.00,197,CO,C{i // 2}" for i in range(first, first + rows)]
    return ("\n".join([HEADER, *lines]) + "\n").encode()


def shop_at(store: Store, folder: Path, *, lease_seconds: float = 5.0, limits: Limits | None = None, bundle: Bundle | None = None) -> Shop:
    """Return a shop whose files, and whose keys of the access log, are in a folder."""
    return Shop(
        store,
        folder / "jobs",
        lambda: bundle,
        (40.0, 0.0),
        folder / "keys" / "patients.key",
        lambda: datetime.now(UTC),
        lambda: TODAY,
        Gate.open(store, folder).log.tell,
        dict(os.environ),
        limits or Limits(),
        lease_seconds,
    )
