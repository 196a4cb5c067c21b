"""The command `score`: a ledger in, a ranked table out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.beside import Beside
from recoup.cli.apart import REJECTS, flags, keep_apart
from recoup.cli.options import (
    AsOf,
    Json,
    MappingFile,
    Model,
    Writeoffs,
    settings,
    today,
    tracking_uri,
    usable_cores,
    with_tables,
)
from recoup.cli.telling import Teller, named, reading_json, reading_words
from recoup.days import EPOCH, day_number
from recoup.progress import bars
from recoup.trial import use_tables

if TYPE_CHECKING:
    from features.batch import Batch
    from features.intake.cut import Cut
    from features.intake.part import Part
    from features.vocabulary import Vocabulary
    from models.scorer import Scorer
    from models.value import Costs
    from recoup.inputs import Inputs
    from recoup.settings import Settings
    from serving.batch.ranking import Scored

TOP_LINES = 10
COMPILE_ROWS = 50_000
"""From so many rows on, compiled code saves more than laying the trees out for it takes."""

LARGE_BYTES = {".parquet": 16 << 20, ".csv": 96 << 20, ".gz": 16 << 20}
"""A ledger of so many bytes, some 300,000 rows, is worth several processes with compiled trees, which also set it down."""

LEARNED_FROM = (
    "writeoff_id",
    "writeoff_date",
    "payer_id",
    "plan_id",
    "procedure_code",
    "modifiers",
    "units",
    "allowed_amount",
    "paid_amount",
    "patient_responsibility_amount",
)
"""Columns of all postings from which a scorer without a model learns what payers allow and patients carry."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score")(score)


def parse_reasons(text: str) -> int | None:
    """Read how many rows get reasons: top:N, all or none.

    >>> parse_reasons("top:50"), parse_reasons("none"), parse_reasons("all")
    (50, 0, None)
    """
    if text == "all":
        return None
    if text == "none":
        return 0
    start, _, count = text.partition(":")
    if start == "top" and count.isascii() and count.isdigit():
        return int(count)
    raise typer.BadParameter(f"{text!r} is not top:N, all or none")


@with_tables
def score(
    *,
    writeoffs: Writeoffs,
    out: Annotated[Path, typer.Option(help="ranked table: .csv, .csv.gz, .parquet, or -")],
    model: Model = "champion",
    outcomes: Annotated[Path | None, typer.Option(help="efforts known since the model's data cut")] = None,
    beside: Beside,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    reasons: Annotated[str, typer.Option(metavar="WHICH", help="rows that get reasons: top:N, all or none")] = "top:5000",
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="score on a Dask cluster: its address, or local:N for N processes of one here"),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that score; default one for each core")] = None,
    as_json: Json = False,
) -> None:
    """Score and rank a table of write-offs; without a model, expert rates do."""
    # Nothing here multiplies matrices of a size that needs them, and OpenBLAS's threads spin beside those that score.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from features.intake.rejects import TooManyRowsRejected
    from features.tables import OUTCOMES, WRITEOFFS
    from features.text_hashes import BY_NUMPY, TextHasher
    from models.bundle import read_manifest
    from models.named import resolve
    from recoup.inputs import BESIDE, Inputs, rejects_beside
    from recoup.memory import give_back
    from serving.batch.folder import batch_folder
    from serving.batch.memory import keep_memory
    from serving.batch.packed import Packed
    from serving.batch.parts import Task
    from serving.batch.pool import set_down_beside, starting
    from serving.batch.ranking import score_parts
    from serving.batch.workers import workers_of
    from serving.cluster import open_cluster

    if as_json and str(out) == "-":
        raise typer.BadParameter("standard output cannot carry the table and the JSON report; name a file for --out")
    keep_apart(
        {"--writeoffs": writeoffs, "--outcomes": outcomes, **flags(beside), "--mapping": mapping},
        {"--out": out, REJECTS: rejects_beside(out)},
    )
    most, day, chosen = parse_reasons(reasons), day_number(as_of or today()), settings()
    count, found = workers or usable_cores(), resolve(model, chosen.home, tracking_uri())
    with ExitStack() as stack:
        keep_memory()
        cache, is_large = chosen.home / "cache" / "trees", bytes_of(writeoffs) >= LARGE_BYTES.get(writeoffs.suffix.lower(), 16 << 20)
        shown = stack.enter_context(bars(ticks=False))
        inputs = Inputs(chosen, mapping=mapping, rejects=rejects_beside(out), today=today(), bars=shown)
        files = [writeoffs, outcomes, mapping, *(getattr(beside, name) for name in BESIDE)]
        bundle_hash = read_manifest(found)["bundle_hash"] if found is not None else ""
        told = {"model": bundle_hash, "costs": asdict(costs_of(chosen)), "day": day, "latest": inputs.latest, "all": most is None}
        with batch_folder(chosen.home, told_of(told, files)) as folder, ExitStack() as inner:
            machines = inner.enter_context(open_cluster(folder, cluster)) if cluster else None
            cut = partial(inputs.cut, writeoffs, WRITEOFFS, folder, TextHasher(cache) if is_large else BY_NUMPY)
            pool = None
            if is_large and count > 1 and machines is None:
                (ledger, parts), scorer = set_down_beside(count, cut, lambda: scorer_of(found, chosen).made_ready(cache))
                give_back()
                pool = inner.enter_context(starting(count, scorer, cache, is_early=True))
            else:
                scorer = scorer_of(found, chosen)
                ledger, parts = cut(machines.each if machines is not None and machines.all_see(writeoffs) else None)
                give_back()
            words = scorer.vocabulary.overlay()
            if tables := inputs.beside(beside, words):
                use_tables(scorer, tables)
            _prepare_by_parts(scorer, ledger, parts, inputs, inputs.read(outcomes, OUTCOMES, words) if outcomes else None, day, words)
            task = Task(
                ledger,
                Packed.of(scorer, words),
                inputs.mapping,
                inputs.latest,
                as_of=day,
                explain_all=most is None,
                codes=chosen.home / "codes",
                cache=cache if len(ledger) >= COMPILE_ROWS else None,
            )
            hands = machines.take_up(task) if machines is not None else inner.enter_context(workers_of(task, scorer, count, pool=pool))
            try:
                scored = score_parts(task, parts, hands, out, version=scorer.version, reasons=most, top=TOP_LINES, tell=shown.rate("score"))
            except TooManyRowsRejected as error:
                inputs.refuse(WRITEOFFS.name, error)
                raise
    inputs.take(WRITEOFFS.name, scored.account.as_read())
    inputs.write_rejects()
    _tell(Teller(as_json=as_json, to_stderr=str(out) == "-"), scorer, scored, day, inputs, out)


def load_scorer(ref: str, chosen: Settings) -> Scorer:
    """Load the model that a name means; expert rates while nothing was promoted."""
    from models.named import resolve

    return scorer_of(resolve(ref, chosen.home, tracking_uri()), chosen)


def scorer_of(folder: Path | None, chosen: Settings) -> Scorer:
    """Load a model; expert rates where there is none."""
    from models.scorer import Scorer

    costs = costs_of(chosen)
    return Scorer.prior(costs=costs) if folder is None else Scorer.load(folder, costs=costs)


def costs_of(chosen: Settings) -> Costs:
    """Return what working costs, as it was set."""
    from models.value import Costs

    return Costs(chosen.hourly_cost, chosen.action_outlay)


def told_of(told: Mapping[str, object], files: Sequence[Path | None]) -> Mapping[str, object] | None:
    """Return what a job's result depends on; None where it reads what cannot be read twice."""
    from importlib.metadata import version

    from serving.batch.folder import state_of

    given = [path for path in files if path is not None]
    if any(str(path) == "-" or not path.exists() for path in given):
        return None
    return {**told, "recoup": version("recoup"), "files": [state_of(path) if path is not None else None for path in files]}


def bytes_of(path: Path) -> int:
    """Return how large a file or folder is; 0 where nobody knows before it is read."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _prepare_by_parts(
    scorer: Scorer, ledger: Cut, parts: Sequence[Part], inputs: Inputs, outcomes: Batch | None, day: int, words: Vocabulary
) -> None:
    """Let a scorer learn what it lacks from a ledger in parts: of all rows only what is learned from, of worked ones everything."""
    from features.tables import WRITEOFFS
    from models.scorer import PRIOR
    from recoup.outcomes import add_outcomes

    def gather(**which: Any) -> Batch:
        return ledger.gather(parts, WRITEOFFS, words, mapping=inputs.mapping, latest=inputs.latest, **which)

    if scorer.version == PRIOR:
        scorer.learn_usual(gather(names=LEARNED_FROM), until=day)
    if outcomes is not None and len(outcomes):
        add_outcomes(scorer, gather(ids=set(outcomes.columns["writeoff_id"].tolist())), outcomes, day)


def _tell(tell: Teller, scorer: Scorer, scored: Scored, day: int, inputs: Inputs, out: Path) -> None:
    account, efforts = scored.account, inputs.reads.get("outcomes")
    worked = len(set(efforts.batch.columns["writeoff_id"].tolist())) if efforts is not None else 0
    unknown = {column: sorted(words) for column, words in account.unknown.items()}
    tell.json(
        {
            "out": str(out),
            "model_version": scorer.version,
            "scored": account.scored,
            "in_scope": account.in_scope,
            "posted_later": account.later,
            "worked": worked,
            "expected_recovery": round(account.expected_dollars, 2),
            "as_of": str(EPOCH + timedelta(days=day)) if account.scored else None,
            "unknown": unknown,
            "rejects": str(inputs.rejects_file) if inputs.rejected else None,
            "tables": {name: reading_json(read) for name, read in inputs.reads.items()},
        }
    )
    if tell.as_json:
        return
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    if inputs.rejected:
        tell.line(
            f"rejected rows are named in {inputs.rejects_file}" if inputs.rejects_file else "rejected rows are not named: there is no --out"
        )
    for column, words in unknown.items():
        state = "retired before the remittance" if column.endswith("_retired") else "unknown to the "
        state += "" if column.endswith("_retired") else "model" if column == "payer_id" else "code tables"
        tell.line(f"  note: {column.removesuffix('_retired')} {state}, scored all the same: {named(words)}")
    if account.later:
        after = EPOCH + timedelta(days=day)
        tell.line(f"  note: {account.later:,} were posted after {after}: each is seen, and its days are counted, as of its own day")
    if worked:
        tell.line(f"  note: efforts on {worked:,} are on record; these are ranked like the others, by what an effort would bring: "
                  "`recoup queue` sets aside what is under way or answered")  # fmt: skip
    if account.scored and not account.in_scope:
        tell.line("  note: nothing may still be owed; `recoup doctor` tells whether amounts have the other sign, or codes are not read")
    by = "expert rates, because no model was promoted yet" if scorer.version == "prior" else f"model {scorer.version}"
    tell.line(f"scored {account.scored:,} write-offs by {by}; {account.in_scope:,} may still be owed by a payer, worth about "
              f"${account.expected_dollars:,.0f} if all were worked")  # fmt: skip
    _tell_top(tell, scored)
    tell.line(f"the ranking is {out}" if str(out) != "-" else "")


def _tell_top(tell: Teller, scored: Scored) -> None:
    """Show the first rows, with the payer that the ledger names."""
    top = scored.top.to_pylist() if scored.top is not None else []
    rows = [_top_line(rank, row) for rank, row in enumerate(top, start=1) if row["in_scope"]]
    if rows:
        head = ["rank", "write-off", "payer", "code", "what to do", "expected", "chance", "due"]
        tell.table(head, rows, right=["rank", "expected", "chance"])


def _top_line(rank: int, row: Mapping[str, Any]) -> Sequence[str]:
    day = row["deadline_date"]
    return (
        str(rank),
        row["writeoff_id"],
        row["payer_id"],
        row["carc"],
        row["remedy"].replace("_", " "),
        f"${row['expected_recovery'] / 100:,.0f}",
        f"{100 * row['recovery_probability']:.0f} %",
        "" if day is None else str(EPOCH + timedelta(days=day)),
    )
