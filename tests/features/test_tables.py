"""The tables are those of DATA.md, and rows are taken together."""

from __future__ import annotations

import numpy as np
import pytest

from features.batch import Batch, empty_columns
from features.money import NULL
from features.tables import CATEGORIES, REMEDIES, STATUSES, TABLES, WRITEOFFS, Kind
from features.vocabulary import Vocabulary


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_is_well_formed(table) -> None:  # type: ignore[no-untyped-def]
    assert len(set(table.names)) == len(table.names)
    assert table.grain and table.key
    assert set(table.key) <= set(table.names)
    for column in table.columns:
        assert column.meaning and column.longest > 0
        assert not (column.strict and not column.allowed)
        assert not column.name.startswith("x_")
        if column.allowed:
            assert column.kind is Kind.TEXT


def test_tables_have_the_required_columns_of_data_md() -> None:
    required = {name: [column.name for column in table.columns if not column.nullable] for name, table in TABLES.items()}
    assert required["writeoffs"] == ["writeoff_id", "writeoff_date", "payer_id"]
    assert required["outcomes"] == ["writeoff_id", "worked_date", "status"]


def test_strict_lists_of_events_are_status_and_posting_kind() -> None:
    strict = [column.name for name in ("writeoffs", "outcomes", "remit_lines") for column in TABLES[name].columns if column.strict]
    assert strict == ["posting_kind", "status"]


def test_word_lists_have_no_repeats() -> None:
    for words in (CATEGORIES, REMEDIES, STATUSES):
        assert len(set(words)) == len(words)


def test_nulls_are_written_as_their_kind_says() -> None:
    columns = empty_columns(WRITEOFFS, 2)
    assert columns["writeoff_id"].tolist() == [None, None]
    assert columns["payer_id"].tolist() == [-1, -1]
    assert columns["writeoff_amount"].tolist() == columns["writeoff_date"].tolist() == [NULL, NULL]
    assert np.isnan(columns["units"]).all()
    assert columns["qmb"].dtype == np.int8 and columns["qmb"].tolist() == [-1, -1]
    # The null of dates is also NumPy's not-a-time.
    assert np.isnat(columns["writeoff_date"].astype("datetime64[D]")).all()


def test_rows_are_taken_by_place_and_mask() -> None:
    vocabulary = Vocabulary()
    columns = empty_columns(WRITEOFFS, 3) | {"payer_id": vocabulary.encode("payer_id", ["A", "B", "A"])}
    batch = Batch(WRITEOFFS, columns, vocabulary, {"x_own": np.array(["1", None, "3"], dtype=object)})
    taken = batch.take(np.array([2, 1]))
    assert (len(batch), len(taken), taken.words("payer_id"), taken.extras["x_own"].tolist()) == (3, 2, ["A", "B"], ["3", None])
    assert batch.take(np.array([False, True, False])).words("payer_id") == ["B"]


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(KeyError, match="table writeoffs has no column colour"):
        WRITEOFFS.column("colour")
