"""Ranking on synthetic practices with known truth: `python -m benchmarks.ranking [--rows N] [--seeds 1 2 ...] [--quick]`

Each seed's practice is learned from as of four months before its end; the rows posted since, worked or not, are ranked as of that day
and judged by the truth that the sample wrote: the share of the oracle's expected dollars that fits 10 % of all true hours. Simple
rules are given the true hours; the model and the plain hurdle know only their own. Beside it the same recipe is taught 30,000
labels drawn by lot, none late (the ceiling), few labels (0 to 5,000), four times the rows, and practices in which nothing is explored.
Every figure is printed beside what it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.peers import hurdle
from features.batch import Batch, empty_columns
from features.codes.tables import Codes
from features.feature import Floats
from features.intake.table_file import read_table
from features.money import NULL
from features.tables import CONTRACT_RATES, OUTCOMES, PAYER_RULES, WRITEOFF_POLICIES, WRITEOFFS, Table
from features.vocabulary import Vocabulary
from models.bundle import Bundle
from models.scorer import Scorer
from models.scores import Scores
from recoup.sample.practice import write_sample
from training.bands import scored_rows
from training.evaluate import auc, captured, expected_calibration_error, judge_odd, judge_unusual, static_rates
from training.fit import train
from training.publish import publish

CUT, END = "2026-07-01", "2026-11-01"
TABLES: dict[str, tuple[Table, str]] = {
    "contracts": (CONTRACT_RATES, "contract_rates.csv"),
    "payer_rules": (PAYER_RULES, "payer_rules.csv"),
    "policies": (WRITEOFF_POLICIES, "writeoff_policies.csv"),
}
SEEDS = (1, 2, 3, 4, 5, 6)
SHARE = 0.1
UNBIASED = 30_000
MANY = 200_000
FEW = (0, 200, 1000, 5000)
BLIND = 10
"""Practices without exploration: the first seeds."""


def day(text: str) -> int:
    """Return a date as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(np.int64))


def read(folder: Path, vocabulary: Vocabulary) -> tuple[Batch, Batch, dict[str, Batch]]:
    """Return a practice's write-offs, outcomes and other tables."""
    writeoffs = read_table(folder / "writeoffs.csv", WRITEOFFS, vocabulary=vocabulary).batch
    outcomes = read_table(folder / "outcomes.csv", OUTCOMES, vocabulary=vocabulary).batch
    tables = {name: read_table(folder / file, table, vocabulary=vocabulary).batch for name, (table, file) in TABLES.items()}
    return writeoffs, outcomes, tables


@dataclass(frozen=True, slots=True)
class World:
    """A synthetic practice on disk, what was read of it, and its truth in the order of its write-offs."""

    folder: Path
    writeoffs: Batch
    outcomes: Batch
    tables: dict[str, Batch]
    truth: dict[str, NDArray[Any]]

    @classmethod
    def draw(cls, folder: Path, *, rows: int, seed: int, explore: float = 0.03) -> World:
        """Draw a practice into a folder."""
        write_sample(folder, rows=rows, seed=seed, explore=explore, truth=True)
        writeoffs, outcomes, tables = read(folder, Vocabulary(Codes.load().seed_words()))
        table = pq.read_table(folder / "truth.parquet")
        truth = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
        return cls(folder, writeoffs, outcomes, tables, truth)

    def learn(self, outcomes: Batch | None = None) -> Learned:
        """Fit the fixed recipe as of the cut, on other outcomes where given, and score the rows posted since."""
        start = time.process_time()
        bundle = train(self.writeoffs, self.outcomes if outcomes is None else outcomes, tables=self.tables, as_of=day(CUT))
        seconds = time.process_time() - start
        publish(bundle, self.folder / "bundle", name="bench", created=END)
        scorer = Scorer.load(self.folder / "bundle")
        window = read_table(self.folder / "writeoffs.csv", WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
        window = window.take(self.window)
        return Learned(bundle, scorer, window, scorer.score(window, as_of=day(CUT), reasons=0).columns, seconds)

    @property
    def window(self) -> NDArray[np.int64]:
        """Return the places of the rows posted after the cut."""
        posted = self.writeoffs.columns["writeoff_date"]
        return np.flatnonzero((posted >= day(CUT)) & (posted < day(END)))

    def few(self, count: int) -> Batch:
        """Return so many outcomes, drawn by lot among those known at the cut."""
        c = self.outcomes.columns
        known = np.flatnonzero((c["resolved_date"] != NULL) & (c["resolved_date"] < day(CUT)))
        return self.outcomes.take(np.sort(np.random.default_rng(1).choice(known, min(count, len(known)), replace=False)))

    def unbiased(self, count: int) -> Batch:
        """Return outcomes of so many rows drawn by lot among those posted before the cut: worked ten days later, known by the cut."""
        posted = self.writeoffs.columns["writeoff_date"]
        old = np.flatnonzero(posted < day(CUT) - 12)
        rows = np.sort(np.random.default_rng(1).choice(old, min(count, len(old)), replace=False))
        words = self.outcomes.vocabulary
        cents = np.rint(self.truth["pot_amount"][rows] * 100).astype(np.int64)
        won, lost = (words.add("status", status) for status in ("recovered", "denied"))
        columns = empty_columns(OUTCOMES, len(rows)) | {
            "writeoff_id": self.writeoffs.columns["writeoff_id"][rows],
            "worked_date": posted[rows] + 10,
            "resolved_date": np.minimum(posted[rows] + 60, day(CUT) - 1),
            "status": np.where(cents > 0, won, lost).astype(np.int32),
            "recovered_amount": cents,
            "taken_back_amount": np.zeros(len(rows), dtype=np.int64),
            "hours_spent": self.truth["e_hours"][rows].astype(np.float64),
            "explored": np.ones(len(rows), dtype=np.int8),
            "selection_probability": np.ones(len(rows)),
        }
        return Batch(OUTCOMES, columns, words)

    def share(self, key: Floats) -> float:
        """Return the share of the oracle's dollars of the window that an order, the smallest key first, captures."""
        dollars, hours = self.truth["ev"][self.window], self.truth["e_hours"][self.window]
        best = captured(np.argsort(-dollars / hours, kind="stable"), dollars, hours, SHARE)
        return captured(np.argsort(key, kind="stable"), dollars, hours, SHARE) / best


@dataclass(frozen=True, slots=True)
class Learned:
    """A bundle, its scorer, and the scores of the window."""

    bundle: Bundle
    scorer: Scorer
    window: Batch
    scores: dict[str, NDArray[Any]]
    seconds: float


def judge(world: World, *, quick: bool) -> dict[str, float]:
    """Return every figure of a practice."""
    learned = world.learn()
    s, truth = learned.scores, {name: values[world.window] for name, values in world.truth.items()}
    won, hours = truth["pot_recovered"].astype(np.bool_), truth["e_hours"]
    amount = np.where(learned.window.columns["writeoff_amount"] == NULL, 0, learned.window.columns["writeoff_amount"]) / 100.0
    rates = static_rates(learned.window.words("carc"))
    static = world.share(-amount * rates / hours)
    share = world.share(s["rank"].astype(np.float64))
    later, peer = hurdle(world.folder, CUT)
    place = {key: i for i, key in enumerate(later.writeoff_id)}
    at = np.array([place[key] for key in s["writeoff_id"].tolist()])
    p, chance = s["recovery_probability"], peer.chance[at]
    unusual = judge_unusual(learned.window, Scores(s), truth["mispost"].astype(np.bool_))
    found = {
        "labels": float(learned.bundle.facts["labels"]),
        "share": share,
        "x per hour": share / world.share(-amount / hours),
        "x static": share / static,
        "x hurdle": share / world.share(-peer.per_hour[at]),
        "auc": auc(p, won) or 0.0,
        "auc above": (auc(p, won) or 0.0) - (auc(chance, won) or 0.0),
        "brier below": float(((chance - won) ** 2).mean() - ((p - won) ** 2).mean()),
        "ece": expected_calibration_error(p, won) or 0.0,
        "sum": float(s["expected_recovery"].sum() / truth["ev"].sum()),
        "unusual ap": unusual["anomaly_average_precision"] or 0.0,
        "unusual top": unusual["anomaly_top_precision"] or 0.0,
        "false alarms": unusual["anomaly_false_alarm_share"] or 0.0,
        "odd": judge_odd(learned.scorer.models.rarity, learned.window, truth["mispost"].astype(np.bool_))["odd_false_alarm_share"] or 0.0,
        "train s": learned.seconds,
    }
    if not quick:
        found["x ceiling"] = share / world.share(world.learn(world.unbiased(UNBIASED)).scores["rank"].astype(np.float64))
        for count in FEW:
            few = world.learn(world.few(count)).scores
            own, ours = few["expected_hours"], world.share(few["rank"].astype(np.float64))
            found[f"x static, {count} labels"] = ours / static
            found[f"x static by own hours, {count} labels"] = ours / world.share(-amount * rates / own)
    found["sum off"] = abs(found["sum"] - 1.0)
    return found


def held_blind(rows: int, seed: int) -> tuple[bool, float]:
    """Return whether the band of all expected dollars holds what a practice without exploration would bring, and predicted over true."""
    with tempfile.TemporaryDirectory() as place:
        world = World.draw(Path(place), rows=rows, seed=seed, explore=0.0)
        learned = world.learn()
        scores = learned.scorer.score(learned.window, as_of=day(CUT), reasons=0)
        low, high = scored_rows(learned.window, scores).band(learned.scorer.models.sums, np.zeros(len(learned.window), dtype=np.int64))
        would = float(world.truth["pot_amount"][world.window].sum())
        return bool(low[0] <= would <= high[0]), float(scores.columns["expected_recovery"].sum()) / would


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure should be: over the seeds, at least or at most."""

    figure: str
    says: str
    over: Callable[[list[float]], float]
    least: float | None = None
    most: float | None = None

    def line(self, found: list[dict[str, float]]) -> str:
        """Return the figure beside its bar."""
        value = self.over([world[self.figure] for world in found])
        bar = f">= {self.least}" if self.least is not None else f"<= {self.most}"
        holds = value >= self.least if self.least is not None else value <= (self.most or 0.0)
        return f"{self.says:78s} {value:8.4f}  {bar:9s} {'holds' if holds else 'MISSED'}"


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


BARS = (
    Bar("x ceiling", "share at 10 % of hours, of the same recipe with 30,000 unbiased labels", _mean, least=0.975),
    Bar("x per hour", "share over dollars per hour, every seed", min, least=1.35),
    Bar("x static", "share over the static CARC rule, mean", _mean, least=1.10),
    Bar("x static", "share over the static CARC rule, every seed", min, least=1.04),
    Bar("x hurdle", "share over a plain LightGBM hurdle by its own hours, mean", _mean, least=1.04),
    Bar("auc above", "AUC above a plain LightGBM classifier, every row, mean", _mean, least=0.025),
    Bar("brier below", "Brier score below it, mean", _mean, least=0.008),
    Bar("ece", "calibration error of every row, mean", _mean, most=0.02),
    Bar("sum off", "summed dollars, predicted over true less 1, mean of the size", _mean, most=0.05),
    Bar("unusual ap", "mis-posted: average precision, mean", _mean, least=0.80),
    Bar("unusual top", "mis-posted: precision in the top 3 %, mean", _mean, least=0.95),
    *(
        Bar(f"{name}, {count} labels", f"share over the static CARC rule{hours}, {count:,} labels, every seed", min, least=1.0)
        for count in FEW
        for name, hours in (("x static", " by the true hours"), ("x static by own hours", " by the same hours"))
    ),
    Bar("large share", "share of the oracle with four times the rows", _mean, least=0.95),
    Bar("fit s", f"seconds of processor time to fit {MANY:,} labels (as many as the rows give)", max, most=600.0),
    Bar("blind", "nothing explored: share of seeds whose 90 % band holds what all would bring", _mean, least=0.9),
)


def main() -> None:
    """Print one line per seed, then every figure beside its bar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--quick", action="store_true", help="leave out the ceiling, few labels, four times the rows and no exploration")
    parser.add_argument("--json", type=Path, help="keep the results here")
    options = parser.parse_args()
    print(f"{options.rows:,} write-offs a seed, cut {CUT}, judged to {END}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    found: list[dict[str, float]] = []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as place:
            world = judge(World.draw(Path(place), rows=options.rows, seed=seed), quick=options.quick)
        found.append(world)
        if len(found) == 1:
            print("  ".join(["seed", *(f"{name:>6s}" for name in world)]))
        print(
            "  ".join([f"{seed:4d}", *(f"{value:{max(6, len(name))}.{0 if value > 100 else 3}f}" for name, value in world.items())]),
            flush=True,
        )
    results: dict[str, list[dict[str, float]]] = {"seeds": found}
    if not options.quick:
        with tempfile.TemporaryDirectory() as place:
            large = World.draw(Path(place), rows=4 * options.rows, seed=options.seeds[0])
            learned = large.learn()
            results["large"] = [{"large share": large.share(learned.scores["rank"].astype(np.float64)), "train s": learned.seconds}]
            many = large.learn(large.unbiased(MANY))
            results["many"] = [{"labels": float(many.bundle.facts["labels"]), "fit s": many.seconds}]
        print(f"four times the rows, seed {options.seeds[0]}: {results['large'][0]}; many labels: {results['many'][0]}", flush=True)
        blind = [held_blind(options.rows, options.seeds[0] + i) for i in range(BLIND)]
        results["blind"] = [{"blind": float(held), "sum": ratio} for held, ratio in blind]
        print("nothing explored, predicted over what all would bring:", " ".join(f"{ratio:.3f}" for _, ratio in blind), flush=True)
    for bar in BARS:
        asked = [world for worlds in results.values() for world in worlds if bar.figure in world]
        if asked:
            print(bar.line(asked))
    if options.json:
        options.json.write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
