"""Triage of any row: what must never come out, and that a row alone is the row in a table."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.allowed import UsualAllowed
from features.codes import Codes
from features.codes.steps import steps_of
from features.contract import Priced
from features.deadlines import Deadlines, deadlines
from features.money import NULL
from features.payer_rules import PayerRules
from features.tables import CATEGORIES, PAYER_RULES, PAYER_TYPES, REMEDIES
from features.triage import Triage, classify
from tests.spec.test_pricing_cases import rates
from tests.spec.writeoffs import Row, day, table, writeoffs

CODES = Codes.load()
TODAY = day("2026-06-20")
REMITS = day("2026-06-01")
RULES = PayerRules(
    table(
        PAYER_RULES,
        [
            {"payer_type": "commercial", "remedy": "corrected_claim", "limit": 20, "limit_unit": "days", "clock": "remit_date"},
            {"payer_type": "bcbs", "remedy": "appeal", "limit": 30, "limit_unit": "business_days", "clock": "initial_denial_date"},
            {"payer_type": "other", "remedy": "appeal", "limit": 2, "limit_unit": "months", "clock": "prior_decision_date", "level": 2},
        ],
    )
)

flag = st.sampled_from(["yes", "no", None])
dollars = st.sampled_from([None, "0", "0.01", "40", "80", "120", "200", "-40"])

any_row = st.fixed_dictionaries(
    {
        "group_code": st.sampled_from(["CO", "PR", "OA", "PI", "CR", "OTHER", "MA", None]),
        "carc": st.sampled_from([*CODES.carcs, "ZZ9", "CO-1", "PR1", None]),
        "rarcs": st.lists(st.sampled_from([*CODES.rarcs, "ZZ1"]), max_size=3).map(lambda words: " ".join(words) or None),
        "payer_type": st.sampled_from([*PAYER_TYPES, "else", None]),
        "claim_type": st.sampled_from(["professional", "institutional", None]),
        "adjustment_code": st.sampled_from([None, None, "PR-1", "COPAY", "SMALLBAL", "CONTRACT", "xyz", "BAD DEBT"]),
        "claim_status": st.sampled_from([None, "1", "4", "19", "22", "25"]),
        "posting_kind": st.sampled_from([None, "writeoff", "transfer", "conversion"]),
        "account_status": st.sampled_from([None, "open", "bankruptcy", "agency", "legal", "deceased"]),
        "next_payer_id": st.sampled_from([None, "NEXT"]),
        "network_status": st.sampled_from([None, "in", "out"]), "funding": st.sampled_from([None, "insured", "self_funded", "government"]),
        "appeal_consent_on_file": flag, "part2": flag, "self_pay_restriction": flag,
        "procedure_code": st.sampled_from([None, "99213", "80053"]), "claim_frequency": st.sampled_from([None, "1", "7"]),
        "qmb": flag, "nsa_protected": flag, "abn_on_file": flag, "financial_assistance": flag, "other_coverage_on_file": flag,
        "authorization_on_file": flag, "timely_proof_on_file": flag, "referral_on_file": flag, "records_on_file": flag,
        "writeoff_amount": dollars, "billed_amount": dollars, "allowed_amount": dollars, "paid_amount": dollars,
        "patient_responsibility_amount": dollars, "other_payer_paid_amount": dollars, "expected_allowed_amount": dollars,
        "remit_date": st.sampled_from([None, "2026-06-01", "2026-01-02"]),
        "initial_denial_date": st.sampled_from([None, "2026-01-02"]),
        "service_date": st.sampled_from([None, "2024-02-29", "2026-05-01"]),
        "service_date_to": st.sampled_from([None, "2026-05-03"]),
        "appeal_deadline": st.sampled_from([None, None, "2025-01-01", "2026-06-10", "2026-09-01"]),
    }
)  # fmt: skip


def no_price(rows: int) -> Priced:
    return Priced(np.full(rows, NULL), np.full(rows, -1, dtype=np.int32), np.zeros(rows, dtype=np.bool_))


@settings(max_examples=400, deadline=None)
@given(any_row)
def test_patient_is_never_billed_outside_the_allow_list(row: Row) -> None:
    found = classify(writeoffs(row), codes=CODES, as_of=TODAY)
    if REMEDIES[found.remedy[0]] != "patient_billing":
        return
    # The group may also stand in the code itself (`PR-1`) where its own column is null; nowhere else.
    assert row["group_code"] == "PR" or (row["group_code"] is None and "PR" in f"{row['carc']} {row['adjustment_code']}")
    assert row["qmb"] != "yes" and row["nsa_protected"] != "yes" and row["financial_assistance"] != "yes"
    assert row["payer_type"] not in ("medicaid", "medicaid_managed", "workers_comp")
    assert row["account_status"] not in ("bankruptcy", "legal", "agency")
    guarding = {rarc.guard for rarc in (CODES.rarc(word) for word in str(row["rarcs"] or "").split()) if rarc is not None}
    assert not guarding & {"qmb", "nsa", "no_billing"}
    assert row["next_payer_id"] is None or float(str(row["other_payer_paid_amount"] or 0)) > 0
    assert CATEGORIES[found.category[0]] == "patient_responsibility"


@settings(max_examples=300, deadline=None)
@given(any_row)
def test_cap_is_between_nothing_and_the_amount(row: Row) -> None:
    batch = writeoffs(row)
    found = classify(batch, codes=CODES, as_of=TODAY, priced=no_price(1))
    amount = batch.columns["writeoff_amount"][0]
    if amount == NULL:
        assert found.cap_cents[0] == NULL
    else:
        assert 0 <= found.cap_cents[0] <= max(amount, 0)
        assert found.possible[0] or found.cap_cents[0] == 0
        billed, paid = (int(batch.columns[name][0]) for name in ("billed_amount", "paid_amount"))
        is_taken_back = CATEGORIES[found.category[0]] == "payer_recoupment"
        assert billed <= 0 or found.cap_cents[0] <= max(billed - max(0 if is_taken_back else paid, 0), 0)


@given(any_row.map(lambda row: dict(row, carc="ZZ9", group_code="CO", adjustment_code=None)))
def test_unknown_code_is_never_contractual(row: Row) -> None:
    found = classify(writeoffs(row), codes=CODES, as_of=TODAY)
    assert CATEGORIES[found.category[0]] not in ("contractual", "underpayment", "questionable_contractual")


@settings(max_examples=100, deadline=None)
@given(st.lists(any_row, min_size=1, max_size=12))
def test_line_never_brings_more_than_its_ceiling(rows: list[Row]) -> None:
    shared = {"claim_id": "C", "line_number": 1, "billed_amount": "300", "expected_allowed_amount": "120", "paid_amount": "30"}
    rows = [dict(row) | shared | {"other_payer_paid_amount": None, "patient_responsibility_amount": "10"} for row in rows]
    found = classify(writeoffs(*rows), codes=CODES, as_of=TODAY)
    # What the patient owes is settled, unless the next payer owes it and was not billed.
    patient = 0 if (found.category == CATEGORIES.index("unbilled_secondary")).any() else 10_00
    assert found.cap_cents[found.cap_cents != NULL].sum() <= 120_00 - 30_00 - patient


@settings(max_examples=100, deadline=None)
@given(st.lists(any_row, min_size=1, max_size=12))
def test_line_that_paid_nothing_leaves_the_patient_a_share(rows: list[Row]) -> None:
    bare = {"paid_amount": "0", "allowed_amount": "0", "other_payer_paid_amount": None, "patient_responsibility_amount": "0"}
    shared = {"claim_id": "C", "line_number": 1, "billed_amount": "300", "expected_allowed_amount": "120", "payer_type": "medicare"}
    kind = {"claim_type": "professional", "procedure_code": "99213"}
    found = classify(writeoffs(*(dict(row) | shared | bare | kind for row in rows)), codes=CODES, as_of=TODAY)
    known = found.cap_cents[found.cap_cents != NULL].sum()
    # A fifth of 120 dollars is the patient's in Medicare Part B; a row that is no recovery of the line imputes nothing.
    assert known <= (120_00 - 24_00 if np.all(found.patient_share_cents == 24_00) else 120_00)


def usual_of(rows: int) -> UsualAllowed:
    return UsualAllowed(np.full(rows, 100_00), np.full(rows, 90_00), np.full(rows, 110_00), np.full(rows, 9.0), np.full(rows, 100_00.0))


def columns_of(found: Triage, row: int) -> list[object]:
    names = [name for name in Triage.__slots__ if name not in ("whys", "next_steps")]
    return [getattr(found, name)[row].item() for name in names]


@settings(max_examples=60, deadline=None)
@given(st.lists(any_row, min_size=2, max_size=80))
def test_row_alone_is_the_row_in_a_table(rows: list[Row]) -> None:
    batch, many = writeoffs(*rows), usual_of(len(rows))
    together = classify(batch, codes=CODES, as_of=TODAY, usual=many)
    dated = deadlines(batch, together, as_of=TODAY + 90, rules=RULES)
    for number in range(len(rows)):
        one = batch.take(np.array([number]))
        alone = classify(one, codes=CODES, as_of=TODAY, usual=usual_of(1))
        assert columns_of(alone, 0) == columns_of(together, number)
        own = deadlines(one, alone, as_of=TODAY + 90, rules=RULES)
        assert all(getattr(own, name)[0] == getattr(dated, name)[number] for name in Deadlines.__slots__)


alike = st.fixed_dictionaries(
    {
        "claim_id": st.sampled_from(["C1", "C1", "C2", None]),
        "line_number": st.sampled_from([1, 1, 2, None]),
        "carc": st.sampled_from(["50", "50", "45"]),
        "group_code": st.just("CO"),
        "posting_kind": st.sampled_from([None, "writeoff", "reversal", "transfer"]),
        "reverses_writeoff_id": st.sampled_from([None, None, None, "W0", "W1"]),
        "writeoff_date": st.integers(0, 6).map(lambda days: f"2026-06-{17 + days}"),
        "writeoff_amount": st.sampled_from(["40", "40", "-40", "60", "-25"]),
        "billed_amount": st.sampled_from(["80", "200"]),
        "paid_amount": st.sampled_from([None, "0", "30"]),
        "expected_allowed_amount": st.sampled_from([None, "70", "100"]),
    }
)


@settings(max_examples=300, deadline=None)
@given(st.lists(alike, min_size=2, max_size=8))
def test_what_is_posted_later_changes_nothing_of_a_row(rows: list[Row]) -> None:
    """A row is seen with what was known on the morning, or, posted later, on its own day: the ledger cut there says the same."""
    batch = writeoffs(*rows)
    posted = batch.columns["writeoff_date"]
    whole = classify(batch, codes=CODES, as_of=np.maximum(posted, TODAY), priced=no_price(len(rows)))
    for row in range(len(rows)):
        seen = np.flatnonzero(posted <= max(int(posted[row]), TODAY - 1))
        cut = classify(batch.take(seen), codes=CODES, as_of=np.maximum(posted[seen], TODAY), priced=no_price(len(seen)))
        assert columns_of(whole, row) == columns_of(cut, int(np.searchsorted(seen, row)))


def test_a_reversal_counts_from_the_morning_after_it_was_posted() -> None:
    shared = {"claim_id": "C1", "carc": "50", "group_code": "CO"}
    batch = writeoffs(
        shared | {"writeoff_amount": "40", "writeoff_date": "2026-05-01"},
        shared | {"writeoff_amount": "-40", "writeoff_date": "2026-06-20"},
    )
    told = [[CATEGORIES[i] for i in classify(batch, codes=CODES, as_of=TODAY + late).category] for late in (0, 1)]
    assert told == [["denial", "reversed"], ["reversed", "reversed"]]


@settings(max_examples=200, deadline=None)
@given(any_row)
def test_deadline_is_never_before_its_clock(row: Row) -> None:
    batch = writeoffs(row)
    found = deadlines(batch, classify(batch, codes=CODES, as_of=TODAY), as_of=TODAY)
    clocks = [day(str(row[name])) for name in ("remit_date", "initial_denial_date", "service_date") if row[name]]
    assert found.day[0] >= min([*clocks, REMITS])


def test_day_may_be_given_for_each_row() -> None:
    batch = writeoffs(*({"group_code": "OA", "carc": "133", "remit_date": "2026-06-01"} for _ in range(2)))
    found = classify(batch, codes=CODES, as_of=np.array([REMITS + 120, REMITS + 121]))
    assert [CATEGORIES[i] for i in found.category] == ["wait", "denial"]


def test_no_rows_are_no_rows() -> None:
    batch = writeoffs()
    found = classify(batch, codes=CODES, as_of=TODAY, priced=rates().price(batch))
    assert len(found.category) == len(deadlines(batch, found, as_of=TODAY).day) == 0


def test_every_step_and_reason_is_a_sentence() -> None:
    found = classify(writeoffs({}), codes=CODES, as_of=TODAY)
    assert all(text.endswith(".") for text in (*found.whys, *steps_of(CODES).sentences))


def test_who_is_insured_elsewhere_is_on_the_patients_list_with_the_payers_route_told() -> None:
    refused = [{"group_code": "PR", "carc": carc, "payer_type": "commercial"} for carc in ("22", "26", "27", "31", "109", "200")]
    rows = writeoffs(
        *refused, {**refused[0], "other_coverage_on_file": "yes"}, {"group_code": "PR", "carc": "2", "payer_type": "commercial"}
    )
    found = classify(rows, codes=CODES, as_of=TODAY)
    assert not found.in_scope.any()
    assert {CATEGORIES[place] for place in found.category} == {"patient_responsibility"}
    told = [found.whys[place] for place in found.why]
    assert all("bill that payer first" in text and "ask for coverage" in text for text in told[:6])
    assert "other coverage is on file" in told[6]
    assert "payer first" not in told[7]


def test_one_row_takes_a_fraction_of_a_millisecond() -> None:
    # The budget is 150 microseconds on a quiet machine; ten times that catches a table compiled for every row.
    rules = PayerRules(table(PAYER_RULES, [{"payer_id": "ACME", "limit": 90, "limit_unit": "days", "clock": "remit_date"}]))
    row = writeoffs({"group_code": "CO", "carc": "197", "payer_type": "commercial", "remit_date": "2026-06-01", "procedure_code": "10000"})
    contract = rates()

    def score() -> None:
        deadlines(row, classify(row, codes=CODES, as_of=TODAY, priced=contract.price(row)), rules=rules, as_of=TODAY)

    score()
    taken = []
    for _ in range(50):
        begun = time.perf_counter()
        score()
        taken.append(time.perf_counter() - begun)
    assert np.median(taken) < 1.5e-3


def test_table_is_triaged_in_time() -> None:
    # Two seconds for a million rows are the budget; twenty thousand in a second hold on any machine that runs tests.
    line = {"group_code": "CO", "line_number": 1, "writeoff_amount": "10"}
    kinds: list[Row] = [line | {"carc": carc, "claim_id": f"C{i}"} for i, carc in enumerate(CODES.carcs)]
    few = writeoffs(*kinds)
    batch = few.take(np.arange(20_000) % len(kinds))
    begun = time.perf_counter()
    deadlines(batch, classify(batch, codes=CODES, as_of=TODAY), as_of=TODAY)
    assert time.perf_counter() - begun < 1.0


def test_a_later_payer_is_not_held_to_the_first_payers_price() -> None:
    line = {"carc": "45", "group_code": "CO", "billed_amount": "300", "writeoff_amount": "250", "allowed_amount": "50", "paid_amount": "50"}
    first, second = (dict(line, expected_allowed_amount="120", payer_sequence=place) for place in ("1", "2"))
    found = classify(writeoffs(first, second), codes=CODES, as_of=TODAY)
    assert [CATEGORIES[category] for category in found.category] == ["underpayment", "contractual"]
    assert found.underpayment_cents.tolist() == [70_00, NULL]
