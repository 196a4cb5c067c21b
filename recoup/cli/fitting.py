"""Commands that fit: `train`, `retrain`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.beside import Worked
from recoup.cli.apart import flags, keep_apart
from recoup.cli.options import AsOf, Json, Morning, Report, settings, to_folder, today, tracking_uri, usable_cores, with_tables
from recoup.cli.telling import Teller, payer_words, reading_json, reading_words
from recoup.days import day_number
from recoup.progress import bars

if TYPE_CHECKING:
    from features.pieces import Each
    from models.registry import Version
    from recoup.inputs import Inputs
    from recoup.retraining import Outcome
    from recoup.settings import Settings
    from training.cut import Ledger


Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="fit on a Dask cluster: its address, or local:N for N processes of one here"),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("train")(train)
    app.command("retrain")(retrain)


@with_tables
def train(
    *,
    files: Worked,
    as_of: AsOf = None,
    out: Annotated[Path | None, to_folder("folder for the bundle; default: by its hash under RECOUP_HOME/models")] = None,
    no_register: Annotated[bool, typer.Option("--no-register", help="leave the registry alone")] = False,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Fit a model on what was known on the morning of a day, and register it as challenger (as champion if there is none)."""
    from features.intake.spellings import payers_of
    from features.vocabulary import Vocabulary
    from recoup.inputs import Inputs
    from training.cut import cut_ledger
    from training.fit import train as fit
    from training.snapshot import keep

    keep_apart(flags(files), {"--out": out})
    if out is not None:
        _see_that_it_may_go(out)
    chosen, day = settings(), as_of or today()
    rejects = (out / "rejects.csv") if out else chosen.models / "train.rejects.csv"
    with bars(ticks=False) as shown:
        inputs = Inputs(chosen, mapping=files.mapping, rejects=rejects, today=today(), bars=shown)
        known = cut_ledger(*inputs.worked(files, Vocabulary(), as_of=day), day_number(day))
        with _hands(cluster, chosen.home, len(known.outcomes)) as each:
            told = shown.of("train")
            bundle = fit(known.writeoffs, known.outcomes, tables=known.tables, as_of=day_number(day), progress=told, each=each)
        bundle.facts["snapshot"] = keep(known, chosen.home / "snapshots")
        folder = _publish(bundle, out, chosen, day)
    inputs.rejects_file = folder / "rejects.csv"
    inputs.write_rejects()
    tell = Teller(as_json=as_json)
    _tell_trained(inputs, folder, None if no_register else _register(chosen, folder, known), tell)
    tell.lines(payer_words(payers_of(known.writeoffs)))


@contextmanager
def _hands(cluster: str | None, home: Path, efforts: int) -> Iterator[Each]:
    """Return what does the pieces of a fit on so many efforts."""
    from recoup.forks import hands_for
    from serving.batch.folder import batch_folder
    from serving.cluster import open_cluster

    if cluster is None:
        yield hands_for(efforts, usable_cores())
        return
    with batch_folder(home, None) as folder, open_cluster(folder, cluster) as opened:
        yield opened.each


def _see_that_it_may_go(out: Path) -> None:
    """See that a bundle may take the place of what a folder holds.

    Raises
    ------
    UsageError
        When it is the folder that the caller is in.
    BadData
        When it holds anything but a bundle.
    """
    from features.errors import BadData, UsageError

    if out.exists() and out.samefile(Path.cwd()):
        raise UsageError(f"--out {out} is the folder you are in, and a model takes the place of its folder; name another, such as model")
    left = [path.name for path in out.iterdir()] if out.is_dir() else []
    # What an earlier run that failed left behind is no reason to refuse.
    if left and left != ["rejects.csv"] and "manifest.json" not in left:
        raise BadData(f"{out} holds files that are no bundle; name another folder")


def _publish(bundle: Any, out: Path | None, chosen: Settings, day: date) -> Path:
    """Write the bundle where it was asked for, or by its hash under the home."""
    from models.registry import settle
    from training.publish import publish

    name, created = f"recoup-{day}", datetime.now(UTC).isoformat(timespec="seconds")
    if out is not None:
        _see_that_it_may_go(out)
        if out.is_dir() and not (out / "manifest.json").exists():
            shutil.rmtree(out)
        publish(bundle, out, name=name, created=created)
        return out
    chosen.models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".train-", dir=chosen.models) as scratch:
        made = Path(scratch) / "bundle"
        place = chosen.models / publish(bundle, made, name=name, created=created)
        settle(made, place)
    return place


def _register(chosen: Settings, folder: Path, ledger: Ledger) -> Version:
    from models.bundle import read_manifest
    from models.registry import Registry
    from recoup.accounts import account_of

    manifest = read_manifest(folder)
    account = account_of(manifest["facts"], manifest, ledger, manifest["facts"]["snapshot"])
    registry = Registry(chosen.home, tracking_uri())
    return registry.show(registry.register(folder, account))


def _tell_trained(inputs: Inputs, folder: Path, version: Version | None, tell: Teller) -> None:
    from models.bundle import read_manifest

    manifest = read_manifest(folder)
    facts = manifest["facts"]
    tell.json(
        {
            "bundle": str(folder),
            "bundle_hash": manifest["bundle_hash"],
            "cut": manifest["cut"],
            "facts": facts,
            "version": version.as_json() if version else None,
            "tables": {name: reading_json(read) for name, read in inputs.reads.items()},
        }
    )
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    if inputs.rejected:
        tell.line(f"rejected rows are named in {inputs.rejects_file}")
    tell.line(
        f"learned from {facts['labels']:,} decided efforts on {facts['writeoffs']:,} write-offs, "
        f"as known on the morning of {manifest['cut']}; {facts['recovered']:,} efforts brought money"
    )
    if unmatched := facts["efforts_without_writeoff"]:
        tell.line(f"note: efforts on write-offs that are not in this ledger: {unmatched:,}; are both of the same days, with the same ids?")
    if facts["labels"] == 0 or not manifest["files"].get("likelihood.txt"):
        tell.line("too few outcomes to learn chances from: expert rates stand in for them")
    tell.line(f"model {manifest['bundle_hash'][:12]} is in {folder}")
    if version is not None:
        tell.line(f"registered as version {version.number} ({', '.join(version.aliases)})")
        if "champion" not in version.aliases:
            tell.line("the champion stays: `recoup retrain` says whether a model is better, and promotes it if it is")


@with_tables
def retrain(
    *,
    stored: Worked,
    as_of: Morning,
    trials: Annotated[int, typer.Option(min=0, help="recipes that tuning tries; 0 takes the fixed one")] = 20,
    seconds: Annotated[float, typer.Option(min=1, help="time that tuning may take")] = 900.0,
    promote: Annotated[bool, typer.Option("--promote", help="make it champion if every gate holds")] = False,
    cluster: Cluster = None,
    out: Report = None,
    as_json: Json = False,
) -> None:
    """Make a challenger, and say in dollars whether it is better than the champion; exit 1 when a check or a gate does not hold.

    Tables beside the ledger that are not named are those of the champion.
    """
    from features.errors import CheckFailed
    from features.vocabulary import Vocabulary
    from recoup.inputs import Inputs
    from recoup.retraining import REPORTS, run
    from training.tune import Budget

    chosen, report = settings(), out or settings().home / REPORTS / f"retrain-{as_of}"
    keep_apart(flags(stored), {"--out": [report / name for name in ("report.html", "report.json", "rejects.csv")]})
    with bars(ticks=False) as shown:
        inputs = Inputs(chosen, mapping=stored.mapping, rejects=report / "rejects.csv", today=today(), bars=shown)
        ledger, outcomes, tables = inputs.worked(stored, Vocabulary(), as_of=as_of)
        with _hands(cluster, chosen.home, len(outcomes)) as each:
            done = run(
                ledger,
                outcomes,
                tables,
                chosen=chosen,
                tracking_uri=tracking_uri(),
                as_of=as_of,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                budget=Budget(trials, seconds),
                promote=promote,
                out=report,
                step=shown.of("retrain"),
                each=each,
            )
    inputs.write_rejects()
    _tell_retrained(done, inputs, Teller(as_json=as_json))
    if done.failed:
        raise CheckFailed("; ".join(verdict.sentence() for verdict in done.failed))


def _tell_retrained(done: Outcome, inputs: Inputs, tell: Teller) -> None:
    from recoup.report.figures import dollars, percent
    from recoup.report.retrain import against, headline

    result = done.result
    tell.json(
        {
            **result,
            "version": done.version.as_json() if done.version else None,
            "promoted": done.promotion is not None,
            "report": str(done.report / "report.html"),
            "tables": {name: reading_json(read) for name, read in inputs.reads.items()},
        }
    )
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    if inputs.rejected:
        tell.line(f"rejected rows are named in {inputs.rejects_file}")
    tell.line(headline(result))
    rival = against(result)
    rows = [
        [
            percent(row["share"]),
            dollars(row["entries"]["challenger"]["dollars"]),
            *(dollars(row["entries"][rival][part]) for part in _GAINS),
        ]
        for row in result.get("capacity", [])
    ]
    heads = ["share of hours", "challenger", rival, "gain", "low", "high"]
    if rows:
        tell.table(heads, rows, right=heads)
        tell.line(f"the {rival}: {result['champion_how']}")
    if done.version is not None:
        tell.line(f"registered as version {done.version.number} ({', '.join(done.version.aliases)}), model {result['bundle_hash'][:12]}")
    if done.promotion is not None:
        tell.line(f"version {done.promotion.version} is champion")
    elif done.version is not None:
        tell.line(f"next: recoup models promote {done.version.number}" if not done.failed else "the champion stays")
    tell.line(f"the report is {done.report / 'report.html'}")


_GAINS = ("dollars", "gain", "gain_low", "gain_high")
