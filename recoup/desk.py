"""A practice on an analyst's desk: its tables read, as batches for our functions and as frames for pandas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.batch import Batch
from features.codes.tables import Codes
from features.intake import mapping as mappings
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.money import NULL
from features.tables import CONTRACT_RATES, OUTCOMES, PAYER_RULES, WRITEOFF_POLICIES, WRITEOFFS, Array, Kind
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from training.cut import Ledger, cut_ledger, recode
from training.fit import train
from training.publish import publish

_BESIDE = {"contracts": ("contract_rates", CONTRACT_RATES), "payer_rules": ("payer_rules", PAYER_RULES),
           "policies": ("writeoff_policies", WRITEOFF_POLICIES)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """The tables of one practice.

    Parameters
    ----------
    folder
        Where its files lie.
    reads
        What reading each table gave: rows, rejects, issues, batch.
    vocabulary
        What coded text stands for.
    """

    folder: Path
    reads: dict[str, TableRead]
    vocabulary: Vocabulary

    @property
    def writeoffs(self) -> Batch:
        """The write-offs."""
        return self.reads["writeoffs"].batch

    @property
    def outcomes(self) -> Batch:
        """The efforts and what came of them."""
        return self.reads["outcomes"].batch

    def known(self, as_of: int) -> Ledger:
        """Return what was known on the morning of a day."""
        tables = {name: self.reads[name].batch for name in _BESIDE if name in self.reads}
        return cut_ledger(self.writeoffs, self.outcomes, tables, as_of)

    def fit(self, as_of: int, place: Path) -> Scorer:
        """Fit the fixed recipe on what was known on a morning, write the bundle to a folder and load it."""
        known = self.known(as_of)
        publish(train(known.writeoffs, known.outcomes, tables=known.tables, as_of=as_of), place, name=f"desk-{iso(as_of)}", created="")
        return Scorer.load(place)

    def coded_for(self, scorer: Scorer, as_of: int) -> Ledger:
        """Return what was known on a morning, coded by an overlay of a model's vocabulary."""
        known, words = self.known(as_of), scorer.vocabulary.overlay()
        return Ledger(recode(known.writeoffs, words), recode(known.outcomes, words), {}, words)


def open_desk(folder: Path, mapping: str = "") -> Desk:
    """Read the tables of a practice: `writeoffs.csv`, `outcomes.csv`, and those beside them that are there.

    `mapping` is the path of a mapping file with the practice's own names; blank: the names are ours.
    """
    words = Vocabulary(Codes.load().seed_words())
    names = mappings.load(Path(mapping)) if mapping else None
    tables = {"writeoffs": ("writeoffs", WRITEOFFS), "outcomes": ("outcomes", OUTCOMES)}
    tables |= {name: beside for name, beside in _BESIDE.items() if (folder / f"{beside[0]}.csv").is_file()}
    reads = {name: read_table(folder / f"{file}.csv", table, vocabulary=words, mapping=names) for name, (file, table) in tables.items()}
    return Desk(folder, reads, words)


def frame(batch: Batch) -> pd.DataFrame:
    """Return a batch as a frame: words, dollars, dates and booleans, missing where null; columns that are all null are left out.

    Examples
    --------
    >>> from features.batch import empty_columns
    >>> columns = empty_columns(OUTCOMES, 1) | {"recovered_amount": np.array([1250]), "worked_date": np.array([31])}
    >>> frame(Batch(OUTCOMES, columns, Vocabulary())).to_dict("records")
    [{'worked_date': Timestamp('1970-02-01 00:00:00'), 'recovered_amount': 12.5}]
    """
    found = {}
    for column in batch.table.columns:
        values = _readable(batch, column.name, column.kind)
        if not pd.isna(values).all():
            found[column.name] = values
    return pd.DataFrame(found)


def _readable(batch: Batch, name: str, kind: Kind) -> Array:
    values = batch.columns[name]
    if kind in (Kind.ID, Kind.TEXT):
        return np.array([*batch.words(name), None], dtype=object)[:-1]
    if kind is Kind.DATE:
        return np.where(values == NULL, np.datetime64("NaT"), np.where(values == NULL, 0, values).astype("datetime64[D]")).astype(
            "datetime64[s]"
        )
    if kind is Kind.BOOL:
        return np.where(values < 0, np.nan, values)
    if kind is Kind.NUMBER:
        return values
    return np.where(values == NULL, np.nan, values / (100.0 if kind is Kind.MONEY else 1.0))


def day(text: str) -> int:
    """Return a date as days since 1970-01-01.

    >>> day("1970-02-01")
    31
    """
    return int(np.datetime64(text, "D").astype(np.int64))


def iso(number: int) -> str:
    """Return days since 1970-01-01 as a date.

    >>> iso(31)
    '1970-02-01'
    """
    return str(np.datetime64(number, "D"))
