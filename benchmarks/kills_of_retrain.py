"""Is a champion ever lost? `python -m benchmarks.kills_of_retrain [--rows N]`

A retraining with promotion is killed (`kill -9`) at each of its steps in turn. After each kill the champion must be the one before, or the
new one whole; every version of the registry must be intact; and the next run must complete and promote.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from models.bundle import read_manifest
from models.pointer import Pointer, read_pointer
from models.registry import Registry
from models.scorer import Scorer
from recoup.sample.practice import write_sample

FIRST_DAY = 20_700
"""2026-09-04; each kill has a morning of its own, so that each makes a model of its own."""

LAX = (
    "learned_efforts=30, judged_efforts=20, judged_recoveries=2, gain_low=-1e9, gain_share=-9, static_gain=-1e9, auc_least=0, auc_jump=1, "
)
LAX += "chance_ratio_least=0, chance_ratio_most=99, calibration_error=1, worst_subgroup=99, shift_of_scores=99, rank_agreement=-1"
"""Limits that any model holds: what is asked here is not whether it is better."""

PROGRAM = """
import os, signal, sys
from datetime import date, timedelta
from pathlib import Path
from recoup.desk import open_desk
from recoup.retraining import run
from recoup.settings import Settings
from training.tune import Budget

folder, home, day, kill, gates = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]

def step(name, done, total):
    print(name, flush=True)
    if name == kill:
        os.kill(os.getpid(), signal.SIGKILL)

desk = open_desk(folder)
done = run(
    desk.writeoffs, desk.outcomes, {}, chosen=Settings(home=home, gates=gates), tracking_uri=None,
    as_of=date(1970, 1, 1) + timedelta(days=day), created="", budget=Budget(0), promote=True, step=step,
)
assert done.promotion is not None, [verdict.sentence() for verdict in done.failed]
"""


def retrain(folder: Path, home: Path, day: int, kill: str = "") -> tuple[int, list[str]]:
    """Retrain and promote in a process of its own, killed at a step if one is named: exit code, and the steps that were begun."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(home), str(day), kill, LAX], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(done.stderr)
    return done.returncode, done.stdout.splitlines()


def problems(home: Path, allowed: Sequence[Pointer | None]) -> list[str]:
    """Return what is wrong in a home: a champion that does not serve or is another than allowed, a half version."""
    found = []
    pointer = read_pointer(home)
    if pointer not in allowed:
        found.append(f"the champion is {pointer}")
    if pointer is not None and Scorer.load(pointer.champion.folder(home)).bundle_hash != pointer.champion.bundle_hash:
        found.append("the champion is not the one that was promoted")
    registry = Registry(home)
    for version in registry.versions():
        if read_manifest(registry.fetch(version.number))["bundle_hash"] != version.bundle_hash or not version.tags.get("gates"):
            found.append(f"version {version.number} is half")
    return found


def debris(home: Path) -> list[str]:
    """Return what a run left half made."""
    left = [*(home / "models").glob(".*"), *(home / "snapshots").glob(".*"), *home.glob(".champion*")]
    return [path.name for path in left]


def main() -> None:
    """Print a line for each step; exit 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place) / "practice", Path(place) / "home"
        write_sample(folder, rows=options.rows, seed=3)
        _, steps = retrain(folder, home, FIRST_DAY)
        points = list(dict.fromkeys(steps))
        print(f"{len(points)} steps: {', '.join(points)}", flush=True)
        for i, point in enumerate(points, start=1):
            before = read_pointer(home)
            code, _ = retrain(folder, home, FIRST_DAY + i, point)
            after = read_pointer(home)
            found = problems(home, [before] if point != "registry: promoted" else [after])
            rerun, _ = retrain(folder, home, FIRST_DAY + i)
            complete = rerun == 0 and not problems(home, [read_pointer(home)]) and not debris(home) and read_pointer(home) != before
            wrong += bool(found) or not complete or code != -signal.SIGKILL
            print(
                f"killed at {point:22s} {found or 'champion and versions whole'}; rerun {'completes' if complete else 'FAILS'}", flush=True
            )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
