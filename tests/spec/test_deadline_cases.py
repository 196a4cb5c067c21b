"""Until when: the clock, the law and the source of each deadline, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.codes import Codes
from features.deadlines import SOURCES, deadlines
from features.tables import PAYER_RULES
from features.triage import classify
from tests.spec.tables import cases
from tests.spec.test_triage_cases import row
from tests.spec.writeoffs import day, table, writeoffs


@pytest.mark.parametrize(
    "case", [case for case in cases("deadlines.md") if case["source"] != "x"], ids=lambda case: " ".join(case.values())
)
def test_deadline_is_what_the_rule_says(case: dict[str, str]) -> None:
    columns = {name: value for name, value in row(case).items() if value != ""}
    batch = writeoffs(columns)
    today = day("2026-06-11")
    found = deadlines(batch, classify(batch, codes=Codes.load(), as_of=today), as_of=today)
    assert (str(found.day[0].astype("datetime64[D]")), SOURCES[found.source[0]]) == (case["until"], case["source"])
    assert found.days_left[0] == found.day[0] - today


@pytest.mark.parametrize("case", list(cases("deadlines_by_rule.md")), ids=lambda case: " ".join(case.values()))
def test_payer_rule_is_the_most_specific_then_the_earliest(case: dict[str, str]) -> None:
    rules = table(PAYER_RULES, [{name: value for name, value in rule.items() if value} for rule in cases("payer_rules.md")])
    columns = row({"codes": "CO 50", "payer": case["type"], "with": case["with"]})
    batch = writeoffs(columns | {"payer_id": case["payer"], "plan_id": case["plan"] or None})
    today = day("2026-06-11")
    found = deadlines(batch, classify(batch, codes=Codes.load(), as_of=today), rules=rules, as_of=today)
    assert (str(found.day[0].astype("datetime64[D]")), SOURCES[found.source[0]]) == (case["until"], case["source"])


def test_no_deadline_is_before_its_clock() -> None:
    batch = writeoffs(
        *({"carc": carc, "group_code": "CO", "payer_type": "medicare", "remit_date": "2026-06-01"} for carc in Codes.load().carcs)
    )
    found = deadlines(batch, classify(batch, codes=Codes.load(), as_of=day("2026-06-02")), as_of=day("2026-06-02"))
    assert np.all(found.day >= day("2026-06-01"))
