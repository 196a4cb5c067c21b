"""What every row of the table of speeds is made of: times, ratios, and the files and models that rows share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from features.feature import Floats

AS_OF = "2026-11-01"
PRACTICE_ROWS = 60_000
ROLES = ("likelihood", "fraction", "effort", "anomaly")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of a piece of work: on the clock, and of all cores, children among them."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Took:
    """Do the work once."""
    wall, before = time.perf_counter(), os.times()
    work()
    wall, after = time.perf_counter() - wall, os.times()
    return Took(wall, sum(after[:4]) - sum(before[:4]))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    name, work, peer
        What was done, by us and by whom else.
    bar
        The ratio that must be reached; `at_least` or at most.
    ours, theirs
        Seconds per unit of work, one for each run.
    """

    name: str
    work: str
    peer: str
    bar: float
    at_least: bool
    ours: list[Took]
    theirs: list[Took]
    scale: float = 1.0
    note: str = ""

    def ratio(self, clock: str = "wall") -> float:
        """Return how often faster (at least) or how much longer (at most) our work is, by the medians."""
        mine, other = (float(np.median([getattr(took, clock) for took in runs])) for runs in (self.ours, self.theirs))
        other *= self.scale
        return (other / mine) if self.at_least else (mine / other)

    @property
    def is_reached(self) -> bool:
        """Whether the bar is reached on the clock."""
        ratio = self.ratio()
        return ratio >= self.bar if self.at_least else ratio <= self.bar


@dataclass
class Bench:
    """Files and models that several rows share, made when first asked for."""

    folder: Path
    share: float
    runs: int

    def rows(self, count: int) -> int:
        """Return so many rows, or the share of them that was asked for."""
        return max(int(count * self.share), 1000)

    @cached_property
    def practice(self) -> Path:
        """A synthetic practice."""
        from recoup.sample.practice import write_sample

        if not (self.folder / "practice").exists():
            write_sample(self.folder / "practice", rows=min(PRACTICE_ROWS, self.rows(2_000_000)))
        return self.folder / "practice"

    @cached_property
    def bundle(self) -> Path:
        """A model of it."""
        if not (self.folder / "model").exists():
            self.recoup(
                "train", "--writeoffs", self.practice / "writeoffs.csv", "--outcomes", self.practice / "outcomes.csv",
                "--contracts", self.practice / "contract_rates.csv", "--payer-rules", self.practice / "payer_rules.csv",
                "--policies", self.practice / "writeoff_policies.csv", "--as-of", AS_OF, "--out", self.folder / "model", "--no-register",
            )  # fmt: skip
        return self.folder / "model"

    def ledger(self, rows: int, ending: str) -> Path:
        """A ledger of so many rows."""
        from benchmarks.volume import write_volume

        path = self.folder / f"ledger-{rows}{ending}"
        if not path.exists():
            write_volume(self.practice, rows, path)
        return path

    @cached_property
    def matrix(self) -> Floats:
        """Rows of the ledger as LightGBM reads them: at most half a million, which is a quarter of a gigabyte."""
        from features.intake.table_file import read_table
        from features.tables import WRITEOFFS
        from models.scorer import Scorer

        scorer, parts = Scorer.load(self.bundle), []
        path = self.ledger(min(self.rows(2_000_000), 500_000), ".parquet")
        batch = read_table(path, WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
        for start in range(0, len(batch), 1 << 16):
            part = batch.take(np.arange(start, min(start + (1 << 16), len(batch))))
            parts.append(scorer.matrix(part, scorer.viewer.serve(part, day(AS_OF)).columns))
        return np.concatenate(parts)

    @cached_property
    def boosters(self) -> list[Any]:
        """LightGBM's own boosters of the model's trees."""
        import lightgbm

        return [lightgbm.Booster(model_file=str(path)) for role in ROLES if (path := self.bundle / f"{role}.txt").exists()]

    def recoup(self, *words: object, home: str = "home", **more: str) -> None:
        """Run a command of recoup."""
        environment = os.environ | {"RECOUP_HOME": str(self.folder / home)} | more
        environment.pop("OMP_NUM_THREADS", None)
        ran = subprocess.run([sys.executable, "-m", "recoup.cli", *map(str, words)], env=environment, capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(f"recoup {' '.join(map(str, words[:1]))} ended with {ran.returncode}: {ran.stderr[-2000:]}")

    def score(self, ledger: Path, out: str, *words: str, **more: str) -> None:
        """Score a ledger with the command."""
        self.recoup(
            "score", *words, "--writeoffs", ledger, "--out", self.folder / out, "--model", self.bundle, "--as-of", AS_OF, "--json", **more
        )  # fmt: skip

    def in_turn(self, ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[list[Took], list[Took]]:
        """Time both in turn, after one run of each that does not count."""
        ours(), theirs()
        pairs = [(timed(ours), timed(theirs)) for _ in range(self.runs)]
        return [mine for mine, _ in pairs], [other for _, other in pairs]


def day(text: str) -> int:
    """Return a date as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(np.int64))
