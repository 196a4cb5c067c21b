"""Guards over any row: what must never come out, whatever is null."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.codes import Codes
from features.guards import BIT, GUARDS, RESTRICTED, is_restricted, refusals
from features.patient_share import PARTS, UsualShares
from features.rules import rules
from features.standing import IS_SENT, judge_standing
from features.tables import CATEGORIES, PAYER_TYPES, REMEDIES
from features.triage import classify
from tests.features.test_triage import any_row
from tests.spec.writeoffs import Row, day, writeoffs

CODES = Codes.load()
TODAY = day("2026-06-20")
PATIENT = sum(bit for guard, bit in BIT.items() if guard.startswith("patient."))


@settings(max_examples=300, deadline=None)
@given(any_row)
def test_a_refused_bill_is_none_and_a_bill_is_not_refused(row: Row) -> None:
    found = classify(writeoffs(row), codes=CODES, as_of=TODAY)
    refused, asked = int(found.refused[0]), int(found.asked[0])
    if REMEDIES[found.remedy[0]] == "patient_billing":
        assert not refused & PATIENT
        unknown = (row["qmb"], row["nsa_protected"], row["abn_on_file"]).count(None)
        assert not asked & PATIENT or unknown or row["payer_type"] not in PAYER_TYPES or row["account_status"] == "deceased"
    else:
        # Only a row that would have been billed is refused a bill.
        assert not refused & PATIENT or REMEDIES[found.remedy[0]] in ("none", "bill_secondary")
    assert not refused & asked & PATIENT


@settings(max_examples=200, deadline=None)
@given(any_row)
def test_nothing_leaves_against_a_restriction(row: Row) -> None:
    found = classify(writeoffs(row), codes=CODES, as_of=TODAY)
    if row["self_pay_restriction"] == "yes":
        assert not IS_SENT[found.remedy[0]]
        assert not found.in_scope[0] or not found.refused[0] & BIT["restriction.self_pay"]
    if row["part2"] == "yes" and row["appeal_consent_on_file"] != "yes" and IS_SENT[found.remedy[0]]:
        assert (found.refused[0] | found.asked[0]) & BIT["part2.consent"]


@settings(max_examples=200, deadline=None)
@given(any_row)
def test_money_owed_to_a_payer_is_in_no_queue(row: Row) -> None:
    found = classify(writeoffs(row), codes=CODES, as_of=TODAY)
    is_owed = CATEGORIES[found.category[0]] == "overpayment_owed"
    assert bool(found.refused[0] & BIT["overpayment.netting"]) is is_owed
    assert not (is_owed and found.in_scope[0])


@given(any_row)
@settings(max_examples=100, deadline=None)
def test_every_bit_has_a_sentence_and_a_citation(row: Row) -> None:
    found = classify(writeoffs(row), codes=CODES, as_of=TODAY)
    told = refusals(int(found.refused[0]), int(found.asked[0]))
    assert all(refusal.sentence.endswith(".") and refusal.citation for refusal in told)
    assert {refusal.rule_id for refusal in told if not refusal.is_question} == {g for g in GUARDS if found.refused[0] & BIT[g]}


def test_no_remedy_waives_the_patients_share() -> None:
    # 42 USC 1320a-7b(b): the words of no remedy and no step suggest it.
    found = classify(writeoffs({}), codes=CODES, as_of=TODAY)
    assert not [step for step in found.next_steps if "waive " in step.lower() or "write off" in step.lower()]


def test_standing_of_one_row_is_that_of_many() -> None:
    rows = [
        {"payer_type": payer, "network_status": network, "appeal_consent_on_file": consent}
        for payer in (*PAYER_TYPES, None)
        for network in ("in", "out", None)
        for consent in ("yes", "no", None)
    ]
    batch = writeoffs(*rows)
    kinds = np.array([PAYER_TYPES.index(row["payer_type"]) if row["payer_type"] else -1 for row in rows])
    for remedy in ("appeal", "external_review"):
        chosen = np.full(len(rows), REMEDIES.index(remedy))
        many = judge_standing(batch, kinds, chosen)
        assert many is not None
        for number in range(len(rows)):
            here = np.array([number])
            one = judge_standing(batch.take(here), kinds[here], chosen[here]) or (np.zeros(1), np.zeros(1))
            assert (one[0][0], one[1][0]) == (many[0][number], many[1][number])


def test_only_an_appeal_needs_standing() -> None:
    batch = writeoffs({"payer_type": "tricare", "network_status": "in"}, {"payer_type": "tricare", "network_status": "in"})
    kinds = np.full(2, PAYER_TYPES.index("tricare"))
    assert judge_standing(batch, kinds, np.full(2, REMEDIES.index("corrected_claim"))) is None


def test_bits_are_apart_and_each_is_a_rule() -> None:
    assert len({*BIT.values()}) == len(GUARDS) and {*GUARDS} <= {*rules()}
    assert is_restricted(np.array([RESTRICTED, 0])).tolist() == [True, False]
    assert is_restricted(np.array([0]), np.array([RESTRICTED])).tolist() == [True]


def test_shares_are_learned_of_the_past_only() -> None:
    paid = {"allowed_amount": "100", "paid_amount": "80", "patient_responsibility_amount": "20", "plan_id": "GOLD"}
    rows = [dict(paid, writeoff_date="2026-05-01") for _ in range(20)]
    late = [dict(paid, patient_responsibility_amount="90", paid_amount="10", writeoff_date="2026-06-01") for _ in range(20)]
    shares = UsualShares.learn(writeoffs(*rows, *late), until=day("2026-06-01"))
    assert shares.of("ACME", "GOLD", "commercial", None, None, None) == (PARTS // 5, 1)
    assert shares.of("ACME", "LEAD", "commercial", None, None, None) == (PARTS // 5, 2)
    assert shares.of("OTHER", "GOLD", "commercial", None, None, None) == (0, 0)
    assert UsualShares.learn(writeoffs(*rows[:19]), until=day("2026-06-01")).of("ACME", None, "commercial", None, None, None) == (0, 0)


@given(st.lists(st.sampled_from(["99213", "80053", "8", None]), min_size=2, max_size=30), st.sampled_from(["ACME", "NONE"]))
@settings(max_examples=50, deadline=None)
def test_shares_of_many_rows_are_those_of_each(codes: list[str | None], payer: str) -> None:
    shares = UsualShares({("ACME", None): 1500, ("ACME", "GOLD"): 900})
    rows = [{"payer_id": payer, "plan_id": plan, "payer_type": "medicare", "claim_type": "professional", "procedure_code": code}
            for code in codes for plan in ("GOLD", None)]  # fmt: skip
    batch = writeoffs(*rows)
    found = shares.gather(batch)
    alone = [shares.gather(batch.take(np.array([n])).single()) for n in range(len(rows))]
    assert [tuple(found[:, n].tolist()) for n in range(len(rows))] == alone
