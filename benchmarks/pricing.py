"""Contract pricing of a million write-offs and of one: `python -m benchmarks.pricing [--rows N] [--repeat R]`

Reading is not counted. The contract has a fee per payer, procedure and year with components, shares and a percentage for the rest;
"claims" adds lines that are ranked over their claim and claims that are priced as a whole. Wall time stands with CPU seconds and load
beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from features.batch import Batch, empty_columns
from features.contract import ContractRates
from features.tables import CONTRACT_RATES, REFERENCE_FEES, WRITEOFFS
from features.vocabulary import Vocabulary

PAYERS, PROCEDURES, YEARS, MODIFIERS = 15, 250, (2024, 2025, 2026), ("", "25", "59", "LT", "26", "50", "80")


def first_day(year: int) -> int:
    """Return 1 January as days since 1970-01-01."""
    return int(np.datetime64(f"{year}-01-01", "D").astype(np.int64))


def contract(words: Vocabulary) -> Batch:
    """Return a fee schedule per payer, procedure and year, the professional component apart, and a percentage for the rest."""
    payer, procedure, year, part = (axis.ravel() for axis in np.indices((PAYERS, PROCEDURES, len(YEARS), 2)))
    columns = empty_columns(CONTRACT_RATES, len(payer) + PAYERS)
    fees = slice(0, len(payer))
    rng = np.random.default_rng(1)
    columns["payer_id"][fees], columns["payer_id"][len(payer) :] = payer, np.arange(PAYERS)
    columns["procedure_code"][fees] = procedure
    columns["modifier"][fees] = np.where(part == 1, words.add("modifier", "26"), -1)
    columns["method"][:] = words.add("method", "fee_schedule")
    columns["method"][len(payer) :] = words.add("method", "percent_of_charges")
    columns["value"][:] = 60.0
    columns["value"][fees] = np.round(rng.uniform(20, 900, len(payer)), 2)
    columns["effective_from"][fees] = np.array([first_day(y) for y in YEARS])[year]
    columns["effective_to"][fees] = np.array([first_day(y + 1) - 1 for y in YEARS])[year]
    columns["lesser_of_charges"][:] = 1
    columns["multiple_procedure"][fees] = np.where(procedure % 10 == 0, 1, -1)
    return Batch(CONTRACT_RATES, columns, words)


def ledger(words: Vocabulary, rows: int, *, with_claims: bool) -> Batch:
    """Return write-offs of those payers and procedures."""
    rng = np.random.default_rng(2)
    columns = empty_columns(WRITEOFFS, rows)
    columns["payer_id"] = rng.integers(0, PAYERS, rows).astype(np.int32)
    procedure = rng.integers(0, PROCEDURES, rows)
    columns["procedure_code"] = (procedure if with_claims else np.where(procedure % 10 == 0, 1, procedure)).astype(np.int32)
    columns["modifiers"] = rng.choice([-1, 0, 1, 2, 3, 4, 5], rows, p=[0.8, 0.06, 0.05, 0.05, 0.02, 0.01, 0.01]).astype(np.int32)
    columns["units"] = rng.choice([1.0, 2.0, 3.0], rows, p=[0.9, 0.08, 0.02])
    columns["service_date"] = rng.integers(first_day(2024), first_day(2027), rows)
    columns["billed_amount"] = rng.integers(1_000, 200_000, rows)
    columns["allowed_amount"] = rng.integers(1_000, 100_000, rows)
    columns["line_number"] = np.arange(rows) % 3 + 1
    columns["claim_id"] = np.array([f"C{row // 3}" for row in range(rows)], dtype=object)
    if with_claims:
        columns["payer_id"], columns["service_date"] = (columns[name][np.arange(rows) // 3] for name in ("payer_id", "service_date"))
    return Batch(WRITEOFFS, columns, words)


def clock(work: Callable[[], object], repeat: int) -> dict[str, float]:
    """Return the least seconds of wall and of CPU over some runs."""
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"wall_seconds": min(walls), "cpu_seconds": min(cpus)}


def measure(rows: int, repeat: int) -> dict[str, Any]:
    """Price a ledger and single rows, cold and warm."""
    names = [f"{70000 + i}" for i in range(PROCEDURES)]
    words = Vocabulary({"payer_id": [f"P{i}" for i in range(PAYERS)], "procedure_code": names, "modifiers": MODIFIERS[1:]})
    terms, fees = contract(words), Batch(REFERENCE_FEES, empty_columns(REFERENCE_FEES, 0), words)
    told: dict[str, Any] = {"rows": rows, "terms": len(terms), "load": os.getloadavg()[0]}
    told["compile"] = clock(lambda: ContractRates(terms, fees), 1)
    for name, with_claims in (("lines", False), ("claims", True)):
        told[name] = _measure(ContractRates(terms, fees), ledger(words, rows, with_claims=with_claims), repeat)
    return told


def _measure(rates: ContractRates, batch: Batch, repeat: int) -> dict[str, Any]:
    """Price a batch before anything is remembered and after, and rows of it one by one."""
    told: dict[str, Any] = {"cold": clock(lambda: rates.price(batch), 1), "warm": clock(lambda: rates.price(batch), repeat)}
    singles = [batch.take(np.array([row])) for row in range(min(1000, len(batch)))]
    each = clock(lambda: [rates.price(single) for single in singles], repeat + 1)
    return told | {"one row, microseconds": {key: round(1e6 * value / len(singles), 1) for key, value in each.items()}}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    print(json.dumps(measure(given.rows, given.repeat), indent=1))


if __name__ == "__main__":
    main()
