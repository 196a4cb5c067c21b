"""Speed against peers, in one table: `python -m benchmarks.speed [--share S] [--only NAME ...] [--runs N] [--json FILE]`

Each row times our work and a peer's in turn, so that a busy machine is busy for both, and gives the ratio of the medians beside the bar
that it must reach. Sizes are those of the claims; `--share 0.1` takes a tenth of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.timing import AS_OF, Bench, Row, Took, day, timed


def score_row(bench: Bench) -> Row:
    """A ledger from Parquet to a ranked table."""
    return _score(bench, "score", 2.5, {})


def interpreted_row(bench: Bench) -> Row:
    """The same on a machine without a compiler."""
    return _score(bench, "score without a compiler", 1.5, {"PATH": "/nonexistent"}, home="without")


def _score(bench: Bench, name: str, bar: float, more: dict[str, str], home: str = "home") -> Row:
    rows, x = bench.rows(2_000_000), bench.matrix
    ledger = bench.ledger(rows, ".parquet")
    ours, theirs = bench.in_turn(
        lambda: bench.score(ledger, "ranked.parquet", home=home, **more),
        lambda: [booster.predict(x, raw_score=True, num_threads=2) for booster in bench.boosters],
    )
    work = f"{rows:,} write-offs, Parquet to ranked Parquet, every column, reasons for 5,000"
    return Row(name, work, "LightGBM predict, ready matrix, 2 threads", bar, True, ours, theirs, scale=rows / len(x))


def csv_row(bench: Bench) -> Row:
    """CSV against Parquet."""
    rows = bench.rows(2_000_000)
    text, typed = bench.ledger(rows, ".csv"), bench.ledger(rows, ".parquet")
    ours, theirs = bench.in_turn(lambda: bench.score(text, "a.parquet"), lambda: bench.score(typed, "b.parquet"))
    return Row("score from CSV", f"{rows:,} write-offs from CSV", "the same from Parquet", 1.5, False, ours, theirs)


def pyfunc_row(bench: Bench) -> Row:
    """Against a frame handed to the logged model."""
    import pandas as pd

    from models.pyfunc import WriteOffModel

    rows, few = bench.rows(2_000_000), bench.rows(100_000)
    model = WriteOffModel()
    model.load_context(SimpleNamespace(artifacts={"bundle": bench.bundle}))
    frame = pd.read_parquet(bench.ledger(few, ".parquet"))
    ledger = bench.ledger(rows, ".parquet")
    ours, theirs = bench.in_turn(
        lambda: bench.score(ledger, "ranked.parquet"), lambda: model.predict(None, frame, {"as_of": AS_OF, "reasons": False})
    )
    return Row("score against pyfunc", f"{rows:,} write-offs", "the same model's pyfunc on a pandas frame, without reasons", 4.0, True,
               ours, theirs, scale=rows / few)  # fmt: skip


def volume_row(bench: Bench) -> Row:
    """Cost per row of many against few, and the peak of memory."""
    many, few = bench.rows(10_000_000), bench.rows(100_000)
    large, small = bench.ledger(many, ".parquet"), bench.ledger(few, ".parquet")
    bench.score(small, "small.parquet")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ours = [timed(lambda: bench.score(large, "large.parquet"))]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    theirs = [timed(lambda: bench.score(small, "small.parquet")) for _ in range(3)]
    note = f"largest process {peak / 1024:.0f} MB" + (" (an earlier one)" if peak == before else "")
    return Row("cost per row at volume", f"{many:,} write-offs", f"{few:,}, per row", 1.15, False, ours, theirs, many / few, note)


def one_row(bench: Bench) -> Row:
    """One write-off against one prediction."""
    import csv

    from models.scorer import Scorer

    scorer = Scorer.load(bench.bundle)
    with (bench.practice / "writeoffs.csv").open() as file:
        records: list[dict[str, object]] = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)][-1000:]
    x, as_of = bench.matrix[:1], day(AS_OF)
    ours, theirs = bench.in_turn(
        lambda: [scorer.score_records([record], as_of=as_of, reasons=False) for record in records],
        lambda: [[booster.predict(x, raw_score=True, num_threads=1) for booster in bench.boosters] for _ in records],
    )
    return Row("one write-off", "1,000 write-offs, one at a time, dictionary in, score out", "LightGBM predict of one ready row, 1 thread",
               3.0, False, ours, theirs)  # fmt: skip


def reasons_row(bench: Bench) -> Row:
    """Contributions of every row."""
    from models.explainer import Explainer
    from models.forest import Forest
    from models.reasons import CONCEPTS, matrix_groups
    from models.scorer import Scorer

    x = bench.matrix[: bench.rows(100_000)]
    booster, groups = bench.boosters[0], np.array(matrix_groups(Scorer.load(bench.bundle).layout.names))
    explainer = Explainer(Forest(bench.bundle / "likelihood.txt"), groups, len(CONCEPTS))
    known = booster.predict(x[:500], pred_contrib=True)[:, :-1] @ np.eye(len(CONCEPTS))[groups]
    off = float(np.abs(explainer.contributions(x[:500]) - known).max())
    assert off < 1e-12, off
    ours, theirs = bench.in_turn(
        lambda: explainer.contributions(x), lambda: booster.predict(x[: len(x) // 10], pred_contrib=True, num_threads=1)
    )
    return Row("reasons", f"contributions of {len(x):,} rows, one thread", "LightGBM pred_contrib, same trees", 10.0, True, ours, theirs,
               scale=len(x) / (len(x) // 10), note=f"largest difference {off:.0e}")  # fmt: skip


def history_row(bench: Bench) -> Row:
    """History of one key against an as-of join."""
    import pandas as pd

    from features.history import KEYS, Events, History
    from features.learned import HISTORY_COLUMNS
    from features.replay import replay_columns

    rows, events = bench.rows(5_000_000), bench.rows(1_000_000)
    draw = np.random.default_rng(0)
    names = sorted({name for key in KEYS for name in key})
    sizes = {"payer_id": 60, "family": 20, "carc": 250, "adjustment_code": 40, "procedure_code": 600, "provider_id": 120, "facility_id": 8}
    columns = {name: draw.integers(0, sizes.get(name, 20), rows).astype(np.int32) for name in names}
    keys = {name: draw.integers(0, sizes.get(name, 20), events).astype(np.int32) for name in names}
    days, known_on = np.sort(draw.integers(0, 850, rows)), np.sort(draw.integers(0, 850, events))
    won = draw.random(events) < 0.4
    happened = Events(known_on, keys, won, draw.random(events) * won, draw.integers(1, 200, events), draw.integers(0, 90_000, events))
    rates = sorted(name for name in HISTORY_COLUMNS if name.endswith("_recovery_rate"))
    left = pd.DataFrame({"day": days, "payer_id": columns["payer_id"], "carc": columns["carc"]})
    counted = pd.DataFrame({"day": known_on, "payer_id": keys["payer_id"], "carc": keys["carc"], "won": won.astype(float)})
    group = counted.groupby(["payer_id", "carc"])
    counted["efforts"], counted["recoveries"] = group.cumcount() + 1, group["won"].cumsum()
    ours, theirs = bench.in_turn(
        lambda: replay_columns(History(), columns, days, happened, {name: np.empty(rows) for name in rates}),
        lambda: pd.merge_asof(left, counted, on="day", by=["payer_id", "carc"], allow_exact_matches=False),
    )
    return Row("history", f"{rows:,} rows by {events:,} events, per key ({len(KEYS)} of them), decayed",
               "pandas.merge_asof of one pair of keys, running sums given, no decay", 2.0, True, ours, theirs, scale=len(KEYS))  # fmt: skip


def tokens_row(bench: Bench) -> Row:
    """Segments of an 835 against a tokenizer that does nothing else."""
    from x12.core.tokenizer import tokenize_x12

    payload = _remit(bench).read_bytes()
    ours, theirs = bench.in_turn(lambda: _segments(bench), lambda: tokenize_x12(payload))
    return Row("835 segments", _megabytes(bench), "ansi-x12 tokenizer", 6.0, True, ours, theirs)


def pyx12_row(bench: Bench) -> Row:
    """Segments of an 835 against pyx12's reader of segments."""
    from pyx12.x12file import X12Reader

    def read() -> int:
        with _remit(bench).open() as file:
            return sum(1 for _ in X12Reader(file))

    ours, theirs = bench.in_turn(lambda: _segments(bench), read)
    return Row("835 segments again", _megabytes(bench), "pyx12 segment reader", 8.0, True, ours, theirs)


def _remit(bench: Bench) -> Path:
    from benchmarks.remits import remit_text

    path = bench.folder / "speed.835"
    if not path.exists():
        path.write_text(remit_text(int(4_500_000 * max(bench.share, 0.1))))
    return path


def _segments(bench: Bench) -> int:
    from features.intake.remits.issues import IssueLog
    from features.intake.remits.segments import read_segments

    with _remit(bench).open("rb") as file:
        return sum(1 for _ in read_segments(iter(lambda: file.read(1 << 18), b""), IssueLog("speed.835")))


def _megabytes(bench: Bench) -> str:
    return f"{_remit(bench).stat().st_size / 1e6:.1f} MB of distinct claims to segments, names and ids taken away"


def cluster_row(bench: Bench) -> Row:
    """Two workers of a cluster against one."""
    rows = bench.rows(10_000_000)
    ledger = bench.ledger(rows, ".parquet")

    def score(count: int) -> None:
        bench.score(ledger, f"by-{count}.parquet", "--cluster", f"local:{count}")

    ours, theirs = bench.in_turn(lambda: score(2), lambda: score(1))
    note = f"two processes that have nothing in common do {_twice_as_much():.2f} times the work of one here"
    return Row(
        "two Dask workers", f"{rows:,} write-offs, the whole command", "one Dask worker of one thread", 1.7, True, ours, theirs, note=note
    )


_WORK = """
import numpy as np
x = np.random.default_rng(0).random(1 << 16)
for _ in range(3000):
    np.sort(np.log1p(x) * x)
"""


def _twice_as_much() -> float:
    """Return how much more two processes do than one: two cores may share what they compute with."""

    def took(count: int) -> float:
        begun = time.perf_counter()
        for process in [subprocess.Popen([sys.executable, "-c", _WORK]) for _ in range(count)]:
            process.wait()
        return time.perf_counter() - begun

    return float(np.median([2.0 * took(1) / took(2) for _ in range(3)]))


def train_row(bench: Bench) -> Row:
    """Time a training and, within it, its boosters: what is not in LightGBM is reading, replay, the linear score and the bundle."""
    folder, rows = bench.folder / f"train-{bench.rows(1_000_000)}", bench.rows(1_000_000)
    if not folder.is_dir():
        from recoup.sample.practice import write_sample

        write_sample(folder, rows=rows, seed=1)
    ours, theirs = zip(*[(_train(folder), _train(folder, "--boosters")) for _ in range(bench.runs)], strict=True)
    note = f"{ours[0]['labels']:,} labels, {theirs[0]['count']} boosters, largest process {max(one['gigabytes'] for one in ours):.2f} GB"
    return Row(
        "train", f"train on {rows:,} write-offs, CSV to bundle", "all boosters that it fits, on ready Datasets, two threads", 2.5, False,
        [Took(*one["seconds"]) for one in ours], [Took(*one["seconds"]) for one in theirs], note=note,
    )  # fmt: skip


def _train(folder: Path, *words: str) -> dict[str, Any]:
    """Train in a process of its own, which says what it took."""
    command = [sys.executable, "-m", "benchmarks.training", str(folder), AS_OF, *words]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    told: dict[str, Any] = json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    return told


def serve_row(bench: Bench) -> Row:
    """The time from the command until the service says that it is ready."""

    def start() -> Took:
        environment = os.environ | {"RECOUP_HOME": str(bench.folder / "served"), "RECOUP_API_KEY": "a-key-for-a-benchmark"}
        words = [sys.executable, "-m", "recoup.cli", "serve", "--port", "0"]
        begun = time.perf_counter()
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            try:
                place = next(found[0] for line in process.stdout if (found := re.search(r"http://[0-9.]+:[0-9]+", line)))
                while True:
                    try:
                        with urllib.request.urlopen(f"{place}/readyz", timeout=5):
                            break
                    except urllib.error.HTTPError as error:
                        if time.perf_counter() - begun > 60.0:
                            raise SystemExit(f"the service is not ready after a minute: {error.read().decode()}") from None
                        time.sleep(0.01)
                took = time.perf_counter() - begun
            finally:
                process.terminate()
        return Took(took, took)

    home = bench.folder / "served"
    if not home.exists():
        practice = bench.practice
        bench.recoup(
            "train", "--writeoffs", practice / "writeoffs.csv", "--outcomes", practice / "outcomes.csv", "--as-of", AS_OF, home="served"
        )  # fmt: skip
    start()
    ours = [start() for _ in range(bench.runs)]
    return Row("service", "recoup serve until /readyz answers, with a model", "one second", 3.0, False, ours, [Took(1.0, 1.0)])


def help_row(bench: Bench) -> Row:
    """The time until a person reads the help."""
    ours, theirs = bench.in_turn(lambda: bench.recoup("--help"), lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    return Row("help", "recoup --help, seconds", "one second", 0.3, False, ours, [Took(1.0, 1.0)] * len(theirs))


ROWS: dict[str, Callable[[Bench], Row]] = {
    "score": score_row,
    "interpreted": interpreted_row,
    "csv": csv_row,
    "pyfunc": pyfunc_row,
    "volume": volume_row,
    "one": one_row,
    "reasons": reasons_row,
    "history": history_row,
    "tokens": tokens_row,
    "pyx12": pyx12_row,
    "cluster": cluster_row,
    "train": train_row,
    "serve": serve_row,
    "help": help_row,
}


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    libraries = ("numpy", "pyarrow", "lightgbm", "pylignum", "pandas", "mlflow")
    return {
        "cores": os.cpu_count(),
        "usable": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()),
        **{library: version(library) for library in libraries},
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the sizes")
    parser.add_argument("--only", nargs="+", choices=ROWS, help="rows of the table")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep ledgers and the model here, and use what is there")
    parser.add_argument("--json", type=Path, help="keep the results here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(options.folder or Path(place), options.share, options.runs)
        bench.folder.mkdir(parents=True, exist_ok=True)
        told = machine()
        print(", ".join(f"{name} {value}" for name, value in told.items()))
        print(f"{'':26s} {'ratio':>7s} {'bar':>8s}         {'ours':>8s} {'peer':>8s}   (seconds; ratio of CPU seconds)")
        results = []
        for name in options.only or ROWS:
            row = ROWS[name](bench)
            _print(row)
            results.append({**asdict(row), "ratio": row.ratio(), "ratio_cpu": row.ratio("cpu"), "reached": row.is_reached})
        if options.json:
            options.json.write_text(json.dumps({"machine": told, "share": options.share, "rows": results}, indent=1) + "\n")


def _print(row: Row) -> None:
    mine, other = (float(np.median([took.wall for took in runs])) for runs in (row.ours, row.theirs))
    bar = f"{'>=' if row.at_least else '<='} {row.bar:.2f}"
    reached = "reached" if row.is_reached else "NOT    "
    print(f"{row.name:26s} {row.ratio():7.2f} {bar:>8s} {reached} {mine:8.3f} {other * row.scale:8.3f}   ({row.ratio('cpu'):.2f})")
    print(f"    {row.work}; peer: {row.peer}" + (f"; {row.note}" if row.note else ""), flush=True)


if __name__ == "__main__":
    main()
