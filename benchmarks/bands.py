"""Do bands hold what they say? `python -m benchmarks.bands [--worlds N] [--first SEED] [--rows N] [--explore P]`

Each synthetic practice is learned from as of four months before its end. The rows posted since, worked or not, are summed by payer and
quarter, by family, by month and in all; a band is right where it holds what the rows would bring if all were worked, which the sample
knows. Beside it: the bands of rows that vary alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.ranking import CUT, END, day, read
from features.codes.tables import Codes
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from models.sums import NOMINAL, Sums
from recoup.sample.practice import write_sample
from training.bands import back_test
from training.fit import train
from training.publish import publish

GROUPINGS = ("payer_quarter", "family", "month", "all")


def judge(rows: int, seed: int, explore: float) -> tuple[dict[str, Any], Sums, float]:
    """Draw a practice, learn from it, and return the share of bands that hold, what was learned, and predicted over true dollars."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_sample(folder, rows=rows, seed=seed, explore=explore, truth=True)
        writeoffs, outcomes, tables = read(folder, Vocabulary(Codes.load().seed_words()))
        bundle = train(writeoffs, outcomes, tables=tables, as_of=day(CUT))
        publish(bundle, folder / "bundle", name="bench", created=END)
        scorer = Scorer.load(folder / "bundle")
        writeoffs, _, _ = read(folder, scorer.vocabulary.overlay())
        window = writeoffs.take((writeoffs.columns["writeoff_date"] >= day(CUT)) & (writeoffs.columns["writeoff_date"] < day(END)))
        scores = scorer.score(window, as_of=day(CUT), reasons=0)
        truth = pq.read_table(folder / "truth.parquet", columns=["writeoff_id", "pot_amount"])
        brings = dict(zip(truth["writeoff_id"].to_pylist(), truth["pot_amount"].to_pylist(), strict=True))
        would = np.array([brings[key] for key in window.columns["writeoff_id"].tolist()])
        ratio = float(scores.columns["expected_recovery"].sum() / would.sum())
        return back_test(scorer.models.sums, window, scores, would), scorer.models.sums, ratio


def main() -> None:
    """Print one line per world and the coverage over all groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--worlds", type=int, default=6)
    parser.add_argument("--first", type=int, default=1, help="seed of the first world")
    parser.add_argument("--explore", type=float, default=0.03)
    options = parser.parse_args()
    print(f"{options.rows:,} write-offs a world, {options.explore:.0%} explored, cut {CUT}, judged to {END}; load {os.getloadavg()[0]:.1f}")
    print(f"share of {NOMINAL:.0%} bands that hold (rows alone)")
    print("world  " + "  ".join(f"{name:>21s}" for name in GROUPINGS) + "  predicted/true  noise payer family common shift")
    found = []
    for seed in range(options.first, options.first + options.worlds):
        held, sums, ratio = judge(options.rows, seed, options.explore)
        found.append(held)
        learned = " ".join(f"{value:6.3f}" for value in (sums.noise, sums.payer_sd, sums.family_sd, sums.common_sd, sums.shift_sd))
        print(f"{seed:5d}  {_line([held])}  {ratio:14.3f}  {learned}", flush=True)
    print(f"  all  {_line(found)}")


def _line(worlds: list[dict[str, Any]]) -> str:
    cells = []
    for name in GROUPINGS:
        groups = sum(world[name]["groups"] for world in worlds)
        shared, alone = (sum(world[name]["groups"] * world[name][kind] for world in worlds) / groups for kind in ("shared", "alone"))
        cells.append(f"{shared:.3f} ({alone:.3f}) n={groups}".rjust(21))
    return "  ".join(cells)


if __name__ == "__main__":
    main()
