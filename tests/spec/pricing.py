"""The contract and the write-offs of the pricing tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from features.batch import Batch
from features.contract import ContractRates
from features.tables import CONTRACT_RATES, REFERENCE_FEES
from features.vocabulary import Vocabulary
from tests.spec.tables import cases
from tests.spec.writeoffs import table, writeoffs

SERVICE_DATE = "2026-06-15"
_COLUMNS = {"payer": "payer_id", "code": "procedure_code", "mods": "modifiers", "line": "line_number", "billed": "billed_amount"}


def terms() -> list[dict[str, str]]:
    """Return the rows of pricing_terms.md."""
    return list(cases("pricing_terms.md"))


@cache
def rates() -> ContractRates:
    """Return the contract of the tables."""
    words = Vocabulary()
    agreed = table(CONTRACT_RATES, [_numbers({k: v for k, v in row.items() if v and k != "n"}, "value") for row in terms()], words)
    fees = table(REFERENCE_FEES, [{k: v for k, v in row.items() if v} for row in cases("pricing_fees.md")], words)
    return ContractRates(agreed, fees)


def term_name(row: int) -> str:
    """Return the `n` of a term; empty for none."""
    return terms()[row]["n"] if row >= 0 else ""


def row_of(case: Mapping[str, str]) -> dict[str, object]:
    """Return a case as a write-off; what it says under `other` stands over the rest."""
    row: dict[str, object] = {name: case[short] or None for short, name in _COLUMNS.items() if short in case}
    row |= {"service_date": SERVICE_DATE, "units": float(case["units"]) if case.get("units") else None}
    if case.get("patient"):
        row["patient_responsibility_amount"] = case["patient"]
    if case.get("claim"):
        row["claim_id"] = case["claim"]
    other = [part.split("=", 1) for part in case.get("other", "").split(";") if part.strip()]
    return row | {name.strip(): value.strip() or None for name, value in other}


def batch_of(*rows: Mapping[str, str]) -> Batch:
    """Return cases as one batch."""
    return writeoffs(*(row_of(case) for case in rows))


def _numbers(row: dict[str, str], name: str) -> dict[str, object]:
    return row | ({name: float(row[name])} if name in row else {})
