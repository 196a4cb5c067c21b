"""The most that can come back, by line; and reversals, copies and policies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.allowed import UsualAllowed
from features.codes import Codes
from features.money import NULL
from features.tables import CATEGORIES, WRITEOFF_POLICIES
from features.triage import EXPECTED_SOURCES, classify
from tests.spec.tables import cases
from tests.spec.writeoffs import Row, cents, day, table, writeoffs

TODAY = day("2026-06-02")


@pytest.mark.parametrize("case", list(cases("caps.md")), ids=lambda case: " ".join(case.values()))
def test_cap_and_underpayment(case: dict[str, str]) -> None:
    group, carc = case["codes"].split()
    names = {
        "writeoff": "writeoff_amount", "billed": "billed_amount", "allowed": "allowed_amount", "paid": "paid_amount",
        "other": "other_payer_paid_amount", "patient": "patient_responsibility_amount", "expected": "expected_allowed_amount",
    }  # fmt: skip
    money: dict[str, object] = {column: case[name] or None for name, column in names.items()}
    found = classify(writeoffs({"group_code": group, "carc": carc} | money), codes=Codes.load(), as_of=TODAY)
    assert (found.cap_cents[0], found.underpayment_cents[0]) == (cents(case["cap"]), cents(case["underpaid"]))


def line(carc: str, amount: str, **more: object) -> dict[str, object]:
    return {"claim_id": "C1", "line_number": 1, "group_code": "CO", "carc": carc, "writeoff_amount": amount, "billed_amount": "300"} | more


def test_one_line_has_one_cap_and_denials_take_it_first() -> None:
    rows = [line("104", "60", expected_allowed_amount="120"), line("50", "100", expected_allowed_amount="120")]
    found = classify(writeoffs(*rows), codes=Codes.load(), as_of=TODAY)
    assert found.cap_cents.tolist() == [20_00, 100_00]


def test_a_row_without_a_price_shares_what_its_line_should_have_been_allowed() -> None:
    rows = [line("50", "60", expected_allowed_amount="70"), line("197", "60")]
    for told, shared in ((rows, [60_00, 10_00]), (rows[::-1], [60_00, 10_00])):
        assert classify(writeoffs(*told), codes=Codes.load(), as_of=TODAY).cap_cents.tolist() == shared


priced = st.fixed_dictionaries(
    {
        "carc": st.sampled_from(["50", "197"]),
        "writeoff_amount": st.sampled_from(["40", "60", "200"]),
        "billed_amount": st.sampled_from([None, "80", "200"]),
        "paid_amount": st.sampled_from([None, "30"]),
        "expected_allowed_amount": st.sampled_from([None, "70", "100"]),
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(priced, min_size=2, max_size=6, unique_by=lambda row: (row["carc"], row["writeoff_amount"])))
def test_a_line_brings_no_more_than_was_expected_nor_than_was_charged(rows: list[Row]) -> None:
    batch = writeoffs(*({"claim_id": "C1", "line_number": 1, "group_code": "CO", **row} for row in rows))
    found = int(classify(batch, codes=Codes.load(), as_of=TODAY + 99).cap_cents.sum())
    paid = np.maximum(batch.columns["paid_amount"], 0)
    for name in ("expected_allowed_amount", "billed_amount"):
        is_known = batch.columns[name] != NULL
        assert not is_known.any() or found <= (batch.columns[name] - paid)[is_known].max()


def test_the_next_payer_owes_the_patients_share() -> None:
    share = {"group_code": "PR", "carc": "2", "writeoff_amount": "40", "allowed_amount": "200", "expected_allowed_amount": "200"}
    share |= {"paid_amount": "160", "patient_responsibility_amount": "40", "billed_amount": "500"}
    found = classify(writeoffs(share | {"next_payer_id": "MCDX"}, share), codes=Codes.load(), as_of=TODAY)
    assert [CATEGORIES[category] for category in found.category] == ["unbilled_secondary", "patient_responsibility"]
    assert found.cap_cents.tolist() == [40_00, 0]


def test_lines_of_other_claims_and_clients_share_nothing() -> None:
    rows = [
        line("50", "100", expected_allowed_amount="120", **who) for who in ({}, {"claim_id": "C2"}, {"line_number": 2}, {"client_id": "X"})
    ]
    assert classify(writeoffs(*rows), codes=Codes.load(), as_of=TODAY).cap_cents.tolist() == [100_00] * 4


def test_expected_comes_from_the_practice_then_contract_then_habit() -> None:
    known = np.array([110_00, NULL])
    usual = UsualAllowed(known, known, known, np.array([9.0, 0.0]), known.astype(float))
    found = classify(writeoffs({"carc": "50"}, {"carc": "50"}), codes=Codes.load(), as_of=TODAY, usual=usual)
    assert [EXPECTED_SOURCES[i] for i in found.expected_allowed_source] == ["usual", "none"]
    assert found.expected_allowed_cents.tolist() == [110_00, NULL]
    assert found.underpayment_cents.tolist() == [NULL, NULL]  # a habit is no contract


def test_contractual_row_clearly_below_the_usual_is_questionable() -> None:
    rows = [line("45", amount, line_number=i) for i, amount in enumerate(("180", "195", "240"))]
    usual = UsualAllowed(np.full(3, 120_00), np.full(3, 110_00), np.full(3, 130_00), np.full(3, 20.0), np.full(3, 120_00.0))
    found = classify(writeoffs(*rows), codes=Codes.load(), as_of=TODAY, usual=usual)
    # 300 less the write-off is 120, 105 and 60; clearly below is 110 - (120 - 110) / 2 = 105 and less.
    assert [CATEGORIES[i] for i in found.category] == ["contractual", "contractual", "questionable_contractual"]


def test_reversals_match_by_claim_line_code_and_amount_first_in_first_out() -> None:
    told = list(cases("reversals.md"))
    rows = [
        {
            "writeoff_id": case["id"], "claim_id": case["claim"], "group_code": "CO", "carc": case["carc"],
            "writeoff_amount": case["amount"], "posting_kind": case["kind"] or None, "reverses_writeoff_id": case["of"] or None,
            "writeoff_date": case["date"],
        }
        for case in told
    ]  # fmt: skip
    found = classify(writeoffs(*rows), codes=Codes.load(), as_of=TODAY)
    assert [CATEGORIES[i] for i in found.category] == [case["category"] for case in told]
    assert found.cap_cents[~found.possible].tolist() == [0] * int((~found.possible).sum())


def test_second_posting_of_the_same_is_a_posting_error() -> None:
    rows = [line("50", "40", writeoff_date=when) for when in ("2026-05-03", "2026-05-01")]
    others = [line("50", "41"), line("50", "40", payer_id="OTHER"), line("50", "40", remit_file="f.835", remit_segment=7)]
    found = classify(writeoffs(*rows, *others), codes=Codes.load(), as_of=TODAY)
    assert [CATEGORIES[i] for i in found.category] == ["posting_error", "denial", "denial", "denial", "denial"]


@pytest.mark.parametrize("case", list(cases("policy_cases.md")), ids=lambda case: " ".join(case.values()))
def test_policies_stand_where_no_code_does(case: dict[str, str]) -> None:
    policies = table(WRITEOFF_POLICIES, [{name: value for name, value in row.items() if value} for row in cases("policies.md")])
    row = {
        "client_id": case["client"] or None,
        "adjustment_code": case["code"],
        "carc": case["carc"] or None,
        "writeoff_amount": case["amount"],
    }
    found = classify(writeoffs(row), codes=Codes.load(), as_of=TODAY, policies=policies)
    assert CATEGORIES[found.category[0]] == case["category"]
