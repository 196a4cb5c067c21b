"""Underpayments without a contract in hand: what payers usually allow ranks them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from features.intake.table_file import read_table
from features.money import NULL
from features.tables import WRITEOFFS
from models.scorer import Scorer
from recoup.sample.practice import write_sample
from serving.findings.audit import look
from serving.findings.underpaid import unpriced_fee_cuts
from tests.practice import day


def test_without_contracts_the_usual_ranks_underpayments_with_average_precision_above_eight_tenths(tmp_path: Path) -> None:
    write_sample(tmp_path, rows=8000, seed=4, truth=True)
    scorer = Scorer.prior()
    ledger = read_table(tmp_path / "writeoffs.csv", WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
    ledger.columns["expected_allowed_amount"] = np.full(len(ledger), NULL)
    case = look(ledger, scorer=scorer, as_of=day("2026-11-01"))
    with (tmp_path / "defects.csv").open() as file:
        short = {row["writeoff_id"] for row in csv.DictReader(file) if row["rule"] in ("underpaid_contractual", "below_usual_allowed")}
    rows = np.flatnonzero(unpriced_fee_cuts(case))
    order = rows[np.argsort(-np.nan_to_num(case.habits.stray[rows], nan=-np.inf), kind="stable")]
    hit = np.array([case.columns["writeoff_id"][row] in short for row in order.tolist()])
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    assert hit.sum() > 100
    # Rows that were posted as fee cuts and are refusals lie below the usual too, and count as wrong here.
    assert precision[hit].mean() >= 0.8
