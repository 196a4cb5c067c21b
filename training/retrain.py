"""Retraining: check the data, tune, hold the challenger against the champion on what neither saw, and fit it on everything known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from features.batch import Batch
from features.pieces import Each, one_by_one
from models.bundle import Bundle
from models.scorer import DEFAULT_COSTS, Scorer
from models.value import Costs
from training.checks import check
from training.contest import (
    CAPACITY,
    Entry,
    Window,
    compare,
    describe,
    enter,
    enter_static,
    newest_mature,
    population_shift,
    reliability,
    subgroups,
    worst,
)
from training.cut import Ledger, cut_ledger, recode
from training.examples import replay
from training.fit import fit
from training.gates import CAPACITY as CAPACITY_KEY
from training.gates import Measure, Of, Verdict, judge
from training.publish import publish
from training.recipe import SEED, Recipe
from training.snapshot import digest
from training.tune import Budget, Tuned, tune

Progress = Callable[[str, int, int], None]
Refresh = Callable[[Scorer, Ledger, int], None]
"""Lets a scorer know what became known of a ledger between its cut and a day."""

STEPS = ("check", "tune", "fit for the window", "champion", "judge", "fit", "agree")
_NEWEST_DAYS, _MOST_ROWS = 90, 5000


@dataclass(frozen=True, slots=True)
class Rival:
    """The champion that is to be beaten.

    Parameters
    ----------
    name
        Its version, for people.
    scorer
        As it serves.
    recipe, seed
        Of its fit.
    recall
        Reads its own snapshot, which is as large as the ledger and so is held only where it is asked; None where none was kept, and
        then a refit takes what is known now.
    """

    name: str
    scorer: Scorer
    recipe: Recipe
    seed: int
    recall: Callable[[], Ledger] | None


@dataclass(slots=True)
class Retrained:
    """What came of it.

    Parameters
    ----------
    report
        Everything found, as JSON can hold it.
    verdicts
        Of all gates that were asked: the data's, then the model's.
    folder
        The final bundle; None where a data gate failed, because nothing is fitted on data that are not right.
    """

    report: dict[str, Any]
    verdicts: list[Verdict] = field(default_factory=list)
    folder: Path | None = None

    @property
    def held(self) -> bool:
        """Whether every gate held."""
        return self.folder is not None and all(verdict.held for verdict in self.verdicts)

    @property
    def failed(self) -> list[Verdict]:
        """The gates that did not hold."""
        return [verdict for verdict in self.verdicts if not verdict.held]


def retrain(
    ledger: Ledger,
    *,
    as_of: int,
    rival: Rival | None,
    limits: Mapping[str, float],
    budget: Budget,
    place: Path,
    name: str,
    created: str,
    refresh: Refresh,
    seed: int = SEED,
    costs: Costs = DEFAULT_COSTS,
    progress: Progress | None = None,
    each: Each = one_by_one,
) -> Retrained:
    """Make a challenger and say in dollars whether it is better.

    Parameters
    ----------
    ledger
        As known on the morning of `as_of`.
    rival
        The champion; None: the static rule stands in.
    limits
        Of the gates (`training.gates.limits`).
    budget
        Of tuning.
    place
        An empty folder to work in; the final bundle is left in it.
    name, created
        Of the bundle.
    refresh
        Brings a champion that is older than the window up to its first morning.
    costs
        Of working, which the order of work depends on.
    each
        Does the pieces of replays, trials and fits; what comes of it does not depend on who does them.

    Raises
    ------
    CheckFailed
        When no effort is old enough to judge on.
    """
    say = progress or (lambda step, done, total: None)

    def step(number: int) -> None:
        say(STEPS[number], number, len(STEPS))

    step(0)
    window = newest_mature(ledger, as_of)
    told = _head(ledger, as_of, window, rival, seed)
    verdicts = judge(check(ledger, as_of, window, rival.recall() if rival and rival.recall else None), limits, Of.DATA)
    if not all(verdict.held for verdict in verdicts):
        nothing: dict[str, Any] = {"bundle_hash": None, "capacity": [], "tuning": None, "subgroups": [], "warnings": []}
        return Retrained(told | nothing | {"gates": [v.as_json() for v in verdicts], "held": False}, verdicts)
    step(1)
    known = replay(_cut(ledger, window.start), window.start, each)
    tuned = tune(known, budget, seed=seed, progress=say, each=each)
    step(2)
    trial = _loaded(fit(known, seed=seed, recipe=tuned.recipe, each=each), place / "trial", costs)
    del known
    step(3)
    first, static = enter("challenger", trial, window), enter_static(window)
    other, how = _enter_rival(rival, ledger, window, first, tuned, seed, place, refresh, costs, each)
    step(4)
    entries = [first, other, *([static] if rival else [])]
    contest = compare(window, entries, sorted({*CAPACITY, limits[CAPACITY_KEY]}), seed)
    step(5)
    bundle = fit(replay(ledger, as_of, each), seed=seed, recipe=tuned.recipe, each=each)
    bundle.facts["snapshot"] = told["snapshot"]
    folder = place / "bundle"
    told["bundle_hash"] = publish(bundle, folder, name=name, created=created)
    step(6)
    groups = subgroups(window, first, other)
    agreement = _agreement(trial, Scorer.load(folder, costs=costs), ledger.writeoffs, as_of)
    measured = _measure(
        contest, limits[CAPACITY_KEY], describe(window, first), describe(window, other), groups, agreement, other.name, rival
    )
    verdicts += judge(measured, limits, Of.MODEL)
    told |= _found(window, entries, contest, groups, tuned, bundle, verdicts)
    told |= {"champion_how": how, "judged_at": limits[CAPACITY_KEY], "agreement": agreement}
    return Retrained(told, verdicts, folder)


def _head(ledger: Ledger, as_of: int, window: Window, rival: Rival | None, seed: int) -> dict[str, Any]:
    """Return what is told of every retraining, whatever comes of it."""
    return {
        "as_of": _iso(as_of),
        "seed": seed,
        "snapshot": digest(ledger),
        "writeoffs": len(ledger.writeoffs),
        "efforts": len(ledger.outcomes),
        "window": window.as_json(),
        "champion": rival.name if rival else None,
    }


def _found(
    window: Window,
    entries: list[Entry],
    contest: list[dict[str, Any]],
    groups: list[dict[str, Any]],
    tuned: Tuned,
    bundle: Bundle,
    verdicts: list[Verdict],
) -> dict[str, Any]:
    """Return what is told of one whose data held: the contest, the new model, and every gate."""
    return {
        "capacity": contest,
        "entries": {entry.name: describe(window, entry) for entry in entries},
        "reliability": {entry.name: reliability(window, entry) for entry in entries[:2]},
        "subgroups": groups,
        "warnings": bundle.facts["warnings"],
        "tuning": tuned.as_json(),
        "facts": {key: value for key, value in bundle.facts.items() if not isinstance(value, dict | list)},
        "gates": [verdict.as_json() for verdict in verdicts],
        "held": all(verdict.held for verdict in verdicts),
    }


def _cut(ledger: Ledger, day: int) -> Ledger:
    return cut_ledger(ledger.writeoffs, ledger.outcomes, ledger.tables, day)


def _loaded(bundle: Bundle, folder: Path, costs: Costs) -> Scorer:
    """Write a bundle and load it: what is judged is what would have served."""
    publish(bundle, folder, name="trial", created="")
    return Scorer.load(folder, costs=costs)


def _enter_rival(
    rival: Rival | None,
    ledger: Ledger,
    window: Window,
    first: Entry,
    tuned: Tuned,
    seed: int,
    place: Path,
    refresh: Refresh,
    costs: Costs,
    each: Each,
) -> tuple[Entry, str]:
    """Let the champion score the window, knowing nothing of it, and say how."""
    if rival is None:
        return enter_static(window), "no model serves yet, so the static rule stands in"
    if rival.scorer.cut is not None and rival.scorer.cut <= window.start:
        refresh(rival.scorer, ledger, window.start)
        return enter("champion", rival.scorer, window), "as it serves, with what became known until the window"
    known = _cut(rival.recall() if rival.recall else ledger, window.start)
    if (rival.recipe, rival.seed) == (tuned.recipe, seed) and digest(known) == digest(_cut(ledger, window.start)):
        return Entry("champion", first.key, first.p, first.expected), "the same recipe on the same data: it is the same model"
    bundle = fit(replay(known, window.start, each), seed=rival.seed, recipe=rival.recipe, each=each)
    scorer = _loaded(bundle, place / "rival", costs)
    source = "its own snapshot" if rival.recall else "today's data, because none of its own were kept"
    return enter("champion", scorer, window), f"it knows the window, so it was fitted anew as of the first morning, from {source}"


def _agreement(judged: Scorer, final: Scorer, writeoffs: Batch, as_of: int) -> dict[str, float]:
    """Compare the judged and the final model on the newest write-offs: what is promoted must be like what was judged."""
    posted = writeoffs.columns["writeoff_date"]
    rows = np.flatnonzero(posted >= as_of - _NEWEST_DAYS)[-_MOST_ROWS:]
    batch = writeoffs.take(rows if len(rows) else np.arange(len(writeoffs))[-_MOST_ROWS:])
    found = [s.score(recode(batch, s.vocabulary.overlay()), as_of=as_of, reasons=0).columns for s in (judged, final)]
    open_ = found[1]["in_scope"].astype(bool)
    p, expected = ([f[name][open_] for f in found] for name in ("recovery_probability", "expected_recovery"))
    if len(p[0]) < 3:
        return {"rows": float(len(p[0])), "shift": 0.0, "rank": 1.0}
    return {"rows": float(len(p[0])), "shift": population_shift(*p), "rank": round(float(spearmanr(*expected).statistic), 4)}


def _measure(
    contest: list[dict[str, Any]],
    capacity: float,
    own: Mapping[str, float | None],
    other: Mapping[str, float | None],
    groups: list[dict[str, Any]],
    agreement: Mapping[str, float],
    against: str,
    rival: Rival | None,
) -> dict[str, Measure]:
    at = next(row for row in contest if row["share"] == capacity)["entries"]
    before = at[against]["dollars"]
    jump = Measure(None, "no champion", absent=True)
    if rival is not None and own["auc"] is not None and other["auc"] is not None:
        jump = Measure(round(own["auc"] - other["auc"], 4))
    return {
        "gain_low": Measure(at[against]["gain_low"], f"against the {against}"),
        "gain_share": Measure(round(at[against]["gain"] / before, 4) if before > 0 else None, f"against the {against}"),
        "static_gain": Measure(at["static rule"]["gain"]),
        "auc_least": Measure(own["auc"]),
        "auc_most": Measure(own["auc"]),
        "auc_jump": jump,
        "chance_ratio_least": Measure(own["chance_ratio"]),
        "chance_ratio_most": Measure(own["chance_ratio"]),
        "calibration_error": Measure(own["ece"]),
        "worst_subgroup": Measure(worst(groups)),
        "shift_of_scores": Measure(agreement["shift"]),
        "rank_agreement": Measure(agreement["rank"]),
    }


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))
