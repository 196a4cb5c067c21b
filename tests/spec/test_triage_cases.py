"""What a veteran of denials would say of these rows: category, family, remedy, and whether it is worked."""

from __future__ import annotations

import pytest

from features.codes import FAMILIES, Codes
from features.tables import CATEGORIES, REMEDIES
from features.triage import classify
from tests.spec.tables import cases
from tests.spec.writeoffs import day, writeoffs

_IN_SCOPE = {
    "payer_recoupment", "posting_error", "unbilled_secondary", "never_billed", "denial", "underpayment", "questionable_contractual",
    "withhold_receivable", "unclassified",
}  # fmt: skip


def row(case: dict[str, str]) -> dict[str, object]:
    """Return the columns of a case."""
    words = case["codes"].split()
    group = words.pop(0) if words and words[0] in ("CO", "PR", "OA", "PI") else None
    columns: dict[str, object] = {
        "group_code": group,
        "carc": words[0] if words else None,
        "rarcs": " ".join(words[1:]) or None,
        "payer_type": case["payer"] or None,
        "claim_type": case.get("form") or None,
        "writeoff_amount": "50",
        "remit_date": "2026-06-01",
    }
    extra = [part.split("=") for part in case["with"].split(";") if part.strip()]
    return columns | {name.strip(): value.strip() for name, value in extra}


@pytest.mark.parametrize("case", list(cases("triage.md")), ids=lambda case: " ".join(case.values()))
def test_row_is_what_a_veteran_says(case: dict[str, str]) -> None:
    found = classify(writeoffs(row(case)), codes=Codes.load(), as_of=day("2026-06-01") + int(case["days"]))
    said = (CATEGORIES[found.category[0]], FAMILIES[found.family[0]], REMEDIES[found.remedy[0]])
    assert said == (case["category"], case["family"], case["remedy"])
    worked = case["category"] in _IN_SCOPE or (case["category"], case["remedy"]) == ("bad_debt", "coverage_discovery")
    assert bool(found.in_scope[0]) is worked
    assert bool(found.possible[0]) is (case["category"] not in ("reversed", "wait", "informational"))


def test_every_category_but_the_rare_has_a_case() -> None:
    # A service that was never billed has no remittance: the ledger's own words alone say so; test_triage holds it.
    shown = {case["category"] for case in cases("triage.md")}
    assert set(CATEGORIES) - shown == {"never_billed"}
