"""Ranking on synthetic practices with known truth: `python -m benchmarks.ranking [--rows N] [--seeds 1 2 ...]`

Each seed's practice is learned from as of four months before its end; the rows posted since are ranked as of that day and judged
by the truth that the sample wrote: the share of the oracle's expected dollars that fits 10 % of all true hours. The simple
rules are given the true hours; the model knows only its own.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from features.codes.tables import Codes
from features.intake.table_file import read_table
from features.tables import CONTRACT_RATES, OUTCOMES, PAYER_RULES, WRITEOFF_POLICIES, WRITEOFFS, Batch, Table
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from recoup.sample.practice import write_sample
from training.evaluate import evaluate
from training.fit import train
from training.publish import publish

CUT, END = "2026-07-01", "2026-11-01"
TABLES: dict[str, tuple[Table, str]] = {
    "contracts": (CONTRACT_RATES, "contract_rates.csv"),
    "payer_rules": (PAYER_RULES, "payer_rules.csv"),
    "policies": (WRITEOFF_POLICIES, "writeoff_policies.csv"),
}
SEEDS = (1, 2, 3, 4, 5, 6)


def day(text: str) -> int:
    """Return a date as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(np.int64))


def read(folder: Path, vocabulary: Vocabulary) -> tuple[Batch, Batch, dict[str, Batch]]:
    """Return a practice's write-offs, outcomes and other tables."""
    writeoffs = read_table(folder / "writeoffs.csv", WRITEOFFS, vocabulary=vocabulary).batch
    outcomes = read_table(folder / "outcomes.csv", OUTCOMES, vocabulary=vocabulary).batch
    tables = {name: read_table(folder / file, table, vocabulary=vocabulary).batch for name, (table, file) in TABLES.items()}
    return writeoffs, outcomes, tables


def judge(rows: int, seed: int) -> dict[str, Any]:
    """Draw a practice, learn from it and judge the ranking of what came after."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_sample(folder, rows=rows, seed=seed, truth=True)
        writeoffs, outcomes, tables = read(folder, Vocabulary(Codes.load().seed_words()))
        start = time.perf_counter()
        bundle = train(writeoffs, outcomes, tables=tables, as_of=day(CUT))
        seconds = time.perf_counter() - start
        publish(bundle, folder / "bundle", name="bench", created=END)
        scorer = Scorer.load(folder / "bundle")
        writeoffs, outcomes, _ = read(folder, scorer.vocabulary.overlay())
        truth = pq.read_table(folder / "truth.parquet")
        known = {name: truth[name].to_numpy(zero_copy_only=False) for name in truth.column_names}
        result = evaluate(writeoffs, outcomes, scorer=scorer, as_of=day(END), start=day(CUT), end=day(END), truth=known)
        return {"seed": seed, "train_seconds": round(seconds, 1), "labels": bundle.facts["labels"], **result["truth"]}


def main() -> None:
    """Print one line per seed and the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--json", type=Path, help="keep the results here")
    options = parser.parse_args()
    print(f"{options.rows:,} write-offs a seed, cut {CUT}, judged to {END}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("seed labels  share@10%  dollars/h  static  x dollars/h  x static   auc  brier    ece  predicted/true  train s")
    found = []
    for seed in options.seeds:
        r = judge(options.rows, seed)
        at = next(c for c in r["capacity"] if c["share"] == 0.1)
        row = [
            at["model"],
            at["dollars_per_hour"],
            at["static_rule"],
            at["model"] / at["dollars_per_hour"],
            at["model"] / at["static_rule"],
        ]
        row += [r["auc"], r["brier"], r["ece"], r["predicted_over_true_dollars"], r["train_seconds"]]
        found.append(row)
        print(f"{seed:4d} {r['labels']:6d}  {_line(row)}", flush=True)
    print(f"mean         {_line(np.mean(found, axis=0).tolist())}")
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")


def _line(row: list[float]) -> str:
    widths = "9.4f 9.4f 7.4f 11.3f 9.3f 6.3f 6.4f 6.4f 14.3f 8.1f".split()
    return "  ".join(format(value, width) for value, width in zip(row, widths, strict=True))


if __name__ == "__main__":
    main()
