"""Names of work items: many at once are those of each alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.batch import Batch, empty_columns
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from features.work_items import many_work_items, work_items

rows = st.tuples(st.sampled_from([None, "C1", "C|2", "clé"]), st.sampled_from([-1, 0, 1]), st.integers(0, 3))


def objects(values: list[str | None]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return values as a column of ids."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


@given(st.lists(rows, max_size=12))
def test_many_items_are_named_as_each_alone(told: list[tuple[str | None, int, int]]) -> None:
    claims, clients, remedies = (list(column) for column in zip(*told, strict=True)) if told else ([], [], [])
    columns = empty_columns(WRITEOFFS, len(told)) | {
        "writeoff_id": objects([f"W{row}" for row in range(len(told))]),
        "claim_id": objects(claims),
        "client_id": np.array(clients, dtype=np.int32),
    }
    batch, remedy = Batch(WRITEOFFS, columns, Vocabulary({"client_id": ["north", "south"]})), np.array(remedies, dtype=np.int8)
    many = many_work_items(batch, remedy).to_pylist()
    assert many == work_items(batch, batch.columns["claim_id"], remedy).tolist()
    for row in range(len(told)):
        alone = batch.take(np.array([row]))
        assert work_items(alone, alone.columns["claim_id"], remedy[row : row + 1]).tolist() == [many[row]]
