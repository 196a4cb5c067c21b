"""What each kind of job makes of its file; runs in the job's own process."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.batch import Batch
from features.codes.known import doubtful_codes
from features.codes.tables import Codes
from features.errors import BadData, BundleRefused, Misconfigured
from features.intake.cells import latest_day
from features.intake.output import write_batch, write_table
from features.intake.pseudonyms import Pseudonyms, load_or_create_key
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from models.scorer import PRIOR, Scorer
from models.scores import Scores
from models.value import Costs
from serving.jobs.failpoints import FailPoints
from serving.jobs.task import ACCOUNT, Limits, Task

RESULT: Mapping[str, str] = {"score": "scores.csv", "import-remits": "writeoffs.csv", "load": "scores.csv", "audit": "audit.zip"}
"""The file that each kind makes."""

LEDGER = "ledger.csv"
"""The write-offs as they were read, of a job that loads them: in our own columns, patient ids hashed."""

MOST_NAMED = 50
MOST_UNPACKED = 2 * 1024**3

Account = dict[str, Any]
Make: TypeAlias = Callable[[Task, Path, FailPoints], Account]
"""Makes the result of a task at a path and returns the account of it."""

Advance: TypeAlias = Callable[[Scorer, Task], Scorer]
"""Returns a scorer that knows what the task says became known since its data cut."""


def work(task: Task, points: FailPoints, makes: Mapping[str, Make]) -> None:
    """Make the result and the account of a task.

    The account is written first and the result gets its name last, so a result with its name is whole and has an account.

    Parameters
    ----------
    makes
        By kind of job: `MAKE`, and what the program that runs this adds.

    Raises
    ------
    BadData
        When the file cannot be read, or is larger than a job may be.
    """
    points.reach("child-began")
    out = Path(task.out)
    part = out / f"part-{RESULT[task.kind]}"
    account = makes[task.kind](task, part, points)
    points.reach("child-written")
    (out / ACCOUNT).write_text(json.dumps(account, allow_nan=False))
    part.rename(out / RESULT[task.kind])
    points.reach("child-named")


def unadvanced(scorer: Scorer, task: Task) -> Scorer:
    """Return a scorer as it came from its bundle.

    Raises
    ------
    Misconfigured
        When something became known since: making events of it is `recoup.job`'s, which is the program to run then.
    """
    if task.known is not None:
        raise Misconfigured("outcomes came since the model's data cut; the program of jobs is to be recoup.job")
    return scorer


def score(task: Task, part: Path, points: FailPoints, *, advance: Advance = unadvanced) -> Account:
    """Rank a table of write-offs."""
    scorer, read = _read_writeoffs(task, advance)
    points.reach("child-read")
    scores = _scores(task, scorer, read, reasons=task.options["reasons"]).ranked()
    write_table(part, scores.table())
    return _account(task, scorer, read, scores)


def load(task: Task, part: Path, points: FailPoints, *, advance: Advance = unadvanced) -> Account:
    """Score a table of write-offs in its order, and set it down beside for the worker to put into the queue."""
    scorer, read = _read_writeoffs(task, advance)
    others = {client for client in read.batch.words("client_id") if client not in (None, task.client_id)}
    if others:
        raise BadData(f"the file has write-offs of {len(others)} other clients than {task.client_id}; each client loads its own")
    points.reach("child-read")
    write_batch(part.with_name(LEDGER), read.batch)
    scores = _scores(task, scorer, read, reasons=task.options["reasons"])
    write_table(part, scores.table())
    return _account(task, scorer, read, scores)


def _scores(task: Task, scorer: Scorer, read: TableRead, *, reasons: int | None) -> Scores:
    as_of = day_of(task.options["as_of"])
    if scorer.version == PRIOR:
        scorer.learn_usual(read.batch, until=as_of)
    return scorer.score(read.batch, as_of=as_of, reasons=reasons)


def _account(task: Task, scorer: Scorer, read: TableRead, scores: Scores) -> Account:
    told = {"model_version": scorer.version, "as_of": task.options["as_of"], "doubts": _doubts(task, read.batch)}
    return _reading(read) | _sums(scores) | told


def _import_remits(task: Task, part: Path, points: FailPoints) -> Account:
    from features.intake.remits.import_ import import_remits

    path = task.input.open()
    check_size(path, task.limits)
    found = import_remits([path], today=date.fromisoformat(task.options["today"]))
    points.reach("child-read")
    write_table(part, found.candidates)
    issues = Counter(issue.code for issue in found.issues)
    told = {name: found.summary[name] for name in ("totals", "kept")}
    return {**told, "issues": dict(issues.most_common(MOST_NAMED)), "rejected": len(found.rejects)}


MAKE: Mapping[str, Make] = {"score": score, "import-remits": _import_remits, "load": load}
"""What this room makes by itself; an audit writes reports, which only the whole program can (`recoup.job`)."""


def scorer_of(task: Task) -> Scorer:
    """Return the scorer of a task as it came from its bundle; expert rates where there is none.

    Raises
    ------
    BundleRefused
        When the bundle is not the one that was promoted.
    """
    costs = Costs(*task.costs)
    if task.bundle is None:
        return Scorer.prior(costs=costs)
    scorer = Scorer.load(Path(task.bundle.folder), costs=costs)
    if scorer.bundle_hash != task.bundle.hash:
        raise BundleRefused("the bundle of the model that serves is not the one that was promoted; promote it again")
    return scorer


def _read_writeoffs(task: Task, advance: Advance) -> tuple[Scorer, TableRead]:
    path = task.input.open()
    check_size(path, task.limits)
    scorer = advance(scorer_of(task), task)
    read = read_table(
        path,
        WRITEOFFS,
        vocabulary=scorer.vocabulary.overlay(),
        identity=Pseudonyms(load_or_create_key(Path(task.patients_key))),
        latest=latest_day(date.fromisoformat(task.options["today"])),
    )
    if len(read.batch) * len(WRITEOFFS.columns) > task.limits.cells:
        raise BadData(f"{len(read.batch):,} rows are more than a job may have; send parts of the file")
    return scorer, read


def check_size(path: Path, limits: Limits) -> None:
    """Refuse a Parquet file that would unpack to more than a job may read, by what it says of itself; what lies is met by the limits.

    Raises
    ------
    BadData
        When it is too large, or no Parquet at all under that name.
    """
    if path.suffix != ".parquet":
        return
    try:
        told = pq.ParquetFile(path).metadata
        unpacked = sum(told.row_group(i).total_byte_size for i in range(told.num_row_groups))
    except (pa.ArrowInvalid, OSError) as error:
        raise BadData("the file is not Parquet") from error
    if told.num_rows * told.num_columns > limits.cells or unpacked > MOST_UNPACKED:
        raise BadData(
            f"{told.num_rows:,} rows of {told.num_columns:,} columns ({unpacked >> 20:,} MB unpacked) are more than a job may have "
            f"({limits.cells:,} cells, {MOST_UNPACKED >> 20:,} MB); send parts of the file"
        )


def _reading(read: TableRead) -> Account:
    """What was read, and what was refused by row, column and rule; ids and values stay out."""
    return {
        "rows_read": read.rows_read,
        "rows_rejected": read.rows_rejected,
        "zero_amounts": read.zero_amounts,
        "rejects": [{"row": reject.row, "column": reject.column, "rule": reject.rule.value} for reject in read.rejects[:MOST_NAMED]],
        "issues": [{"code": issue.code, "column": issue.column, "count": issue.count} for issue in read.issues[:MOST_NAMED]],
    }


def _doubts(task: Task, batch: Batch) -> list[dict[str, str | int]]:
    """Count the codes that no table has, or that were retired before the remittance; the codes themselves stay out, they are values."""
    on = date.fromisoformat(task.options["as_of"])
    codes = Codes.load(extra=None if task.codes is None else Path(task.codes), on=on)
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for doubt in doubtful_codes(batch, codes):
        named, rows = counts.get((doubt.column, doubt.state), (0, 0))
        counts[doubt.column, doubt.state] = named + 1, rows + doubt.rows
    return [{"column": column, "state": state, "codes": named, "rows": rows} for (column, state), (named, rows) in sorted(counts.items())]


def _sums(scores: Scores) -> Account:
    scope = scores.columns["in_scope"].astype(bool)
    return {
        "scored": len(scores),
        "in_scope": int(scope.sum()),
        "expected_recovery": round(float(scores.columns["expected_recovery"][scope].sum()), 2),
    }


def day_of(text: str) -> int:
    """Return an ISO day as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(np.int64))
