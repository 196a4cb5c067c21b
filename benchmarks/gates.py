"""Do the gates hold? `python -m benchmarks.gates [--worlds N] [--spoilt N] [--first SEED] [--rows N] [--seeds N]`

For each synthetic practice a champion is fitted on clean data, and its snapshot kept. Then every sabotage of `benchmarks.sabotage` is
put to a retraining: with the champion and its snapshot, and without any champion, where the static rule stands in and nothing can be
compared with what was said before. Last, models that differ from each other by their seed alone are held against each other: how
often would one be promoted over its equal?
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmarks.ranking import END, day, read
from benchmarks.sabotage import SABOTAGES
from features.batch import Batch
from features.codes.tables import Codes
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from recoup.sample.practice import write_sample
from training.contest import Window, compare, enter, newest_mature
from training.cut import Ledger, cut_ledger
from training.fit import train
from training.gates import DEFAULT_CAPACITY, limits
from training.publish import publish
from training.recipe import FIXED, SEED
from training.retrain import Retrained, Rival, retrain
from training.tune import Budget

MONTH = 30


def fitted(ledger: Ledger, on: int, seed: int, folder: Path) -> Scorer:
    """Fit the fixed recipe as of a day, and load it."""
    publish(train(ledger.writeoffs, ledger.outcomes, tables=ledger.tables, as_of=on, seed=seed), folder, name="bench", created="")
    return Scorer.load(folder)


def retrained(ledger: Ledger, rival: Rival | None) -> Retrained:
    """Retrain with the fixed recipe: tuning is not what is asked here."""
    with tempfile.TemporaryDirectory() as place:
        return retrain(
            ledger,
            as_of=day(END),
            rival=rival,
            limits=limits({}),
            budget=Budget(0),
            place=Path(place),
            name="bench",
            created="",
            refresh=lambda scorer, known, until: None,
            seed=SEED + 1,
        )


def equals(ledger: Ledger, window: Window, seeds: int, folder: Path) -> list[bool]:
    """Hold models of the same recipe and data, but another seed, against each other; True where the dollars would let one through."""
    entries = [enter(str(seed), fitted(ledger, window.start, seed, folder / str(seed)), window) for seed in range(1, seeds + 1)]
    found = []
    for first, other in permutations(entries, 2):
        at = compare(window, [first, other], [DEFAULT_CAPACITY])[0]["entries"][other.name]
        found.append(at["gain_low"] > 0 and at["gain"] / at["dollars"] >= limits({})["gain_share"])
    return found


def let_through(writeoffs: Batch, outcomes: Batch, tables: Mapping[str, Batch], seed: int, folder: Path) -> list[str]:
    """Try every sabotage, and return those that passed beside a champion."""
    before, passed = cut_ledger(writeoffs, outcomes, tables, day(END) - MONTH), []
    rival = Rival("1", fitted(before, day(END) - MONTH, SEED, folder / "champion"), FIXED, SEED, lambda: before)
    for name, spoil in SABOTAGES.items():
        ledger = cut_ledger(*spoil(writeoffs, outcomes, day(END), np.random.default_rng(seed)), tables, day(END))
        beside, alone = retrained(ledger, rival), retrained(ledger, None)
        if beside.held:
            passed.append(name)
        print(f"world {seed} {name:18s} beside a champion: {_stopped(beside):60s} alone: {_stopped(alone)}", flush=True)
    return passed


def main() -> None:
    """Print which gates stopped each sabotage, and how often an equal passed; exit 1 when a sabotage passed beside a champion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--worlds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1, help="seed of the first world")
    parser.add_argument("--spoilt", type=int, help="worlds, the first ones, in which every sabotage is tried; default: all")
    parser.add_argument("--seeds", type=int, default=5, help="equal models in each world")
    options = parser.parse_args()
    print(f"{options.rows:,} write-offs a world, as of {END}; load {os.getloadavg()[0]:.1f}")
    passed, equal = [], []
    for seed in range(options.first, options.first + options.worlds):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_sample(folder, rows=options.rows, seed=seed)
            writeoffs, outcomes, tables = read(folder, Vocabulary(Codes.load().seed_words()))
            if options.spoilt is None or seed < options.first + options.spoilt:
                passed += [(seed, name) for name in let_through(writeoffs, outcomes, tables, seed, folder)]
            ledger = cut_ledger(writeoffs, outcomes, tables, day(END))
            equal += equals(ledger, newest_mature(ledger, day(END)), options.seeds, folder / "equal")
            print(f"world {seed} equal models let through: {np.mean(equal):.3f} of {len(equal)} pairs so far", flush=True)
    print(
        f"sabotages that passed beside a champion: {passed or 'none'}; equal models let through: {np.mean(equal):.3f} (target: at most .05)"
    )
    sys.exit(1 if passed or np.mean(equal) > 0.05 else 0)


def _stopped(done: Retrained) -> str:
    return "PASSED" if done.held else ", ".join(verdict.gate.name for verdict in done.failed)


if __name__ == "__main__":
    main()
