"""Write-offs triaged, priced and dated: `python -m benchmarks.rules [--rows N]`

Draws a synthetic practice, repeats its write-offs to the number asked for with ids, amounts and dates shifted, and prints the
seconds of each step: in a process that did nothing before, with every combination of codes and terms new, and with all of them known.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.ranking import day, read
from features.batch import Batch
from features.codes.tables import Codes
from features.contract import ContractRates
from features.deadlines import deadlines
from features.money import NULL
from features.payer_rules import PayerRules
from features.triage import classify
from features.vocabulary import Vocabulary
from recoup.sample.practice import write_sample

AS_OF = "2026-11-01"


def repeat(batch: Batch, rows: int) -> Batch:
    """Return so many rows: the batch again and again, each time with other ids, amounts and dates."""
    rng = np.random.default_rng(1)
    turn = np.arange(rows) // len(batch)
    out = batch.take(np.arange(rows) % len(batch))
    for name in ("writeoff_id", "reverses_writeoff_id", "claim_id"):
        words = zip(out.columns[name].tolist(), turn.tolist(), strict=True)
        out.columns[name] = np.array([None if word is None else f"{word}-{t}" for word, t in words], dtype=object)
    for name, most in (("writeoff_amount", 500), ("remit_date", 20)):
        values = out.columns[name]
        out.columns[name] = np.where((values == NULL) | (turn == 0), values, values + rng.integers(0, most, rows))
    return out


def main() -> None:
    """Print the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        write_sample(Path(place), rows=min(options.rows, 60_000))
        writeoffs, _, tables = read(Path(place), Vocabulary(Codes.load().seed_words()))
    batch, codes, as_of = repeat(writeoffs, options.rows), Codes.load(), day(AS_OF)
    print(
        f"{options.rows:,} write-offs, {len(tables['contracts']):,} contract terms; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print("                    price   triage  deadlines      sum   (CPU seconds; wall of the sum)")
    for name in ("first in process", "all combinations new", "all known"):
        if name != "all known":
            # Tables remember the combinations they met: new ones know none.
            rates, rules = ContractRates(tables["contracts"]), PayerRules(tables["payer_rules"])
            codes = replace(codes)
        batch = replace(batch)
        wall, marks = time.perf_counter(), [time.process_time()]
        priced = rates.price(batch)
        marks.append(time.process_time())
        triage = classify(batch, codes=codes, as_of=as_of, priced=priced, policies=tables["policies"])
        marks.append(time.process_time())
        deadlines(batch, triage, rules=rules, as_of=as_of)
        marks.append(time.process_time())
        took = np.diff(marks)
        print(f"{name:20s} {took[0]:6.2f}   {took[1]:6.2f}     {took[2]:6.2f}   {took.sum():6.2f}   ({time.perf_counter() - wall:.2f})")


if __name__ == "__main__":
    main()
