"""A part of a ledger scored: what a worker must know, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.known import doubtful_codes
from features.codes.tables import Codes
from features.intake import mapping as mappings
from features.intake.cut import Cut
from features.intake.part import Part
from features.intake.spellings import payers_of
from features.intake.table_read import TableRead
from features.tables import WRITEOFFS
from features.text_hashes import TextHasher
from models.scorer import PRIOR, Scorer
from serving.batch.account import Account, save_run
from serving.batch.packed import Packed
from serving.batch.run import as_json, run_of

UNUSED = ("patient_id", "root_claim_id", "payer_claim_number", "original_payer_claim_number", "batch_id")
"""Columns that no score looks at."""


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
    worked
        Ids of write-offs with efforts on record; they are counted, and scored like the others.
    """

    cut: Cut
    packed: Packed
    mapping: mappings.Mapping | None
    latest: int | None
    as_of: int
    explain_all: bool
    codes: Path | None
    cache: Path | None
    worked: frozenset[str] = frozenset()


class Worker:
    """Scores parts."""

    def __init__(self, task: Task, scorer: Scorer | None = None) -> None:
        self._task, self._hasher = task, TextHasher(task.cache)
        self._scorer = scorer if scorer is not None else task.packed.unpack()
        self._codes = Codes.load(extra=task.codes, on=date(1970, 1, 1) + timedelta(days=task.as_of))
        if task.cache is not None:
            self._scorer.prepare(task.cache)

    def score(self, part: Part) -> Path:
        """Score a part and return the file that holds its sorted scores; what is there already is not done again."""
        path = self._task.cut.folder / f"run-{part.number}.arrows"
        if not path.exists():
            read = self._read(part)
            batch = read.batch
            view, found = self._scorer.judge(batch, as_of=self._task.as_of)
            rows = np.arange(len(batch))
            reasons = self._scorer.explain(batch, rows, as_of=self._task.as_of) if self._task.explain_all else None
            run = run_of(batch, view, found, self._task.cut.positions(part, read.row_numbers), reasons, self._hasher)
            scope = view.triage.in_scope
            worked = scope & self._are_worked(batch)
            account = Account(
                rows_read=read.rows_read,
                zero_amounts=read.zero_amounts,
                rejects=read.rejects,
                findings=read.findings,
                unknown=unknown_words(self._scorer, batch, self._codes),
                payers=payers_of(batch),
                later=int((batch.columns["writeoff_date"] > self._task.as_of).sum()),
                scored=len(batch),
                in_scope=int(scope.sum()),
                expected=[float(found["expected_recovery"][scope].sum())],
                net=[float(found["expected_net_recovery"][scope].sum())],
                worked=int(worked.sum()),
                worked_expected=[float(found["expected_recovery"][worked].sum())],
                worked_net=[float(found["expected_net_recovery"][worked].sum())],
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

    def _are_worked(self, batch: Batch) -> NDArray[np.bool_]:
        if not self._task.worked:
            return np.zeros(len(batch), dtype=np.bool_)
        return np.array([ident in self._task.worked for ident in batch.columns["writeoff_id"].tolist()], dtype=np.bool_)

    def _read(self, part: Part) -> TableRead:
        task = self._task
        words = task.packed.words.overlay()
        return task.cut.read(part, WRITEOFFS, words, mapping=task.mapping, latest=task.latest, unused=UNUSED, hasher=self._hasher)


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
