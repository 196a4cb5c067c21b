"""Commands that judge a model by what became known: `evaluate`, `drift`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recoup.beside import Worked
from recoup.cli.apart import REJECTS, flags, keep_apart
from recoup.cli.options import (
    Json,
    Model,
    Morning,
    Report,
    from_file,
    parse_day,
    parse_shares,
    settings,
    to_folder,
    today,
    tracking_uri,
    with_tables,
)
from recoup.cli.telling import Teller, reading_words
from recoup.days import day_number
from recoup.progress import bars
from recoup.trial import Trial, known_truth

if TYPE_CHECKING:
    from recoup.inputs import Inputs

DOCUMENT, PAGE = "evaluation.json", "report.html"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("evaluate")(evaluate)
    app.command("drift")(drift)


@with_tables
def evaluate(
    *,
    files: Worked,
    as_of: Annotated[date, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="outcomes count as known on this morning")],
    start: Annotated[date, typer.Option("--from", parser=parse_day, metavar="DATE", help="first day of the write-offs to judge on")],
    end: Annotated[date, typer.Option("--to", parser=parse_day, metavar="DATE", help="last day of them")],
    model: Annotated[str | None, typer.Option(help="judge this model; default: fit one on what was known on --from")] = None,
    truth: Annotated[Path | None, from_file("truth.parquet of a synthetic practice")] = None,
    capacity: Annotated[Any, typer.Option(parser=parse_shares, metavar="SHARES", help="shares of the hours")] = "0.05,0.1,0.2",
    out: Annotated[Path | None, to_folder("folder for report.html and evaluation.json")] = None,
    as_json: Json = False,
) -> None:
    """Judge a model on write-offs that it did not see, against simpler orders of work."""
    from features.vocabulary import Vocabulary
    from recoup.cli.scoring import load_scorer
    from recoup.inputs import Inputs, rejects_beside
    from recoup.report.evaluation import evaluation_html

    _check_days(as_of, start, end)
    chosen, rejects = settings(), rejects_beside(out) if out else None
    keep_apart({**flags(files), "--truth": truth}, {"--out": [out / name for name in (DOCUMENT, PAGE)] if out else None, REJECTS: rejects})
    with bars() as shown:
        inputs = Inputs(chosen, mapping=files.mapping, rejects=rejects, today=today(), bars=shown)
        scorer = load_scorer(model, chosen) if model is not None else None
        ledger, efforts, tables = inputs.worked(files, scorer.vocabulary.overlay() if scorer else Vocabulary(), as_of=as_of)
        result = Trial(day_number(as_of), day_number(start), day_number(end), tuple(capacity)).judge(
            ledger,
            efforts,
            tables=tables,
            scorer=scorer,
            truth=known_truth(truth) if truth else None,
            progress=shown.of("evaluate"),
        )
    inputs.write_rejects()
    if out is not None:
        _write_report(out, result, evaluation_html(result))
    _tell_evaluated(result, inputs, out, Teller(as_json=as_json))


def _check_days(as_of: date, start: date, end: date) -> None:
    """See that there can be write-offs to judge on.

    Raises
    ------
    UsageError
        When the first day is after the last, or nothing posted on it was known.
    """
    from features.errors import UsageError

    if start > end:
        raise UsageError(f"--from {start} is after --to {end}; --from is the first day of the write-offs and --to the last")
    if as_of <= start:
        raise UsageError(f"--as-of {as_of} is not after --from {start}: on that morning nothing posted since was known")


def _write_report(out: Path, result: Mapping[str, Any], page: str) -> None:
    from features.intake.output import put_file

    out.mkdir(parents=True, exist_ok=True)
    put_file(out / DOCUMENT, json.dumps(result, indent=1, allow_nan=False))
    put_file(out / PAGE, page)


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


@with_tables
def drift(
    *,
    stored: Worked,
    as_of: Morning,
    model: Model = "champion",
    out: Report = None,
    as_json: Json = False,
) -> None:
    """Watch for payers that changed their minds since a model's data cut; exit 1 when an alarm rings."""
    from features.errors import CheckFailed
    from recoup.cli.scoring import load_scorer
    from recoup.inputs import Inputs
    from recoup.report.drift import headline
    from recoup.trial import use_tables
    from recoup.watching import REPORTS, keep_drift, watched

    chosen, report = settings(), out or settings().home / REPORTS / f"drift-{as_of}"
    keep_apart(flags(stored), {"--out": [report / name for name in ("report.html", "report.json", "rejects.csv")]})
    with bars() as shown:
        scorer = load_scorer(model, chosen)
        inputs = Inputs(chosen, mapping=stored.mapping, rejects=report / "rejects.csv", today=today(), bars=shown)
        ledger, efforts, tables = inputs.worked(stored, scorer.vocabulary.overlay(), as_of=as_of)
        if tables:
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
