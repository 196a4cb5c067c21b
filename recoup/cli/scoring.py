"""The command `score`: a ledger in, a ranked table out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
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
    from_file,
    settings,
    to_file,
    today,
    tracking_uri,
    usable_cores,
    with_tables,
)
from recoup.cli.telling import Teller, named, payer_words, reading_json, reading_words
from recoup.days import EPOCH, day_number
from recoup.progress import bars
from recoup.scorers import scorer_of

if TYPE_CHECKING:
    from models.scorer import Scorer
    from recoup.batch import Ran
    from recoup.inputs import Inputs
    from recoup.settings import Settings
    from serving.batch.ranking import Scored

TOP_LINES = 10


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
    out: Annotated[Path, to_file("ranked table: .csv, .csv.gz, .parquet, or -")],
    model: Model = "champion",
    outcomes: Annotated[Path | None, from_file("efforts known since the model's data cut")] = None,
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
    from features.tables import WRITEOFFS
    from models.named import resolve
    from recoup.batch import Asked, score_ledger
    from recoup.inputs import Inputs, rejects_beside

    if as_json and str(out) == "-":
        raise typer.BadParameter("standard output cannot carry the table and the JSON report; name a file for --out")
    keep_apart(
        {"--writeoffs": writeoffs, "--outcomes": outcomes, **flags(beside), "--mapping": mapping},
        {"--out": out, REJECTS: rejects_beside(out)},
    )
    chosen, day = settings(), day_number(as_of or today())
    asked = Asked(
        writeoffs,
        outcomes,
        beside,
        mapping,
        bundle=resolve(model, chosen.home, tracking_uri()),
        day=day,
        reasons=parse_reasons(reasons),
        processes=workers or usable_cores(),
        cluster=cluster,
    )
    with bars(ticks=False) as shown:
        inputs = Inputs(chosen, mapping=mapping, rejects=rejects_beside(out), today=today(), bars=shown)
        ran = score_ledger(asked, chosen, inputs, out, top=TOP_LINES, tell=shown.rate("score"))
    inputs.take(WRITEOFFS.name, ran.scored.account.as_read())
    inputs.write_rejects()
    _tell(Teller(as_json=as_json, to_stderr=str(out) == "-"), ran, day, inputs, out)


def load_scorer(ref: str, chosen: Settings) -> Scorer:
    """Load the model that a name means; expert rates while nothing was promoted."""
    from models.named import resolve

    return scorer_of(resolve(ref, chosen.home, tracking_uri()), chosen)


def _tell(tell: Teller, ran: Ran, day: int, inputs: Inputs, out: Path) -> None:
    scorer, scored, account = ran.scorer, ran.scored, ran.scored.account
    unknown = {column: sorted(words) for column, words in account.unknown.items()}
    tell.json(
        {
            "out": str(out),
            "model_version": scorer.version,
            "scored": account.scored,
            "in_scope": account.in_scope,
            "posted_later": account.later,
            "worked": ran.worked,
            "worked_elsewhere": ran.strangers,
            "expected_recovery": round(account.expected_dollars, 2),
            "expected_net_recovery": round(account.net_dollars, 2),
            "in_scope_worked": account.worked,
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
    tell.lines(payer_words(account.payers))
    if account.later:
        after = EPOCH + timedelta(days=day)
        tell.line(f"  note: {account.later:,} were posted after {after}: each is seen, and its days are counted, as of its own day")
    if ran.strangers:
        tell.line(f"  note: efforts on {ran.strangers:,} write-offs teach nothing here, since the ledger lacks these: "
                  "score one that has what was worked, too")  # fmt: skip
    if ran.worked:
        tell.line(f"  note: efforts on {ran.worked:,} are on record; these are ranked like the others, by what an effort would bring: "
                  "`recoup queue` sets aside what is under way or answered")  # fmt: skip
    if account.scored and not account.in_scope:
        tell.line("  note: nothing may still be owed; `recoup doctor` tells whether amounts have the other sign, or codes are not read")
    by = "expert rates, because no model was promoted yet" if scorer.version == "prior" else f"model {scorer.version}"
    tell.line(f"scored {account.scored:,} write-offs by {by}; {account.in_scope:,} may still be owed by a payer, worth about "
              f"{_worth(account.expected_dollars, account.net_dollars)}, if all were worked")  # fmt: skip
    if account.worked:
        left, expected, net = account.fresh
        tell.line(f"  efforts are on record for {account.worked:,} of these already; the other {left:,}: about {_worth(expected, net)}")
    _tell_top(tell, scored)
    tell.line(f"the ranking is {out}" if str(out) != "-" else "")


def _worth(expected: float, net: float) -> str:
    from recoup.report.figures import dollars

    return f"{dollars(expected)}, {dollars(net)} net of the work"


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
