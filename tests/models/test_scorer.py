"""Scores: their columns, order, routing, and one meaning for one row and for many."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from features.errors import BadData
from features.intake.records import read_records
from features.tables import CATEGORIES, REMEDIES, WRITEOFFS
from models.scorer import PRIOR, Scorer
from models.scores import SCORE_COLUMNS
from models.value import Costs
from tests.practice import AS_OF, Files, Learned, day, read_files
from training.labels import DECIDED

COLUMNS = (
    "writeoff_id rank in_scope category family remedy recovery_probability recoverable_amount amount_if_recovered "
    "amount_if_recovered_low amount_if_recovered_high expected_recovery expected_hours expected_net_recovery value_per_hour "
    "anomaly_score usual_allowed_amount underpayment_amount deadline_date days_left deadline_source work_item_id reasons "
    "model_version as_of"
).split()


def records(practice: Files, count: int) -> list[dict[str, Any]]:
    """Return the last write-offs of a practice as dictionaries."""
    with (practice.folder / "writeoffs.csv").open() as file:
        rows = list(csv.DictReader(file))[-count:]
    return [{name: value for name, value in row.items() if value} for row in rows]


def test_the_columns_are_exactly_those_that_others_read(practice: Files, learned: Learned) -> None:
    assert list(SCORE_COLUMNS) == COLUMNS
    scores = learned.scorer.score_records(records(practice, 3), as_of=day("2026-11-01"))
    assert all(list(score) == COLUMNS for score in scores)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_every_row_has_rank_probability_value_and_anomaly(practice: Files, learned: Learned) -> None:
    files = read_files(practice.folder, learned.scorer.vocabulary.overlay())
    found = learned.scorer.score(files.writeoffs, as_of=AS_OF, reasons=50)
    c = found.columns
    assert sorted(c["rank"].tolist()) == list(range(1, len(found) + 1))
    for name in ("recovery_probability", "expected_recovery", "anomaly_score", "expected_hours", "value_per_hour"):
        assert np.isfinite(c[name]).all(), name
    assert ((c["recovery_probability"] >= 0) & (c["recovery_probability"] <= 1)).all()
    assert (c["anomaly_score"] >= 0).all()
    assert (c["expected_hours"] > 0).all()
    assert set(c["category"]) <= set(CATEGORIES)
    assert set(c["remedy"]) <= set(REMEDIES)
    impossible = np.isin(c["category"], ["informational", "wait", "reversed"])
    assert impossible.any()
    assert (c["recovery_probability"][impossible] == 0).all()
    assert (c["recovery_probability"][c["category"] == "contractual"] > 0).all()


def test_rank_is_scope_then_value_per_hour_then_dollars_then_id(practice: Files, learned: Learned) -> None:
    files = read_files(practice.folder, learned.scorer.vocabulary.overlay())
    ranked = learned.scorer.score(files.writeoffs, as_of=AS_OF, reasons=0).ranked().columns
    keys = list(
        zip(
            (~ranked["in_scope"]).tolist(),
            (-ranked["value_per_hour"]).tolist(),
            (-ranked["expected_recovery"]).tolist(),
            ranked["writeoff_id"].tolist(),
            strict=True,
        )
    )
    assert keys == sorted(keys)


def test_one_row_scores_as_it_does_among_many(practice: Files, learned: Learned) -> None:
    rows = [
        {k: v for k, v in row.items() if k not in ("claim_id", "reverses_writeoff_id", "posting_kind")} for row in records(practice, 300)
    ]
    rows = [row for row in rows if not row.get("writeoff_amount", "").startswith("-")]
    together = learned.scorer.score_records(rows, as_of=day("2026-11-01"))
    for row, score in zip(rows, together, strict=True):
        alone = learned.scorer.score_records([row], as_of=day("2026-11-01"))[0]
        assert {**alone, "rank": 0} == {**score, "rank": 0}


def test_reasons_say_why_and_add_up(practice: Files, learned: Learned) -> None:
    batch = read_records(records(practice, 400), WRITEOFFS, vocabulary=learned.scorer.vocabulary.overlay()).batch
    scores = learned.scorer.score(batch, as_of=day("2026-11-01"), reasons=20)
    found, p = scores.columns, scores.columns["recovery_probability"]
    parts = np.stack(list(learned.scorer.contributions(batch, as_of=day("2026-11-01")).values()), axis=1)
    logit = parts.sum(axis=1) + learned.scorer._reasoner.base
    possible = p > 0
    np.testing.assert_allclose(1 / (1 + np.exp(-logit[possible])), p[possible], atol=1e-9)
    for row in range(len(batch)):
        told = found["reasons"][row]
        if not found["in_scope"][row]:
            assert told[0]["concept"] == "scope" and told[0]["text"]
        elif found["rank"][row] <= 20:
            assert told
        else:
            assert told == []
        for reason in told:
            assert set(reason) == {"concept", "direction", "points", "text"}
            assert reason["text"]
        # A contract's term may come on top, without points.
        weighed = [reason["direction"] for reason in told if reason["points"] or reason["concept"] != "contract"]
        assert weighed.count("up") <= 3 and weighed.count("down") <= 3


def test_a_reason_counts_the_efforts_of_the_last_year(practice: Files, learned: Learned) -> None:
    files = read_files(practice.folder, learned.scorer.vocabulary.overlay())
    found = learned.scorer.score(files.writeoffs, as_of=AS_OF, reasons=200).columns
    ended, won = defaultdict[str, int](int), defaultdict[str, int](int)
    payers = dict(zip(files.writeoffs.columns["writeoff_id"].tolist(), files.writeoffs.words("payer_id"), strict=True))
    outcomes = files.outcomes.columns
    decided = np.isin(np.array(files.outcomes.words("status"), dtype=object), DECIDED)
    for row in np.flatnonzero(decided & (outcomes["resolved_date"] < AS_OF) & (outcomes["resolved_date"] >= AS_OF - 365)).tolist():
        payer = str(payers[outcomes["writeoff_id"][row]])
        ended[payer] += 1
        won[payer] += int(outcomes["recovered_amount"][row] > max(outcomes["taken_back_amount"][row], 0))
    told = [reason["text"] for reasons in found["reasons"] for reason in reasons]
    said = {
        match[1]: (int(match[2]), int(match[3]))
        for text in told
        if (match := re.match(r"(\S+) paid after all in (\d+) of (\d+) efforts since", text))
    }
    assert said
    assert said == {payer: (won[payer], ended[payer]) for payer in said}
    assert any(re.search(r"efforts since [A-Z][a-z]+ 202[56], after \d+ days in the median", text) for text in told)


def test_an_unknown_payer_and_code_are_scored(learned: Learned) -> None:
    record = {
        "writeoff_id": "a",
        "writeoff_date": "2026-10-01",
        "payer_id": "a payer nobody met",
        "carc": "ZZ9",
        "writeoff_amount": "120.00",
    }
    score = learned.scorer.score_records([record], as_of=day("2026-11-01"))[0]
    assert (score["category"], score["in_scope"]) == ("unclassified", True)
    assert 0 < score["recovery_probability"] < 1
    assert 0 < score["expected_recovery"] <= 120


def test_a_day_before_the_cut_is_refused(practice: Files, learned: Learned) -> None:
    with pytest.raises(BadData, match="as of 2026-06-30: the model knows what came until 2026-07-01"):
        learned.scorer.score_records(records(practice, 1), as_of=day("2026-06-30"))
    assert learned.scorer.score_records(records(practice, 1), as_of=AS_OF)


def test_a_bad_record_is_named_by_place_and_rule_never_by_value(learned: Learned) -> None:
    record = {"writeoff_id": "a", "writeoff_date": "2026-10-01", "payer_id": "P", "writeoff_amount": "1e3"}
    with pytest.raises(BadData) as refused:
        learned.scorer.score_records([record], as_of=day("2026-11-01"))
    assert "record 1: writeoff_amount" in str(refused.value)
    assert "1e3" not in str(refused.value)


def test_day_one_works_with_a_ledger_alone(practice: Files) -> None:
    scorer = Scorer.prior()
    files = read_files(practice.folder, scorer.vocabulary.overlay())
    scorer.learn_usual(files.writeoffs, until=AS_OF)
    found = scorer.score(files.writeoffs, as_of=AS_OF, reasons=10).columns
    assert set(found["model_version"]) == {PRIOR}
    denied = (found["category"] == "denial") & (found["family"] == "coding")
    late = (found["category"] == "denial") & (found["family"] == "timely_filing")
    timely = late & (files.writeoffs.columns["timely_proof_on_file"] == 0)
    assert found["recovery_probability"][denied].mean() > 2 * found["recovery_probability"][timely].mean()
    assert (found["anomaly_score"] > 0).sum() > 100
    top = found["rank"] <= 10
    assert all(found["reasons"][i] for i in np.flatnonzero(top))


def test_the_whole_charge_written_off_as_contractual_stands_out(practice: Files, learned: Learned) -> None:
    usual = {"writeoff_date": "2026-06-01", "payer_id": "P001", "procedure_code": None, "group_code": "CO", "carc": "45"}
    files = practice.writeoffs
    known = [
        (p, q)
        for p, q, a in zip(files.words("payer_id"), files.words("procedure_code"), files.columns["allowed_amount"], strict=True)
        if a > 0
    ]
    payer, procedure = max(set(known), key=known.count)
    base = {**usual, "payer_id": payer, "procedure_code": procedure, "billed_amount": "900.00"}
    whole = {**base, "writeoff_id": "whole", "writeoff_amount": "900.00", "paid_amount": "0.00"}
    median = learned.scorer.score_records([whole], as_of=AS_OF)[0]["usual_allowed_amount"]
    proper = {**base, "writeoff_id": "proper", "writeoff_amount": f"{900 - median:.2f}" if median < 900 else "1.00"}
    scores = {s["writeoff_id"]: s for s in learned.scorer.score_records([whole, proper], as_of=AS_OF)}
    assert scores["whole"]["anomaly_score"] > 3 > scores["proper"]["anomaly_score"]


def test_costs_are_taken_off_the_net_by_the_hour_and_by_the_action(practice: Files, learned: Learned) -> None:
    row = records(practice, 1)
    free = Scorer.load(learned.folder, costs=Costs(0.0, 0.0)).score_records(row, as_of=day("2026-11-01"))[0]
    dear = Scorer.load(learned.folder, costs=Costs(100.0, 7.0)).score_records(row, as_of=day("2026-11-01"))[0]
    assert free["expected_net_recovery"] == free["expected_recovery"] == dear["expected_recovery"]
    # Hours are shown with three digits, dollars with two.
    assert dear["expected_net_recovery"] == pytest.approx(dear["expected_recovery"] - 100.0 * dear["expected_hours"] - 7.0, abs=0.06)


def test_a_line_paid_below_its_contract_names_the_term(practice: Files, learned: Learned) -> None:
    files = read_files(practice.folder, learned.scorer.vocabulary.overlay())
    scores = learned.scorer.score(files.writeoffs, as_of=day("2026-11-01"), reasons=None).columns
    short = np.flatnonzero((scores["underpayment_amount"] > 0) & scores["in_scope"])
    assert len(short) > 10
    for row in short[:50].tolist():
        told = [reason["text"] for reason in scores["reasons"][row] if reason["concept"] == "contract"]
        assert len(told) == 1
        assert "term" in told[0] or "expected allowed amount" in told[0]


def test_once_its_remedy_has_lapsed_a_row_is_scored_by_the_one_that_is_open() -> None:
    # Medicare: the appeal is open for 125 days, a reopening for a year, for good cause for four (42 CFR 405.942, 405.980).
    row = {"writeoff_id": "W1", "payer_id": "MEDI", "payer_type": "medicare", "claim_id": "C1", "group_code": "CO", "carc": "50"}
    row |= {"writeoff_date": "2026-01-15", "remit_date": "2026-01-10", "writeoff_amount": "900.00", "billed_amount": "900.00"}
    scorer, mornings = Scorer.prior(), ("2026-05-15", "2026-05-16", "2027-01-11", "2030-01-11")
    told = [scorer.score_records([row], as_of=day(morning))[0] for morning in mornings]
    assert [(one["remedy"], one["deadline_date"], one["days_left"]) for one in told] == [
        ("appeal", "2026-05-15", 0),
        ("reopening", "2027-01-10", 239),
        ("reopening", "2030-01-10", 1095),
        ("appeal", "2026-05-15", -1337),
    ]
    assert {one["deadline_source"] for one in told} == {"statute"} and all(one["in_scope"] for one in told)
    assert told[0]["work_item_id"] == told[3]["work_item_id"] != told[1]["work_item_id"] == told[2]["work_item_id"]
    chances = [one["recovery_probability"] for one in told]
    assert chances[0] > chances[1] > chances[2] > 0
    said = [next(reason["text"] for reason in one["reasons"] if reason["concept"] == "deadline") for one in told[1:]]
    ask, reopen = "ask the payer to change its decision", "ask the payer to reopen its own decision"
    assert said[:2] == [
        f"1 day too late to {ask}, but 239 days left to {reopen}",
        f"241 days too late to {ask}, but 1095 days left to {reopen} for good cause",
    ]
    # One row alone and among others says the same.
    both = scorer.score_records([row, row | {"writeoff_id": "W2", "claim_id": "C2"}], as_of=day(mornings[1]))
    assert {name: both[0][name] for name in ("remedy", "deadline_date", "recovery_probability", "reasons", "work_item_id")} == {
        name: told[1][name] for name in ("remedy", "deadline_date", "recovery_probability", "reasons", "work_item_id")
    }
