"""The whole of `recoup import-remits`: files and folders in; candidates, lines, issues, rejects and counts out."""

from __future__ import annotations

import gc
import hashlib
import os
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

from features.errors import BadData
from features.intake.mapping import Mapping
from features.intake.pseudonyms import Pseudonyms
from features.intake.remits.candidates import TextColumns, candidate_columns, remit_line_columns
from features.intake.remits.events import Outcomes
from features.intake.remits.issues import Issue, IssueLog
from features.intake.remits.ledger_join import join_ledger
from features.intake.remits.line_table import is_line_table, read_line_table
from features.intake.remits.netting import Chain, chains, distinct_remits
from features.intake.remits.records import ProviderAdjustment, Transaction
from features.intake.remits.recoveries import outcomes
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
from features.intake.remits.summary import Kept, Summary, Tally, summary

Progress = Callable[[str, int, int], None]
"""Called with the file being read, bytes read so far and bytes in all files."""


class RemitImport:
    """What came of an import.

    Parameters
    ----------
    make_candidates
        Makes the write-off rows; called once, when they are asked for.
    remits, chains
        The transactions in order, each content once, and the claims with their adjudications in order.
    issues, rejects
        What was found wrong, and what was left out for it.
    summary
        Counts as read, and of what was kept: `{"files": [...], "totals": {...}, "kept": {...}}`.
    provider_adjustments
        PLB pairs with the file and day they came in.
    make_lines
        Makes `remit_lines`; called once, when they are asked for.
    make_outcomes
        Makes the outcome events that were known on the morning of an ISO day.
    later
        Transactions left out because they were sent on the day `as_of` or later.
    """

    def __init__(
        self,
        *,
        make_candidates: Callable[[], TextColumns],
        remits: list[Transaction],
        chains: list[Chain],
        issues: list[Issue],
        rejects: list[RemitReject],
        summary: Summary,
        provider_adjustments: list[tuple[str, str, ProviderAdjustment]],
        make_lines: Callable[[], TextColumns],
        make_outcomes: Callable[[str], Outcomes],
        later: int = 0,
    ) -> None:
        self.remits = remits
        self.chains = chains
        self.issues = issues
        self.rejects = rejects
        self.summary = summary
        self.provider_adjustments = provider_adjustments
        self.later = later
        self._make_candidates = make_candidates
        self._make_lines = make_lines
        self._make_outcomes = make_outcomes

    @cached_property
    def candidates(self) -> TextColumns:
        """Write-off rows as text, blank where null: candidates of the 835, or with a ledger its rows with what the 835 says."""
        with paused_collector():
            return self._make_candidates()

    @cached_property
    def lines(self) -> TextColumns:
        """`remit_lines` as text."""
        return self._make_lines()

    def outcomes(self, as_of: date | None = None) -> Outcomes:
        """Return what later remits brought, took back and refused, as known on the morning of a day (default: all that was read)."""
        return self._make_outcomes(as_of.isoformat() if as_of else "9999-12-31")


def import_remits(
    paths: Sequence[Path],
    *,
    but: Collection[Path] = (),
    ledger: Path | None = None,
    mapping: Mapping | None = None,
    identity: Pseudonyms | None = None,
    progress: Progress | None = None,
    today: date | None = None,
    stdin: BinaryIO | None = None,
    workers: int | None = 1,
    as_of: date | None = None,
) -> RemitImport:
    """Read 835 files and return write-off candidates, or a ledger's rows joined with what the 835 says.

    Parameters
    ----------
    paths
        Files, or folders read to any depth whatever the files' endings. The same file named twice is read once. A `.csv` or `.parquet`
        with the columns of `remit_lines` is read as that table.
    but
        Files that are no remittances, whatever folder they lie in: what the caller writes, and other tables that it reads.
    ledger
        A `writeoffs` table; its rows keep their id, amount and date.
    mapping
        Payers (by the id or name in the 835) and group codes, and everything of the ledger, under the practice's names. A candidate's
        `writeoff_id` is made from the payer's mapped id.
    identity
        Hashes the ledger's patient ids; None: they are left out. An 835 gives none.
    progress
        Told what is read.
    today
        Dates more than five years after it are not believed (default: the day of the call).
    stdin
        What the path `-` reads (default: the process's standard input).
    workers
        Processes that read files side by side; None: one a core where the files are many. What comes of it is the same.
    as_of
        Transactions sent on this day or later are left out, with what was found wrong in them: nobody knew of them on its morning
        (default: all are taken).

    Raises
    ------
    BadData
        When no file held an 835 or `remit_lines`, or too many rows of such a table were refused; exit code 65.
    StorageFailed
        When a path is not there, or a folder cannot be listed.

    Examples
    --------
    >>> import_remits([Path("nowhere.835")])
    Traceback (most recent call last):
    features.errors.StorageFailed: nowhere.835: cannot be read: No such file or directory
    """
    latest = latest_day(today or date.today())
    sources = list_sources(paths, stdin, but)
    until = as_of.isoformat() if as_of else "9999-12-31"
    reading = _Reading(latest, mapping or Mapping(), progress, sum(source.size for source in sources), until)
    with paused_collector(), _readers(sources, workers) as pool:
        is_table = [source.stream is None and is_line_table(source.path, mapping) for source in sources]
        ahead = pool.map(_read_remits, *zip(*_asked(sources, is_table, latest), strict=True), chunksize=16) if pool else iter(())
        for source, has_rows in zip(sources, is_table, strict=True):
            if has_rows:
                reading.read_table(source, _days(latest))
            elif pool is not None:
                reading.take(source, *next(ahead))
            else:
                reading.read(source)
        if not reading.has_remits:
            raise BadData(f"no 835 transaction in {len(sources)} files; is this a folder of 835 files (ST*835)?")
        return reading.result(ledger, mapping, identity, latest)


def _is_of_later(begins: list[tuple[int, bool]], segment: int) -> bool:
    """Whether a segment is of a transaction that is left out; what stands before the first one is of that."""
    return begins[max(bisect_right(begins, (segment, True)) - 1, 0)][1]


MANY_FILES, MANY_BYTES = 16, 16 << 20
"""Below so many files or bytes a second process costs more than it brings."""


@contextmanager
def _readers(sources: list[Source], workers: int | None) -> Iterator[Executor | None]:
    """Return processes that read files, or None where this one had better read them itself."""
    if workers is None:
        is_much = len(sources) >= MANY_FILES and sum(source.size for source in sources) >= MANY_BYTES
        workers = (os.cpu_count() or 1) if is_much else 1
    if workers == 1 or any(source.stream is not None for source in sources):
        yield None
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield pool


def _asked(sources: list[Source], is_table: list[bool], latest: str) -> list[tuple[Source, str]]:
    return [(source, latest) for source, has_rows in zip(sources, is_table, strict=True) if not has_rows]


def _days(iso: str) -> int:
    return (date.fromisoformat(iso) - date(1970, 1, 1)).days


def _read_remits(source: Source, latest: str, seen: Callable[[int], None] | None = None) -> tuple[list[Transaction], IssueLog, Tally]:
    log, tally = IssueLog(source.name), Tally(source.name)
    return list(read_file(source, log, tally, latest, seen)), log, tally


class _Reading:
    """Everything read so far."""

    def __init__(self, latest: str, mapping: Mapping, progress: Progress | None, size: int, until: str) -> None:
        self.has_remits = False
        self._latest = latest
        self._mapping = mapping
        self._progress = progress
        self._size = size
        self._until = until
        self._later = 0
        self._done = 0
        self._remits: list[Transaction] = []
        self._logs: list[IssueLog] = []
        self._rejects: list[RemitReject] = []
        self._tallies: list[Tally] = []
        self._log_of: dict[str, IssueLog] = {}

    def read(self, source: Source) -> None:
        """Read one file."""
        self.take(source, *_read_remits(source, self._latest, lambda size: self._tell(source, size)), is_told=True)

    def take(self, source: Source, remits: list[Transaction], log: IssueLog, tally: Tally, *, is_told: bool = False) -> None:
        """Take what one file held."""
        for remit in self._known(remits, log):
            self._keep(remit, log)
        self.has_remits |= tally.transactions > 0
        close_file(log, tally)
        self._finish(tally, log)
        if not is_told:
            self._tell(source, source.size)

    def _tell(self, source: Source, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(source.name, self._done, self._size)

    def read_table(self, source: Source, latest: int) -> None:
        """Read one table of `remit_lines`."""
        log, tally, digest = IssueLog(source.name), Tally(source.name), hashlib.sha256()
        for chunk in digested(source, log, digest.update, lambda size: self._tell(source, size)):
            del chunk
        tally.sha256 = digest.hexdigest()
        table = read_line_table(source.path, mapping=self._mapping, latest=latest)
        for remit in table.remits:
            tally.add(remit)
        for remit in self._known(table.remits, log):
            self._log_of.setdefault(remit.file, log)
            self._keep(remit, log)
        self._rejects += [RemitReject(source.name, one.row, one.id, one.column, one.rule.value) for one in table.rejects]
        self.has_remits |= tally.transactions > 0
        self._finish(tally, log)

    def _finish(self, tally: Tally, log: IssueLog) -> None:
        self._tallies.append(tally)
        self._logs.append(log)
        self._log_of.setdefault(log.file, log)

    def result(self, ledger: Path | None, mapping: Mapping | None, identity: Pseudonyms | None, latest: str) -> RemitImport:
        """Net what was read and make the rows."""
        remits = distinct_remits(self._remits)
        found = chains(remits)
        self._remark(found)
        kept = Kept(repeated_transactions=len(self._remits) - len(remits))
        for chain in found:
            for one in chain.adjudications:
                kept.add(one.claim)
        # by place in the file: the tokenizer runs ahead of the reader
        issues = [issue for log in self._logs for issue in sorted(log.issues, key=lambda one: (one.segment is None, one.segment or 0))]
        ledger_rows: tuple[TextColumns, list[bool]] | None = None
        if ledger is not None:
            joined = join_ledger(ledger, found, mapping=mapping, identity=identity, latest=latest)
            ledger_rows = joined.columns, joined.is_reversed
            issues.extend(joined.issues)
            self._rejects.extend(RemitReject(ledger.name, one.row, one.id, one.column, one.rule.value) for one in joined.rejects)
        for tally, log in zip(self._tallies, self._logs, strict=True):
            tally.issues = len(log.issues)
        return RemitImport(
            make_candidates=lambda: candidate_columns(found, self._mapping.groups) if ledger_rows is None else ledger_rows[0],
            remits=remits,
            chains=found,
            issues=issues,
            rejects=self._rejects,
            summary=summary(self._tallies, kept, issues=len(issues)),
            provider_adjustments=[(remit.file, remit.remit_date, pair) for remit in remits for pair in remit.provider_adjustments],
            make_lines=lambda: remit_line_columns(found, self._mapping.groups),
            make_outcomes=lambda day: outcomes(found, remits, groups=self._mapping.groups, ledger=ledger_rows, as_of=day),
            later=self._later,
        )

    def _known(self, remits: list[Transaction], log: IssueLog) -> list[Transaction]:
        """Return the transactions that were sent before the day, and take what was found wrong in the others out of the log."""
        known = [remit for remit in remits if remit.sent_date < self._until]
        if len(known) < len(remits):
            self._later += len(remits) - len(known)
            begins = sorted((remit.segment, remit.sent_date >= self._until) for remit in remits)
            log.issues[:] = [issue for issue in log.issues if issue.segment is None or not _is_of_later(begins, issue.segment)]
        return known

    def _keep(self, remit: Transaction, log: IssueLog) -> None:
        remit = under_mapping(remit, self._mapping.payers)
        self._remits.append(remit)
        self._rejects += refused(remit, log)

    def _remark(self, found: Iterable[Chain]) -> None:
        for chain in found:
            if code := chain.remark():
                last = chain.adjudications[-1]
                self._log_of[last.remit.file].add(code, last.claim.segment, "CLP")
