"""Rules against the truth of a synthetic practice: every case whose category or remedy follows from the rules alone."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.codes.tables import Codes
from features.contract import ContractRates
from features.tables import CATEGORIES, REMEDIES
from features.triage import classify
from tests.practice import Files, day


@pytest.mark.parametrize(("column", "names", "least"), [("category", CATEGORIES, 3000), ("remedy", REMEDIES, 2000)])
def test_every_planted_case_is_read_as_planted(practice: Files, column: str, names: tuple[str, ...], least: int) -> None:
    truth = pq.read_table(practice.folder / "truth.parquet", columns=["writeoff_id", column])
    planted = dict(zip(truth["writeoff_id"].to_pylist(), truth[column].to_pylist(), strict=True))
    priced = ContractRates(practice.tables["contracts"]).price(practice.writeoffs)
    found = classify(practice.writeoffs, codes=Codes.load(), as_of=day("2026-11-01"), priced=priced, policies=practice.tables["policies"])
    ids = practice.writeoffs.columns["writeoff_id"].tolist()
    read = {key: names[place] for key, place in zip(ids, getattr(found, column).tolist(), strict=True)}
    known = [key for key in ids if planted[key] is not None]
    assert len(known) >= least
    wrong = {(read[key], planted[key]) for key in known if read[key] != planted[key]}
    assert not wrong
    assert len({planted[key] for key in known}) >= 8
    assert np.isin(found.category, range(len(CATEGORIES))).all()
