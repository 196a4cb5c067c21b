"""Every rule has an id, a sentence, a citation and cases; the cases are the documentation (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from features.batch import Batch
from features.codes import FAMILIES, Codes
from features.contract import Priced
from features.deadlines import DEADLINE_RULES, SOURCES, Deadlines, deadlines
from features.fallback import fall_back, needs_cause
from features.guards import BIT, GUARDS, is_restricted, refusals
from features.law import law_rule
from features.money import NULL
from features.patient_share import UsualShares
from features.rules import TOPICS, rules
from features.standing import judge_standing
from features.tables import CATEGORIES, PAYER_RULES, PAYER_TYPES, REMEDIES
from features.triage import SCENARIOS, SHARE_SOURCES, Triage, classify
from tests.spec.rules_page import FILES, rules_page
from tests.spec.tables import cases
from tests.spec.test_triage_cases import row
from tests.spec.writeoffs import cents, day, table, writeoffs

CODES = Codes.load()
Case = Mapping[str, str]
T = TypeVar("T", Triage, Deadlines)
_NOT_COLUMNS = {
    "beside", "line", "as_of", "price", "claim_priced", "shares", "level", "prior", "demand", "remedy", "rule", "rule_grace", "rule_level",
    "rule_remedy",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What was found of a case: its row comes last, after what stands beside it."""

    case: Case
    batch: Batch
    triage: Triage
    dated: Deadlines

    def bits(self) -> tuple[int, int]:
        """Return what is refused and asked; of a remedy that triage itself never chooses, by the guard alone."""
        given = said(self.case["with"]).get("remedy")
        if given is None:
            return int(self.triage.refused[-1]), int(self.triage.asked[-1])
        found = judge_standing(self.batch, self.triage.payer_type.astype(np.int64), np.full(len(self.batch), REMEDIES.index(given)))
        return (0, 0) if found is None else (int(found[0][-1]), int(found[1][-1]))


def said(text: str) -> dict[str, str]:
    """Return `name=value; name=value` as a dictionary."""
    parts = [part.split("=", 1) for part in text.split(";") if part.strip()]
    return {name.strip(): value.strip() for name, value in parts}


def find(case: Case) -> Found:
    given = said(case["with"])
    columns = ";".join(f"{name}={value}" for name, value in given.items() if name not in _NOT_COLUMNS)
    own = row({"codes": case["codes"], "payer": case["payer"], "with": columns})
    if case["codes"] == "WO":
        own["carc"] = "WO"
    rows = [own]
    if "beside" in given or "line" in given:
        own |= {"claim_id": "C", "line_number": 1, "billed_amount": own.get("billed_amount", "300")}
        codes, amount = given["beside"].rsplit(" ", 1)
        other = own | row({"codes": codes, "payer": case["payer"], "with": columns}) | {"writeoff_amount": amount}
        rows = [own, other] if amount.startswith("-") else [other, own]
    batch = writeoffs(*rows)
    today = day(given.get("as_of", "2026-06-11" if case["rule"].startswith("deadline") else "2026-06-01"))
    triage = classify(batch, codes=CODES, as_of=today, priced=priced(given, len(rows)), shares=shares(given))
    days = {
        name: np.full(len(rows), day(given[key]))
        for name, key in (("prior_decision", "prior"), ("demand_letter", "demand"))
        if key in given
    }
    dated = deadlines(batch, triage, rules=payer_rules(given), as_of=today, level=int(given.get("level", 1)), **days)
    triage = fall_back(batch, triage, dated, CODES)
    if rows[-1] is not own:
        batch, triage, dated = batch.take(np.array([0])), first(triage), first(dated)
    return Found(case, batch, triage, dated)


def first(found: T) -> T:
    """Return the first row of what was found."""
    rows = {name: getattr(found, name)[:1] for name in found.__slots__ if isinstance(getattr(found, name), np.ndarray)}
    return replace(found, **rows)


def priced(given: Case, count: int) -> Priced | None:
    if "price" not in given:
        return None
    price = np.full(count, cents(given["price"]))
    return Priced(price, np.zeros(count, dtype=np.int32), np.full(count, given.get("claim_priced") == "yes"))


def shares(given: Case) -> UsualShares | None:
    return UsualShares({("ACME", None): int(given["shares"]) * 100}) if "shares" in given else None


def payer_rules(given: Case) -> Batch | None:
    if "rule" not in given:
        return None
    limit, unit, clock = given["rule"].split()
    rule = {"payer_id": "ACME", "remedy": given.get("rule_remedy", "appeal"), "limit": limit, "limit_unit": unit, "clock": clock}
    rule |= {name: given[key] for name, key in (("grace_days", "rule_grace"), ("level", "rule_level")) if key in given}
    return table(PAYER_RULES, [rule])


def dollars(value: int) -> str:
    return "-" if value == NULL else f"{value / 100:g}"


def date(value: int) -> str:
    return str(np.datetime64(int(value), "D"))


SAYS: dict[str, Callable[[Found], str]] = {
    "category": lambda found: CATEGORIES[found.triage.category[-1]],
    "family": lambda found: FAMILIES[found.triage.family[-1]],
    "remedy": lambda found: REMEDIES[found.triage.remedy[-1]],
    "appeal": lambda found: "yes" if found.triage.can_appeal[-1] else "no",
    "scope": lambda found: "yes" if found.triage.in_scope[-1] else "no",
    "scenario": lambda found: SCENARIOS[found.triage.scenario[-1]],
    "cap": lambda found: dollars(int(found.triage.cap_cents[-1])),
    "cap_beside": lambda found: dollars(int(found.triage.cap_cents[0])),
    "share": lambda found: dollars(int(found.triage.patient_share_cents[-1])),
    "share_source": lambda found: SHARE_SOURCES[found.triage.patient_share_source[-1]],
    "until": lambda found: date(found.dated.day[-1]),
    "source": lambda found: SOURCES[found.dated.source[-1]],
    "rule_id": lambda found: DEADLINE_RULES[found.dated.rule[-1]],
    "lapsed": lambda found: REMEDIES[found.dated.own_remedy[-1]] if found.dated.has_moved[-1] else "",
    "lapsed_on": lambda found: date(found.dated.own_day[-1]),
    "for_cause": lambda found: "yes" if needs_cause(found.dated.level, found.triage.family)[-1] else "no",
    "chance": lambda found: f"{found.triage.prior_rate[-1]:g}",
    "closed": lambda found: "yes" if found.dated.is_closed[-1] else "no",
    "restricted": lambda found: "yes" if is_restricted(found.triage.refused)[-1] else "no",
}
ALL = [case for name in FILES for case in cases(name)]


@pytest.mark.parametrize("case", ALL, ids=lambda case: " ".join(case.values()))
def test_case_is_what_the_rule_says(case: Case) -> None:
    found = find(case)
    for name, value in said(case["expect"]).items():
        if name == "step":
            assert value in found.triage.next_steps[found.triage.next_step[-1]]
        elif name in ("refused", "asked", "free"):
            refused, asked = found.bits()
            held = {"refused": refused, "asked": asked & ~refused, "free": ~(refused | asked)}[name]
            assert held & BIT[value], refusals(refused, asked)
        else:
            assert SAYS[name](found) == value, name


def test_every_rule_has_a_sentence_a_citation_and_a_case() -> None:
    shown = {case["rule"] for case in ALL}
    assert shown == set(rules())
    for rule in rules().values():
        assert rule.sentence.endswith(".") and rule.citation and rule.topic in TOPICS, rule


def test_there_are_enough_cases() -> None:
    assert len(ALL) >= 90


def test_every_guard_refuses_somewhere_and_lets_pass_somewhere() -> None:
    told: dict[str, set[str]] = {guard: set() for guard in GUARDS}
    for case in ALL:
        for name, value in said(case["expect"]).items():
            if name in ("refused", "asked", "free"):
                told[value].add(name)
    for guard, names in told.items():
        # A bill of another group is never suggested, so its guard has nothing to refuse; an unknown payer is only asked about.
        must = {"free"} if guard == "patient.group" else {"asked", "free"} if guard == "patient.payer_unknown" else {"refused", "free"}
        assert names >= must, guard


def test_refusal_cites_its_rule() -> None:
    for guard in GUARDS:
        (refusal,) = refusals(BIT[guard])
        assert (refusal.rule_id, refusal.citation) == (guard, rules()[guard].citation) and not refusal.is_question
    assert all(refusal.is_question and refusal.sentence.startswith("Ask") for refusal in refusals(0, sum(BIT.values())))


def test_page_of_rules_is_that_of_the_tables() -> None:
    # Made anew by `python -m tests.spec.rules_page > docs/rules.md`.
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    assert page.read_text(encoding="utf-8") == rules_page()


def test_a_reopening_at_our_request_cites_the_paragraph_of_parties() -> None:
    # 42 CFR 405.980: (b) is what a contractor does of its own motion, (c) what a party asks for; good cause is that of 405.986.
    rule = rules()["deadline.reopening"]
    assert "405.980(c)" in rule.citation and "405.980(b)" not in rule.citation and "405.986" in rule.citation
    assert law_rule("medicare", "reopening", 1) == law_rule("medicare", "reopening", 2) == rule.rule


def test_every_deadline_rule_is_a_rule() -> None:
    assert set(DEADLINE_RULES[1:]) <= set(rules())
    assert PAYER_TYPES  # the laws name kinds of payers that exist: building the table would fail
