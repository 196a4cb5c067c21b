"""The matrix made in few steps against each feature's own function, and what a layout fixes."""

from __future__ import annotations

import numpy as np
import pytest

from features.codes.tables import Codes
from features.history import History
from features.matrix import BY_NAME, FEATURES, Layout, extra_column, extra_kind, matrix
from features.tables import Columns
from features.usual import Usual
from features.view import Practice, Viewer
from tests.practice import AS_OF, Files

EVERYTHING = Layout(tuple(f.name for f in FEATURES), {}, {})


@pytest.fixture(scope="module")
def viewed(practice: Files) -> Columns:
    """Return some write-offs as they are viewed."""
    some = practice.writeoffs.take(np.arange(0, len(practice.writeoffs), 13))
    return Viewer(Practice(Codes.load(), **practice.tables), Usual(), History()).serve(some, AS_OF).columns


def test_each_column_is_what_the_features_own_function_says(viewed: Columns) -> None:
    made = matrix(viewed, EVERYTHING)
    for place, feature in enumerate(FEATURES):
        assert made[:, place].tobytes() == np.asarray(feature.compute(viewed), dtype=np.float64).tobytes(), feature.name


def test_a_row_does_not_depend_on_other_rows(viewed: Columns) -> None:
    made = matrix(viewed, EVERYTHING)
    for row in range(0, len(made), 7):
        one = {name: values[row : row + 1] for name, values in viewed.items()}
        assert matrix(one, EVERYTHING).tobytes() == made[row : row + 1].tobytes()


def test_a_code_that_the_fit_did_not_know_is_unknown(viewed: Columns) -> None:
    codes = viewed["carc"]
    known = int(np.median(codes[codes >= 0]))
    made = matrix(viewed, Layout(("carc_code",), {"carc_code": known}, {}))[:, 0]
    assert np.isnan(made[codes >= known]).all()
    assert np.isnan(made[codes < 0]).all()
    assert (made[(codes >= 0) & (codes < known)] == codes[(codes >= 0) & (codes < known)]).all()


def test_the_hash_tells_layouts_apart() -> None:
    one = Layout(("age_days", "carc_code"), {"carc_code": 9}, {})
    same = Layout(("age_days", "carc_code"), {"carc_code": 9}, {})
    assert one.hash == same.hash
    others = [Layout(("carc_code", "age_days"), {"carc_code": 9}, {}), Layout(("age_days", "carc_code"), {"carc_code": 10}, {})]
    others += [Layout(("age_days", "x_a"), {}, {"x_a": "number"}), Layout(("age_days", "x_a"), {}, {"x_a": "bool"})]
    assert len({layout.hash for layout in (one, *others)}) == 5


def test_names_are_unique_and_no_trait_of_a_patient_is_a_feature() -> None:
    assert len(BY_NAME) == len(FEATURES)
    inputs = {column for feature in FEATURES for column in feature.inputs} | {f.category for f in FEATURES if f.category}
    assert not inputs & {"patient_id", "posted_by", "approved_by", "qmb", "financial_assistance", "part2"}


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        (["1", None, "2.5"], "number", [1.0, np.nan, 2.5]),
        (["yes", "no", None], "bool", [1.0, 0.0, np.nan]),
        (["1", "0"], "number", [1.0, 0.0]),
        (["a", "b", None], "category", [0, 1, -1]),
        (["inf", "1"], "category", [1, 0]),
        ([None, None], "category", [-1, -1]),
    ],
)
def test_a_column_of_the_users_own_is_a_number_a_boolean_or_a_category(values: list[str | None], kind: str, read: list[float]) -> None:
    column = np.array(values, dtype=object)
    assert extra_kind(column) == kind
    words = sorted({value for value in values if value is not None})
    found = extra_column(column, kind, {word: i for i, word in enumerate(words)})
    np.testing.assert_array_equal(found, np.array(read, dtype=found.dtype))


def test_no_rows_give_no_rows(practice: Files) -> None:
    none = practice.writeoffs.take(np.arange(0))
    columns = Viewer(Practice(Codes.load(), **practice.tables), Usual(), History()).serve(none, AS_OF).columns
    assert matrix(columns, EVERYTHING).shape == (0, len(FEATURES))
