"""A whole ledger scored and ranked in parts: cut, scored by several workers, merged; never the whole of it in memory."""

from __future__ import annotations

import json
import math
import pickle
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.batch import Batch, empty_columns
from features.codes.known import doubtful_codes
from features.codes.tables import Codes
from features.intake import mapping as mappings
from features.intake.cut import Cut, Part
from features.intake.issues import Findings
from features.intake.output import replace_file, write_blocks
from features.intake.rejects import MOST_REJECTED, Reject, Rule, check_share
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from features.text_hashes import TextHasher
from features.triage import WHY
from features.vocabulary import Vocabulary
from models.scorer import PRIOR, Scorer
from serving.batch.merging import Run, merge
from serving.batch.packed import Packed
from serving.batch.pool import Ready, starting
from serving.batch.run import as_json, run_of, table_of

ALONE = 1 << 17
"""Up to so many rows a second process would cost more than it brings."""

EXPLAINED_ROWS = 1250
"""So many rows are explained at once: what looking at rows costs at all is paid for them together."""

_AHEAD = 6
"""So many buckets are made ahead of the one that is written."""

UNUSED = ("root_claim_id", "payer_claim_number", "original_payer_claim_number", "batch_id")
"""Columns that no score looks at."""

Tell = Callable[[str, int, int], None]

Table = Mapping[str, pa.Array]


@dataclass(slots=True)
class Account:
    """What scoring found beside scores.

    Parameters
    ----------
    rows_read, zero_amounts
        Rows that came, and those of zero dollars, which were left out.
    rejects, findings
        As a `TableRead` has them.
    unknown
        `payer_id` that the model does not know, `carc` and `rarcs` that no table has or that were retired (`carc_retired`).
    scored, in_scope, expected
        Rows scored, those in scope, and the dollars to be expected of these.
    """

    rows_read: int = 0
    zero_amounts: int = 0
    rejects: list[Reject] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    unknown: dict[str, set[str]] = field(default_factory=dict)
    scored: int = 0
    in_scope: int = 0
    expected: float = 0.0

    def add(self, other: Account) -> None:
        """Add that of another part."""
        self.rows_read += other.rows_read
        self.zero_amounts += other.zero_amounts
        self.rejects += other.rejects
        self.findings.rows.update(other.findings.rows)
        for column, counts in other.findings.unlisted.items():
            self.findings.unlisted.setdefault(column, Counter()).update(counts)
        for column, words in other.unknown.items():
            self.unknown.setdefault(column, set()).update(words)
        self.scored += other.scored
        self.in_scope += other.in_scope
        self.expected = math.fsum((self.expected, other.expected))

    def as_json(self) -> str:
        """Return it as text, to lie beside the scores of its part."""
        told = {
            "counts": [self.rows_read, self.zero_amounts, self.scored, self.in_scope],
            "expected": self.expected,
            "rejects": [[reject.row, reject.id, reject.column, reject.rule.value] for reject in self.rejects],
            "rows": [[*key, count] for key, count in self.findings.rows.items()],
            "unlisted": {column: dict(counts) for column, counts in self.findings.unlisted.items()},
            "unknown": {column: sorted(words) for column, words in self.unknown.items()},
        }
        return json.dumps(told)

    def as_read(self) -> TableRead:
        """Return the account of reading alone, without the rows."""
        none = Batch(WRITEOFFS, empty_columns(WRITEOFFS, 0), Vocabulary())
        return TableRead(none, np.zeros(0, dtype=np.int64), self.rejects, self.findings, self.rows_read, self.zero_amounts)

    @classmethod
    def from_json(cls, text: str) -> Account:
        """Return what `as_json` wrote."""
        told = json.loads(text)
        findings = Findings()
        findings.rows.update({(code, column): count for code, column, count in told["rows"]})
        findings.unlisted.update({column: Counter(counts) for column, counts in told["unlisted"].items()})
        rejects = [Reject(row, ident, column, Rule(rule)) for row, ident, column, rule in told["rejects"]]
        read, zero, scored, in_scope = told["counts"]
        unknown = {column: set(words) for column, words in told["unknown"].items()}
        return cls(read, zero, rejects, findings, unknown, scored, in_scope, told["expected"])


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker must know to score parts of one ledger: plain data, which goes to other processes and machines.

    Parameters
    ----------
    cut
        The ledger.
    packed
        The model and what it sees with.
    mapping, latest
        How cells are read.
    as_of
        The morning of scoring.
    explain_all
        Every row gets reasons at once.
    codes
        Folder of licensed lists of codes.
    cache
        Private folder of compiled trees; None: trees are interpreted.
    """

    cut: Cut
    packed: Packed
    mapping: mappings.Mapping | None
    latest: int | None
    as_of: int
    explain_all: bool
    codes: Path | None
    cache: Path | None


class Worker:
    """Scores parts."""

    def __init__(self, task: Task, scorer: Scorer | None = None) -> None:
        self._task, self._hasher = task, TextHasher(task.cache)
        self._scorer = scorer if scorer is not None else task.packed.unpack()
        self._codes = Codes.load(extra=task.codes, on=date(1970, 1, 1) + timedelta(days=task.as_of))
        if task.cache is not None:
            self._scorer.compile(task.cache)

    def score(self, part: Part) -> Path:
        """Score a part and return the file that holds its sorted scores; what is there already is not done again."""
        path = self._task.cut.folder / f"run-{part.number}.arrow"
        if not path.exists():
            read = self._read(part)
            batch = read.batch
            view, found = self._scorer.judge(batch, as_of=self._task.as_of)
            rows = np.arange(len(batch))
            reasons = self._scorer.explain(batch, rows, as_of=self._task.as_of) if self._task.explain_all else None
            run = run_of(batch, view, found, self._task.cut.positions(part, read.row_numbers), reasons, self._hasher)
            scope = view.triage.in_scope
            account = Account(
                rows_read=read.rows_read,
                zero_amounts=read.zero_amounts,
                rejects=read.rejects,
                findings=read.findings,
                unknown=unknown_words(self._scorer, batch, self._codes),
                scored=len(batch),
                in_scope=int(scope.sum()),
                expected=float(found["expected_recovery"][scope].sum()),
            )
            save_run(path, run, account)
        return path

    def explain(self, part: Part, rows: NDArray[np.int64]) -> dict[int, str]:
        """Return the reasons of rows of a part, by their position in the ledger; only they and what belongs to them is looked at."""
        small = part.with_their_own(rows)
        read = self._read(small)
        positions = self._task.cut.positions(small, read.row_numbers)
        asked = np.flatnonzero(np.isin(positions, rows))
        told = self._scorer.explain(read.batch, asked, as_of=self._task.as_of)
        return dict(zip(positions[asked].tolist(), map(as_json, told), strict=True))

    def _read(self, part: Part) -> TableRead:
        task = self._task
        words = task.packed.words.overlay()
        return task.cut.read(part, WRITEOFFS, words, mapping=task.mapping, latest=task.latest, unused=UNUSED, hasher=self._hasher)


class Workers(Protocol):
    """Those who score parts: this process, several, or a cluster."""

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """Yield the files of sorted scores, in any order."""
        ...

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """Yield the reasons of rows of parts, in any order."""
        ...


class Alone:
    """One worker, in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """See `Workers`."""
        return map(self._worker.score, parts)

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """See `Workers`."""
        return (self._worker.explain(part, rows) for part, rows in asked)


class Processes:
    """Several workers, each in a process of its own, which finds the task in the job's private folder."""

    def __init__(self, pool: Executor, task: Task) -> None:
        self._pool, self._file = pool, task.cut.folder / _TASK_FILE
        replace_file(self._file, lambda file: pickle.dump(task, file), is_lasting=False)

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """See `Workers`."""
        return self._pool.map(partial(_score, self._file), parts)

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """See `Workers`."""
        return self._pool.map(partial(_explain, self._file), asked)


_TASK_FILE = "task-of-processes.pickle"


@contextmanager
def workers_of(task: Task, scorer: Scorer, count: int, *, alone: int = ALONE, pool: Executor | None = None) -> Iterator[Workers]:
    """Return so many workers for as long as the block runs; `pool` is one of `starting`, where it was known before that it is needed."""
    if pool is not None:
        yield Processes(pool, task)
    elif count <= 1 or len(task.cut) <= alone:
        yield Alone(Worker(task, scorer))
    else:
        with starting(count, None, None) as pool:
            yield Processes(pool, task)


class _Here:
    """What a process of a pool holds: the worker of the last task."""

    worker: tuple[Path, Worker] | None = None


def _worker(file: Path) -> Worker:
    if _Here.worker is None or _Here.worker[0] != file:
        with file.open("rb") as opened:
            task: Task = pickle.load(opened)
        _Here.worker = file, Worker(task, task.packed.unpack(Ready.model))
    return _Here.worker[1]


def _score(file: Path, part: Part) -> Path:
    return _worker(file).score(part)


def _explain(file: Path, asked: tuple[Part, NDArray[np.int64]]) -> dict[int, str]:
    return _worker(file).explain(*asked)


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

    as_file = partial(table_of, version=version, as_of=task.as_of, whys=WHY, as_floats=str(out).lower().endswith(".parquet"))

    def ranked() -> Iterator[Table]:
        for bucket in _ahead(_buckets(as_file, parts, paths, workers, len(cut), reasons or 0)):
            if scored.top is None:
                scored.top = bucket.run.slice(0, top)
            yield bucket.table or as_file(bucket.run, bucket.rank, told=dict(chain.from_iterable(map(dict.items, bucket.reasons))))
            tell("rank and write", bucket.rank + bucket.run.num_rows - 1, account.scored)
        if scored.top is None:
            yield as_file(run_of_nothing(task), 1, told={})

    write_blocks(out, ranked())
    return scored


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Rows of successive ranks, the first rank, the reasons that some get, which others may still be at; or all as a file holds it."""

    run: pa.RecordBatch
    rank: int
    reasons: Iterable[dict[int, str]] = ()
    table: Table | None = None


def _buckets(
    as_file: Callable[..., Table], parts: list[Part], paths: list[Path], workers: Workers, count: int, reasons: int
) -> Iterator[_Bucket]:
    """Yield the ranking in buckets; the first ones ask for their reasons as soon as they are known."""
    by_part = _owners(parts, count)
    rank = 1
    for run in merge([Run(partial(load_run, path)) for path in sorted(paths)], first=reasons):
        rows = np.sort(np.asarray(run.column("row"))[: max(reasons - rank + 1, 0)])
        if len(rows):
            asked = [_gathered(parts, by_part, some) for some in np.array_split(rows, -(-len(rows) // EXPLAINED_ROWS))]
            yield _Bucket(run, rank, reasons=workers.explain(asked))
        else:
            yield _Bucket(run, rank, table=as_file(run, rank, told={}))
        rank += run.num_rows


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
    """Yield the buckets, the next few made while one is written: they are of all sizes, and the first ones wait for reasons."""
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, buckets, None) for _ in range(_AHEAD))
        while (bucket := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, buckets, None))
            yield bucket


def save_run(path: Path, run: pa.RecordBatch, account: Account) -> None:
    """Write sorted scores with their account: whole or not at all."""
    schema = run.schema.with_metadata({"account": account.as_json()})

    def write(file: Any) -> None:
        with pa.ipc.new_file(file, schema) as writer:
            writer.write_batch(run.cast(schema) if run.schema != schema else run)

    replace_file(path, write, is_lasting=False)


def load_run(path: Path) -> pa.RecordBatch:
    """Return sorted scores; their pages are read when they are looked at."""
    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)


def load_account(path: Path) -> Account:
    """Return the account of sorted scores."""
    with pa.memory_map(str(path)) as file:
        return Account.from_json(pa.ipc.open_file(file).schema.metadata[b"account"].decode())


def unknown_words(scorer: Scorer, ledger: Batch, codes: Codes) -> dict[str, set[str]]:
    """Name payers that the model never saw, and codes that no table has or that were retired; all are scored all the same."""
    found: dict[str, set[str]] = {}
    if scorer.version != PRIOR:
        seen = np.unique(ledger.columns["payer_id"])
        new = seen[seen >= scorer.vocabulary.size("payer_id")]
        found["payer_id"] = {word for word in ledger.vocabulary.decode("payer_id", new) if word}
    for doubt in doubtful_codes(ledger, codes):
        found.setdefault(doubt.column if doubt.state == "unknown" else f"{doubt.column}_{doubt.state}", set()).add(doubt.word)
    return {column: words for column, words in found.items() if words}
