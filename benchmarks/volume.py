"""A ledger of any size with the mix of a synthetic practice: its write-offs again and again, with ids, amounts and dates of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.intake.output import write_batch, write_blocks
from features.intake.table_file import read_table
from features.tables import WRITEOFFS, Kind
from features.vocabulary import Vocabulary

_IDS = ("writeoff_id", "reverses_writeoff_id", "claim_id", "root_claim_id", "patient_id")


def write_volume(practice: Path, rows: int, out: Path) -> None:
    """Write a ledger of so many rows; `out` names its format.

    Parameters
    ----------
    practice
        A folder that `recoup sample` wrote.
    """
    batch = read_table(practice / "writeoffs.csv", WRITEOFFS, vocabulary=Vocabulary()).batch
    mould = out.with_name("mould.parquet")
    write_batch(mould, batch)
    table = pq.read_table(mould).combine_chunks()
    mould.unlink()
    write_blocks(out, _turns(table, rows))


def _turns(table: pa.Table, rows: int) -> Iterator[dict[str, pa.Array]]:
    texts = {column.name for column in WRITEOFFS.columns if column.kind is Kind.TEXT}
    for turn in range(-(-rows // table.num_rows)):
        draw = np.random.default_rng(turn)
        part = table.slice(0, min(table.num_rows, rows - turn * table.num_rows))
        yield {name: _turned(name, part[name].combine_chunks(), turn, draw, texts) for name in part.schema.names}


def _turned(name: str, array: Any, turn: int, draw: np.random.Generator, texts: set[str]) -> pa.Array:
    if name in _IDS:
        return pc.binary_join_element_wise(array, pa.scalar(str(turn)), "-", null_handling="emit_null")
    if name in texts and pa.types.is_string(array.type):
        return array.dictionary_encode()
    if name == "writeoff_amount" and turn:
        # Whole cents over a hundred are the float that two decimals name; a rounded sum need not be.
        cents = np.rint(array.to_numpy(zero_copy_only=False) * 100.0) + draw.integers(0, 500, len(array))
        return pa.array(cents / 100.0, from_pandas=True)
    return array
