"""Work items: what one person works at once, which is a claim's write-offs of one remedy."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.batch import Batch, Single, first_rows
from features.codes.combinations import distinct
from features.rowwise import single
from features.tables import Array
from features.text_hashes import BY_NUMPY, TextHasher
from features.vocabulary import Vocabulary

DIGITS = 16
"""Of the SHA-256 that names an item."""


def work_items(batch: Batch, claims: Array, remedy: Array) -> NDArray[np.object_]:
    """Return the work item of each row: one per client, claim and remedy; a row without a claim is its own.

    A client counts by its name: its code is another one in the next model.

    Parameters
    ----------
    batch
        The rows.
    claims, remedy
        Claim of each row, which may be another than the batch's, and place of its remedy.
    """
    names = _Names(batch.vocabulary, "client_id")
    asked: tuple[Any, ...] = batch.columns["client_id"], claims, batch.columns["writeoff_id"], remedy
    if isinstance(batch, Single):
        return single(_item(names, *asked))
    first, place = distinct_items(batch, claims, remedy)
    told = [_item(names, *one) for one in zip(*(values[first].tolist() for values in asked), strict=True)]
    out = np.empty(len(told), dtype=object)
    out[:] = told
    return out[place]


def _item(names: _Names, client: int, claim: str | None, key: str, remedy: int) -> str:
    return sha256(f"{names[client]}|{f'#{key}' if claim is None else claim}|{remedy}".encode()).hexdigest()[:DIGITS]


def many_work_items(batch: Batch, remedy: Array, hasher: TextHasher = BY_NUMPY) -> pa.Array:
    """Return what `work_items` does of the batch's own claims, as Arrow's texts: for many rows in a fraction of the time."""
    first, place = distinct_items(batch, batch.columns["claim_id"], remedy)
    ids, claims = (batch.texts(name).take(pa.array(first)) for name in ("writeoff_id", "claim_id"))
    clients, numbers = np.unique(batch.columns["client_id"][first], return_inverse=True)
    names = pa.array([str(batch.vocabulary.word("client_id", code)) for code in clients.tolist()], pa.string()).take(pa.array(numbers))
    keys = pc.coalesce(claims, pc.binary_join_element_wise("#", ids, ""))
    told = pc.binary_join_element_wise(names, keys, pa.array(remedy[first]).cast(pa.string()), "|")
    return hasher.digests(told, DIGITS).take(pa.array(place))


def distinct_items(batch: Batch, claims: Array, remedy: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return a row of each work item, and for every row the place of its item."""
    claim = batch.claims if claims is batch.columns["claim_id"] else first_rows(claims)
    return distinct([np.where(claim < 0, np.arange(len(claim)), claim), batch.columns["client_id"], remedy])


class _Names(dict[int, str | None]):
    """The words of one column by code, each looked up once."""

    def __init__(self, vocabulary: Vocabulary, column: str) -> None:
        super().__init__()
        self._vocabulary, self._column = vocabulary, column

    def __missing__(self, code: int) -> str | None:
        word = self[code] = self._vocabulary.word(self._column, code)
        return word
