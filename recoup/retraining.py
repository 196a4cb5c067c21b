"""One retraining from tables to the registry: snapshot, challenger, report, version, and promotion if every gate holds."""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.batch import Batch
from features.errors import CheckFailed, TryAgain
from features.pieces import Each, one_by_one
from models.pointer import Promotion, read_pointer
from models.value import Costs
from recoup.days import day_number
from recoup.settings import Settings
from training.cut import Ledger, cut_ledger
from training.gates import Verdict, limits, parse_limits
from training.retrain import Retrained, Rival, retrain
from training.snapshot import keep, recall, sweep
from training.tune import Budget

if TYPE_CHECKING:
    from models.registry import Registry, Version
    from models.scorer import Scorer
    from serving.access import Identity

Step = Callable[[str, int, int], None]
SNAPSHOTS = "snapshots"
REPORTS = "reports"
ACT = "model.promote"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a retraining.

    Parameters
    ----------
    result
        The report as JSON can hold it.
    failed
        Gates that did not hold.
    version
        The challenger as registered; None where the data did not hold.
    promotion
        Set where it became champion.
    report
        Folder of `report.html` and `report.json`.
    """

    result: Mapping[str, Any]
    failed: list[Verdict]
    version: Version | None
    promotion: Promotion | None
    report: Path


def run(
    writeoffs: Batch,
    outcomes: Batch,
    tables: Mapping[str, Batch],
    *,
    chosen: Settings,
    tracking_uri: str | None,
    as_of: date,
    created: str,
    budget: Budget,
    promote: bool,
    out: Path | None = None,
    step: Step | None = None,
    each: Each = one_by_one,
) -> Outcome:
    """Retrain as of a morning.

    Tables beside the ledger that are not given are the champion's.

    Everything is made beside its place and moved there when it is whole, and the pointer is moved last: whoever is cut off leaves the
    champion serving, and the next run goes on from what is whole.

    Raises
    ------
    TryAgain
        When another retraining is under way in this home.
    """
    from models.registry import Registry, settle
    from recoup.accounts import account_of
    from recoup.report.retrain import retrain_html

    say = step or (lambda name, done, total: None)
    given = limits(parse_limits(chosen.gates))
    with _alone(chosen.home):
        rival = champion(chosen)
        carried = rival.scorer.viewer.practice.tables() if rival else {}
        ledger = cut_ledger(writeoffs, outcomes, {**carried, **tables}, day_number(as_of))
        say("snapshot", 0, 0)
        snapshot = keep(ledger, chosen.home / SNAPSHOTS)
        with tempfile.TemporaryDirectory(prefix=_DEBRIS, dir=chosen.models) as scratch:
            made = _made(ledger, rival, Path(scratch), chosen, as_of, given, budget, created, say, each)
            say("report", 0, 0)
            report = out or chosen.home / REPORTS / f"retrain-{as_of}"
            _write_report(report, made.report, retrain_html(made.report))
            if made.folder is None:
                return Outcome(made.report, made.failed, None, None, report)
            _write_report(made.folder, made.report, retrain_html(made.report))
            say("keep", 0, 0)
            manifest = json.loads((made.folder / "manifest.json").read_bytes())
            folder = chosen.models / manifest["bundle_hash"]
            settle(made.folder, folder)
        say("register", 0, 0)
        registry = Registry(chosen.home, tracking_uri, step=lambda name: say(f"registry: {name}", 0, 0))
        account = account_of(manifest["facts"], manifest, ledger, snapshot, made.report)
        number = registry.register(folder, account, may_serve=False)
        promotion = make_champion(registry, number, chosen) if promote and made.held else None
        return Outcome(made.report, made.failed, registry.show(number), promotion, report)


def _made(
    ledger: Ledger,
    rival: Rival | None,
    scratch: Path,
    chosen: Settings,
    as_of: date,
    given: Mapping[str, float],
    budget: Budget,
    created: str,
    say: Step,
    each: Each,
) -> Retrained:
    return retrain(
        ledger,
        as_of=day_number(as_of),
        rival=rival,
        limits=given,
        budget=budget,
        place=scratch,
        name=f"recoup-{as_of}",
        created=created,
        refresh=refresh,
        costs=Costs(chosen.hourly_cost, chosen.action_outlay),
        progress=say,
        each=each,
    )


def champion(chosen: Settings) -> Rival | None:
    """Return the champion with its recipe and, where it was kept, its snapshot; None while nothing serves."""
    from models.bundle import read_manifest
    from models.scorer import Scorer
    from training.recipe import FIXED, Recipe

    pointer = read_pointer(chosen.home)
    if pointer is None:
        return None
    folder = pointer.champion.folder(chosen.home)
    manifest = read_manifest(folder)
    facts = manifest["facts"]
    recipe = Recipe.of(facts["recipe"]) if "recipe" in facts else FIXED
    name = str(facts.get("snapshot", ""))
    kept = partial(recall, chosen.home / SNAPSHOTS, name) if name and (chosen.home / SNAPSHOTS / name).is_dir() else None
    scorer = Scorer.load(folder, costs=Costs(chosen.hourly_cost, chosen.action_outlay))
    return Rival(pointer.champion.version, scorer, recipe, int(manifest["seed"]), kept)


def refresh(scorer: Scorer, ledger: Ledger, until: int) -> None:
    """Let a scorer know what became known of a ledger between its cut and a day."""
    from recoup.outcomes import events_of
    from training.cut import recode

    words = scorer.vocabulary.overlay()
    writeoffs, outcomes = recode(ledger.writeoffs, words), recode(ledger.outcomes, words)
    scorer.advance(events_of(scorer.viewer, writeoffs, outcomes, as_of=until), until=until)
    scorer.vocabulary = words


def make_champion(registry: Registry, ref: str, chosen: Settings, *, who: Identity | None = None, override: str | None = None) -> Promotion:
    """Make a version champion and record it, with the model's hash, in the access log: both or neither.

    Only a kill between the pointer and the end of the transaction leaves a champion unrecorded; promoting it again records it.

    Parameters
    ----------
    who
        Who does it, for their purpose; None: whoever runs the command.
    override
        Why a version is promoted whose gates did not hold or were not asked: told to the access log, and a tag of the version.

    Raises
    ------
    CheckFailed
        When its gates did not hold, or were not asked, and nobody says why it serves nevertheless.
    RecoupError
        When there is no such version, or the log cannot be written; the champion stays.
    """
    from models.registry import CHAMPION
    from recoup.identity import opened_gate, operator

    version = registry.show(ref)
    if version.doubt and CHAMPION not in version.aliases and not override:
        raise CheckFailed(
            f"version {version.number} is not promoted: {version.doubt}; "
            "`recoup retrain` judges a model, --override REASON takes it as it is"
        )
    said = {"override": override} if version.doubt and override else {}
    # Fetched before the transaction: while that is open nobody else writes.
    registry.fetch(version.number)
    with opened_gate(chosen) as gate, gate.store.write() as unit:
        purpose = f"override: {override}" if said else None
        ids = (f"model:{version.number}", f"bundle:{version.bundle_hash}")
        gate.log.tell(unit, who or operator(), ACT, ids=ids, purpose=purpose)
        return registry.promote(version.number, tags=said)


def roll_back(registry: Registry, chosen: Settings) -> Promotion:
    """Make the champion before this one champion again and record it in the access log: both or neither."""
    from recoup.identity import opened_gate, operator

    with opened_gate(chosen) as gate, gate.store.write() as unit:
        promotion = registry.rollback()
        gate.log.tell(unit, operator(), ACT, ids=(f"model:{promotion.version}", f"bundle:{promotion.bundle_hash}"), purpose="rollback")
        return promotion


def refit(folder: Path, home: Path, *, progress: Step | None = None) -> str:
    """Fit a bundle anew from the snapshot that it names, by its recipe and seed, and return the hash of the result.

    Raises
    ------
    BadData
        When its snapshot is not in this home, or was altered.
    """
    from models.bundle import read_manifest
    from training.fit import train
    from training.publish import publish
    from training.recipe import Recipe

    manifest = read_manifest(folder)
    facts = manifest["facts"]
    name = str(facts.get("snapshot", ""))
    ledger = recall(home / SNAPSHOTS, name)
    bundle = train(
        ledger.writeoffs,
        ledger.outcomes,
        tables=ledger.tables,
        as_of=day_number(date.fromisoformat(manifest["cut"])),
        seed=int(manifest["seed"]),
        recipe=Recipe.of(facts.get("recipe", {})),
        progress=progress,
    )
    bundle.facts["snapshot"] = name
    with tempfile.TemporaryDirectory(prefix="recoup-refit-") as scratch:
        return publish(bundle, Path(scratch) / "bundle", name="refit", created="")


def _write_report(folder: Path, result: Mapping[str, Any], page: str) -> None:
    from features.intake.output import put_file

    folder.mkdir(parents=True, exist_ok=True)
    put_file(folder / "report.json", json.dumps(result, indent=1, allow_nan=False))
    put_file(folder / "report.html", page)


_DEBRIS = ".retrain-"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the home's lock of retraining, and take away what a run left that was killed."""
    (home / "models").mkdir(parents=True, exist_ok=True)
    with (home / ".retrain.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TryAgain("another retraining is under way; try again when it is done") from error
        # Scratch folders of retrainings belong to whoever holds the lock; snapshots are made by others too.
        for left in (home / "models").glob(f"{_DEBRIS}*"):
            shutil.rmtree(left, ignore_errors=True)
        sweep(home / SNAPSHOTS)
        yield
