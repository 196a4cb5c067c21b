"""The truth: outcomes are draws of its chances, and planted defects are what they say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recoup.sample.ledger import CHARITY_LIMIT, SMALL_BALANCE_LIMIT
from serving.findings.rule import DETERMINISTIC
from serving.findings.rules import RULES
from tests.recoup.sample.rows import Row, cents, read_rows

COLUMNS = "writeoff_id p_recover e_fraction ev e_hours pot_recovered pot_amount mispost category remedy".split()


@pytest.fixture(scope="module")
def truth(sample: Path) -> pd.DataFrame:
    return pd.read_parquet(sample / "truth.parquet")


@pytest.fixture(scope="module")
def ledger(sample: Path) -> dict[str, Row]:
    return {row["writeoff_id"]: row for row in read_rows(sample / "writeoffs.csv")}


def test_truth_has_its_columns_and_a_row_per_write_off(truth: pd.DataFrame, ledger: dict[str, Row]) -> None:
    assert list(truth.columns) == COLUMNS
    assert list(truth.writeoff_id) == list(ledger)
    assert truth.drop(columns=["category", "remedy"]).notna().all(axis=None)


def test_expected_value_is_chance_times_fraction_times_amount_and_below_the_amount(truth: pd.DataFrame, ledger: dict[str, Row]) -> None:
    size = np.array([abs(cents(row["writeoff_amount"])) / 100 for row in ledger.values()])
    np.testing.assert_allclose(truth.ev, truth.p_recover * truth.e_fraction * size, rtol=1e-12)
    assert truth.p_recover.between(0, 1).all() and truth.e_fraction.between(0, 1).all()
    assert (truth.pot_amount <= size).all() and (truth.e_hours > 0).all()


def test_potential_outcomes_are_draws_of_the_chances(truth: pd.DataFrame) -> None:
    p = truth.p_recover
    # Four standard deviations of a sum of independent draws.
    assert abs(truth.pot_recovered.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
    assert ((truth.pot_amount > 0) == truth.pot_recovered).all()
    won = truth[truth.pot_recovered]
    expected = (won.ev / won.p_recover).sum()
    # The share of the cap is a beta draw with a standard deviation of at most half of the cap, and cap <= 4 times its mean.
    assert abs(won.pot_amount.sum() - expected) < 4 * np.sqrt(((won.ev / won.p_recover) ** 2).sum())


def test_nothing_comes_of_waits_and_undone_postings(truth: pd.DataFrame) -> None:
    idle = truth[truth.category.isin(["wait", "reversed"])]
    assert len(idle) > 10 and (idle.ev == 0).all() and not idle.pot_recovered.any()


def test_reversals_undo_a_posting_of_the_same_line(ledger: dict[str, Row], truth: pd.DataFrame) -> None:
    undone = [row for row in ledger.values() if row["posting_kind"] == "reversal"]
    assert undone and any(not row["reverses_writeoff_id"] for row in undone)
    reversed_ids = set(truth.writeoff_id[truth.category == "reversed"])
    for row in undone:
        assert row["writeoff_id"] in reversed_ids and cents(row["writeoff_amount"]) < 0
        if row["reverses_writeoff_id"]:
            original = ledger[row["reverses_writeoff_id"]]
            assert original["writeoff_id"] in reversed_ids
            assert cents(original["writeoff_amount"]) == -cents(row["writeoff_amount"])
            same = ("claim_id", "line_number", "group_code", "carc", "payer_id")
            assert [original[name] for name in same] == [row[name] for name in same]


def test_planted_defects_are_what_they_say(sample: Path, ledger: dict[str, Row], truth: pd.DataFrame) -> None:
    defects = read_rows(sample / "defects.csv")
    rules = Counter(row["rule"] for row in defects)
    statistical = {"below_usual_allowed"}
    told_apart = {"paid_above_charge", "next_payer_not_billed", "over_policy_limit"}
    assert set(rules) | told_apart == {rule.id for rule in RULES if rule.kind == DETERMINISTIC} | statistical
    wrong = set(truth.writeoff_id[truth.mispost])
    for defect in defects:
        assert cents(defect["amount"]) > 0
        if defect["rule"] == "take_back_not_posted":
            segment = (sample / "remits" / defect["file"]).read_text().splitlines()[int(defect["segment"]) - 1]
            assert segment.startswith("PLB*") and "*WO:" in segment and f"*{defect['amount']}" in segment
            continue
        row = ledger[defect["writeoff_id"]]
        match defect["rule"]:
            case "unbalanced_remit":
                assert row["balanced"] == "false"
            case "duplicate_posting":
                same = ("claim_id", "line_number", "carc", "writeoff_amount")
                twins = [other for other in ledger.values() if all(other[name] == row[name] for name in same)]
                assert len(twins) == 2
            case "small_balance_over_policy":
                assert row["adjustment_code"] == "SMALLBAL" and cents(row["writeoff_amount"]) > SMALL_BALANCE_LIMIT
            case "contractual_posted_on_denial":
                assert row["carc"] == "45" and row["writeoff_id"] in wrong
            case "underpaid_contractual" | "below_usual_allowed":
                assert row["carc"] in ("45", "P12") and row["writeoff_id"] in wrong
            case "retired_code":
                assert row["carc"] == "42" and row["remit_date"] > "2007-06-01"
            case "forbidden_combination":
                assert row["carc"] in ("16", "226", "252", "96", "234") and not row["rarcs"]
            case "fee_cut_of_whole_charge":
                assert (row["carc"], row["writeoff_amount"], row["paid_amount"]) == ("45", row["billed_amount"], "0.00")
                assert row["writeoff_id"] in wrong
            case "charity_without_policy":
                assert row["adjustment_code"] == "HARDSHIP"
            case "provider_liability_as_patient_debt":
                assert row["adjustment_code"] == "BADDEBT" and row["remit_segment"]
            case "missing_remit_support":
                assert row["carc"] and not row["remit_file"]
            case "approval_missing":
                assert not row["approved_by"]
            case "small_balance_split":
                parts = [r for r in ledger.values() if (r["claim_id"], r["line_number"]) == (row["claim_id"], row["line_number"])]
                small = [cents(r["writeoff_amount"]) for r in parts if r["adjustment_code"] == "SMALLBAL"]
                assert max(small) <= SMALL_BALANCE_LIMIT < sum(small)
            case "over_policy_limit":
                assert row["adjustment_code"] == "CHARITY" and cents(row["writeoff_amount"]) > CHARITY_LIMIT
            case "patient_share_with_secondary" | "bad_debt_with_coverage":
                assert row["other_coverage_on_file"] == "true"
            case "posted_more_than_remit" | "overpaid":
                assert row["carc"] in ("45", "253")
            case "written_off_before_window_closed" | "next_payer_not_billed":
                assert row["writeoff_date"] >= row["remit_date"]
            case other:
                raise AssertionError(f"no test of {other}")
    over = [r for r in ledger.values() if r["adjustment_code"] == "SMALLBAL" and cents(r["writeoff_amount"]) > SMALL_BALANCE_LIMIT]
    assert len(over) == rules["small_balance_over_policy"]


def test_about_6_of_100_contractual_rows_are_misposted(ledger: dict[str, Row], truth: pd.DataFrame) -> None:
    contractual = np.array([row["carc"] == "45" for row in ledger.values()])
    # About 3,600 rows at .057: a standard deviation of .0039, five either side.
    assert 0.037 < truth.mispost[contractual].mean() < 0.077


def test_contract_prices_hold_for_right_postings_of_loaded_payers(sample: Path, ledger: dict[str, Row], truth: pd.DataFrame) -> None:
    rates = {
        (row["payer_id"], row["procedure_code"], row["effective_from"][:4]): cents(row["value"])
        for row in read_rows(sample / "contract_rates.csv")
    }
    fair = set(truth.writeoff_id[truth.category == "contractual"])
    short = set(truth.writeoff_id[truth.category == "underpayment"])
    seen = Counter[str]()
    for row in ledger.values():
        if row["carc"] != "45" or row["modifiers"] in ("51", "50", "52"):
            continue
        rate = rates.get((row["payer_id"], row["procedure_code"], row["service_date"][:4]))
        if rate is None:
            assert row["writeoff_id"] not in fair | short
            continue
        expected = min(rate * int(row["units"]), cents(row["billed_amount"]))
        if row["writeoff_id"] in fair:
            seen["fair"] += 1
            assert abs(cents(row["allowed_amount"]) - expected) <= 1
        if row["writeoff_id"] in short:
            seen["short"] += 1
            assert cents(row["allowed_amount"]) < expected
    assert seen["fair"] > 100 and seen["short"] > 5
