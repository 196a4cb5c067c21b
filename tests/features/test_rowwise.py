"""A rule says the same of the plain values of a single row as of a column of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from features import rowwise
from features.batch import Batch
from features.calendar import add_business_days, add_months
from features.codes.tables import Codes
from features.history import History
from features.matrix import FEATURES, Layout, matrix
from features.money import NULL
from features.tables import WRITEOFFS, Kind
from features.triage import Triage
from features.usual import Usual
from features.view import Practice, Viewer
from tests.practice import AS_OF, Files, Learned

EVERYTHING = Layout(tuple(f.name for f in FEATURES), {"carc_code": 30}, {})
NUMBERS = [NULL, -7, 0, 1, 2, 250]


def test_the_words_say_the_same_of_a_column_and_of_each_of_its_values() -> None:
    some, others = np.repeat(NUMBERS, len(NUMBERS)), np.tile(NUMBERS, len(NUMBERS))
    words: dict[str, Any] = {
        "where": lambda a, b: rowwise.where(a > b, a, 5),
        "least": rowwise.least,
        "most": rowwise.most,
        "is_not": lambda a, b: rowwise.is_not(a == b),
        "full": lambda a, b: rowwise.full(a, 3),
        "take": lambda a, b: rowwise.take(np.arange(9), rowwise.where((a < 0) | (a > 8), -1, a)),
        "rounded": lambda a, b: rowwise.rounded(rowwise.least(rowwise.most(a, -9), 9) * 0.5),
        "as_type": lambda a, b: rowwise.as_type(rowwise.most(a, 0), np.int16),
    }
    for name, word in words.items():
        alone = [word(a, b) for a, b in zip(some.tolist(), others.tolist(), strict=True)]
        assert np.asarray(word(some, others)).tolist() == alone, name
        assert all(rowwise.is_plain(value) for value in alone), name
    assert rowwise.is_any(some) and not rowwise.is_any(np.zeros(3)) and rowwise.is_any(3) and not rowwise.is_any(0)  # type: ignore[arg-type]


def test_some_rows_of_a_column_are_changed_and_the_column_is_left_as_it_was() -> None:
    values = np.array([4, 5, 6])
    rows = rowwise.rows_where(values > 4)
    assert rowwise.put(values, rows, rowwise.pick(values, rows) * 10).tolist() == [4, 50, 60] and values.tolist() == [4, 5, 6]
    row = rowwise.rows_where(True)  # type: ignore[arg-type]
    assert rowwise.put(rowwise.single(5), row, rowwise.pick(5, row) * 10) == 50


def test_plain_values_become_arrays_of_their_kind() -> None:
    made = rowwise.as_arrays({"a": 1, "b": 2.5, "c": None, "d": "x", "e": True, "f": [1, 2]})
    assert [(name, values.dtype.kind, values.tolist()) for name, values in made.items()] == [
        ("a", "i", [1]), ("b", "f", [2.5]), ("c", "O", [None]), ("d", "O", ["x"]), ("f", "O", [[1, 2]]), ("e", "b", [True]),
    ]  # fmt: skip


@pytest.mark.parametrize("day", [NULL, 0, 59, 11_016, 19_782, 20_513])
def test_a_single_day_moves_as_a_column_does(day: int) -> None:
    for count in (0, 1, 12, 48):
        for move in (add_months, add_business_days):
            assert move(rowwise.single(day), count) == move(np.array([day]), count)[0]


def drawn(batch: Batch, count: int, seed: int) -> Batch:
    """Return some rows in which any column may be null, or what it is in another row."""
    rng = np.random.default_rng(seed)
    out = batch.take(rng.integers(0, len(batch), count))
    for column in WRITEOFFS.columns:
        if column.name in ("writeoff_id", "writeoff_date"):
            continue
        strange = rng.random(count) < 0.12
        out.columns[column.name] = np.where(
            strange, batch.columns[column.name][rng.integers(0, len(batch), count)], out.columns[column.name]
        )
        if column.nullable and column.kind is not Kind.ID:
            out.columns[column.name] = np.where(rng.random(count) < 0.05, column.kind.nulls(count), out.columns[column.name])
        if column.kind is Kind.BOOL:
            out.columns[column.name] = np.where(rng.random(count) < 0.2, 1, out.columns[column.name]).astype(np.int8)
    return out


@pytest.mark.parametrize("known", ["learned", "nothing"])
def test_a_single_row_is_viewed_as_in_a_batch_of_one(practice: Files, learned: Learned, known: str) -> None:
    viewer = learned.scorer.viewer if known == "learned" else Viewer(Practice(Codes.load(), **practice.tables), Usual(), History())
    rows = drawn(practice.writeoffs, 600, 3)
    for place in range(len(rows)):
        batch, day = rows.take(np.array([place])), AS_OF + 90 * (place % 9)
        many, one = viewer.serve(batch, day), viewer.serve(batch.single(), day)
        said = {
            f.name: (getattr(many.triage, f.name), getattr(one.triage, f.name))
            for f in fields(Triage)
            if f.name not in ("whys", "next_steps")
        }
        said |= {f.name: (getattr(many.deadlines, f.name), getattr(one.deadlines, f.name)) for f in fields(many.deadlines)}
        if many.priced is not None and one.priced is not None:
            said |= {f.name: (getattr(many.priced, f.name), getattr(one.priced, f.name)) for f in fields(many.priced)}
        said |= {name: (values, one.columns[name]) for name, values in many.columns.items()}
        wrong = {name: (column, value) for name, (column, value) in said.items() if not _is_same(column[0], value)}
        assert not wrong
        assert matrix(one.columns, EVERYTHING).tobytes() == matrix(many.columns, EVERYTHING).tobytes()


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)
