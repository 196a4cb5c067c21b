"""The model as MLflow's tools call it: one row of scores for each row, in order."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from features.tables import WRITEOFFS
from models.pyfunc import WriteOffModel
from models.scores import SCORE_COLUMNS
from tests.practice import Learned

ASKED = {"as_of": "2026-11-01", "reasons": True}


@pytest.fixture(scope="module")
def model(learned: Learned) -> WriteOffModel:
    loaded = WriteOffModel()
    loaded.load_context(SimpleNamespace(artifacts={"bundle": str(learned.folder)}))
    return loaded


def frame(*amounts: object, amount: str = "writeoff_amount") -> pd.DataFrame:
    """Return a write-off for each amount, all under an id that tells its place."""
    ids = [f"W{place}" for place in range(len(amounts))]
    rows = [
        {"writeoff_id": name, "writeoff_date": "2026-10-05", "payer_id": "P001", amount: value}
        for name, value in zip(ids, amounts, strict=True)
    ]
    return pd.DataFrame(rows).astype({amount: object})


@pytest.mark.parametrize("nothing", [0.0, -0.0, 0, "0.00", " 0 "])
@pytest.mark.parametrize("name", ["writeoff_amount", " WriteOff_Amount"])
def test_a_row_of_zero_dollars_is_null_and_shifts_no_other(model: WriteOffModel, nothing: object, name: str) -> None:
    # What is not zero, though it has zeros, is scored; so is an amount that is not known.
    amounts = (50.0, nothing, "100.00", None, 0.01, nothing)
    given = frame(*amounts, amount=name)
    found = model.predict(None, given, ASKED)
    assert tuple(found.columns) == SCORE_COLUMNS and found.index.equals(pd.RangeIndex(len(amounts)))
    assert found.loc[[1, 5]].isna().all(axis=None)
    scored = [0, 2, 3, 4]
    assert found.loc[scored, "writeoff_id"].tolist() == [f"W{place}" for place in scored]
    without = model.predict(None, given.loc[scored], ASKED)
    assert json.loads(found.loc[scored].to_json(orient="values")) == json.loads(without.to_json(orient="values"))
    assert all(json.loads(reasons) for reasons in found.loc[scored, "reasons"])


def test_a_row_of_zero_dollars_may_share_its_id_with_another(model: WriteOffModel) -> None:
    found = model.predict(None, frame(0.0, 50.0).assign(writeoff_id="W"), ASKED)
    assert found["writeoff_id"].isna().tolist() == [True, False] and found["writeoff_id"][1] == "W"


def test_rows_of_zero_dollars_alone_are_all_null(model: WriteOffModel) -> None:
    found = model.predict(None, frame(0.0, 0.0), ASKED)
    assert found.shape == (2, len(SCORE_COLUMNS)) and found.isna().all(axis=None)


@pytest.mark.parametrize("columns", [WRITEOFFS.names, ()])
def test_a_frame_without_rows_gives_no_rows_but_all_columns(model: WriteOffModel, columns: tuple[str, ...]) -> None:
    found = model.predict(None, pd.DataFrame(columns=list(columns)), ASKED)
    assert len(found) == 0 and tuple(found.columns) == SCORE_COLUMNS
