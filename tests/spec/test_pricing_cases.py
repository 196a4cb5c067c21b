"""What the contract allows: worked by hand, and what it must not price."""

from __future__ import annotations

import pytest

from features.contract import ContractRates
from features.money import NULL
from features.tables import CONTRACT_RATES
from tests.spec.tables import cases
from tests.spec.writeoffs import cents, table, writeoffs


def rates() -> ContractRates:
    rows = [{name: value for name, value in term.items() if value} for term in cases("contract_terms.md")]
    return ContractRates(table(CONTRACT_RATES, [row | ({"value": float(row["value"])} if "value" in row else {}) for row in rows]))


def priced_row(case: dict[str, str]) -> dict[str, object]:
    columns: dict[str, object] = {
        "payer_id": case["payer"],
        "plan_id": case["plan"] or None,
        "procedure_code": case["code"],
        "modifiers": case["mods"] or None,
        "units": float(case["units"]) if case["units"] else None,
        "billed_amount": case["billed"] or None,
        "service_date": case["service"] or None,
    }
    extra = [part.split("=") for part in case["other"].split(";") if part.strip()]
    return columns | {name.strip(): value.strip() for name, value in extra}


@pytest.mark.parametrize("case", list(cases("prices.md")), ids=lambda case: " ".join(case.values()))
def test_price_is_what_the_contract_says(case: dict[str, str]) -> None:
    priced = rates().price(writeoffs(priced_row(case)))
    assert priced.allowed_cents[0] == cents(case["allowed"])
    if case["allowed"] != "-":
        assert priced.term[0] >= 0


def test_claim_priced_lines_say_so() -> None:
    methods = {"case_rate": "50000", "fee_schedule": "10000"}
    for method, code in methods.items():
        case = next(case for case in cases("prices.md") if case["code"] == code)
        assert bool(rates().price(writeoffs(priced_row(case))).claim_priced[0]) is (method == "case_rate")


def test_many_rows_are_priced_as_one() -> None:
    rows = [priced_row(case) for case in cases("prices.md")] * 5
    together = rates().price(writeoffs(*rows))
    for number, row in enumerate(rows):
        alone = rates().price(writeoffs(row))
        assert (alone.allowed_cents[0], alone.term[0]) == (together.allowed_cents[number], together.term[number])


def test_without_terms_nothing_is_priced() -> None:
    priced = ContractRates(table(CONTRACT_RATES, [])).price(writeoffs({}, {}))
    assert priced.allowed_cents.tolist() == [NULL, NULL] and priced.term.tolist() == [-1, -1]


@pytest.mark.parametrize(
    "row", [{"units": 1e300, "procedure_code": "20000"}, {"billed_amount": "9999999999999", "procedure_code": "99999"}]
)
def test_absurd_amounts_are_not_priced(row: dict[str, object]) -> None:
    priced = rates().price(writeoffs({"service_date": "2026-02-01"} | row))
    assert priced.allowed_cents.tolist() == [NULL]
