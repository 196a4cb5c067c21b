"""Rows of several callers are scored together as if each were alone."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest

from features.intake.records import read_apart, read_records
from features.tables import WRITEOFFS
from models.scorer import Scorer
from tests.practice import AS_OF, Files, Learned

LATER = AS_OF + 200


def rows_of(practice: Files, count: int) -> list[dict[str, Any]]:
    with (practice.folder / "writeoffs.csv").open() as file:
        return [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)][-count:]


def together(scorer: Scorer, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    batch, lone = read_apart(rows, WRITEOFFS, vocabulary=scorer.vocabulary.overlay(), latest=LATER)
    records = scorer.score(batch, as_of=LATER, reasons=None, apart=True).records()
    return [records[one.place] for one in lone]


def alone(scorer: Scorer, row: dict[str, Any]) -> dict[str, Any]:
    read = read_records([row], WRITEOFFS, vocabulary=scorer.vocabulary.overlay(), latest=LATER)
    return scorer.score(read.batch, as_of=LATER, reasons=None).records()[0]


@pytest.fixture(scope="module")
def scorers(learned: Learned) -> dict[str, Scorer]:
    return {"learned": learned.scorer, "prior": Scorer.prior()}


@pytest.mark.parametrize("name", ["learned", "prior"])
def test_a_row_among_others_answers_as_it_would_alone(practice: Files, scorers: dict[str, Scorer], name: str) -> None:
    rng, rows = np.random.default_rng(5), rows_of(practice, 400)
    by_claim = sorted(rows, key=lambda row: row.get("claim_id", ""))
    for start in range(0, 400, 25):
        # Neighbours of one claim, a row twice, and rows of any other kind.
        mixed = [*by_claim[start : start + 8], by_claim[start], *(rows[i] for i in rng.integers(0, 400, 7).tolist())]
        assert together(scorers[name], mixed) == [alone(scorers[name], row) for row in mixed]


def test_a_copy_is_no_copy_when_somebody_else_sent_it(practice: Files, learned: Learned) -> None:
    row = rows_of(practice, 1)[0]
    first, second = together(learned.scorer, [row, {**row, "writeoff_id": "another"}])
    assert {**first, "writeoff_id": "another", "work_item_id": second["work_item_id"]} == second


def test_a_client_that_no_model_knows_keeps_its_work_item(practice: Files, learned: Learned) -> None:
    row = rows_of(practice, 1)[0]
    news = [{**row, "writeoff_id": f"W{i}", "client_id": f"new client {i}"} for i in range(3)]
    assert [one["work_item_id"] for one in together(learned.scorer, news)] == [
        alone(learned.scorer, one)["work_item_id"] for one in reversed(news)
    ][::-1]


def test_each_record_keeps_its_own_refusals_and_remarks(learned: Learned) -> None:
    good = {"writeoff_id": "A", "writeoff_date": "2026-06-01", "payer_id": "P001", "writeoff_amount": "10.00"}
    rows = [good, {**good, "writeoff_amount": "1e3"}, {**good, "payer_type": "moon"}, {**good, "writeoff_amount": "0"}, good]
    batch, lone = read_apart(rows, WRITEOFFS, vocabulary=learned.scorer.vocabulary.overlay(), latest=LATER)
    assert [one.place for one in lone] == [0, -1, 1, -1, 2] and len(batch) == 3
    assert [len(one.read.rejects) for one in lone] == [0, 1, 0, 0, 0]
    assert [one.read.zero_amounts for one in lone] == [0, 0, 0, 1, 0]
    for row, one in zip(rows, lone, strict=True):
        read = read_records([row], WRITEOFFS, vocabulary=learned.scorer.vocabulary.overlay(), latest=LATER)
        assert (one.read.rejects, one.read.issues, one.read.zero_amounts) == (read.rejects, read.issues, read.zero_amounts)
