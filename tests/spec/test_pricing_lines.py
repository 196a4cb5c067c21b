"""Pricing by contract, worked by hand: single lines, lines with their claim, whole claims, sequestration."""

from __future__ import annotations

from itertools import groupby

import pytest

from features.contract import Priced, cite, modifier_table, price_cases
from features.contract.reasons import REASONS
from features.money import NULL, format_cents
from tests.spec.pricing import batch_of, rates, row_of, term_name
from tests.spec.tables import cases
from tests.spec.writeoffs import writeoffs

LINES, CLAIMS = list(cases("pricing_lines.md")), list(cases("pricing_claims.md"))
BY_CLAIM = [(name, list(rows)) for name, rows in groupby(CLAIMS, lambda case: case["claim"])]
CASES = [(name, list(rows)) for name, rows in groupby(cases("pricing_cases.md"), lambda case: case["claim"])]
NOT_MET = {"too_large", "claim_incomplete"}
"""Reasons that the tables of lines do not show: absurd amounts, and one that only claims have."""


def told(priced: Priced, row: int) -> tuple[str, str, str]:
    """Return price, term and reason of a row as the tables write them."""
    assert priced.reason is not None
    cents = int(priced.allowed_cents[row])
    return "-" if cents == NULL else format_cents(cents), term_name(int(priced.term[row])), REASONS[priced.reason[row]]


def expected(case: dict[str, str]) -> tuple[str, str, str]:
    allowed = case["allowed"]
    return "-" if allowed == "-" else f"{float(allowed):.2f}", case["term"], case["why"]


@pytest.mark.parametrize("case", LINES, ids=lambda case: " ".join(case.values()))
def test_a_line_alone_is_priced_as_written(case: dict[str, str]) -> None:
    priced = rates().price(batch_of(case))
    assert told(priced, 0) == expected(case)
    assert bool(priced.claim_priced[0]) is (
        case["why"] in ("claim_priced", "capitated") or case["term"] in ("C1", "D1") and case["allowed"] == "-"
    )


@pytest.mark.parametrize(("name", "rows"), BY_CLAIM, ids=[name for name, _ in BY_CLAIM])
def test_lines_are_priced_with_their_claim(name: str, rows: list[dict[str, str]]) -> None:
    priced = rates().price(batch_of(*rows))
    assert [told(priced, place) for place in range(len(rows))] == [expected(case) for case in rows]


def test_claims_do_not_touch_each_other() -> None:
    priced = rates().price(batch_of(*CLAIMS))
    assert [told(priced, place) for place in range(len(CLAIMS))] == [expected(case) for case in CLAIMS]


def test_lines_that_stand_alone_are_priced_alike_in_a_batch() -> None:
    alone = [case for case in LINES if "claim_id" not in case["other"]]
    priced = rates().price(batch_of(*alone * 3))
    assert [told(priced, place) for place in range(3 * len(alone))] == [expected(case) for case in alone * 3]


@pytest.mark.parametrize(("name", "rows"), CASES, ids=[name for name, _ in CASES])
def test_a_claim_is_priced_once(name: str, rows: list[dict[str, str]]) -> None:
    found = price_cases(rates(), batch_of(*rows))
    assert len(found) == 1 and found[0].claim_id == name
    allowed = "-" if found[0].allowed_cents == NULL else format_cents(found[0].allowed_cents)
    want = rows[0]["case"]
    assert (allowed, found[0].reason) == ("-" if want == "-" else f"{float(want):.2f}", rows[0]["why"])


@pytest.mark.parametrize("case", list(cases("pricing_sequestration.md")), ids=lambda case: " ".join(case.values()))
def test_sequestration_takes_2_percent_of_the_payment(case: dict[str, str]) -> None:
    priced = rates().price(batch_of(case))
    assert priced.sequestered_cents is not None
    for word, cents in ((case["allowed"], priced.allowed_cents[0]), (case["taken"], priced.sequestered_cents[0])):
        assert ("-" if cents == NULL else format_cents(int(cents))) == ("-" if word == "-" else f"{float(word):.2f}")


def test_the_tables_show_every_reason_and_every_modifier() -> None:
    shown = {case["why"] for case in (*LINES, *CLAIMS)}
    assert set(REASONS) - shown == NOT_MET
    codes = {code for case in LINES for code in case["mods"].upper().split()}
    assert set(modifier_table()) - codes == {"RR", "UE", "56", "AD", "QY", "QZ", "CO", "CQ"}


@pytest.mark.parametrize("code", sorted(modifier_table()))
def test_every_modifier_cites_its_rule_and_is_priced_or_refused(code: str) -> None:
    rule = modifier_table()[code]
    assert rule.meaning and ("Pub. 100-04" in rule.citation or "practice norm" in rule.citation or "Pub." in rule.citation)
    priced = rates().price(writeoffs({"payer_id": "FEES", "procedure_code": "20000", "modifiers": code, "service_date": "2026-06-15"}))
    assert priced.reason is not None
    assert [bool(priced.allowed_cents[0] != NULL), bool(priced.reason[0] == 0)] == [rule.share is not None] * 2


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            {"payer_id": "FEES", "procedure_code": "20000", "modifiers": "50", "units": 2.0, "allowed_amount": "800"},
            "contract FEES, term 4 (fee schedule): $300.00 x 2 units x 150 % (modifier 50) = $900.00; allowed $800.00, $100.00 too little.",
        ),
        (
            {"payer_id": "FEES", "procedure_code": "50000", "service_date": "2025-05-01", "allowed_amount": "200"},
            "contract FEES, term 15 (fee schedule, from 2025-01-01, to 2025-12-31): $200.00 = $200.00.",
        ),
        (
            {"payer_id": "PCT", "procedure_code": "10000", "billed_amount": "200", "allowed_amount": "100"},
            "contract PCT, term 29 (percent of charges): 62.5 % x the charge of $200.00 = $125.00; allowed $100.00, $25.00 too little.",
        ),
        (
            {"payer_id": "MCR", "procedure_code": "10000", "allowed_amount": "0"},
            "contract MCR, term 32 (percent of a reference schedule): 120 % of the fee in MPFS, $120.00 = $120.00.",
        ),
        (
            {"payer_id": "FEES", "procedure_code": "20000", "modifiers": "66"},
            "contract FEES, term 4 (fee schedule): not priced: the modifier is priced by report.",
        ),
        ({"payer_id": "NOBODY"}, "not priced: no contract with this payer is loaded."),
        (
            {"payer_id": "FEES", "procedure_code": "30000", "billed_amount": "350", "allowed_amount": "300"},
            "contract FEES, term 5 (fee schedule): $400.00 = $350.00 (the charge, where that is less); allowed $300.00, $50.00 too little.",
        ),
        (
            {"payer_id": "DIEM", "billed_amount": "9000", "service_date_to": "2026-06-20", "allowed_amount": "3200"},
            "contract DIEM, term 44 (per diem): $800.00 x 5 days = $4,000.00; allowed $3,200.00, $800.00 too little.",
        ),
    ],
)
def test_a_price_cites_its_term_in_a_sentence(other: dict[str, object], sentence: str) -> None:
    batch = writeoffs({"service_date": "2026-06-15"} | other)
    assert cite(rates(), batch, 0) == sentence == cite(rates(), batch, 0, rates().price(batch))


def test_a_case_row_says_what_it_says() -> None:
    assert row_of({"payer": "A", "code": "", "other": "units=;plan_id=GOLD", "units": "2"})["plan_id"] == "GOLD"


def test_a_ranked_price_says_so() -> None:
    batch = batch_of(*BY_CLAIM[0][1])
    assert cite(rates(), batch, 0, rates().price(batch)) == (
        "contract MULT, term 49 (fee schedule): $300.00 = $150.00 (by its place among the day's procedures)."
    )
