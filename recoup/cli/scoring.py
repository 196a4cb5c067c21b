"""The command `score`: a ledger in, a ranked table out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    PayerRules,
    Policies,
    ReferenceFees,
    Writeoffs,
    settings,
    today,
    tracking_uri,
)
from recoup.cli.telling import Teller, named, reading_json, reading_words
from recoup.progress import bars
from recoup.trial import day_number, use_tables

if TYPE_CHECKING:
    from features.codes.tables import Codes
    from features.tables import Batch
    from models.scorer import Scorer
    from models.scores import Scores
    from recoup.inputs import Inputs
    from recoup.settings import Settings

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


def score(
    writeoffs: Writeoffs,
    out: Annotated[Path, typer.Option(help="ranked table: .csv, .csv.gz, .parquet, or -")],
    model: Model = "champion",
    outcomes: Annotated[Path | None, typer.Option(help="efforts known since the model's data cut")] = None,
    contracts: Contracts = None,
    payer_rules: PayerRules = None,
    policies: Policies = None,
    reference_fees: ReferenceFees = None,
    citations: Citations = None,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    reasons: Annotated[str, typer.Option(metavar="WHICH", help="rows that get reasons: top:N, all or none")] = "top:5000",
    as_json: Json = False,
) -> None:
    """Score and rank a table of write-offs; without a model, expert rates do."""
    from features.codes.tables import Codes
    from features.intake.output import write_table
    from features.tables import OUTCOMES, WRITEOFFS
    from recoup.inputs import Beside, Inputs, rejects_beside

    if as_json and str(out) == "-":
        raise typer.BadParameter("standard output cannot carry the table and the JSON report; name a file for --out")
    most, day, chosen = parse_reasons(reasons), day_number(as_of or today()), settings()
    with bars() as shown:
        scorer = load_scorer(model, chosen)
        inputs = Inputs(chosen, mapping=mapping, rejects=rejects_beside(out), today=today(), bars=shown)
        words = scorer.vocabulary.overlay()
        ledger = inputs.read(writeoffs, WRITEOFFS, words)
        if tables := inputs.beside(Beside(contracts, payer_rules, policies, reference_fees, citations), words):
            use_tables(scorer, tables)
        prepare(scorer, ledger, inputs.read(outcomes, OUTCOMES, words) if outcomes else None, day)
        scores = scorer.score(ledger, as_of=day, reasons=most).ranked()
        write_table(out, scores.table())
    inputs.write_rejects()
    tell = Teller(as_json=as_json, to_stderr=str(out) == "-")
    _tell(tell, scorer, Codes.load(extra=chosen.home / "codes", on=as_of or today()), ledger, scores, inputs, out)


def load_scorer(ref: str, chosen: Settings) -> Scorer:
    """Load the model that a name means; expert rates while nothing was promoted."""
    from models.registry import resolve
    from models.scorer import Scorer
    from models.value import Costs

    folder = resolve(ref, chosen.home, tracking_uri())
    costs = Costs(chosen.hourly_cost, chosen.action_outlay)
    return Scorer.prior(costs=costs) if folder is None else Scorer.load(folder, costs=costs)


def prepare(scorer: Scorer, ledger: Batch, outcomes: Batch | None, day: int) -> None:
    """Let a scorer see what became known since its data cut: usual allowed amounts without a model, outcomes where they are given."""
    from models.scorer import PRIOR

    if scorer.version == PRIOR:
        scorer.learn_usual(ledger, until=day)
    if outcomes is not None and len(outcomes):
        from recoup.outcomes import events_of

        scorer.advance(events_of(scorer.viewer, ledger, outcomes, as_of=day), until=day)


def _tell(tell: Teller, scorer: Scorer, codes: Codes, ledger: Batch, scores: Scores, inputs: Inputs, out: Path) -> None:
    unknown = unknown_words(scorer, ledger, codes)
    account = _account(scores)
    tell.json(
        {
            "out": str(out),
            "model_version": scorer.version,
            **account,
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
    by = "expert rates, because no model was promoted yet" if scorer.version == "prior" else f"model {scorer.version}"
    tell.line(f"scored {account['scored']:,} write-offs by {by}; {account['in_scope']:,} may still be owed by a payer, worth about "
              f"${account['expected_recovery']:,.0f} if all were worked")  # fmt: skip
    _tell_top(tell, ledger, scores)
    tell.line(f"the ranking is {out}" if str(out) != "-" else "")


def _account(scores: Scores) -> dict[str, Any]:
    c = scores.columns
    scope = c["in_scope"].astype(bool)
    return {
        "scored": len(scores),
        "in_scope": int(scope.sum()),
        "expected_recovery": round(float(c["expected_recovery"][scope].sum()), 2),
        "as_of": scores.table()["as_of"][0] if len(scores) else None,
    }


def _tell_top(tell: Teller, ledger: Batch, scores: Scores) -> None:
    """Show the first rows, with the payer that the ledger names."""
    from models.scores import Scores

    top = Scores({name: values[:TOP_LINES] for name, values in scores.columns.items()}).records()
    place = {key: i for i, key in enumerate(ledger.columns["writeoff_id"].tolist())}
    rows = [_top_line(record, ledger, place) for record in top if record["in_scope"]]
    if rows:
        head = ["rank", "write-off", "payer", "code", "what to do", "expected", "chance", "due"]
        tell.table(head, rows, right=["rank", "expected", "chance"])


def _top_line(record: Mapping[str, Any], ledger: Batch, place: Mapping[str, int]) -> Sequence[str]:
    row = place[record["writeoff_id"]]
    payer, carc = (ledger.vocabulary.word(name, int(ledger.columns[name][row])) for name in ("payer_id", "carc"))
    return (
        str(record["rank"]),
        record["writeoff_id"],
        payer or "",
        carc or "",
        record["remedy"].replace("_", " "),
        f"${record['expected_recovery']:,.0f}",
        f"{100 * record['recovery_probability']:.0f} %",
        record["deadline_date"] or "",
    )


def unknown_words(scorer: Scorer, ledger: Batch, codes: Codes) -> dict[str, list[str]]:
    """Name payers that the model never saw, and codes that no table has or that were retired; all are scored all the same."""
    import numpy as np

    from features.codes.known import doubtful_codes
    from models.scorer import PRIOR

    found: dict[str, list[str]] = {}
    if scorer.version != PRIOR:
        seen = np.unique(ledger.columns["payer_id"])
        new = seen[seen >= scorer.vocabulary.size("payer_id")]
        found["payer_id"] = [word for word in ledger.vocabulary.decode("payer_id", new) if word]
    for doubt in doubtful_codes(ledger, codes):
        found.setdefault(doubt.column if doubt.state == "unknown" else f"{doubt.column}_{doubt.state}", []).append(doubt.word)
    return {column: words for column, words in found.items() if words}
