"""Value of a queue on synthetic practices with known truth: `python -m benchmarks.policy_value [--worlds 20] [--rows N] [--explore 0.1]`

Each world is learned from as of four months before its end; the write-offs posted since are put in four orders, and what 10 % of
their expected hours bring is estimated from those that were worked. Judged twice: with every answer known (four months of log,
waited for), and as known on the last morning of the four months, which leaves out the youngest third. Truth is the sum of the
true expected dollars of the same queue. Printed: root mean square and mean of estimate / truth - 1, how often the nominal
90 % interval holds the truth, and the effective sample size.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.ranking import CUT, END, day, read
from features.batch import Batch
from features.codes.tables import Codes
from features.feature import Floats
from features.intake.table_file import read_table
from features.tables import OUTCOMES
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from models.scores import Scores
from recoup.sample.practice import write_sample
from training.evaluate import policy_orders
from training.fit import train
from training.policy_value import compare, take
from training.publish import publish

SHARE = 0.1
LATER = "2036-11-01"
"""A morning by which every answer of the sample has come."""

ESTIMATES = ("dr", "ips", "snips", "model", "by_lot")


def judge(rows: int, seed: int, explore: float) -> list[dict[str, Any]]:
    """Draw a world, learn from it and estimate the value of each order: one entry per order and day of judgement."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_sample(folder, rows=rows, seed=seed, truth=True, explore=explore)
        writeoffs, outcomes, tables = read(folder, Vocabulary(Codes.load().seed_words()))
        publish(train(writeoffs, outcomes, tables=tables, as_of=day(CUT)), folder / "bundle", name="bench", created=END)
        scorer = Scorer.load(folder / "bundle")
        words = scorer.vocabulary.overlay()
        writeoffs, outcomes, _ = read(folder, words)
        later = read_table(folder / "true_outcomes.csv", OUTCOMES, vocabulary=words).batch
        truth = pq.read_table(folder / "truth.parquet", columns=["writeoff_id", "ev"])
    values = dict(zip(truth["writeoff_id"].to_pylist(), truth["ev"].to_pylist(), strict=True))
    place_of = np.flatnonzero(writeoffs.columns["writeoff_date"] >= day(CUT))
    window = writeoffs.take(place_of)
    scores = scorer.score(window, as_of=day(CUT), reasons=0)
    worth = np.array([values[key] for key in window.columns["writeoff_id"].tolist()])
    return [
        {"seed": seed, "known": known, **one}
        for known, log, as_of in (("all answers", later, day(LATER)), ("at the end", outcomes, day(END)))
        for one in _compare(writeoffs, log, place_of, scores, policy_orders(window, scores), as_of, worth)
    ]


def _compare(
    writeoffs: Batch, log: Batch, rows: np.ndarray[Any, Any], scores: Scores, orders: Mapping[str, Floats], as_of: int, worth: Floats
) -> list[dict[str, Any]]:
    found = compare(writeoffs, log, rows, scores, orders, as_of, [SHARE])
    if found is None:
        return []
    kept = writeoffs.columns["writeoff_date"][rows] <= day(found["until"])
    hours = scores.columns["expected_hours"][kept]
    results = []
    for name, key in orders.items():
        value = found["capacity"][0]["policies"][name]
        true = float(take(np.argsort(key[kept], kind="stable"), hours, SHARE) @ worth[kept])
        by_lot = value["by_lot"]["dr"] if value["by_lot"] else float("nan")
        results.append({**value, "order": name, "true": true, "by_lot": by_lot, "rows": found["rows"], "explored": found["explored_rows"]})
    return results


def summary(found: list[dict[str, Any]]) -> list[str]:
    """Return a line per day of judgement and order."""
    lines = []
    for known in dict.fromkeys(one["known"] for one in found):
        for order in dict.fromkeys(one["order"] for one in found):
            some = [one for one in found if one["known"] == known and one["order"] == order]
            off = {name: np.array([one[name] / one["true"] - 1.0 for one in some]) for name in ESTIMATES}
            held = np.mean([one["low"] <= one["true"] <= one["high"] for one in some])
            told = "  ".join(f"{np.sqrt((off[name] ** 2).mean()):6.3f} {off[name].mean():+6.3f}" for name in ESTIMATES)
            lines.append(f"{known:12s} {order:17s} {told}  {held:5.2f} {np.mean([one['effective'] for one in some]):6.0f}")
    return lines


def main() -> None:
    """Print the errors over all worlds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--first", type=int, default=101, help="seed of the first world")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--explore", type=float, default=0.1)
    parser.add_argument("--json", type=Path, help="keep every estimate here")
    options = parser.parse_args()
    print(
        f"{options.worlds} worlds of {options.rows:,} write-offs, {options.explore:.0%} explored, judged {CUT} to {END}; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    found = [one for seed in range(options.first, options.first + options.worlds) for one in judge(options.rows, seed, options.explore)]
    print("RMSE and mean of estimate / truth - 1:     DR            IPS            SNIPS          model          DR by lot   held    ESS")
    print("\n".join(summary(found)))
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
