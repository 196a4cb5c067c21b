"""One write-off, dictionary in to score out, in process: `python -m benchmarks.one_row [--rows N]`

Makes a practice, learns from it, then scores its write-offs one at a time, each a dictionary of text as a form or a queue would
hand it over: first rows with words the process has not met, then the same again, without and with reasons. Prints quantiles of
the wall time and what the path has imported.
"""

from __future__ import annotations

import argparse
import csv
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.scorer import Scorer

AS_OF = "2026-11-01"
HEAVY = ("pandas", "lightgbm", "sklearn", "scipy", "mlflow")


def measure(bundle: Path, practice: Path, calls: int) -> None:
    """Score write-offs one by one and print how long each took."""
    from models.scorer import Scorer

    scorer = Scorer.load(bundle)
    with (practice / "writeoffs.csv").open() as file:
        records: list[dict[str, Any]] = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)][-2500:]
    as_of = int(np.datetime64(AS_OF, "D").astype(np.int64))
    print(f"{np.mean([len(r) for r in records]):.0f} fields a row; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    # What was loaded stays: the collector need not walk it again in the middle of a request.
    gc.collect()
    gc.freeze()
    fresh, known = records[500 : 500 + calls // 2], records[:500]
    for record in known:
        scorer.score_records([record], as_of=as_of, reasons=False)
    # A row's words, codes and terms are looked up once: the first pass meets new ones, the second none.
    _print("rows not met before, without reasons", scorer, fresh, as_of, reasons=False)
    for reasons in (False, True):
        _print(f"rows of known words, {'with' if reasons else 'without'} reasons", scorer, fresh * 2, as_of, reasons=reasons)
    print("imported: " + (", ".join(name for name in HEAVY if name in sys.modules) or "none of " + ", ".join(HEAVY)))


def _print(what: str, scorer: Scorer, records: list[dict[str, Any]], as_of: int, *, reasons: bool) -> None:
    took = np.empty(len(records))
    for i, record in enumerate(records):
        start = time.perf_counter()
        scorer.score_records([record], as_of=as_of, reasons=reasons)
        took[i] = time.perf_counter() - start
    median, p90, p99 = np.quantile(took * 1e3, [0.5, 0.9, 0.99])
    print(f"{what}: median {median:.3f} ms, p90 {p90:.3f} ms, p99 {p99:.3f} ms")


def prepare(folder: Path, rows: int) -> None:
    """Make a practice and a model of it."""
    from benchmarks.ranking import day, read
    from features.codes.tables import Codes
    from features.vocabulary import Vocabulary
    from recoup.sample.practice import write_sample
    from training.fit import train
    from training.publish import publish

    write_sample(folder / "practice", rows=rows)
    writeoffs, outcomes, tables = read(folder / "practice", Vocabulary(Codes.load().seed_words()))
    publish(train(writeoffs, outcomes, tables=tables, as_of=day(AS_OF)), folder / "bundle", name="bench", created=AS_OF)


def main() -> None:
    """Prepare in one process, measure in another that never learned anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--folder", type=Path, help="use the practice and bundle that stand here")
    options = parser.parse_args()
    if options.folder:
        measure(options.folder / "bundle", options.folder / "practice", options.calls)
        return
    with tempfile.TemporaryDirectory() as place:
        prepare(Path(place), options.rows)
        command = [sys.executable, "-m", "benchmarks.one_row", "--folder", place, "--calls", str(options.calls)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
