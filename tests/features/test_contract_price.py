"""Edges of pricing: amounts beyond whole numbers of the machine, empty batches, and how reference fees arrive."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest

from features.batch import empty_columns
from features.codes.tables import Codes
from features.contract import REASONS, ContractRates, cite, underpayment
from features.contract.page import pricing_page
from features.money import NULL
from features.tables import CONTRACT_RATES, REFERENCE_FEES, WRITEOFFS
from features.view import Practice
from features.vocabulary import Vocabulary
from models.bundle import _TABLES as OF_BUNDLE
from recoup.beside import Beside
from recoup.inputs import BESIDE
from tests.spec.writeoffs import table

Row = dict[str, object]


def price(term: Row, *rows: Row) -> tuple[list[int], list[str]]:
    words = Vocabulary()
    rates = ContractRates(table(CONTRACT_RATES, [{"payer_id": "A", "method": "fee_schedule"} | term], words))
    priced = rates.price(table(WRITEOFFS, [{"payer_id": "A"} | row for row in rows], words))
    assert priced.reason is not None
    return priced.allowed_cents.tolist(), [REASONS[reason] for reason in priced.reason]


def test_products_beyond_64_bits_are_exact() -> None:
    # 9876543.21 cents x 62.5 % x 16 % x 100000.1234 units: numerator and units multiply beyond 2**63.
    exact = Fraction(987654321, 100) * Fraction(5, 8) * Fraction(16, 100) * Fraction(1000001234, 10_000)
    want = floor(exact + Fraction(1, 2))
    assert price({"value": 98765.4321}, {"modifiers": "62 80", "units": 100_000.1234}) == ([want], [""])
    many: list[Row] = [{"modifiers": "62 80", "units": 100_000.1234}, {"units": 1.0}] * 100
    assert price({"value": 98765.4321}, *many)[0] == [want, 9876543] * 100


@pytest.mark.parametrize(
    ("term", "row", "reason"),
    [
        ({"value": 1e14}, {}, "too_large"),
        ({"value": 1e30}, {}, "no_value"),
        ({"value": float("inf")}, {}, "no_value"),
        ({"value": 10.0}, {"units": float("inf")}, "too_large"),
        ({"value": 10.0}, {"units": 1e300}, "too_large"),
        ({"value": 1000.0}, {"units": 1e9}, "too_large"),
        ({"value": 80.0, "method": "percent_of_charges"}, {"billed_amount": "9999999999999"}, "too_large"),
        ({"value": 80.0, "method": "per_diem"}, {"units": 1e12}, "no_days"),
        ({"value": 80.0, "method": "per_diem"}, {"units": 2.5}, "no_days"),
    ],
)
def test_amounts_beyond_all_sense_are_not_priced(term: Row, row: Row, reason: str) -> None:
    assert price(term, row) == ([NULL], [reason])


def test_no_rows_have_no_prices() -> None:
    assert price({"value": 10.0}) == ([], [])


def test_a_row_without_a_contract_can_be_told() -> None:
    words = Vocabulary()
    rates = ContractRates(table(CONTRACT_RATES, [], words), table(REFERENCE_FEES, [], words))
    assert cite(rates, table(WRITEOFFS, [{"payer_id": "A"}], words), 0) == "not priced: no contract with this payer is loaded."


def test_what_is_not_priced_is_no_underpayment() -> None:
    allowed, _ = price({"value": 100.0}, {"modifiers": "66"}, {"modifiers": "80"})
    assert underpayment(np.array(allowed), np.array([1_00, 1_00])).tolist() == [NULL, 15_00]


def test_a_term_loaded_later_prices_days_before_it() -> None:
    """A retroactive amendment replaces the span of the contract table; what was posted before is judged by it."""
    term: Row = {"value": 120.0, "effective_from": "2026-01-01"}
    assert price(term, {"service_date": "2026-01-01", "writeoff_date": "2026-02-01"}, {"service_date": "2025-12-31"}) == (
        [120_00, NULL],
        ["", "no_term_on_day"],
    )


def test_reference_fees_travel_with_the_practice() -> None:
    words = Vocabulary()
    fees = table(REFERENCE_FEES, [{"schedule": "MPFS", "year": 2026, "procedure_code": "1", "amount": "50"}], words)
    terms = table(CONTRACT_RATES, [{"payer_id": "A", "method": "percent_of_reference", "value": 110.0}], words)
    rates = Practice(Codes.load(), contracts=terms, reference_fees=fees).rates()
    assert rates is not None
    row = table(WRITEOFFS, [{"payer_id": "A", "procedure_code": "1", "service_date": "2026-03-01"}], words)
    assert rates.price(row).allowed_cents.tolist() == [55_00]
    assert BESIDE == dict(OF_BUNDLE) and set(BESIDE) == set(Beside.__slots__)


def test_absent_columns_price_as_nulls() -> None:
    words = Vocabulary()
    rates = ContractRates(table(CONTRACT_RATES, [{"payer_id": "A", "method": "percent_of_charges", "value": 50.0}], words))
    batch = table(WRITEOFFS, [{"payer_id": "A"}], words)
    batch.columns = empty_columns(WRITEOFFS, 1) | {"payer_id": batch.columns["payer_id"]}
    assert rates.price(batch).allowed_cents.tolist() == [NULL]


def test_the_page_of_pricing_is_that_of_the_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "pricing.md"
    assert page.read_text(encoding="utf-8") == pricing_page(), "run `python -m features.contract.page > docs/pricing.md`"
