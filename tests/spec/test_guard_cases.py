"""Billing the patient: each guard has rows that it must refuse and rows that it must let pass."""

from __future__ import annotations

import pytest

from features.codes import Codes
from features.codes.steps import STEP_UNSURE
from features.tables import REMEDIES
from features.triage import classify
from tests.spec.tables import cases
from tests.spec.test_triage_cases import row
from tests.spec.writeoffs import day, writeoffs


@pytest.mark.parametrize("case", list(cases("guards.md")), ids=lambda case: " ".join(case.values()))
def test_patient_is_billed_only_where_allowed(case: dict[str, str]) -> None:
    found = classify(writeoffs(row(case)), codes=Codes.load(), as_of=day("2026-06-01"))
    remedy = REMEDIES[found.remedy[0]]
    if case["bill"] == "no":
        assert remedy == case["instead"]
        return
    assert remedy == "patient_billing"
    assert bool(found.next_step[0] == STEP_UNSURE) is (case["bill"] == "verify")
