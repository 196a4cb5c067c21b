"""What scoring a part found beside its scores, and how both lie in a job's folder."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from features.batch import Batch, empty_columns
from features.intake.issues import Findings
from features.intake.output import replace_file
from features.intake.rejects import Reject, Rule
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from serving.batch.merging import Key, Run, merge, sample_of

STRETCH_ROWS = 4096
"""So many rows of a run are read at a time, some 800 kB."""


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
    payers
        Every `payer_id`, as the ledger writes it.
    later
        Rows that were posted after the morning of scoring.
    scored, in_scope
        Rows scored, and those in scope.
    expected, net
        The dollars to be expected of rows in scope, and what is left of them after the work, part by part: their exact sum is the same in
        whatever order parts come.
    worked, worked_expected, worked_net
        The same of rows in scope that have efforts on record.
    """

    rows_read: int = 0
    zero_amounts: int = 0
    rejects: list[Reject] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    unknown: dict[str, set[str]] = field(default_factory=dict)
    later: int = 0
    scored: int = 0
    in_scope: int = 0
    expected: list[float] = field(default_factory=list)
    net: list[float] = field(default_factory=list)
    worked: int = 0
    worked_expected: list[float] = field(default_factory=list)
    worked_net: list[float] = field(default_factory=list)
    payers: set[str] = field(default_factory=set)

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
        self.later += other.later
        self.scored += other.scored
        self.in_scope += other.in_scope
        self.expected += other.expected
        self.net += other.net
        self.worked += other.worked
        self.worked_expected += other.worked_expected
        self.worked_net += other.worked_net
        self.payers |= other.payers

    @property
    def expected_dollars(self) -> float:
        """The dollars to be expected of all rows in scope."""
        return math.fsum(self.expected)

    @property
    def net_dollars(self) -> float:
        """What is left of them after the work, each row worked by itself."""
        return math.fsum(self.net)

    @property
    def fresh(self) -> tuple[int, float, float]:
        """Rows in scope without an effort on record, the dollars to be expected of them, and what is left of these after the work."""
        expected, net = (
            math.fsum([*self.expected, *(-one for one in self.worked_expected)]),
            [*self.net, *(-one for one in self.worked_net)],
        )
        return self.in_scope - self.worked, expected, math.fsum(net)

    def as_json(self) -> str:
        """Return it as text, to lie beside the scores of its part."""
        told = {
            "counts": [self.rows_read, self.zero_amounts, self.later, self.scored, self.in_scope, self.worked],
            "dollars": [self.expected, self.net, self.worked_expected, self.worked_net],
            "payers": sorted(self.payers),
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
        read, zero, later, scored, in_scope, worked = told["counts"]
        expected, net, worked_expected, worked_net = told["dollars"]
        unknown = {column: set(words) for column, words in told["unknown"].items()}
        of_worked = worked, worked_expected, worked_net
        return cls(read, zero, rejects, findings, unknown, later, scored, in_scope, expected, net, *of_worked, set(told["payers"]))


def save_run(path: Path, run: pa.RecordBatch, account: Account) -> None:
    """Write sorted scores with their account: whole or not at all."""
    _write_run(path, run.schema, [run], sample_of(run), account.as_json())


def _write_run(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], sample: Sequence[Key], account: str) -> None:
    """Write rows that come in their order, in stretches that are read one at a time."""
    told = {"account": account, "sample": json.dumps(sample)}

    def write(file: BinaryIO) -> None:
        with pa.ipc.new_stream(file, schema.with_metadata(told)) as writer:
            for batch in batches:
                for start in range(0, batch.num_rows, STRETCH_ROWS):
                    writer.write_batch(batch.slice(start, STRETCH_ROWS))

    replace_file(path, write, is_lasting=False)


def merge_runs(paths: Sequence[Path]) -> Path:
    """Write the rows of several runs as one beside them, and return it; what is there already is not done again.

    It has no account: theirs stand with them.
    """
    path = paths[0].with_name(f"merged-{sha256(' '.join(one.name for one in paths).encode()).hexdigest()[:16]}.arrows")
    if not path.exists():
        runs = [open_run(one) for one in paths]
        _write_run(path, _schema(paths[0]), merge(runs), sorted(key for run in runs for key in run.sample), "")
    return path


def open_run(path: Path) -> Run:
    """Return sorted scores, of which a stretch at a time is held."""
    return Run([(out, value, expected, ident) for out, value, expected, ident in json.loads(_told(path, b"sample"))], _stretches(path))


def _stretches(path: Path) -> Iterator[pa.RecordBatch]:
    # Read, not mapped: pages of a file that is mapped count as this process's own.
    with pa.OSFile(str(path)) as file:
        yield from pa.ipc.open_stream(file)


def load_account(path: Path) -> Account:
    """Return the account of sorted scores."""
    return Account.from_json(_told(path, b"account"))


def _told(path: Path, name: bytes) -> str:
    told: bytes = _schema(path).metadata[name]
    return told.decode()


def _schema(path: Path) -> pa.Schema:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_stream(file).schema
