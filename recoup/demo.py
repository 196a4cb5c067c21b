"""The demonstration: a synthetic practice, a model of it, an evaluation, and a queue to work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.batch import Batch
from features.tables import OUTCOMES, WRITEOFFS
from recoup.beside import Beside
from recoup.days import day_number
from recoup.inputs import Inputs
from recoup.progress import Bars
from recoup.settings import Settings
from recoup.trial import Trial

if TYPE_CHECKING:
    from models.scorer import Scorer
    from serving.identity.gate import Gate
    from serving.store.loading import Load

ROWS = 20_000
END = date(2026, 11, 1)
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
    result, report
        The evaluation, and where its report lies.
    scorer, ledger
        The model that ranks, and the practice's ledger.
    """

    home: Path
    result: Mapping[str, Any]
    report: Path
    scorer: Scorer
    ledger: Batch


def make_demo(settings: Settings, *, rows: int, bars: Bars) -> Demo:
    """Make everything that the demonstration shows, under RECOUP_HOME/demo.

    The model that is judged was fitted on what was known before the months it is judged on; the model that ranks knows everything
    until the last morning, and ranks the write-offs of the last half year.
    """
    from recoup.sample.practice import write_sample

    home = settings.home / "demo"
    _clear(home)
    practice = home / "practice"
    write_sample(practice, rows=rows, end=END, progress=bars.of("practice"))
    inputs = Inputs(settings, mapping=None, rejects=None, today=END, bars=bars)
    ledger, outcomes, tables = _read(inputs, practice)
    result = Trial(day_number(END), day_number(JUDGED_FROM), day_number(JUDGED_TO)).judge(
        ledger, outcomes, tables=tables, progress=bars.of("trial")
    )
    report = _write_report(home, result)
    return Demo(home, result, report, _champion(home, ledger, outcomes, tables, bars), ledger)


def fill_queue(made: Demo, gate: Gate, bars: Bars) -> Load:
    """Put the write-offs of the last half year into the queue, as the model ranks them, with what came of those that were worked."""
    from features.intake.output import write_table
    from features.intake.table_file import read_table
    from features.vocabulary import Vocabulary
    from recoup.identity import operator
    from recoup.queue import load, record
    from serving.worklist.scored import SCORES
    from training.cut import recode

    since, place = day_number(END - timedelta(days=SCORED_DAYS)), made.home / "scores.csv"
    recent = recode(made.ledger.take(made.ledger.columns["writeoff_date"] >= since), made.scorer.vocabulary.overlay())
    write_table(place, made.scorer.score(recent, as_of=day_number(END), reasons=None).ranked().table())
    scored = read_table(place, SCORES, vocabulary=Vocabulary()).batch
    loaded = load(gate, operator(), recent, scored, identity="demo", progress=bars.rows("queue"))
    outcomes = read_table(made.home / "practice" / "outcomes.csv", OUTCOMES, vocabulary=Vocabulary()).batch
    known = np.isin(outcomes.columns["writeoff_id"].astype(str), recent.columns["writeoff_id"].astype(str))
    record(gate, operator(), outcomes.take(known), source="file", today=END)
    return loaded


def keep_audit(made: Demo, gate: Gate, bars: Bars) -> None:
    """Audit the whole practice as the model sees it, with its remittances, and keep the result for the opportunity page."""
    from features.intake.remits.import_ import import_remits
    from features.intake.table_file import read_table
    from recoup.identity import operator
    from serving.findings.clock import overpayment_table
    from serving.findings.remits import Remits
    from serving.findings.report import report
    from serving.store.audits import keep
    from training.cut import recode

    practice, words = made.home / "practice", made.scorer.vocabulary.overlay()
    found = import_remits([practice / "remits"], progress=bars.of("remits"), today=END)
    told = report(
        recode(made.ledger, words),
        scorer=made.scorer,
        as_of=day_number(END),
        remits=Remits(found.remits, found.chains, found.issues),
        efforts=read_table(practice / "outcomes.csv", OUTCOMES, vocabulary=words).batch,
        progress=bars.of("audit"),
    )
    who = operator()
    with gate.store.write() as unit:
        keep(unit, who.client_id, told.document, overpayment_table(told.case, told.findings, {}), at=gate.now(), by=who.subject)
        gate.log.tell(unit, who, "job.run", [told.document["as_of"]])


def _clear(home: Path) -> None:
    """Take the queue, the people and the access log of an earlier demonstration away: each begins anew."""
    for name in ("recoup.db", "recoup.db-wal", "recoup.db-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.rmtree(home / "keys", ignore_errors=True)


def _read(inputs: Inputs, practice: Path) -> tuple[Batch, Batch, Mapping[str, Batch]]:
    from features.vocabulary import Vocabulary

    words = Vocabulary()
    ledger = inputs.read(practice / "writeoffs.csv", WRITEOFFS, words)
    outcomes = inputs.read(practice / "outcomes.csv", OUTCOMES, words)
    files = Beside(practice / "contract_rates.csv", practice / "payer_rules.csv", practice / "writeoff_policies.csv")
    return ledger, outcomes, inputs.beside(files, words)


def _write_report(home: Path, result: Mapping[str, Any]) -> Path:
    from features.intake.output import put_file
    from recoup.report.evaluation import evaluation_html

    page, figures = evaluation_html(result), json.dumps(result, indent=1)
    put_file(home / "evaluation.json", figures)
    put_file(home / "report.html", page)
    return home / "report.html"


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
