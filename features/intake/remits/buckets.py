"""What 835 files say of claims, set down in a folder by claim number and taken up again a bucket at a time.

A group of files is read by one process and becomes one file of the folder, in which the claims of a bucket lie together.
"""

from __future__ import annotations

import hashlib
import marshal
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from features.intake.mapping import Mapping
from features.intake.remits.issues import IssueLog
from features.intake.remits.ledger_join import account_of
from features.intake.remits.line_table import read_line_table
from features.intake.remits.netting import Adjudication, adjudications
from features.intake.remits.plain import Plain, claim_of, content, plain_claim, plain_shell, shell_of
from features.intake.remits.records import Transaction
from features.intake.remits.runs import Order
from features.intake.remits.sources import RemitReject, Source, close_file, digested, read_file, refused, under_mapping
from features.intake.remits.summary import Tally

GROUP_BYTES, GROUP_CLAIMS = 4 << 20, 20_000
"""About so many bytes of files go to a process at a time, and what about so many claims say is set down at once."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every process must know."""

    folder: Path
    buckets: int
    latest: str
    mapping: Mapping
    has_lines: bool
    has_outcomes: bool
    as_of: str

    def bucket(self, claim_id: str) -> int:
        """Return the bucket of a claim number, be it as an 835 writes it or as a spreadsheet left it."""
        return crc32(account_of(claim_id).encode("utf-8", "surrogatepass")) % self.buckets


@dataclass(frozen=True, slots=True)
class Head:
    """What is remembered of a transaction: what orders it, where it was read, and a digest of what it says, None where it is cut off.

    `remit` has no claims; it is there where it has a provider's adjustments.
    """

    order: Order
    place: tuple[int, int]
    content: bytes | None
    remit: Transaction | None


@dataclass(slots=True)
class Told:
    """What is known of a file that was read; `number` is its place among all."""

    number: int
    log: IssueLog
    tally: Tally
    heads: list[Head]
    rejects: list[RemitReject]
    files: tuple[str, ...] = ()


Slices: TypeAlias = list[tuple[int, int, int]]
"""A bucket in the file of a group, or a group in which a bucket has something; offset; length."""


def set_down(job: Job, group: int, files: list[tuple[int, Source, bool]]) -> tuple[list[Told], Slices]:
    """Read a group of files and set down what they say of claims, the claims of a bucket together."""
    told: list[Told] = []
    slices: Slices = []
    held: defaultdict[int, list[Plain]] = defaultdict(list)
    waiting = 0
    with (job.folder / f"group-{group}").open("wb") as out:

        def flush() -> None:
            for bucket, pieces in held.items():
                slices.append((bucket, out.tell(), out.write(marshal.dumps(pieces))))
            held.clear()

        for number, source, has_rows in files:
            one = Told(number, IssueLog(source.name), Tally(source.name), [], [])
            told.append(one)
            for place, read in enumerate((_read_table if has_rows else _read_835)(job, source, one)):
                remit = under_mapping(read, job.mapping.payers)
                one.rejects += refused(remit, one.log)
                is_whole = all(claim.is_complete for claim in remit.claims)
                one.heads.append(_head(remit, (number, place), is_whole=is_whole))
                waiting += _hold(job, remit, (number, place), held)
                if waiting >= GROUP_CLAIMS:
                    flush()
                    waiting = 0
            if not has_rows:
                close_file(one.log, one.tally)
        flush()
    return told, slices


def _read_835(job: Job, source: Source, one: Told) -> Iterator[Transaction]:
    return read_file(source, one.log, one.tally, job.latest)


def _read_table(job: Job, source: Source, one: Told) -> Iterator[Transaction]:
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


def _head(remit: Transaction, place: tuple[int, int], *, is_whole: bool) -> Head:
    kept = replace(remit, claims=()) if remit.provider_adjustments else None
    return Head(_order(remit), place, content(remit) if is_whole else None, kept)


def _order(remit: Transaction) -> Order:
    """Return what orders transactions, as `netting.distinct_remits` does."""
    return remit.remit_date, remit.control, remit.file.count("/"), remit.file, remit.segment


def _hold(job: Job, remit: Transaction, place: tuple[int, int], held: dict[int, list[Plain]]) -> int:
    """Add what a transaction says of claims to what is held by bucket; return how many claims."""
    by_bucket: defaultdict[int, list[tuple[int, Plain]]] = defaultdict(list)
    for one in adjudications(remit):
        by_bucket[job.bucket(one.claim.claim_id)].append((one.position, plain_claim(one.claim)))
    shell = plain_shell(remit)
    for bucket, claims in by_bucket.items():
        held[bucket].append((place, shell, claims))
    return len(remit.claims)


COPIES = "copies"


def copies_among(heads: Iterable[Head]) -> frozenset[tuple[int, int]]:
    """Return the places of transactions that say what an earlier one says: a file sent again changes nothing."""
    seen: set[bytes] = set()
    copies = []
    for head in sorted(heads, key=lambda one: one.order):
        if head.content is not None and head.content in seen:
            copies.append(head.place)
        elif head.content is not None:
            seen.add(head.content)
    return frozenset(copies)


def take_up(job: Job, where: Slices) -> Iterator[Adjudication]:
    """Yield the adjudications of a bucket in the order of their transactions, copies left out."""
    copies = marshal.loads((job.folder / COPIES).read_bytes())
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
