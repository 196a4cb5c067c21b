"""What does a retraining cost? `python -m benchmarks.retrain [--rows N] [--trials N] [--champion]`

A synthetic practice is drawn, then `recoup retrain` runs on its files in a process of its own: wall time, CPU seconds and the most
memory it held, snapshot, tuning, report and registry included. With `--champion` it runs beside a model trained a month earlier, which
is the dearest case: that model's cut lies in the window, so it is fitted once more as of the window's start. Targets are for a million
write-offs with 180,000 outcomes and 20 trials on two cores: 30 minutes and 6 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ranking import END
from recoup.sample.practice import write_sample

FILES = {
    "writeoffs": "writeoffs",
    "outcomes": "outcomes",
    "contracts": "contract_rates",
    "payer-rules": "payer_rules",
    "policies": "writeoff_policies",
}
MINUTES, GIGABYTES, MILLION = 30.0, 6.0, 1_000_000
MONTH_EARLIER = "2026-10-01"  # before `END`


def main() -> None:
    """Print what it took; exit 1 where a million rows take more than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=MILLION)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=900.0, help="time that tuning may take; more on a machine that is busy otherwise")
    parser.add_argument("--champion", action="store_true", help="beside a champion trained a month earlier, which is fitted once more")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        began = time.monotonic()
        write_sample(folder / "practice", rows=options.rows, seed=1)
        print(f"{options.rows:,} write-offs drawn in {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}", flush=True)
        tables = [f"--{option}={folder / 'practice' / file}.csv" for option, file in FILES.items()]
        home = {**os.environ, "RECOUP_HOME": str(folder / "home")}
        recoup = [sys.executable, "-m", "recoup.cli"]
        if options.champion:
            subprocess.run([*recoup, "train", *tables, f"--as-of={MONTH_EARLIER}"], env=home, stdout=subprocess.DEVNULL, check=True)
        retrain = [*recoup, "retrain", *tables, f"--as-of={END}", f"--trials={options.trials}", f"--seconds={options.seconds}", "--json"]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(retrain, env=home, capture_output=True, text=True, check=False)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if not done.stdout:
            sys.exit(done.stderr)
        told = json.loads(done.stdout)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        memory = after.ru_maxrss * 1024 / 1e9  # the most of any one child, a champion's training among them
        tuning = told["tuning"] or {"trials": [], "ended_by_time": False}
        print(
            f"{told['efforts']:,} outcomes, {len(tuning['trials'])} trials{' (ended by time)' if tuning['ended_by_time'] else ''}: "
            f"{wall / 60:.1f} minutes, {cpu / 60:.1f} CPU minutes, {memory:.2f} GB; exit {done.returncode}; load {os.getloadavg()[0]:.1f}"
        )
        sys.exit(1 if options.rows >= MILLION and (wall / 60 > MINUTES or memory > GIGABYTES) else 0)


if __name__ == "__main__":
    main()
