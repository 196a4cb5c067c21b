"""Does drift ring when it should, and only then? `python -m benchmarks.drift [--seeds N] [--worlds N] [--rows N]`

First, streams of results of a practice with 60 payers and ten families, with errors of the model's own in every payer and cell: a cell's
log odds fall by 1.5 on the first day, and some of its results come within 45 days. How often is the cell, or its payer, found in these
days, and how often does another one ring? Then whole synthetic practices in which no payer ever changes its mind: a model of four
months ago is watched, and every alarm is false.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking import CUT, END, day, read
from features.codes.tables import Codes
from features.vocabulary import Vocabulary
from models.calibration import probability
from models.drift import DESIGN, Design, Stream, charts, threshold
from models.scorer import Scorer
from recoup.sample.practice import write_sample
from training.cut import Ledger, cut_ledger, recode
from training.drift import FALSE_ALARMS_A_YEAR, PAYERS, watch
from training.fit import train
from training.publish import publish

DAYS, FAMILIES, PLANTED_PAYER = 45, 10, 10
JUMP = -1.5
FLOW = 600
"""Results of the other cells in the same days."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A stream with a jump in one cell."""

    stream: Stream
    payer: NDArray[np.int64]
    cell: NDArray[np.int64]
    code: int


def plant(seed: int, results: int, *, jump: float = JUMP, spread: float = DESIGN.spread) -> Planted:
    """Draw 45 days of results of 60 payers of very different size, and so many of the planted cell."""
    rng = np.random.default_rng(seed)
    size = 1.0 / np.arange(1, PAYERS + 1) ** 0.8
    payer = np.append(rng.choice(PAYERS, FLOW, p=size / size.sum()), np.full(results, PLANTED_PAYER))
    family = np.append(rng.choice(FAMILIES, FLOW, p=rng.dirichlet(np.ones(FAMILIES))), np.zeros(results, dtype=np.int64))
    order = rng.permutation(len(payer))
    payer, family = payer[order], family[order]
    cell = payer * FAMILIES + family
    logit = rng.normal(-0.4, 1.0, len(payer))
    own = rng.normal(0, spread / np.sqrt(2), PAYERS)[payer] + rng.normal(0, spread / np.sqrt(2), PAYERS * FAMILIES)[cell]
    code = PLANTED_PAYER * FAMILIES
    truth = logit + own + np.where(cell == code, jump, 0.0)
    days = np.sort(rng.integers(0, DAYS, len(payer)))
    return Planted(Stream(days, logit, rng.random(len(payer)) < probability(truth)), payer, cell, code)


def rings(planted: Planted, design: Design = DESIGN, seed: int = 0) -> tuple[bool, int]:
    """Return whether the planted cell or its payer rang, and how many others did."""
    height = threshold(planted.stream, [planted.payer, planted.cell], FALSE_ALARMS_A_YEAR * DAYS / 365.0, design, seed)
    cells = [chart.group for chart in charts(planted.stream, planted.cell, design) if chart.alarm(height)]
    payers = [chart.group for chart in charts(planted.stream, planted.payer, design) if chart.alarm(height)]
    found = planted.code in cells or PLANTED_PAYER in payers
    return found, sum(code != planted.code for code in cells) + sum(code != PLANTED_PAYER for code in payers)


def quiet(rows: int, seed: int) -> tuple[int, int, int]:
    """Watch a practice in which nothing changes: results, payers, and false alarms."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_sample(folder, rows=rows, seed=seed, jumps=False)
        writeoffs, outcomes, tables = read(folder, Vocabulary(Codes.load().seed_words()))
        bundle = train(writeoffs, outcomes, tables=tables, as_of=day(CUT))
        publish(bundle, folder / "bundle", name="bench", created="")
        scorer = Scorer.load(folder / "bundle")
        words, known = scorer.vocabulary.overlay(), cut_ledger(writeoffs, outcomes, tables, day(END))
        ledger = Ledger(recode(known.writeoffs, words), recode(known.outcomes, words), {}, words)
        found = watch(scorer, ledger, day(END), bundle.reference)
        return found["results"], found["payers"], len(found["alarms"])


def main() -> None:
    """Print power against count, and false alarms; exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--worlds", type=int, default=6)
    parser.add_argument("--rows", type=int, default=60_000)
    options = parser.parse_args()
    print(f"a cell's log odds fall by {-JUMP}; {PAYERS} payers, {FLOW} other results in {DAYS} days; load {os.getloadavg()[0]:.1f}")
    power, others = {}, []
    for results in (10, 20, 40, 60, 80, 120):
        told = [rings(plant(seed, results)) for seed in range(options.seeds)]
        power[results] = float(np.mean([found for found, _ in told]))
        others += [other for _, other in told]
        print(f"{results:4d} results in {DAYS} days: found in {power[results]:.2f} of {options.seeds} seeds", flush=True)
    calm = [rings(plant(10_000 + seed, 80, jump=0.0)) for seed in range(options.seeds)]
    false = float(np.mean([found + other for found, other in calm])) * 365.0 / DAYS
    print(f"without a jump: {false:.2f} alarms a year ({PAYERS} payers; target at most {FALSE_ALARMS_A_YEAR:.0f})")
    alarms = spans = 0.0
    for seed in range(1, options.worlds + 1):
        results, payers, rung = quiet(options.rows, seed)
        span = (day(END) - day(CUT)) / 365.0 * payers / PAYERS
        alarms, spans = alarms + rung, spans + span
        print(
            f"world {seed} without change: {results} results of {payers} payers, {rung} alarms; {alarms / spans:.2f} a year so far",
            flush=True,
        )
    missed = power[80] < 0.9 or false > FALSE_ALARMS_A_YEAR
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
