"""What a client knew by a day, handed to the process of a job: its efforts since the model's data cut, and what they were on.

The process sees no store. It gets the rows of the one client whose job it is, in two files that go with the attempt.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from features.batch import Batch
from features.intake.output import write_batch
from features.intake.table_file import read_table
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary
from serving.jobs.sealed import Sealed
from serving.jobs.task import Known
from serving.store.learned import news_of
from serving.store.store import Unit

WORKED, EFFORTS = "known-writeoffs.parquet", "known-outcomes.parquet"
UNREAD = {"patient_id": None, "posted_by": -1, "approved_by": -1}
"""Columns that nothing about a score reads, and their null: they stay in the store."""


def write_known(unit: Unit, client_id: str, folder: Path, *, cut: date, as_of: date) -> Known | None:
    """Write what became known to one client from a model's data cut to the morning of a day; None where that is nothing.

    Parameters
    ----------
    folder
        Takes both files.
    """
    worked, efforts = news_of(unit, client_id, Vocabulary(), since=cut, as_of=as_of)
    if not len(efforts):
        return None
    for name, null in UNREAD.items():
        worked.columns[name] = np.full_like(worked.columns[name], null)
    write_batch(folder / WORKED, worked)
    write_batch(folder / EFFORTS, efforts)
    return Known(Sealed.of(folder / WORKED), Sealed.of(folder / EFFORTS))


def read_known(known: Known, vocabulary: Vocabulary) -> tuple[Batch, Batch]:
    """Return the write-offs and the efforts, coded by a vocabulary, which grows by what is new.

    Raises
    ------
    StorageFailed
        When a file is not as it was written.
    """
    return (
        read_table(known.worked.open(), WRITEOFFS, vocabulary=vocabulary).batch,
        read_table(known.efforts.open(), OUTCOMES, vocabulary=vocabulary).batch,
    )
