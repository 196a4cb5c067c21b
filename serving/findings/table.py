"""The findings of an audit as one table, in the columns that users and other programs depend on."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.money import NULL, format_cents
from serving.findings.case import Case
from serving.findings.rule import SEVERITIES, Hits, Rule

Ints = NDArray[np.int64]

FINDING_COLUMNS = (
    "finding_id",
    "rule",
    "severity",
    "writeoff_id",
    "claim_id",
    "line_number",
    "file",
    "segment",
    "amount",
    "evidence",
)


@dataclass(frozen=True, slots=True)
class Findings:
    """One row per finding, the gravest first, then the largest amount.

    Parameters
    ----------
    finding_id
        Sixteen hex digits, as bytes; `id_of` gives one as text.
    rule
        Place in `rules`.
    row
        Position in the ledger; -1: on no write-off.
    line_number, segment, cents
        int64; NULL where unknown.
    """

    rules: tuple[Rule, ...]
    finding_id: NDArray[np.bytes_]
    rule: NDArray[np.int64]
    row: NDArray[np.int64]
    writeoff_id: list[str | None]
    claim_id: list[str | None]
    line_number: NDArray[np.int64]
    file: list[str | None]
    segment: NDArray[np.int64]
    cents: NDArray[np.int64]
    evidence: list[str]

    def __len__(self) -> int:
        return len(self.finding_id)

    def id_of(self, at: int) -> str:
        """Return the id of a finding."""
        return bytes(self.finding_id[at]).decode()

    def of(self, *ids: str) -> NDArray[np.int64]:
        """Return the places of the findings of these rules."""
        wanted = [number for number, rule in enumerate(self.rules) if rule.id in ids]
        return np.flatnonzero(np.isin(self.rule, wanted))

    def parts(self, size: int = 100_000) -> Iterator[dict[str, Sequence[object]]]:
        """Yield the columns as a file holds them, so many findings at a time; one part without rows where there are none."""
        for start in range(0, max(len(self), 1), size):
            yield self.table(np.arange(start, min(start + size, len(self)), dtype=np.int64))

    def table(self, rows: NDArray[np.int64] | None = None) -> dict[str, Sequence[object]]:
        """Return the columns as a file holds them, of all findings or of these."""
        at = range(len(self)) if rows is None else rows.tolist()
        names = [rule.id for rule in self.rules]
        severities = [rule.severity for rule in self.rules]
        which = slice(None) if rows is None else rows
        numbers = self.rule[which].tolist()
        lines, segments, cents = (values[which].tolist() for values in (self.line_number, self.segment, self.cents))
        return {
            "finding_id": [one.decode() for one in self.finding_id[which].tolist()],
            "rule": [names[number] for number in numbers],
            "severity": [severities[number] for number in numbers],
            "writeoff_id": [self.writeoff_id[i] for i in at],
            "claim_id": [self.claim_id[i] for i in at],
            "line_number": [None if line == NULL else str(line) for line in lines],
            "file": [self.file[i] for i in at],
            "segment": [None if segment == NULL else str(segment) for segment in segments],
            "amount": [None if one == NULL else format_cents(one) for one in cents],
            "evidence": [self.evidence[i] for i in at],
        }


def gather(case: Case, found: Sequence[tuple[Rule, Hits]]) -> Findings:
    """Return what all rules found as one table.

    A finding's id is made of its rule and its write-off, else of its place: the same files give the same ids.
    """
    rules = tuple(rule for rule, _ in found)
    rule = np.repeat(np.arange(len(found)), [len(hits) for _, hits in found])
    row = _joined([hits.row for _, hits in found])
    cents = _joined([hits.cents for _, hits in found])
    evidence = [words for _, hits in found for words in hits.evidence]
    place = [where for _, hits in found for where in hits.place]
    c = case.columns
    told_file, told_segment = _places(case)
    ids, claims, lines = c["writeoff_id"].tolist(), c["claim_id"].tolist(), c["line_number"].tolist()
    rows = row.tolist()
    file = [told_file[r] if w is None else w.file for r, w in zip(rows, place, strict=True)]
    segment = np.array([told_segment[r] if w is None else w.segment for r, w in zip(rows, place, strict=True)], dtype=np.int64)
    claim = [claims[r] if r >= 0 else w.claim_id if w is not None else None for r, w in zip(rows, place, strict=True)]
    line = np.array(
        [lines[r] if r >= 0 else w.line_number if w is not None else NULL for r, w in zip(rows, place, strict=True)], dtype=np.int64
    )
    writeoff = [ids[r] if r >= 0 else None for r in rows]
    finding = _identify(rules, rule, row, writeoff, file, segment)
    del place, rows, told_file, told_segment, ids, claims, lines
    rank = np.array([SEVERITIES.index(one.severity) for one in rules], dtype=np.int64)[rule] if len(rule) else rule
    order = np.lexsort((np.arange(len(rule)), -np.maximum(cents, 0), rule, rank))
    at = order.tolist()
    return Findings(
        rules,
        finding[order],
        rule[order],
        row[order],
        [writeoff[i] for i in at],
        [claim[i] for i in at],
        line[order],
        [file[i] for i in at],
        segment[order],
        cents[order],
        [evidence[i] for i in at],
    )


def _joined(parts: Sequence[array[int]]) -> Ints:
    return np.concatenate([np.array(part, dtype=np.int64) for part in parts]) if parts else np.empty(0, dtype=np.int64)


def _places(case: Case) -> tuple[list[str | None], list[int]]:
    """Return file and segment of each row: what the ledger names, else where the remittances in hand have its line."""
    files, segments = case.columns["remit_file"].tolist(), case.columns["remit_segment"].tolist()
    if case.told is not None:
        for row in np.flatnonzero(case.told.line >= 0).tolist():
            if files[row] is None or segments[row] == NULL:
                line = case.told.lines[int(case.told.line[row])]
                files[row], segments[row] = line.file, line.segment
    return files, segments


def _identify(
    rules: Sequence[Rule], rule: Ints, row: Ints, writeoffs: list[str | None], files: list[str | None], segments: Ints
) -> NDArray[np.bytes_]:
    """Return a digest of rule and write-off (else of rule and place) and of which one it is of several."""
    number = _occurrence(rule, row)
    seen: dict[str, int] = {}
    found = np.empty(len(rule), dtype="S16")
    told = zip(rule.tolist(), number.tolist(), writeoffs, files, segments.tolist(), strict=True)
    for at, (of, count, writeoff, file, segment) in enumerate(told):
        if writeoff is not None:
            key = f"{rules[of].id}|{writeoff}|{count}"
        else:
            place = f"{rules[of].id}||{file}|{segment}"
            count = seen.get(place, 0)
            seen[place] = count + 1
            key = f"{place}|{count}"
        found[at] = hashlib.sha256(key.encode()).hexdigest()[:16]
    return found


def _occurrence(rule: Ints, row: Ints) -> Ints:
    """Return how many findings of the same rule and row came before each.

    >>> _occurrence(np.array([0, 0, 1, 0]), np.array([5, 5, 5, 6])).tolist()
    [0, 1, 0, 0]
    """
    order = np.lexsort((np.arange(len(rule)), row, rule))
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (rule[order][1:] != rule[order][:-1]) | (row[order][1:] != row[order][:-1])
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.arange(len(order)) - start
    return found
