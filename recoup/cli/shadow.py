"""Commands of a challenger in the champion's shadow: `shadow score`, `shadow compare`."""

from __future__ import annotations

import typer

from recoup.cli.group import group_of_commands
from recoup.cli.options import AsOf, Json, MappingFile, Outcomes, Writeoffs, settings, today, tracking_uri
from recoup.cli.telling import Teller, reading_words
from recoup.days import day_number
from recoup.progress import bars


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = group_of_commands("The challenger scores what the champion scores; results decide later.")
    group.command("score")(score)
    group.command("compare")(compare)
    app.add_typer(group, name="shadow")


def score(writeoffs: Writeoffs, mapping: MappingFile = None, as_of: AsOf = None, as_json: Json = False) -> None:
    """Score live write-offs with champion and challenger, and keep what both said; the champion's order stays the one that is worked."""
    from features.tables import WRITEOFFS
    from features.vocabulary import Vocabulary
    from recoup.inputs import Inputs
    from recoup.shadow import keep_shadow, models

    chosen, day = settings(), as_of or today()
    with bars() as shown:
        pair = models(chosen, tracking_uri())
        inputs = Inputs(chosen, mapping=mapping, rejects=chosen.home / "shadow" / "rejects.csv", today=today(), bars=shown)
        ledger = inputs.read(writeoffs, WRITEOFFS, Vocabulary())
        place, scored = keep_shadow(pair, ledger, day, chosen.home)
    inputs.write_rejects()
    tell = Teller(as_json=as_json)
    tell.json({"scored": scored, "kept": str(place), **{name: scorer.version for name, scorer in pair.items()}})
    for name, read in inputs.reads.items():
        tell.lines(reading_words(name, read))
    if scored < len(ledger):
        tell.line(f"  note: {len(ledger) - scored:,} were posted on {day} or later and are left out: nobody knew of them on its morning")
    tell.line(f"{scored:,} write-offs scored by {' and '.join(f'{name} {scorer.version}' for name, scorer in pair.items())}")
    tell.line(f"kept in {place}; next, when results are in: recoup shadow compare")


def compare(
    writeoffs: Writeoffs,
    outcomes: Outcomes,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Compare champion and challenger on what was worked after both had scored it."""
    from features.tables import OUTCOMES, WRITEOFFS
    from features.vocabulary import Vocabulary
    from recoup.inputs import Inputs
    from recoup.report.figures import decimal, dollars, percent
    from recoup.shadow import compare_shadow, models, read_shadow, write_comparison

    chosen, day, words = settings(), as_of or today(), Vocabulary()
    with bars() as shown:
        pair = models(chosen, tracking_uri())
        inputs = Inputs(chosen, mapping=mapping, rejects=chosen.home / "shadow" / "rejects.csv", today=today(), bars=shown)
        ledger, efforts = inputs.read(writeoffs, WRITEOFFS, words), inputs.read(outcomes, OUTCOMES, words)
        result = compare_shadow(read_shadow(pair, chosen.home), ledger, efforts, day_number(day))
    inputs.write_rejects()
    place = write_comparison(result, chosen.home / "reports" / f"shadow-{day}")
    tell, window = Teller(as_json=as_json), result["window"]
    tell.json({**result, "report": str(place)})
    tell.line(f"{window['decided']:,} efforts begun after both had scored them are decided; {window['recovered']:,} brought money")
    rows = []
    for row in result["capacity"]:
        own, other = row["entries"]["challenger"], row["entries"]["champion"]
        told = (own["dollars"], other["dollars"], other["gain"], other["gain_low"], other["gain_high"])
        rows.append([percent(row["share"]), *(dollars(value) for value in told)])
    heads = ["share of hours", "challenger", "champion", "gain", "low", "high"]
    tell.table(heads, rows, right=heads)
    for name, facts in result["entries"].items():
        ratio = decimal(facts["chance_ratio"], 2)
        tell.line(f"{name}: AUC {decimal(facts['auc'])}, Brier {decimal(facts['brier'])}, predicted over seen recoveries {ratio}")
    tell.line(f"the comparison is {place}")
