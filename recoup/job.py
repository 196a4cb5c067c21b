"""The process of one job of the service: `python -m recoup.job`; what serving makes, with what became known since, and audits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from serving.jobs.child import main
from serving.jobs.task import KEPT

if TYPE_CHECKING:
    from models.scorer import Scorer
    from recoup.auditing import Ran, Sources
    from recoup.inputs import Inputs
    from serving.jobs.failpoints import FailPoints
    from serving.jobs.task import Task
    from serving.jobs.work import Account, Make


def makes() -> Mapping[str, Make]:
    """Return what this program makes beyond `serving.jobs.work.MAKE`, or makes knowing more."""
    from serving.jobs.work import load, score

    return {"score": partial(score, advance=advance), "load": partial(load, advance=advance), "audit": audit}


def advance(scorer: Scorer, task: Task) -> Scorer:
    """Return a scorer that knows what the client knew by the day of the task, as the service's own answers do."""
    from recoup.outcomes import events_of
    from serving.jobs.known import read_known
    from serving.jobs.work import day_of

    if task.known is None:
        return scorer
    words, day = scorer.vocabulary.overlay(), day_of(task.options["as_of"])
    worked, efforts = read_known(task.known, words)
    return scorer.advanced(events_of(scorer.viewer, worked, efforts, as_of=day), words, until=day)


def audit(task: Task, part: Path, points: FailPoints) -> Account:
    """Audit a ledger, remittances, or a practice in a ZIP, and pack the reports and tables.

    Raises
    ------
    BadData
        When something in it cannot be read, or is larger than a job may be.
    """
    from recoup.auditing import run, write
    from recoup.inputs import Inputs
    from recoup.progress import Bars
    from recoup.settings import Settings
    from serving.jobs.archive import pack
    from serving.jobs.work import day_of, scorer_of

    out, made = part.parent, part.parent / "made"
    sources = _sources(task, out / "unpacked")
    points.reach("child-read")
    scorer = scorer_of(task)
    if sources.outcomes is None:
        scorer = advance(scorer, task)
    # The key of patient ids lies where every home has it; nothing else of the settings is known in this process.
    settings = Settings(home=Path(task.patients_key).parents[1])
    made.mkdir()
    inputs = Inputs(settings, mapping=None, rejects=made / "rejects.csv", today=date.fromisoformat(task.options["today"]), bars=Bars(None))
    ran = run(sources, scorer, inputs, made, day_of(task.options["as_of"]), Bars(None))
    write(made, ran)
    pack(made.iterdir(), part)
    (out / KEPT).write_text(json.dumps({"document": ran.result, "overpayments": ran.overpayments}, allow_nan=False))
    return _account(ran, inputs)


def _sources(task: Task, folder: Path) -> Sources:
    """Return what was handed in as the sources of an audit."""
    from features.errors import BadData
    from recoup.auditing import Sources
    from recoup.beside import Beside
    from serving.jobs.archive import unpack
    from serving.jobs.work import check_size

    file = task.input.open()
    if file.suffix == ".835":
        return Sources(None, (file,), None, None, Beside(), False)
    if file.suffix != ".zip":
        check_size(file, task.limits)
        return Sources(file, (), None, None, Beside(), False)
    found = unpack(file, folder)
    for path in found.tables.values():
        check_size(path, task.limits)
    tables = found.tables
    if "writeoffs" not in tables and not found.remits:
        raise BadData("the archive holds neither a table of writeoffs nor a remittance; nothing to audit")
    beside = Beside(
        tables.get("contract_rates"),
        tables.get("payer_rules"),
        tables.get("writeoff_policies"),
        tables.get("reference_fees"),
        tables.get("citations"),
    )
    return Sources(tables.get("writeoffs"), found.remits, tables.get("outcomes"), None, beside, False, tables.get("process_changes"))


def _account(ran: Ran, inputs: Inputs) -> Account:
    told = ran.result
    return {
        "as_of": told["as_of"],
        "model_version": told["model_version"],
        "rows_read": sum(read.rows_read for read in inputs.reads.values()),
        "rows_rejected": inputs.rejected,
        "writeoffs": told["inputs"]["writeoffs"],
        "remittances": told["inputs"]["remittances"],
        "findings": {one["rule"]: one["findings"] for one in told["rules"] if one["findings"]},
        "overpayments": told["overpayments"]["findings"],
    }


if __name__ == "__main__":
    main(makes)
