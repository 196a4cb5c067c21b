"""Any number of 835 files to rows and outcomes in bounded memory, whatever order the files come in.

Files are read side by side; what they say is set down in a folder by claim number, so that netting, which looks at the adjudications of one
claim, takes up one bucket of claims after the other. Rows of the buckets, each in order, are merged as they are written. What stays in
memory is a group of files or a bucket for each process, and of all files: issues, rejects, counts, a line for each transaction, and what
providers' adjustments say. Rows of a ledger go to the bucket of their claim number; the ledger itself is held whole.
"""

from __future__ import annotations

import gc
import marshal
import os
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Map
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from features.errors import BadData
from features.intake.mapping import Mapping
from features.intake.pseudonyms import Pseudonyms
from features.intake.remits.buckets import COPIES, GROUP_BYTES, Head, Job, Slices, Told, copies_among, set_down, take_up
from features.intake.remits.candidates import CANDIDATE_COLUMNS, LINE_COLUMNS, TextColumns, chain_rows, history_rows
from features.intake.remits.events import Outcomes, event_order
from features.intake.remits.follow_ups import follow_ups
from features.intake.remits.issues import Issue, IssueLog
from features.intake.remits.ledger_join import Joiner, LedgerRows, read_ledger
from features.intake.remits.line_table import is_line_table
from features.intake.remits.netting import Chain, chains_of
from features.intake.remits.recoveries import outcomes_of, roots_of
from features.intake.remits.runs import Order, Rows, Run, blocks_of, merged_blocks
from features.intake.remits.sources import (
    RemitReject,
    Source,
    latest_day,
    list_sources,
    paused_collector,
)
from features.intake.remits.summary import Kept, Summary, summary
from features.intake.remits.take_backs import Names, TakeBack, names_of, pairs_of, taken_back, words_of

BUCKET_BYTES = 4 << 20
"""About so many bytes of files make a bucket: some ten thousand claims."""

MOST_BUCKETS, UNKNOWN_BUCKETS = 512, 64
"""Files that are open at once while buckets are merged; and buckets where nobody knows how much will come through a pipe."""

Progress = Callable[[str, int, int], None]


class ManyRemits:
    """What came of reading many files; its rows lie in the folder, to be written before the folder is taken away.

    Parameters
    ----------
    issues, rejects, summary
        As of a `RemitImport`.
    outcomes
        What later remits brought, took back and refused; None where it was not asked for.
    """

    def __init__(
        self,
        *,
        issues: list[Issue],
        rejects: list[RemitReject],
        summary: Summary,
        outcomes: Outcomes | None,
        runs: Sequence[tuple[Path, Path]],
        ledger: TextColumns | None,
    ) -> None:
        self.issues, self.rejects, self.summary, self.outcomes = issues, rejects, summary, outcomes
        self._runs, self._ledger = runs, ledger

    def candidates(self) -> Rows:
        """Yield the write-off rows in blocks, in the order and words of `RemitImport.candidates`."""
        if self._ledger is not None:
            return blocks_of(self._ledger)
        return merged_blocks(CANDIDATE_COLUMNS, [candidates for candidates, _ in self._runs])

    def lines(self) -> Rows:
        """Yield `remit_lines` in blocks of rows, in the order and words of `remit_line_columns`."""
        return merged_blocks(LINE_COLUMNS, [lines for _, lines in self._runs])


def import_many(
    paths: Sequence[Path],
    *,
    folder: Path,
    but: Collection[Path] = (),
    mapping: Mapping | None = None,
    progress: Progress | None = None,
    today: date | None = None,
    stdin: BinaryIO | None = None,
    workers: int | None = None,
    ledger: Path | None = None,
    identity: Pseudonyms | None = None,
    has_lines: bool = False,
    has_outcomes: bool = False,
    as_of: date | None = None,
    bucket_bytes: int = BUCKET_BYTES,
) -> ManyRemits:
    """Read 835 files and return write-off candidates, or a ledger's rows joined with what they say, as `import_remits` does.

    Parameters
    ----------
    paths, mapping, progress, today, stdin, ledger, identity
        As in `import_remits`, which says what is raised.
    folder
        An empty one that nobody else can enter.
    but
        Files that are no remittances, wherever they lie: what the caller writes, and other tables that it reads.
    workers
        Processes that work side by side; None: one a core where there is enough to do.
    has_lines, has_outcomes
        Whether `remit_lines`, and outcomes, will be asked for.
    as_of
        Outcomes are those known on the morning of this day (default: all that was read).
    bucket_bytes
        About so many bytes of files are netted at a time.
    """
    latest = latest_day(today or date.today())
    sources = list_sources(paths, stdin, but)
    size = sum(source.size for source in sources)
    buckets, workers = min(max(size // bucket_bytes, 1), MOST_BUCKETS), workers or min(os.cpu_count() or 1, max(size // GROUP_BYTES, 1))
    if any(source.stream is not None for source in sources):
        # A pipe goes to no other process.
        buckets, workers = UNKNOWN_BUCKETS, 1
    job = Job(folder, buckets, latest, mapping or Mapping(), has_lines, has_outcomes, as_of.isoformat() if as_of else "9999-12-31")
    with paused_collector(), _hands(workers) as each:
        told, slices = _set_down_all(job, sources, each, _teller(sources, progress))
        if not any(one.tally.transactions for one in told):
            raise BadData(f"no 835 transaction in {len(sources)} files; is this a folder of 835 files (ST*835)?")
        copies = copies_among(head for one in told for head in one.heads)
        (folder / COPIES).write_bytes(marshal.dumps(copies))
        rows = None if ledger is None else read_ledger(ledger, mapping=mapping, identity=identity, latest=latest)
        taken = _taken(job, slices, [head for one in told for head in one.heads if head.place not in copies], each)
        by_bucket = _by_bucket(job, rows)
        netted = list(each(_net, ((job, bucket, where, by_bucket(bucket), taken[bucket]) for bucket, where in enumerate(slices))))
    _remark(told, [remark for one in netted for remark in one.remarks])
    issues, rejects = _wrong(told)
    if ledger is not None and rows is not None:
        issues += _join(ledger, rows, netted)
        rejects += [RemitReject(ledger.name, one.row, one.id, one.column, one.rule.value) for one in rows.rejects]
    kept = Kept(repeated_transactions=len(copies))
    for bucket in netted:
        kept.merge(bucket.kept)
    for one in told:
        one.tally.issues = len(one.log.issues)
    return ManyRemits(
        issues=issues,
        rejects=rejects,
        summary=summary([one.tally for one in told], kept, issues=len(issues)),
        outcomes=_together(one.outcomes for one in netted if one.outcomes is not None) if has_outcomes else None,
        runs=[(one.candidates, one.lines) for one in netted],
        ledger=None if rows is None else rows.ordered(),
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


_Each = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Iterator[Any]]


def _set_down_all(job: Job, sources: Sequence[Source], each: _Each, tell: Callable[[list[Told]], None]) -> tuple[list[Told], list[Slices]]:
    """Read all files, group by group; return what was told of each, and where the claims of each bucket lie."""
    told: list[Told] = []
    slices: list[Slices] = [[] for _ in range(job.buckets)]
    groups = list(_groups(sources, job.mapping))
    for group, (found, where) in enumerate(each(set_down, ((job, number, files) for number, files in enumerate(groups)))):
        told += found
        for bucket, offset, length in where:
            slices[bucket].append((group, offset, length))
        tell(found)
    return told, slices


def _wrong(told: Sequence[Told]) -> tuple[list[Issue], list[RemitReject]]:
    """Return what was wrong in the files: issues by place, as the tokenizer runs ahead of the reader, and rejects."""
    issues = [issue for one in told for issue in sorted(one.log.issues, key=lambda issue: (issue.segment is None, issue.segment or 0))]
    return issues, [reject for one in told for reject in one.rejects]


@contextmanager
def _hands(workers: int) -> Iterator[_Each]:
    """Return what does work for each of many, in their order."""
    if workers == 1:
        yield lambda work, asked: (work(*one) for one in asked)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield lambda work, asked: _in_order(pool, work, asked, 2 * workers)


def _in_order(pool: Executor, work: Callable[..., Any], asked: Iterable[tuple[Any, ...]], ahead: int) -> Iterator[Any]:
    """Yield what comes of each, in order; only as much is asked ahead as keeps all busy."""
    waiting: deque[Future[Any]] = deque()
    for one in asked:
        waiting.append(pool.submit(work, *one))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _teller(sources: Sequence[Source], progress: Progress | None) -> Callable[[list[Told]], None]:
    done, size = 0, sum(source.size for source in sources)

    def tell(found: list[Told]) -> None:
        nonlocal done
        for one in found:
            done += sources[one.number].size
            if progress is not None:
                progress(sources[one.number].name, done, size)

    return tell


# ---- a bucket of claims, netted -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Netted:
    """What came of a bucket.

    Parameters
    ----------
    candidates, lines
        Where rows lie, in order.
    remarks
        What is worth an issue: order of the claim, file, segment, code.
    facts, notes
        What rows of the ledger are filled with, by place; and what is worth an issue: place, number of the row, code.
    kept
        What is in the rows.
    outcomes
        None where they were not asked for.
    """

    candidates: Path
    lines: Path
    remarks: list[tuple[Order, str, int, str]] = field(default_factory=list)
    facts: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    notes: list[tuple[int, int, str]] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)
    outcomes: Outcomes | None = None


_Row: TypeAlias = tuple[int, int, dict[str, str], bool]
"""Place and number of a row of the ledger, its cells, and whether it is reversed."""


def _net(job: Job, bucket: int, where: Slices, ledger: list[_Row] | None, taken: dict[int, list[TakeBack]]) -> _Netted:
    """Net the claims of a bucket, set down its rows in order, and join the ledger's rows on them."""
    found = _Netted(job.folder / f"candidates-{bucket}", job.folder / f"lines-{bucket}")
    known, ids, groups = chains_of(take_up(job, where)), set[str](), job.mapping.groups
    with Run(found.candidates) as rows, Run(found.lines) as lines:
        for chain in known:
            order, last = chain.adjudications[0].order, chain.adjudications[-1]
            for one in chain.adjudications:
                found.kept.add(one.claim)
            if ledger is None and (made := tuple(chain_rows(chain, groups, ids))):
                rows.add((order, made))
            if job.has_lines:
                lines.add((order, tuple(row for one in chain.adjudications for row in history_rows(one, groups))))
            if code := chain.remark():
                found.remarks.append((order, last.remit.file, last.claim.segment, code))
    joined = None if ledger is None else _joined(known, ledger, groups, found)
    if job.has_outcomes:
        found.outcomes = outcomes_of(known, taken, groups=groups, ledger=joined, as_of=job.as_of)
    return found


def _joined(known: list[Chain], ledger: list[_Row], groups: Map[str, str], found: _Netted) -> tuple[TextColumns, list[bool]]:
    """Note what rows of the ledger are filled with, and return them filled."""
    log = _Notes("")
    joiner = Joiner(known, groups, log)
    for place, number, row, _ in ledger:
        log.place = place
        if facts := joiner.facts(row, number):
            found.facts.append((place, facts))
            row |= {name: value for name, value in facts.items() if not row.get(name)}
    found.notes = log.notes
    names = dict.fromkeys(name for _, _, row, _ in ledger for name in row)
    return {name: [row.get(name, "") for _, _, row, _ in ledger] for name in names}, [is_reversed for *_, is_reversed in ledger]


class _Notes(IssueLog):
    """Keeps all that is noted of rows, each with its place: which are listed is decided over the whole ledger."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.place = 0
        self.notes: list[tuple[int, int, str]] = []

    def add(self, code: str, segment: int | None = None, tag: str = "", element: int | None = None) -> None:
        """Note an issue of a row."""
        self.notes.append((self.place, segment or 0, code))


def _by_bucket(job: Job, rows: LedgerRows | None) -> Callable[[int], list[_Row] | None]:
    """Return what finds the rows of the ledger whose claims are in a bucket."""
    if rows is None:
        return lambda bucket: None
    places: list[list[int]] = [[] for _ in range(job.buckets)]
    for place, claim in enumerate(rows.columns.get("claim_id") or [""] * len(rows.numbers)):
        places[job.bucket(claim)].append(place)
    return lambda bucket: [(place, rows.numbers[place], rows.row(place), rows.is_reversed[place]) for place in places[bucket]]


def _join(path: Path, rows: LedgerRows, netted: Iterable[_Netted]) -> list[Issue]:
    """Fill the rows of the ledger, and return its issues."""
    notes: list[tuple[int, int, str]] = []
    for one in netted:
        notes += one.notes
        for place, facts in one.facts:
            rows.fill(place, facts)
    log = IssueLog(path.name)
    for _, number, code in sorted(notes, key=itemgetter(0)):
        log.add(code, number)
    return rows.issues + log.issues


def _taken(job: Job, slices: Sequence[Slices], heads: list[Head], each: _Each) -> list[dict[int, list[TakeBack]]]:
    """Return for each bucket what PLB pairs take back from its claims: a name may be that of claims in several buckets, then of none."""
    found: list[dict[int, list[TakeBack]]] = [{} for _ in slices]
    remits = (head.remit for head in sorted(heads, key=lambda one: one.order))
    pairs = pairs_of((remit for remit in remits if remit is not None), as_of=job.as_of) if job.has_outcomes else {}
    if not pairs:
        return found
    wanted = words_of(pairs)
    names: Names[tuple[int, int]] = defaultdict(set), defaultdict(set)
    for bucket, of_bucket in enumerate(each(_named, ((job, where, wanted) for where in slices))):
        for all_of_a_kind, own in zip(names, of_bucket, strict=True):
            for key, roots in own.items():
                all_of_a_kind[key].update((bucket, root) for root in roots)
    for (bucket, root), some in taken_back(pairs, names).items():
        found[bucket][root] = some
    return found


def _named(job: Job, where: Slices, wanted: set[tuple[str, str]]) -> Names[int]:
    known = chains_of(take_up(job, where))
    return names_of(known, roots_of(len(known), follow_ups(known)), wanted)


def _together(parts: Iterable[Outcomes]) -> Outcomes:
    found = Outcomes([])
    for one in parts:
        found.events += one.events
        found.loose_recovered += one.loose_recovered
        found.loose_taken_back += one.loose_taken_back
    found.events.sort(key=event_order)
    return found


def _remark(told: Sequence[Told], remarks: list[tuple[Order, str, int, str]]) -> None:
    """Add what netting found to the logs of the files, in the order of the claims."""
    log_of: dict[str, IssueLog] = {}
    for one in told:
        for name in (*one.files, one.log.file):
            log_of.setdefault(name, one.log)
    for _, file, segment, code in sorted(remarks):
        log_of[file].add(code, segment, "CLP")
