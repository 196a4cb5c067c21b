"""A whole ledger scored and ranked: its parts handed to workers, their scores merged and written; never the whole of it in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.intake.output import write_blocks
from features.intake.part import Part
from features.intake.rejects import MOST_REJECTED, Reject, Rule, check_share
from features.tables import WRITEOFFS
from features.triage import WHY
from models.scorer import Scorer
from serving.batch.account import Account, load_account, open_run
from serving.batch.merging import MOST_RUNS, merge
from serving.batch.parts import Task
from serving.batch.run import REPEATING, TOLD, run_of, table_of
from serving.batch.workers import Workers

EXPLAINED_ROWS = 1250
"""So many rows are explained at once: what looking at rows costs at all is paid for them together."""

_AHEAD = 3
"""So many buckets are made ahead of the one that is written."""

Tell = Callable[[str, int, int], None]

Table = Mapping[str, pa.Array]


@dataclass(slots=True)
class Scored:
    """What came of scoring a ledger.

    Parameters
    ----------
    account
        Counts, rejects and remarks.
    top
        The first rows, as `run_of` made them.
    """

    account: Account
    top: pa.RecordBatch | None


def score_parts(
    task: Task,
    parts: list[Part],
    workers: Workers,
    out: Path | str,
    *,
    version: str,
    reasons: int | None,
    top: int = 10,
    tell: Tell | None = None,
) -> Scored:
    """Score the parts, merge them and write the ranked table.

    Parameters
    ----------
    task, parts, workers
        What is scored, and by whom.
    out
        The table; `-` is standard output.
    version
        What scores name as their model.
    reasons
        How many of the first ranks get reasons; None: all did already.
    top
        So many of the first rows are returned, at most `serving.batch.run.TOLD`.
    tell
        Is told what is done, how many rows of it, and how many there are.

    Raises
    ------
    TooManyRowsRejected
        When more than 5 % of the rows cannot be read; nothing is written then.
    StorageFailed
        When the table cannot be written.
    """
    tell = tell or (lambda what, done, all_: None)
    account, paths, done = Account(), [], 0
    for path in workers.score(parts):
        paths.append(path)
        account.add(load_account(path))
        done = account.rows_read
        tell("score", done, len(task.cut))
    cut = task.cut
    account.findings.unknown.update(dict.fromkeys(cut.unknown))
    account.rows_read += len(cut.broken)
    account.rejects += [Reject(number, "", "", Rule.FIELD_COUNT) for number in cut.broken]
    places = {name: place for place, name in enumerate(WRITEOFFS.names)}
    account.rejects.sort(key=lambda reject: (reject.row, places.get(reject.column, len(places)), reject.column))
    check_share(cut.name, WRITEOFFS.name, account.rows_read, account.rejects, MOST_REJECTED)
    scored = Scored(account, None)

    as_floats = str(out).lower().endswith(".parquet")

    def as_file(run: pa.RecordBatch, rank: int, told: dict[int, str]) -> Table:
        return table_of(run, rank, version=version, as_of=task.as_of, whys=WHY, told=told, as_floats=as_floats)

    def ranked() -> Iterator[Table]:
        for bucket in _ahead(_buckets(as_file, parts, paths, workers, len(cut), reasons or 0)):
            if scored.top is None:
                scored.top = bucket.top.slice(0, top)
            yield bucket.table({row: text for some in bucket.reasons for row, text in some.items()})
            tell("rank and write", bucket.last, account.scored)
        if scored.top is None:
            yield as_file(run_of_nothing(task), 1, {})

    write_blocks(out, ranked(), repeating=REPEATING)
    return scored


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Rows of successive ranks: the last one, the first rows as they were merged, and all as a file holds them.

    `reasons` are those of some rows, which others may still be at; a bucket without any lets go of what it was made of.
    """

    last: int
    top: pa.RecordBatch
    table: Callable[[dict[int, str]], Table]
    reasons: Iterable[dict[int, str]] = ()


def _buckets(
    as_file: Callable[[pa.RecordBatch, int, dict[int, str]], Table],
    parts: list[Part],
    paths: list[Path],
    workers: Workers,
    count: int,
    reasons: int,
) -> Iterator[_Bucket]:
    """Yield the ranking in buckets; the first ones ask for their reasons as soon as they are known."""
    by_part = _owners(parts, count)
    last = 0
    for run in merge([open_run(path) for path in few_runs(sorted(paths), workers)], first=reasons):
        rank, last = last + 1, last + run.num_rows
        top = pa.concat_batches([run.slice(0, TOLD)])
        rows = np.sort(np.asarray(run.column("row"))[: max(reasons - rank + 1, 0)])
        if len(rows):
            asked = [_gathered(parts, by_part, some) for some in np.array_split(rows, -(-len(rows) // EXPLAINED_ROWS))]
            yield _Bucket(last, top, partial(as_file, run, rank), workers.explain(asked))
        else:
            yield _Bucket(last, top, partial(_known, as_file(run, rank, {})))


def few_runs(paths: list[Path], workers: Workers, most: int = MOST_RUNS) -> list[Path]:
    """Have the first runs merged, as many at once as may be, until no more than `most` (2 at least) are left."""
    while (over := len(paths) - most) > 0:
        groups = []
        while over > 0 and len(paths) > 1:
            size = min(over + 1, most)
            groups.append(paths[:size])
            paths, over = paths[size:], over - size + 1
        paths = [*paths, *workers.merge(groups)]
    return paths


def _known(table: Table, told: dict[int, str]) -> Table:
    """Return a table that was made before: nothing is told of its rows."""
    return table


def _gathered(parts: list[Part], by_part: NDArray[np.int32], rows: NDArray[np.int64]) -> tuple[Part, NDArray[np.int64]]:
    """Return rows of any parts, with all that belong to them, as a part of their own."""
    owners = by_part[rows]
    own = [parts[number].with_their_own(rows[owners == number]) for number in np.unique(owners).tolist()]
    held = np.concatenate([part.rows for part in own])
    order = np.argsort(held)
    return Part(len(parts), held[order], np.concatenate([part.together for part in own])[order]), rows


def run_of_nothing(task: Task) -> pa.RecordBatch:
    """Return the scores of no rows: every row of the ledger was left out."""
    part = Part(0, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64))
    scorer = Scorer.prior(task.packed.words)
    batch = task.cut.read(part, WRITEOFFS, task.packed.words.overlay(), mapping=task.mapping, latest=task.latest).batch
    view, found = scorer.judge(batch, as_of=task.as_of)
    return run_of(batch, view, found, part.rows, None)


def _owners(parts: list[Part], rows: int) -> NDArray[np.int32]:
    """Return the part of each row of the ledger."""
    owner = np.zeros(rows, dtype=np.int32)
    for part in parts:
        owner[part.rows] = part.number
    return owner


def _ahead(buckets: Iterator[_Bucket]) -> Iterator[_Bucket]:
    """Yield the buckets, the next few made while one is written, or waits for its reasons."""
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, buckets, None) for _ in range(_AHEAD))
        while (bucket := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, buckets, None))
            yield bucket
