"""Any number of 835 files to candidate rows in bounded memory, whatever order the files come in.

Files are read side by side; what they say is set down in a folder by claim number, so that netting, which looks at the adjudications of one
claim, takes up one bucket of claims after the other. Rows of the buckets, each in order, are merged as they are written. What stays in
memory is a group of files or a bucket for each process, and of all files: issues, rejects, counts, and a line for each transaction.
"""

from __future__ import annotations

import gc
import hashlib
import heapq
import marshal
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Map
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from zlib import crc32

import pyarrow as pa

from features.errors import BadData
from features.intake.mapping import Mapping
from features.intake.remits.candidates import CANDIDATE_COLUMNS, LINE_COLUMNS, chain_rows, history_rows
from features.intake.remits.issues import Issue, IssueLog
from features.intake.remits.line_table import is_line_table, read_line_table
from features.intake.remits.netting import Adjudication, adjudications, chains_of
from features.intake.remits.plain import Plain, claim_of, content, plain_claim, plain_shell, shell_of
from features.intake.remits.records import Transaction
from features.intake.remits.sources import (
    RemitReject,
    Source,
    close_file,
    digested,
    latest_day,
    list_sources,
    paused_collector,
    read_file,
    refused,
    under_mapping,
)
from features.intake.remits.summary import Summary, Tally, summary

GROUP_BYTES, GROUP_CLAIMS = 4 << 20, 20_000
"""About so many bytes of files go to a process at a time, and what about so many claims say is set down at once."""

BUCKET_BYTES = 4 << 20
"""About so many bytes of files make a bucket: some ten thousand claims."""

MOST_BUCKETS, UNKNOWN_BUCKETS = 512, 64
"""Files that are open at once while buckets are merged; and buckets where nobody knows how much will come through a pipe."""

RUN_CLAIMS = 16
BLOCK_ROWS = 1 << 14

Progress = Callable[[str, int, int], None]
Order: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = Iterator[Map[str, pa.Array]]


@dataclass(frozen=True, slots=True)
class _Job:
    """What every process must know."""

    folder: Path
    buckets: int
    latest: str
    mapping: Mapping
    has_lines: bool

    def bucket(self, claim_id: str) -> int:
        return crc32(claim_id.encode("utf-8", "surrogatepass")) % self.buckets


@dataclass(frozen=True, slots=True)
class _Head:
    """What is remembered of a transaction: what orders it, where it was read, and a digest of what it says, None where it is cut off."""

    order: Order
    place: tuple[int, int]
    content: bytes | None


@dataclass(slots=True)
class _Told:
    """What is known of a file that was read; `number` is its place among all."""

    number: int
    log: IssueLog
    tally: Tally
    heads: list[_Head]
    rejects: list[RemitReject]
    files: tuple[str, ...] = ()


Slices: TypeAlias = list[tuple[int, int, int]]
"""A bucket in the file of a group, or a group in which a bucket has something; offset; length."""


class ManyRemits:
    """What came of reading many files; its rows lie in the folder, to be written before the folder is taken away.

    Parameters
    ----------
    issues, rejects, summary
        As of a `RemitImport`.
    """

    def __init__(self, *, issues: list[Issue], rejects: list[RemitReject], summary: Summary, runs: Sequence[tuple[Path, Path]]) -> None:
        self.issues, self.rejects, self.summary = issues, rejects, summary
        self._runs = runs

    def candidates(self) -> Rows:
        """Yield the write-off candidates in blocks of rows, in the order and words of `candidate_columns`."""
        return _blocks(CANDIDATE_COLUMNS, [candidates for candidates, _ in self._runs])

    def lines(self) -> Rows:
        """Yield `remit_lines` in blocks of rows, in the order and words of `remit_line_columns`."""
        return _blocks(LINE_COLUMNS, [lines for _, lines in self._runs])


def import_many(
    paths: Sequence[Path],
    *,
    folder: Path,
    mapping: Mapping | None = None,
    progress: Progress | None = None,
    today: date | None = None,
    stdin: BinaryIO | None = None,
    workers: int | None = None,
    has_lines: bool = False,
    bucket_bytes: int = BUCKET_BYTES,
) -> ManyRemits:
    """Read 835 files and return write-off candidates, as `import_remits` does without a ledger.

    Parameters
    ----------
    paths, mapping, progress, today, stdin
        As in `import_remits`, which says what is raised.
    folder
        An empty one that nobody else can enter.
    workers
        Processes that work side by side; None: one a core where there is enough to do.
    has_lines
        Whether `remit_lines` will be asked for.
    bucket_bytes
        About so many bytes of files are netted at a time.
    """
    latest = latest_day(today or date.today())
    sources = list_sources(paths, stdin)
    size = sum(source.size for source in sources)
    buckets, workers = min(max(size // bucket_bytes, 1), MOST_BUCKETS), workers or min(os.cpu_count() or 1, max(size // GROUP_BYTES, 1))
    if any(source.stream is not None for source in sources):
        # A pipe goes to no other process.
        buckets, workers = UNKNOWN_BUCKETS, 1
    job = _Job(folder, buckets, latest, mapping or Mapping(), has_lines)
    groups = list(_groups(sources, job.mapping))
    tell = _teller(sources, progress)
    told: list[_Told] = []
    slices: list[Slices] = [[] for _ in range(job.buckets)]
    with paused_collector(), _hands(workers) as each:
        for group, (found, where) in enumerate(each(_set_down, [(job, number, files) for number, files in enumerate(groups)])):
            told += found
            for bucket, offset, length in where:
                slices[bucket].append((group, offset, length))
            tell(found)
        if not any(one.tally.transactions for one in told):
            raise BadData(f"no 835 transaction in {len(sources)} files; is this a folder of 835 files (ST*835)?")
        (folder / _COPIES).write_bytes(marshal.dumps(_copies(head for one in told for head in one.heads)))
        runs, remarks = [], []
        for run, said in each(_net, [(job, bucket, where) for bucket, where in enumerate(slices)]):
            runs.append(run)
            remarks += said
    _remark(told, remarks)
    # by place in the file: the tokenizer runs ahead of the reader
    issues = [issue for one in told for issue in sorted(one.log.issues, key=lambda issue: (issue.segment is None, issue.segment or 0))]
    for one in told:
        one.tally.issues = len(one.log.issues)
    return ManyRemits(
        issues=issues,
        rejects=[reject for one in told for reject in one.rejects],
        summary=summary([one.tally for one in told], issues=len(issues)),
        runs=runs,
    )


def _groups(sources: Sequence[Source], mapping: Mapping) -> Iterator[list[tuple[int, Source, bool]]]:
    """Yield files that are read by one process, with their numbers and whether they are tables of `remit_lines`."""
    group: list[tuple[int, Source, bool]] = []
    held = 0
    for number, source in enumerate(sources):
        group.append((number, source, source.stream is None and is_line_table(source.path, mapping)))
        held += source.size
        if held >= GROUP_BYTES:
            yield group
            group, held = [], 0
    if group:
        yield group


_Each = Callable[[Callable[..., Any], list[tuple[Any, ...]]], Iterator[Any]]


@contextmanager
def _hands(workers: int) -> Iterator[_Each]:
    """Return what does work for each of many, in their order."""
    if workers == 1:
        yield lambda work, asked: (work(*one) for one in asked)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield lambda work, asked: pool.map(work, *zip(*asked, strict=True))


def _teller(sources: Sequence[Source], progress: Progress | None) -> Callable[[list[_Told]], None]:
    done, size = 0, sum(source.size for source in sources)

    def tell(found: list[_Told]) -> None:
        nonlocal done
        for one in found:
            done += sources[one.number].size
            if progress is not None:
                progress(sources[one.number].name, done, size)

    return tell


# ---- a group of files, set down by claim ----------------------------------------------------------------------------


def _set_down(job: _Job, group: int, files: list[tuple[int, Source, bool]]) -> tuple[list[_Told], Slices]:
    """Read a group of files and set down what they say of claims, the claims of a bucket together."""
    told: list[_Told] = []
    slices: Slices = []
    held: defaultdict[int, list[Plain]] = defaultdict(list)
    waiting = 0
    with (job.folder / f"group-{group}").open("wb") as out:

        def flush() -> None:
            for bucket, pieces in held.items():
                slices.append((bucket, out.tell(), out.write(marshal.dumps(pieces))))
            held.clear()

        for number, source, has_rows in files:
            one = _Told(number, IssueLog(source.name), Tally(source.name), [], [])
            told.append(one)
            for place, read in enumerate((_read_table if has_rows else _read_835)(job, source, one)):
                remit = under_mapping(read, job.mapping.payers)
                one.rejects += refused(remit, one.log)
                is_whole = all(claim.is_complete for claim in remit.claims)
                one.heads.append(_Head(_order(remit), (number, place), content(remit) if is_whole else None))
                waiting += _hold(job, remit, (number, place), held)
                if waiting >= GROUP_CLAIMS:
                    flush()
                    waiting = 0
            if not has_rows:
                close_file(one.log, one.tally)
        flush()
    return told, slices


def _read_835(job: _Job, source: Source, one: _Told) -> Iterator[Transaction]:
    return read_file(source, one.log, one.tally, job.latest)


def _read_table(job: _Job, source: Source, one: _Told) -> Iterator[Transaction]:
    digest = hashlib.sha256()
    for chunk in digested(source, one.log, digest.update, None):
        del chunk
    one.tally.sha256 = digest.hexdigest()
    latest = (date.fromisoformat(job.latest) - date(1970, 1, 1)).days
    table = read_line_table(source.path, mapping=job.mapping, latest=latest)
    one.files = tuple(dict.fromkeys(remit.file for remit in table.remits))
    for remit in table.remits:
        one.tally.add(remit)
        yield remit
    one.rejects += [RemitReject(source.name, row.row, row.id, row.column, row.rule.value) for row in table.rejects]


def _order(remit: Transaction) -> Order:
    """Return what orders transactions, as `netting.distinct_remits` does."""
    return remit.remit_date, remit.control, remit.file.count("/"), remit.file, remit.segment


def _hold(job: _Job, remit: Transaction, place: tuple[int, int], held: dict[int, list[Plain]]) -> int:
    """Add what a transaction says of claims to what is held by bucket; return how many claims."""
    by_bucket: defaultdict[int, list[tuple[int, Plain]]] = defaultdict(list)
    for one in adjudications(remit):
        by_bucket[job.bucket(one.claim.claim_id)].append((one.position, plain_claim(one.claim)))
    shell = plain_shell(remit)
    for bucket, claims in by_bucket.items():
        held[bucket].append((place, shell, claims))
    return len(remit.claims)


_COPIES = "copies"


def _copies(heads: Iterable[_Head]) -> frozenset[tuple[int, int]]:
    """Return the places of transactions that say what an earlier one says: a file sent again changes nothing."""
    seen: set[bytes] = set()
    copies = []
    for head in sorted(heads, key=lambda one: one.order):
        if head.content is not None and head.content in seen:
            copies.append(head.place)
        elif head.content is not None:
            seen.add(head.content)
    return frozenset(copies)


# ---- a bucket of claims, netted -------------------------------------------------------------------------------------


def _net(job: _Job, bucket: int, where: Slices) -> tuple[tuple[Path, Path], list[tuple[Order, str, int, str]]]:
    """Net the claims of a bucket and set down its rows in order; return where, and what is worth an issue."""
    paths = job.folder / f"candidates-{bucket}", job.folder / f"lines-{bucket}"
    remarks, taken, groups = [], set[str](), job.mapping.groups
    with _Run(paths[0]) as rows, _Run(paths[1]) as lines:
        for chain in chains_of(_taken_up(job, where)):
            order, last = chain.adjudications[0].order, chain.adjudications[-1]
            if found := tuple(chain_rows(chain, groups, taken)):
                rows.add((order, found))
            if job.has_lines:
                lines.add((order, tuple(row for one in chain.adjudications for row in history_rows(one, groups))))
            if code := chain.remark():
                remarks.append((order, last.remit.file, last.claim.segment, code))
    return paths, remarks


def _taken_up(job: _Job, where: Slices) -> Iterator[Adjudication]:
    """Yield the adjudications of a bucket in the order of their transactions, copies left out."""
    copies = marshal.loads((job.folder / _COPIES).read_bytes())
    found: list[tuple[Transaction, list[tuple[int, Plain]]]] = []
    for group, offset, length in where:
        with (job.folder / f"group-{group}").open("rb") as file:
            file.seek(offset)
            pieces = marshal.loads(file.read(length))
        found += [(shell_of(shell), claims) for place, shell, claims in pieces if place not in copies]
    found.sort(key=lambda one: _order(one[0]))
    for remit, claims in found:
        for position, claim in claims:
            yield Adjudication(remit, claim_of(claim), position)


def _remark(told: Sequence[_Told], remarks: list[tuple[Order, str, int, str]]) -> None:
    """Add what netting found to the logs of the files, in the order of the claims."""
    log_of: dict[str, IssueLog] = {}
    for one in told:
        for name in (*one.files, one.log.file):
            log_of.setdefault(name, one.log)
    for _, file, segment, code in sorted(remarks):
        log_of[file].add(code, segment, "CLP")


# ---- all rows -------------------------------------------------------------------------------------------------------


def _blocks(names: Sequence[str], paths: Sequence[Path]) -> Rows:
    """Merge the rows of all buckets by the order of their claims, in blocks."""
    block: list[tuple[str, ...]] = []
    is_first = True
    for _, rows in heapq.merge(*map(_run, paths), key=itemgetter(0)):
        block += rows
        if len(block) >= BLOCK_ROWS:
            yield _columns(names, block)
            block, is_first = [], False
    if block or is_first:
        yield _columns(names, block)


class _Run:
    """Writes the rows of claims, a few claims at a time: all buckets are merged at once, each with as many in memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._held: list[tuple[Order, tuple[tuple[str, ...], ...]]] = []

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def add(self, rows: tuple[Order, tuple[tuple[str, ...], ...]]) -> None:
        """Write the rows of the next claim."""
        self._held.append(rows)
        if len(self._held) >= RUN_CLAIMS:
            self._flush()

    def _flush(self) -> None:
        data = marshal.dumps(self._held)
        self._file.write(len(data).to_bytes(8, "little"))
        self._file.write(data)
        self._held.clear()


def _run(path: Path) -> Iterator[tuple[Order, tuple[tuple[str, ...], ...]]]:
    """Yield what `_Run` wrote."""
    with path.open("rb") as file:
        while length := file.read(8):
            yield from marshal.loads(file.read(int.from_bytes(length, "little")))


def _columns(names: Sequence[str], rows: list[tuple[str, ...]]) -> Map[str, pa.Array]:
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: pa.array(column, pa.string()) for name, column in zip(names, values, strict=True)}
