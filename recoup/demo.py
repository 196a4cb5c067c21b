"""The demonstration: a synthetic practice, a model of it, an evaluation, and the write-offs worth working."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.money import NULL
from features.tables import OUTCOMES, WRITEOFFS, Batch
from recoup.days import day_number
from recoup.inputs import Beside, Inputs
from recoup.progress import Bars
from recoup.settings import Settings
from recoup.trial import Trial

if TYPE_CHECKING:
    from features.triage import Triage
    from models.scorer import Scorer
    from models.scores import Scores
    from serving.web.toplist import Facts, TopList

ROWS = 20_000
END = date(2026, 11, 1)
SHOWN = 50
SCORED_DAYS = 180
JUDGED_FROM, JUDGED_TO = date(2026, 3, 1), date(2026, 6, 30)
NOTICE = "This is a synthetic practice: its patients, payers and claims are made up."


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration made.

    Parameters
    ----------
    home
        Its own home, with its own champion, so that the real one is left alone.
    top
        The page.
    result
        The evaluation, and where its report lies.
    """

    home: Path
    top: TopList
    result: Mapping[str, Any]
    report: Path


def make_demo(settings: Settings, *, rows: int, bars: Bars) -> Demo:
    """Make everything that the demonstration shows, under RECOUP_HOME/demo.

    The model that is judged was fitted on what was known before the months it is judged on; the model that ranks knows everything
    until the last morning, and ranks the write-offs of the last half year.
    """
    from recoup.sample.practice import write_sample

    home = settings.home / "demo"
    practice = home / "practice"
    write_sample(practice, rows=rows, end=END, progress=bars.of("practice"))
    inputs = Inputs(settings, mapping=None, rejects=None, today=END, bars=bars)
    ledger, outcomes, tables = _read(inputs, practice)
    result = Trial(day_number(END), day_number(JUDGED_FROM), day_number(JUDGED_TO)).judge(
        ledger, outcomes, tables=tables, progress=bars.of("trial")
    )
    report = _write_report(home, result)
    scorer = _champion(home, ledger, outcomes, tables, bars)
    return Demo(home, _rank(scorer, ledger), result, report)


def _read(inputs: Inputs, practice: Path) -> tuple[Batch, Batch, Mapping[str, Batch]]:
    from features.vocabulary import Vocabulary

    words = Vocabulary()
    ledger = inputs.read(practice / "writeoffs.csv", WRITEOFFS, words)
    outcomes = inputs.read(practice / "outcomes.csv", OUTCOMES, words)
    files = Beside(practice / "contract_rates.csv", practice / "payer_rules.csv", practice / "writeoff_policies.csv")
    return ledger, outcomes, inputs.beside(files, words)


def _write_report(home: Path, result: Mapping[str, Any]) -> Path:
    from features.intake.output import replace_file
    from recoup.report.evaluation import evaluation_html

    page, figures = evaluation_html(result).encode(), json.dumps(result, indent=1).encode()
    replace_file(home / "evaluation.json", lambda file: _write(file, figures))
    replace_file(home / "report.html", lambda file: _write(file, page))
    return home / "report.html"


def _write(file: Any, content: bytes) -> None:
    file.write(content)


def _champion(home: Path, ledger: Batch, outcomes: Batch, tables: Mapping[str, Batch], bars: Bars) -> Scorer:
    """Fit the model that ranks, and make it champion of the demonstration's home, past the registry."""
    import tempfile

    from models.pointer import Pointer, Promotion, write_pointer
    from models.registry import keep
    from models.scorer import Scorer
    from training.fit import train
    from training.publish import publish

    bundle = train(ledger, outcomes, tables=tables, as_of=day_number(END), progress=bars.of("train"))
    with tempfile.TemporaryDirectory(prefix="recoup-demo-", dir=home) as scratch:
        digest = publish(bundle, Path(scratch) / "bundle", name="demo", created="")
        folder = keep(Path(scratch) / "bundle", home)
    write_pointer(home, Pointer(Promotion("demo", digest, folder.relative_to(home).as_posix())))
    return Scorer.load(folder)


def _rank(scorer: Scorer, ledger: Batch) -> TopList:
    """Rank the write-offs of the last half year."""
    from serving.web.toplist import top_list
    from training.cut import recode

    since = day_number(END - timedelta(days=SCORED_DAYS))
    recent = recode(ledger.take(ledger.columns["writeoff_date"] >= since), scorer.vocabulary.overlay())
    scores = scorer.score(recent, as_of=day_number(END), reasons=10 * SHOWN).ranked()
    return top_list(scores.records(), facts_of(recent, scores, scorer), as_of=END, most=SHOWN, notice=NOTICE)


def facts_of(ledger: Batch, scores: Scores, scorer: Scorer) -> dict[str, Facts]:
    """Return what the ledger says about the first write-offs in scope."""
    import numpy as np

    wanted = set(scores.columns["writeoff_id"][np.flatnonzero(scores.columns["in_scope"])[:SHOWN]].tolist())
    rows = [i for i, key in enumerate(ledger.columns["writeoff_id"].tolist()) if key in wanted]
    triage = scorer.viewer.serve(ledger, day_number(END)).triage
    return {ledger.columns["writeoff_id"][row]: _facts(ledger, row, scorer, triage) for row in rows}


def _facts(ledger: Batch, row: int, scorer: Scorer, triage: Triage) -> Facts:
    from features.guards import refusals
    from serving.web.toplist import EPOCH, Facts
    from serving.web.words import Code

    def word(name: str) -> str | None:
        return ledger.vocabulary.word(name, int(ledger.columns[name][row]))

    codes = scorer.viewer.practice.codes
    carc, amount = word("carc"), int(ledger.columns["writeoff_amount"][row])
    known = codes.carc(carc) if carc else None
    remarks = [(code, codes.rarc(code)) for code in (word("rarcs") or "").split()]
    return Facts(
        payer=word("payer_id") or "",
        claim_id=ledger.columns["claim_id"][row],
        writeoff_date=EPOCH + timedelta(days=int(ledger.columns["writeoff_date"][row])),
        writeoff_amount=None if amount == NULL else amount / 100,
        group_code=word("group_code"),
        carc=Code(carc, known.meaning if known else "a code that is in no table") if carc else None,
        rarcs=tuple(Code(code, remark.meaning if remark else "a remark that is in no table") for code, remark in remarks),
        procedure_code=word("procedure_code"),
        step=triage.next_steps[int(triage.next_step[row])],
        cautions=tuple(
            f"{told.sentence.removesuffix('.')} ({told.citation})" for told in refusals(int(triage.refused[row]), int(triage.asked[row]))
        ),
    )
