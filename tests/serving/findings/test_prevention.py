"""Places, posters and changes compared: what was planted is found with the right size, and chance alone is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from features.batch import Batch
from features.tables import PROCESS_CHANGES
from models.scorer import Scorer
from serving.findings.audit import Audit, audit, look
from serving.findings.cells import Events, compare, standing_out
from serving.findings.changes import before_and_after
from serving.findings.posters import posters
from serving.findings.prevention import root_causes
from tests.spec.writeoffs import day, table, writeoffs

AS_OF = "2026-07-01"
Row = Mapping[str, object]


def lines(payer: str, months: range, each: int, refused: int, **more: object) -> Iterator[Row]:
    """Yield so many lines a month; of each ten so many are refused for want of an authorization, the others are fee cuts."""
    for month in months:
        for i in range(each):
            is_refused = i % 10 < refused
            yield {
                "writeoff_id": f"{payer}{month}-{i}-{'-'.join(str(value) for value in more.values())}",
                "claim_id": f"{payer}{month}-{i}-{'-'.join(str(value) for value in more.values())}",
                "line_number": 1,
                "payer_id": payer,
                "writeoff_date": str(np.datetime64("2025-07") + month) + f"-{1 + i % 28:02d}",
                "billed_amount": "200",
                "writeoff_amount": "100" if is_refused else "40",
                "group_code": "CO",
                "carc": "197" if is_refused else "45",
                "procedure_code": "99213",
            } | more


def audited(*rows: Row) -> Audit:
    scorer = Scorer.prior()
    ledger = writeoffs(*rows, vocabulary=scorer.vocabulary.overlay())
    return audit(look(ledger, scorer=scorer, as_of=day(AS_OF)))


def changes(found: Audit, **change: object) -> dict[str, object]:
    made: Batch = table(PROCESS_CHANGES, [{"change": "ask first", "changed_on": "2026-01-01"} | change], found.case.ledger.vocabulary)
    [told] = before_and_after(found.case, found.findings, made)
    return told


@pytest.fixture(scope="module")
def changed() -> Audit:
    """At one payer refusals fall from four in ten to one in ten with the new year; at the other they stay."""
    return audited(*lines("HERE", range(6), 40, 4), *lines("HERE", range(6, 12), 40, 1), *lines("THERE", range(12), 40, 2))


def test_a_payer_that_refuses_more_than_the_others_is_a_root_cause_of_the_right_size() -> None:
    found = root_causes(audited(*lines("BAD", range(12), 40, 4), *lines("GOOD", range(12), 80, 1)).case)
    [cause, *_] = found["causes"]
    assert (cause["cell"], cause["carc"], cause["family"]) == ({"payer_id": "BAD"}, "197", "authorization")
    assert (cause["writeoffs"], cause["lines"], cause["rate"], cause["rate_elsewhere"]) == (192, 480, 0.4, 0.1)
    assert cause["excess_dollars_a_year"] == pytest.approx(0.75 * cause["dollars_a_year"])
    assert cause["dollars_a_year"] == pytest.approx(19_200, rel=0.01)
    assert cause["trend"] is not None and cause["trend"]["word"] == "steady"
    assert len(cause["rows"]) == 5 and cause["p_adjusted"] < 1e-6


def test_chance_alone_and_few_cases_are_no_root_cause() -> None:
    assert root_causes(audited(*lines("A", range(12), 40, 2), *lines("B", range(12), 40, 2)).case)["causes"] == []
    few = audited(*lines("A", range(1), 10, 10), *lines("B", range(12), 40, 1)).case
    assert root_causes(few)["causes"] == []


def test_cells_of_noise_stand_out_no_more_often_than_stated() -> None:
    """A hundred practices in which a reason falls on lines by lot: at most a tenth may have a false cell at 5 % (400 cells each)."""
    rng = np.random.default_rng(4)
    case = audited(*lines("A", range(12), 200, 0, facility_id="F")).case
    wrong = 0
    for _ in range(100):
        payer = rng.integers(0, 20, len(case)).astype(np.int32)
        case.columns["payer_id"] = payer
        hit = np.flatnonzero(rng.random(len(case)) < 0.3)
        events = Events(hit, rng.integers(0, 20, len(hit)), np.ones(len(hit)), np.ones(len(case), dtype=np.bool_))
        for code in range(20):
            case.ledger.vocabulary.add("payer_id", f"P{code}")
        wrong += bool(standing_out(compare(case, (("payer_id",),), events)))
    assert wrong <= 10


def test_a_poster_with_more_findings_than_others_is_told_with_trend_dollars_and_rows() -> None:
    twice = [
        row for one in lines("P", range(12), 20, 0, posted_by="hasty") for row in (one, {**one, "writeoff_id": f"{one['writeoff_id']}b"})
    ]
    found = audited(*twice, *lines("P", range(12), 60, 0, posted_by="calm"))
    told = posters(found.case, found.findings)
    assert {one["posted_by"] for one in told} == {"hasty"}
    first = told[0]
    assert (first["rule"], first["findings"], first["postings"], first["rate"]) == ("duplicate_posting", 240, 480, 0.5)
    assert first["dollars_a_year"] == pytest.approx(9_600, rel=0.01) and first["trend"]["word"] == "steady"
    assert all(row.endswith("b") for row in first["rows"])


def test_what_a_change_did_is_told_beside_everywhere_else(changed: Audit) -> None:
    told = changes(changed, payer_id="HERE", carc="197", team="scheduling")
    assert (told["verdict"], told["team"], told["changed_on"]) == ("fewer", "scheduling", "2026-01-01")
    assert told["rate_before"] == pytest.approx(0.4, abs=0.01) and told["rate_after"] == pytest.approx(0.1, abs=0.01)
    assert told["elsewhere_before"] == pytest.approx(told["elsewhere_after"], abs=0.01)
    low, ratio, high = (float(str(told[name])) for name in ("ratio_low", "ratio", "ratio_high"))
    assert low < 0.25 < high and low < ratio < high < 0.6
    # 240 lines in half a year: 96 refusals were to be expected, 24 came, of 100 dollars each
    assert told["saved_dollars_a_year"] == pytest.approx(7_200 * 2, rel=0.1)


def test_a_fall_that_came_everywhere_is_no_merit_of_the_change(changed: Audit) -> None:
    both = audited(*(row for name in ("HERE", "THERE") for row in (*lines(name, range(6), 40, 4), *lines(name, range(6, 12), 40, 1))))
    assert changes(both, payer_id="HERE", carc="197")["verdict"] == "as before"
    assert changes(changed, payer_id="THERE")["verdict"] != "fewer"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"changed_on": "2026-09-01"}, "not begun"),
        ({"payer_id": "NOBODY"}, "too few to tell"),
        ({"family": "nonsense"}, "there is no family nonsense"),
        ({"rule": "nonsense"}, "there is no rule nonsense"),
        ({"rule": "duplicate_posting"}, "too few to tell"),
        ({"family": "authorization"}, "fewer"),
    ],
)
def test_a_change_that_nothing_can_be_said_of_says_why(changed: Audit, change: dict[str, object], verdict: str) -> None:
    assert changes(changed, **change)["verdict"] == verdict
