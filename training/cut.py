"""A ledger as it stood on the morning of a day, coded by a vocabulary that saw nothing later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.batch import Batch
from features.codes.tables import Codes
from features.money import NULL
from features.tables import Kind
from features.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Ledger:
    """Write-offs posted and efforts begun before a day, and the tables beside them, in one vocabulary."""

    writeoffs: Batch
    outcomes: Batch
    tables: Mapping[str, Batch]
    vocabulary: Vocabulary


def cut_ledger(writeoffs: Batch, outcomes: Batch, tables: Mapping[str, Batch], as_of: int) -> Ledger:
    """Return what was known on the morning of `as_of`.

    Write-offs posted and efforts begun on or after the day are dropped; efforts resolved on or after it become pending. Words
    are coded anew in the order of what is left, so that a file that runs past the day gives the same codes as one cut at it.
    """
    vocabulary = Vocabulary(Codes.load().seed_words())
    kept, begun = _before(writeoffs, "writeoff_date", as_of), _before(outcomes, "worked_date", as_of)
    later = (begun.columns["resolved_date"] == NULL) | (begun.columns["resolved_date"] >= as_of)
    for name in ("recovered_amount", "taken_back_amount", "shifted_to_patient_amount", "patient_paid_amount", "resolved_date"):
        begun.columns[name] = np.where(later, NULL, begun.columns[name])
    begun.columns["hours_spent"] = np.where(later, np.nan, begun.columns["hours_spent"])
    pending = begun.vocabulary.add("status", "pending")
    begun.columns["status"] = np.where(later, pending, begun.columns["status"]).astype(np.int32)
    return Ledger(
        recode(kept, vocabulary), recode(begun, vocabulary), {name: recode(t, vocabulary) for name, t in tables.items()}, vocabulary
    )


def count_later(writeoffs: Batch, outcomes: Batch, as_of: int) -> dict[str, int]:
    """Return how much `cut_ledger` leaves out: write-offs posted, efforts begun, and results of earlier efforts, on the day or later."""
    posted, begun, ended = writeoffs.columns["writeoff_date"], outcomes.columns["worked_date"], outcomes.columns["resolved_date"]
    return {
        "writeoffs": int((posted >= as_of).sum()),
        "efforts": int((begun >= as_of).sum()),
        "results": int(((begun < as_of) & (ended >= as_of)).sum()),
    }


def _before(batch: Batch, column: str, day: int) -> Batch:
    """Return the rows of before a day; where those are all, the columns are shared and not copied."""
    earlier = batch.columns[column] < day
    if earlier.all():
        return Batch(batch.table, dict(batch.columns), batch.vocabulary, batch.extras)
    return batch.take(earlier)


def recode(batch: Batch, vocabulary: Vocabulary) -> Batch:
    """Return the rows with their text coded by another vocabulary, which grows by the words it lacks."""
    columns = dict(batch.columns)
    for column in batch.table.columns:
        if column.kind is Kind.TEXT:
            codes = columns[column.name]
            # Null is the last place: code -1.
            first = np.full(batch.vocabulary.size(column.name) + 1, len(codes))
            first[codes[::-1]] = np.arange(len(codes))[::-1]  # of equal places the last written stays, which is the first row
            used = np.flatnonzero(first < len(codes))
            order = used[np.argsort(first[used])]
            words = batch.vocabulary.decode(column.name, np.where(order == len(first) - 1, -1, order))
            new = np.empty(len(first), dtype=np.int32)
            new[order] = vocabulary.encode(column.name, words)
            columns[column.name] = new[codes]
    return Batch(batch.table, columns, vocabulary, batch.extras)
