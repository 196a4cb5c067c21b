"""Deadlines against slow, obvious twins; and what must never come out."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import add_business_days, add_months, federal_holidays
from features.codes import Codes
from features.deadlines import DEADLINE_RULES, MAY_FILTER, SOURCES, deadlines
from features.law import LAWS
from features.money import NULL
from features.payer_rules import PayerRules
from features.rules import rules
from features.tables import PAYER_RULES, REMEDIES
from features.triage import classify
from tests.features.test_triage import RULES, any_row
from tests.spec.writeoffs import Row, day, table, writeoffs

CODES = Codes.load()
REMITS = day("2026-06-01")
days = st.dates(date(2000, 1, 1), date(2040, 1, 1))


def number(when: date) -> int:
    return (when - date(1970, 1, 1)).days


def is_business(when: date) -> bool:
    return when.weekday() < 5 and np.datetime64(when) not in federal_holidays()


@given(days, st.integers(0, 60))
def test_business_days_are_counted_one_by_one(when: date, count: int) -> None:
    later = when
    # From a day without business the count starts at the last one before it.
    while not is_business(later):
        later -= timedelta(1)
    for _ in range(count):
        later += timedelta(1)
        while not is_business(later):
            later += timedelta(1)
    assert add_business_days(np.array([number(when)]), count)[0] == number(later)


@given(days, st.integers(0, 60))
def test_months_later_is_the_same_day_or_the_last(when: date, months: int) -> None:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(1)).day
    assert add_months(np.array([number(when)]), months)[0] == number(date(year, month + 1, min(when.day, last)))


@given(st.lists(days, min_size=1, max_size=30), st.integers(-20, 60))
def test_many_days_are_moved_as_each_alone(some: list[date], months: int) -> None:
    many = np.resize(np.array([*map(number, some), NULL]), 5000)
    assert add_months(many, months)[: len(some) + 1].tolist() == [add_months(many[i : i + 1], months)[0] for i in range(len(some) + 1)]


def test_null_stays_null() -> None:
    null = np.array([NULL])
    assert add_months(null, 3)[0] == NULL and add_business_days(null, 3)[0] == NULL


def test_holidays_of_2026_are_those_of_the_law() -> None:
    # 5 USC 6103, as kept in 2026 by the list of the Office of Personnel Management (memory): the 4th of July is a Saturday.
    kept = "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25"
    assert [str(holiday)[5:] for holiday in federal_holidays(2026, 2026)] == kept.split()
    assert "2020-06-19" not in [str(holiday) for holiday in federal_holidays(2020, 2020)]


@settings(max_examples=300, deadline=None)
@given(any_row, st.integers(1, 5), st.integers(0, 2000), st.booleans())
def test_no_deadline_is_before_its_clock_at_any_level(row: Row, level: int, later: int, has_rules: bool) -> None:
    batch = writeoffs(row)
    today = REMITS + later
    given_days = {"prior_decision": np.array([REMITS + 5]), "demand_letter": np.array([REMITS + 3])}
    triage = classify(batch, codes=CODES, as_of=today)
    found = deadlines(batch, triage, rules=RULES if has_rules else None, as_of=today, level=level, **given_days)
    clocks = [day(str(row[name])) for name in ("remit_date", "initial_denial_date", "service_date") if row[name]]
    assert found.day[0] >= min([*clocks, REMITS])
    is_lapsed = found.days_left[0] < 0
    assert found.own_remedy[0] == triage.remedy[0]
    if found.has_moved[0]:
        assert found.own_day[0] < today <= found.day[0]
        assert triage.can_appeal[0] or REMEDIES[found.remedy[0]] != "appeal"
    else:
        assert (found.remedy[0], found.level[0], found.day[0]) == (triage.remedy[0], level, found.own_day[0])
    assert found.is_closed[0] == (is_lapsed and SOURCES[found.source[0]] in MAY_FILTER)
    assert found.rule[0] == 0 or DEADLINE_RULES[found.rule[0]] in rules()


def test_levels_and_days_may_be_given_for_each_row() -> None:
    row = {"group_code": "CO", "carc": "50", "payer_type": "medicare", "remit_date": "2026-06-01"}
    batch = writeoffs(row, row, row)
    triage = classify(batch, codes=CODES, as_of=REMITS)
    prior = np.array([NULL, REMITS + 9, NULL])
    found = deadlines(batch, triage, as_of=np.full(3, REMITS), level=np.array([1, 2, 3]), prior_decision=prior)
    assert (found.day - REMITS).tolist() == [125, 194, 65]


def test_a_level_above_the_last_is_the_last() -> None:
    batch = writeoffs({"group_code": "CO", "carc": "50", "payer_type": "medicare", "remit_date": "2026-06-01"})
    triage = classify(batch, codes=CODES, as_of=REMITS)
    assert deadlines(batch, triage, as_of=REMITS, level=9).day[0] == deadlines(batch, triage, as_of=REMITS, level=5).day[0]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.rule} {law.level} {law.remedies[0]}")
def test_a_law_gives_some_time_and_cites_its_rule(law: object) -> None:
    assert getattr(law, "rule", "") in rules()
    assert sum(getattr(law, name) for name in ("months", "days", "business_days")) > 0


def test_two_laws_never_speak_of_the_same() -> None:
    said = [(kind, remedy, law.level) for law in LAWS for kind in law.payer_types for remedy in law.remedies]
    # Recoupment alone is named twice on purpose: the appeal's own days, then the shorter ones that stop it.
    assert len(said) - len(set(said)) == 1


def test_later_rule_of_a_level_waits_for_it() -> None:
    both = [{"remedy": "appeal", "limit": 10 * level, "limit_unit": "days", "clock": "remit_date", "level": level} for level in (1, 2)]
    batch = writeoffs({"group_code": "CO", "carc": "50", "payer_type": "commercial", "remit_date": "2026-06-01"})
    triage = classify(batch, codes=CODES, as_of=REMITS)
    compiled = PayerRules(table(PAYER_RULES, both))
    found = [deadlines(batch, triage, rules=compiled, as_of=REMITS, level=level).day[0] - REMITS for level in (1, 2, 3)]
    assert found == [10, 20, 90]
