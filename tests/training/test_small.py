"""Ledgers that are small or one-sided are learned from too: every row is scored, and nothing falls over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.codes.tables import Codes
from features.intake.records import read_records
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from tests.practice import CREATED, day
from training.fit import train
from training.publish import publish

AS_OF = day("2026-06-01")

CASES = {
    "one row": (1, 1, 1.0),
    "two rows": (2, 1, 0.5),
    "one payer, all begun on a day": (300, 1, 0.4),
    "all lost": (400, 8, 0.0),
    "all won": (400, 8, 1.0),
}
"""Rows, payers, share won; no amounts, no codes."""


@pytest.mark.parametrize("case", CASES)
def test_a_small_or_one_sided_ledger_is_learned_from_and_scored(case: str, tmp_path: Path) -> None:
    rows, payers, share = CASES[case]
    rng = np.random.default_rng(1)
    won = rng.random(rows) < share
    writeoffs = [
        {"writeoff_id": f"w{i}", "writeoff_date": f"2026-0{1 + i % 4}-{1 + i % 27:02d}", "payer_id": f"p{i % payers}"} for i in range(rows)
    ]
    outcomes = [
        {
            "writeoff_id": f"w{i}",
            "worked_date": "2026-05-02",
            "resolved_date": "2026-05-20",
            "status": "recovered" if won[i] else "denied",
            "recovered_amount": f"{rng.lognormal(5.0, 1.0):.2f}" if won[i] else "0",
        }
        for i in range(rows)
    ]
    vocabulary = Vocabulary(Codes.load().seed_words())
    ledger = read_records(writeoffs, WRITEOFFS, vocabulary=vocabulary, latest=AS_OF).batch
    efforts = read_records(outcomes, OUTCOMES, vocabulary=vocabulary, latest=AS_OF).batch
    publish(train(ledger, efforts, as_of=AS_OF), tmp_path / "bundle", name="small", created=CREATED)
    scorer = Scorer.load(tmp_path / "bundle")
    asked = read_records(writeoffs, WRITEOFFS, vocabulary=scorer.vocabulary.overlay(), latest=AS_OF).batch
    found = scorer.score(asked, as_of=AS_OF, reasons=None).columns
    assert sorted(found["rank"].tolist()) == list(range(1, rows + 1))
    assert ((found["recovery_probability"] >= 0.0) & (found["recovery_probability"] <= 1.0)).all()
    assert np.isfinite(found["expected_recovery"]).all()
    # Bands know that rows without a code are what was worked.
    assert scorer.models.sums.code_labels == {"": rows}
    if rows >= 400:
        # Four hundred results on one side are heard: an expert's 15 % for codes that nobody gave would not stand against them.
        chance = found["recovery_probability"].mean()
        assert chance > 0.8 if share else chance < 0.03
