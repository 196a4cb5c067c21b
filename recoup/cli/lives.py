"""Commands of a model's life: `train`, `retrain`, `evaluate`, `drift`, `models list/show/promote/rollback`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.cli.options import (
    AsOf,
    Citations,
    Contracts,
    Json,
    MappingFile,
    Model,
    Outcomes,
    PayerRules,
    Policies,
    ReferenceFees,
    Writeoffs,
    parse_day,
    parse_shares,
    settings,
    today,
    tracking_uri,
)
from recoup.cli.telling import Teller, reading_json, reading_words
from recoup.days import day_number
from recoup.progress import Bars, bars
from recoup.trial import Trial, known_truth

if TYPE_CHECKING:
    from features.pieces import Each
    from features.tables import Batch
    from models.registry import Registry, Version
    from recoup.inputs import Beside, Inputs
    from recoup.retraining import Outcome
    from recoup.settings import Settings
    from training.cut import Ledger


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("train")(train)
    app.command("retrain")(retrain)
    app.command("evaluate")(evaluate)
    app.command("drift")(drift)
    group = typer.Typer(no_args_is_help=True, help="The registered models, and which of them serves.")
    group.command("list")(list_models)
    group.command("show")(show_model)
    group.command("promote")(promote_model)
    group.command("rollback")(rollback_model)
    app.add_typer(group, name="models")


def train(
    writeoffs: Writeoffs,
    outcomes: Outcomes,
    contracts: Contracts = None,
    payer_rules: PayerRules = None,
    policies: Policies = None,
    reference_fees: ReferenceFees = None,
    citations: Citations = None,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="folder for the bundle; default: by its hash under RECOUP_HOME/models")] = None,
    no_register: Annotated[bool, typer.Option("--no-register", help="leave the registry alone")] = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="fit on a Dask cluster: its address, or local:N for N processes of one here"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a model on what was known on the morning of a day, and register it as challenger (as champion if there is none)."""
    from features.tables import OUTCOMES, WRITEOFFS
    from features.vocabulary import Vocabulary
    from recoup.inputs import Beside, Inputs
    from training.cut import cut_ledger
    from training.fit import train as fit
    from training.snapshot import keep

    chosen, day = settings(), as_of or today()
    rejects = (out / "rejects.csv") if out else chosen.models / "train.rejects.csv"
    with bars() as shown:
        inputs, words = Inputs(chosen, mapping=mapping, rejects=rejects, today=today(), bars=shown), Vocabulary()
        ledger, efforts = inputs.read(writeoffs, WRITEOFFS, words), inputs.read(outcomes, OUTCOMES, words)
        tables = inputs.beside(Beside(contracts, payer_rules, policies, reference_fees, citations), words)
        known = cut_ledger(ledger, efforts, tables, day_number(day))
        with _hands(cluster, chosen.home) as each:
            told = shown.of("train")
            bundle = fit(known.writeoffs, known.outcomes, tables=known.tables, as_of=day_number(day), progress=told, each=each)
        bundle.facts["snapshot"] = keep(known, chosen.home / "snapshots")
        folder = _publish(bundle, out, chosen, day)
    inputs.rejects_file = folder / "rejects.csv"
    inputs.write_rejects()
    _tell_trained(inputs, folder, None if no_register else _register(chosen, folder, known), Teller(as_json=as_json))


@contextmanager
def _hands(cluster: str | None, home: Path) -> Iterator[Each]:
    """Return what does the pieces of a fit."""
    from features.pieces import one_by_one
    from serving.batch.folder import batch_folder
    from serving.cluster import cluster_pieces

    if cluster is None:
        yield one_by_one
        return
    with batch_folder(home, None) as folder, cluster_pieces(folder, cluster) as each:
        yield each


def _publish(bundle: Any, out: Path | None, chosen: Settings, day: date) -> Path:
    """Write the bundle where it was asked for, or by its hash under the home."""
    from features.errors import BadData
    from training.publish import publish

    name, created = f"recoup-{day}", datetime.now(UTC).isoformat(timespec="seconds")
    if out is not None:
        left = [path.name for path in out.iterdir()] if out.is_dir() else []
        if left == ["rejects.csv"]:
            # What an earlier run that failed left behind is no reason to refuse.
            shutil.rmtree(out)
        elif left and "manifest.json" not in left:
            raise BadData(f"{out} holds files that are no bundle; name another folder")
        publish(bundle, out, name=name, created=created)
        return out
    chosen.models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".train-", dir=chosen.models) as scratch:
        made = Path(scratch) / "bundle"
        place = chosen.models / publish(bundle, made, name=name, created=created)
        if not place.is_dir():
            made.rename(place)
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
    if facts["labels"] == 0 or not manifest["files"].get("likelihood.txt"):
        tell.line("too few outcomes to learn chances from: expert rates stand in for them")
    tell.line(f"model {manifest['bundle_hash'][:12]} is in {folder}")
    if version is not None:
        tell.line(f"registered as version {version.number} ({', '.join(version.aliases)})")
        if "champion" not in version.aliases:
            tell.line(f"next: recoup models promote {version.number}")


def retrain(
    writeoffs: Writeoffs,
    outcomes: Outcomes,
    as_of: Annotated[
        date, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="the morning up to which everything counts as known")
    ],
    trials: Annotated[int, typer.Option(min=0, help="recipes that tuning tries; 0 takes the fixed one")] = 20,
    seconds: Annotated[float, typer.Option(min=1, help="time that tuning may take")] = 900.0,
    promote: Annotated[bool, typer.Option("--promote", help="make it champion if every gate holds")] = False,
    contracts: Contracts = None,
    payer_rules: PayerRules = None,
    policies: Policies = None,
    reference_fees: ReferenceFees = None,
    citations: Citations = None,
    mapping: MappingFile = None,
    out: Annotated[Path | None, typer.Option(help="folder for report.html and report.json; default: under RECOUP_HOME/reports")] = None,
    as_json: Json = False,
) -> None:
    """Make a challenger, and say in dollars whether it is better than the champion; exit 1 when a check or a gate does not hold."""
    from features.errors import CheckFailed
    from features.tables import OUTCOMES, WRITEOFFS
    from features.vocabulary import Vocabulary
    from recoup.inputs import Beside, Inputs
    from recoup.retraining import REPORTS, run
    from training.tune import Budget

    chosen, report = settings(), out or settings().home / REPORTS / f"retrain-{as_of}"
    with bars() as shown:
        inputs, words = Inputs(chosen, mapping=mapping, rejects=report / "rejects.csv", today=today(), bars=shown), Vocabulary()
        ledger, efforts = inputs.read(writeoffs, WRITEOFFS, words), inputs.read(outcomes, OUTCOMES, words)
        tables = inputs.beside(Beside(contracts, payer_rules, policies, reference_fees, citations), words)
        done = run(
            ledger,
            efforts,
            tables,
            chosen=chosen,
            tracking_uri=tracking_uri(),
            as_of=as_of,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            budget=Budget(trials, seconds),
            promote=promote,
            out=report,
            step=shown.of("retrain"),
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


def evaluate(
    writeoffs: Writeoffs,
    outcomes: Outcomes,
    as_of: Annotated[date, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="outcomes count as known on this morning")],
    start: Annotated[date, typer.Option("--from", parser=parse_day, metavar="DATE", help="first day of the write-offs to judge on")],
    end: Annotated[date, typer.Option("--to", parser=parse_day, metavar="DATE", help="last day of them")],
    model: Annotated[str | None, typer.Option(help="judge this model; default: fit one on what was known on --from")] = None,
    contracts: Contracts = None,
    payer_rules: PayerRules = None,
    policies: Policies = None,
    reference_fees: ReferenceFees = None,
    citations: Citations = None,
    mapping: MappingFile = None,
    truth: Annotated[Path | None, typer.Option(help="truth.parquet of a synthetic practice")] = None,
    capacity: Annotated[Any, typer.Option(parser=parse_shares, metavar="SHARES", help="shares of the hours")] = "0.05,0.1,0.2",
    out: Annotated[Path | None, typer.Option(help="folder for report.html and evaluation.json")] = None,
    as_json: Json = False,
) -> None:
    """Judge a model on write-offs that it did not see, against simpler orders of work."""
    from recoup.inputs import Beside, Inputs, rejects_beside
    from recoup.report.evaluation import evaluation_html

    chosen = settings()
    with bars() as shown:
        inputs = Inputs(chosen, mapping=mapping, rejects=rejects_beside(out) if out else None, today=today(), bars=shown)
        trial = Trial(day_number(as_of), day_number(start), day_number(end), tuple(capacity))
        beside = Beside(contracts, payer_rules, policies, reference_fees, citations)
        result = _judge(trial, inputs, shown, chosen, model, writeoffs, outcomes, beside, known_truth(truth) if truth else None)
    inputs.write_rejects()
    if out is not None:
        _write_report(out, result, evaluation_html(result))
    _tell_evaluated(result, inputs, out, Teller(as_json=as_json))


def _judge(
    trial: Any,
    inputs: Inputs,
    shown: Bars,
    chosen: Settings,
    model: str | None,
    writeoffs: Path,
    outcomes: Path,
    beside: Beside,
    truth: Any,
) -> dict[str, Any]:
    from features.tables import OUTCOMES, WRITEOFFS
    from features.vocabulary import Vocabulary
    from recoup.cli.scoring import load_scorer

    scorer = load_scorer(model, chosen) if model is not None else None
    words = scorer.vocabulary.overlay() if scorer else Vocabulary()
    ledger, efforts = inputs.read(writeoffs, WRITEOFFS, words), inputs.read(outcomes, OUTCOMES, words)
    tables: Mapping[str, Batch] = inputs.beside(beside, words)
    result: dict[str, Any] = trial.judge(ledger, efforts, tables=tables, scorer=scorer, truth=truth, progress=shown.of("evaluate"))
    return result


def _write_report(out: Path, result: Mapping[str, Any], page: str) -> None:
    from features.intake.output import replace_file

    out.mkdir(parents=True, exist_ok=True)
    replace_file(out / "evaluation.json", lambda file: _write(file, json.dumps(result, indent=1, allow_nan=False)))
    replace_file(out / "report.html", lambda file: _write(file, page))


def _write(file: Any, text: str) -> None:
    file.write(text.encode())


def _tell_evaluated(result: Mapping[str, Any], inputs: Inputs, out: Path | None, tell: Teller) -> None:
    from recoup.report.evaluation import RULES, headline
    from recoup.report.figures import count, decimal, dollars, percent

    tell.json(result)
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    tell.line(
        f"{count(result['rows'])} write-offs from {result['from']} to {result['to']}; {count(result['resolved_rows'])} were worked and "
        f"have a known result ({percent(result['matured_share'])} of the efforts begun have ended), "
        f"{count(result['recovered_rows'])} brought money"
    )
    tell.line(headline(result))
    shares = [row["share"] for row in result["capacity"]]
    rows = [[name, *(percent(row.get(key), 1) for row in result["capacity"])] for key, (name, _) in RULES.items()]
    heads = [f"{percent(share)} of hours" for share in shares]
    tell.table(["order of work", *heads], rows, right=heads)
    tell.line(f"AUC {decimal(result['auc'])}, Gini of dollars {decimal(result['gini'])}, Brier {decimal(result['brier'])}")
    tell.line(f"predicted {dollars(result['predicted_dollars'])}, came in {dollars(result['actual_dollars'])}")
    tell.lines(f"warning: {warning}" for warning in result["warnings"])
    if out is not None:
        tell.line(f"the report is {out / 'report.html'}")


def drift(
    writeoffs: Writeoffs,
    outcomes: Outcomes,
    as_of: Annotated[
        date, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="the morning up to which everything counts as known")
    ],
    model: Model = "champion",
    contracts: Contracts = None,
    payer_rules: PayerRules = None,
    policies: Policies = None,
    reference_fees: ReferenceFees = None,
    citations: Citations = None,
    mapping: MappingFile = None,
    out: Annotated[Path | None, typer.Option(help="folder for report.html and report.json; default: under RECOUP_HOME/reports")] = None,
    as_json: Json = False,
) -> None:
    """Watch for payers that changed their minds since a model's data cut; exit 1 when an alarm rings."""
    from features.errors import CheckFailed
    from features.tables import OUTCOMES, WRITEOFFS
    from recoup.cli.scoring import load_scorer
    from recoup.inputs import Beside, Inputs
    from recoup.report.drift import headline
    from recoup.trial import use_tables
    from recoup.watching import REPORTS, keep_drift, watched

    chosen, report = settings(), out or settings().home / REPORTS / f"drift-{as_of}"
    with bars() as shown:
        scorer = load_scorer(model, chosen)
        inputs = Inputs(chosen, mapping=mapping, rejects=report / "rejects.csv", today=today(), bars=shown)
        words = scorer.vocabulary.overlay()
        ledger, efforts = inputs.read(writeoffs, WRITEOFFS, words), inputs.read(outcomes, OUTCOMES, words)
        if tables := inputs.beside(Beside(contracts, payer_rules, policies, reference_fees, citations), words):
            use_tables(scorer, tables)
        result = watched(scorer, model, ledger, efforts, day_number(as_of), chosen.home, tracking_uri())
    inputs.write_rejects()
    keep_drift(result, report, chosen.home, tracking_uri())
    tell = Teller(as_json=as_json)
    tell.json({**result, "report": str(report / "report.html")})
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    tell.line(headline(result))
    tell.lines(result["advice"])
    tell.lines(f"look: {line}" for line in result["looks"])
    tell.line(f"false alarms allowed: {result['false_alarms_a_year']:g} a year for {result['payers']} payers")
    tell.line(f"the report is {report / 'report.html'}")
    if result["alarms"]:
        raise CheckFailed("; ".join(result["advice"]))


def _registry() -> Registry:
    from models.registry import Registry

    return Registry(settings().home, tracking_uri())


def list_models(as_json: Json = False) -> None:
    """List the registered models, the latest first."""
    versions, tell = _registry().versions(), Teller(as_json=as_json)
    tell.json([version.as_json() for version in versions])
    if not versions:
        tell.line("no model is registered yet; `recoup train` makes one")
        return
    rows = [[v.number, ", ".join(v.aliases), v.cut, v.bundle_hash[:12], v.created] for v in versions]
    tell.table(["version", "alias", "knows until", "model", "registered"], rows, right=["version"])


def show_model(
    ref: Annotated[str, typer.Argument(metavar="VERSION", help="a version number or an alias")],
    reproduce: Annotated[bool, typer.Option("--reproduce", help="fit it anew from its snapshot, and compare the hashes")] = False,
    as_json: Json = False,
) -> None:
    """Show one model and the numbers of its fit; with --reproduce exit 1 when a refit comes out differently."""
    from features.errors import CheckFailed

    registry, tell = _registry(), Teller(as_json=as_json)
    version = registry.show(ref)
    again = _refitted(registry.fetch(version.number)) if reproduce else None
    tell.json(version.as_json() | ({"reproduced_hash": again} if again else {}))
    tell.line(f"version {version.number} ({', '.join(version.aliases) or 'no alias'}): {version.name}, model {version.bundle_hash}")
    tell.line(f"knows what came until the morning of {version.cut}; registered {version.created}")
    tell.table(["tag", "value"], [[name, value] for name, value in version.tags.items()])
    tell.table(["number", "value"], [[name, f"{value:,.4g}"] for name, value in sorted(version.metrics.items())], right=["value"])
    if again is not None and again != version.bundle_hash:
        raise CheckFailed(f"a refit from the snapshot is model {again[:12]}, not {version.bundle_hash[:12]}: compare the library versions")
    if again is not None:
        tell.line("a refit from its snapshot is the same model, to the bit")


def _refitted(folder: Path) -> str:
    """Fit a bundle anew from the snapshot that it names, and return the hash."""
    from recoup.retraining import refit

    chosen = settings()
    with bars() as shown:
        return refit(folder, chosen.home, progress=shown.of("refit"))


def promote_model(
    ref: Annotated[str, typer.Argument(metavar="VERSION", help="a version number or an alias")], as_json: Json = False
) -> None:
    """Make a model the champion; a running service takes it up by itself."""
    from recoup.retraining import make_champion

    promotion, tell = make_champion(_registry(), ref, settings()), Teller(as_json=as_json)
    tell.json({"version": promotion.version, "bundle_hash": promotion.bundle_hash})
    tell.line(f"version {promotion.version} is champion (model {promotion.bundle_hash[:12]})")


def rollback_model(as_json: Json = False) -> None:
    """Make the champion before this one champion again."""
    from recoup.retraining import roll_back

    promotion, tell = roll_back(_registry(), settings()), Teller(as_json=as_json)
    tell.json({"version": promotion.version, "bundle_hash": promotion.bundle_hash})
    tell.line(f"version {promotion.version} is champion again (model {promotion.bundle_hash[:12]})")
