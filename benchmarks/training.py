"""One training with its clock: `python -m benchmarks.training FOLDER AS_OF`, a row of `make bench-speed`.

The files of a practice are read and a bundle is written, as `recoup train` does it without snapshot and registry. Printed as JSON are wall
and CPU seconds of the whole. With `--boosters` everything is done in one process, and the seconds are those of the boosters alone: their
rounds on Datasets that were made ready before, which counts as ours.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm

from features.intake.table_file import read_table
from features.pieces import one_by_one
from features.tables import CONTRACT_RATES, OUTCOMES, PAYER_RULES, WRITEOFF_POLICIES, WRITEOFFS
from features.vocabulary import Vocabulary
from recoup.cli.options import usable_cores
from recoup.days import day_number
from recoup.forks import hands_for
from training.fit import train
from training.publish import publish

BESIDE = {
    "contracts": ("contract_rates", CONTRACT_RATES),
    "payer_rules": ("payer_rules", PAYER_RULES),
    "policies": ("writeoff_policies", WRITEOFF_POLICIES),
}


class Clock:
    """Stands in LightGBM's place and times the rounds of every booster."""

    def __init__(self) -> None:
        self.wall, self.cpu, self.count = 0.0, 0.0, 0

    def train(self, parameters: Mapping[str, object], data: lightgbm.Dataset, rounds: int) -> lightgbm.Booster:
        """Do what `lightgbm.train` does, in two steps: make the Dataset ready, then grow the trees."""
        booster = lightgbm.Booster(dict(parameters), data)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(rounds):
            booster.update()
        self.wall, self.cpu, self.count = self.wall + time.perf_counter() - wall, self.cpu + time.process_time() - cpu, self.count + 1
        return booster


def main() -> None:
    """Train once, and print what it took."""
    folder, as_of, clock = Path(sys.argv[1]), day_number(date.fromisoformat(sys.argv[2])), Clock()
    is_timed_within = sys.argv[3:] == ["--boosters"]
    if is_timed_within:
        lightgbm.train = clock.train  # type: ignore[assignment]
    wall, words = time.perf_counter(), Vocabulary()

    def read(name: str, table: Any) -> Any:
        return read_table(folder / f"{name}.csv", table, vocabulary=words).batch

    tables = {name: read(file, table) for name, (file, table) in BESIDE.items()}
    writeoffs, outcomes = read("writeoffs", WRITEOFFS), read("outcomes", OUTCOMES)
    each = one_by_one if is_timed_within else hands_for(len(outcomes), usable_cores())
    bundle = train(writeoffs, outcomes, tables=tables, as_of=as_of, each=each)
    with tempfile.TemporaryDirectory() as place:
        publish(bundle, Path(place) / "bundle", name="bench", created="")
    ended = os.times()
    whole = [time.perf_counter() - wall, sum(ended[:4])]
    told = {
        "seconds": [clock.wall, clock.cpu] if is_timed_within else whole,
        "count": clock.count,
        "labels": bundle.facts["labels"],
        "gigabytes": max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
