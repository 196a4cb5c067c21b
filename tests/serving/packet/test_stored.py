"""Cases of the store are those of files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from features.errors import CheckFailed
from features.intake.records import read_records
from features.tables import WRITEOFFS
from models.scorer import Scorer
from serving.packet import read_cases, write_packet
from serving.packet.proof import faults
from serving.packet.stored import stored_cases
from serving.store.rows import rows_of
from serving.worklist.detail import Line

DAY = 20_600
RECORDS: list[dict[str, Any]] = [
    {
        "writeoff_id": f"W{number}",
        "payer_id": "P7",
        "payer_type": "commercial",
        "writeoff_date": "2026-05-01",
        "remit_date": "2026-04-20",
        "service_date": "2026-01-05",
        "claim_id": f"C{number}",
        "line_number": 1,
        "procedure_code": "10021",
        "group_code": "CO",
        "carc": carc,
        "billed_amount": "500.00",
        "paid_amount": "0.00",
        "writeoff_amount": f"{number}00.07",
        "timely_proof_on_file": "true",
    }
    for number, carc in ((1, "29"), (2, "50"), (3, "16"))
]


def stored() -> tuple[Scorer, list[Line], list[Any]]:
    """A scorer, lines as the store gives them, and the cases as files give them."""
    scorer = Scorer.prior()
    batch = read_records(RECORDS, WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
    scores = scorer.score(batch, as_of=DAY, reasons=0)
    cents = ("recoverable_amount", "underpayment_amount", "usual_allowed_amount")
    lines = []
    for place, row in enumerate(rows_of(batch)):
        told = {name: scores.columns[name][place] for name in ("category", "family", "remedy", "model_version")}
        told |= {name: None if scores.columns[name][place] < 0 else int(scores.columns[name][place]) for name in cents}
        told |= {"expected_recovery": round(float(scores.columns["expected_recovery"][place]) * 100)}
        lines.append(Line(row, told | {"as_of": date.fromisoformat(str(np.datetime64(DAY, "D")))}))
    return scorer, lines, list(read_cases(scorer.viewer, batch, scores, range(len(lines))))


def test_a_case_of_the_store_is_that_of_the_file() -> None:
    scorer, lines, of_files = stored()
    cases = stored_cases(scorer.viewer, scorer.vocabulary, lines)
    assert cases == of_files
    for case in cases:
        assert faults(write_packet(case), [case]) == []


def test_what_the_remittances_said_comes_along() -> None:
    scorer, lines, _ = stored()
    remit = {"remit_id": "R1", "payer_id": "P7", "claim_id": "C1", "line_number": 1, "group_code": "CO", "carc": "29", "amount": 100_07}
    (case,) = stored_cases(scorer.viewer, scorer.vocabulary, lines[:1], [remit, remit | {"claim_id": "C9"}])
    assert [line.amount for line in case.remits] == [100_07]


def test_a_line_without_a_score_or_with_another_remedy_is_refused() -> None:
    scorer, lines, _ = stored()
    with pytest.raises(CheckFailed, match="W1 has no score"):
        stored_cases(scorer.viewer, scorer.vocabulary, [replace(lines[0], score={})])
    other = replace(lines[0], score={**lines[0].score, "remedy": "reopening"})
    with pytest.raises(CheckFailed, match="scored as reopening.*it is appeal"):
        stored_cases(scorer.viewer, scorer.vocabulary, [other])
