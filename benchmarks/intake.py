"""Intake speed: a large ledger as CSV and Parquet read and written, and one record on the request path.

``python -m benchmarks.intake [--rows N]`` prints wall seconds, CPU seconds and load beside each figure.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from features.intake.output import write_batch, write_table
from features.intake.pseudonyms import Pseudonyms
from features.intake.records import read_records
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary

RECORD: dict[str, object] = {
    "writeoff_id": "W1",
    "writeoff_date": "2024-01-05",
    "payer_id": "AETNA",
    "writeoff_amount": 80.5,
    "claim_id": "C123",
    "line_number": 1,
    "payer_type": "commercial",
    "plan_id": "P1",
    "contract_id": "K1",
    "provider_id": "D1",
    "facility_id": "F1",
    "specialty": "orthopedics",
    "place_of_service": "11",
    "claim_type": "professional",
    "procedure_code": "99213",
    "modifiers": "25",
    "diagnosis_code": "M54.5",
    "units": 1,
    "service_date": "2023-12-01",
    "remit_date": "2024-01-02",
    "billed_amount": 200.0,
    "allowed_amount": "119.50",
    "paid_amount": 100,
    "group_code": "CO",
    "carc": "45",
}


def ledger(rows: int) -> dict[str, Any]:
    """Draw a ledger of 25 columns with the mix of a practice: unique ids, skewed amounts, hundreds of codes."""
    draw = np.random.default_rng(1)

    def pick(*words: str) -> list[str]:
        return np.array(words)[draw.integers(0, len(words), rows)].tolist()  # type: ignore[no-any-return]

    def numbered(form: str, most: int) -> list[str]:
        return np.char.mod(form, draw.integers(0, most, rows)).tolist()  # type: ignore[no-any-return]

    def amounts() -> Any:
        return np.char.mod("%.2f", draw.lognormal(5, 1, rows) + 0.01).tolist()

    posted = np.datetime64("2023-01-01") + draw.integers(0, 700, rows)
    return {
        "writeoff_id": [f"W{i:09d}" for i in range(rows)],
        "writeoff_date": posted,
        "payer_id": numbered("PAYER %d", 60),
        "writeoff_amount": amounts(),
        "claim_id": numbered("C%08d", rows // 2 + 1),
        "line_number": draw.integers(1, 9, rows),
        "patient_id": numbered("P%06d", rows // 5 + 1),
        "payer_type": pick("commercial", "medicare", "bcbs"),
        "plan_id": numbered("%d", 200),
        "contract_id": numbered("K%d", 50),
        "provider_id": numbered("D%d", 300),
        "facility_id": numbered("F%d", 10),
        "procedure_code": numbered("%05d", 3000),
        "modifiers": pick("", "25", "59 LT"),
        "diagnosis_code": numbered("M%d", 8000),
        "units": draw.integers(1, 5, rows),
        "service_date": posted - draw.integers(20, 200, rows),
        "remit_date": posted - draw.integers(0, 20, rows),
        "billed_amount": amounts(),
        "allowed_amount": amounts(),
        "paid_amount": amounts(),
        "group_code": pick("CO", "PR", "OA"),
        "carc": numbered("%d", 250),
        "rarcs": pick("", "N30", "MA04 N1"),
        "authorization_on_file": pick("true", "false", ""),
    }


def timed(what: str, run: Callable[[], object]) -> Any:
    """Run once and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<34} wall {wall:6.2f} s   CPU {cpu:6.2f} s   peak {peak:5.0f} MB   load {os.getloadavg()[0]:.1f}", flush=True)
    return result


def files(rows: int, folder: Path) -> None:
    """Time reading and writing of whole files."""

    def read(name: str) -> TableRead:
        return read_table(folder / name, WRITEOFFS, vocabulary=Vocabulary(), identity=Pseudonyms(b"k" * 32))

    write_table(folder / "ledger.csv", ledger(rows))
    size = (folder / "ledger.csv").stat().st_size / 1e6
    print(f"{rows:,} rows x 25 columns, {size:.0f} MB of CSV, one thread")
    found = timed("read CSV", lambda: read("ledger.csv"))
    assert len(found.batch) == rows and not found.rejects, found.rejects[:3]
    timed("write CSV", lambda: write_batch(folder / "again.csv", found.batch))
    timed("write Parquet", lambda: write_batch(folder / "again.parquet", found.batch))
    timed("read Parquet", lambda: read("again.parquet"))


def one_record(rounds: int = 20_000) -> None:
    """Time the request path: one record of 25 fields, amounts and ids new each time."""
    vocabulary = Vocabulary()
    read_records([RECORD], WRITEOFFS, vocabulary=vocabulary)
    took = []
    for i in range(rounds):
        record = RECORD | {"writeoff_amount": 80 + i / 100, "claim_id": f"C{i}", "writeoff_id": f"W{i}"}
        start = time.perf_counter()
        read_records([record], WRITEOFFS, vocabulary=vocabulary.overlay(), latest=30_000)
        took.append(time.perf_counter() - start)
    median, late = np.quantile(took, [0.5, 0.99]) * 1e6
    print(f"one record of {len(RECORD)} fields: median {median:.0f} us, p99 {late:.0f} us")


def main() -> None:
    """Run all."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    rows = options.parse_args().rows
    pa.set_cpu_count(1)
    one_record()
    with TemporaryDirectory() as folder:
        files(rows, Path(folder))


if __name__ == "__main__":
    main()
