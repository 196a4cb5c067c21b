"""What was expected of past efforts is what a scorer says on the day each began, not on the morning of the audit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from features.batch import Batch
from features.tables import OUTCOMES
from models.scorer import Scorer
from serving.findings.audit import look
from serving.findings.case import Case
from serving.findings.efforts import decided_rows, ended_efforts
from serving.findings.kpis import key_figures
from serving.findings.opportunity import Opportunity
from serving.findings.plan import realised
from tests.spec.writeoffs import day, table, writeoffs

POSTED, BEGUN, ENDED, AS_OF = "2025-01-10", "2025-01-20", "2025-03-01", "2026-11-01"
LAST_DAY = "2025-03-10"


def row(name: str) -> Mapping[str, object]:
    return {
        "writeoff_id": name,
        "claim_id": f"C{name}",
        "payer_id": "AETNA",
        "writeoff_date": POSTED,
        "initial_denial_date": POSTED,
        "remit_date": POSTED,
        "billed_amount": "200",
        "writeoff_amount": "100",
        "group_code": "CO",
        "carc": "50",
        "procedure_code": "99213",
        "appeal_deadline": LAST_DAY,
    }


def effort(name: str, **more: object) -> Mapping[str, object]:
    told = {"writeoff_id": name, "worked_date": BEGUN, "resolved_date": ENDED, "status": "recovered", "recovered_amount": "60"}
    return told | more


def case_of(*efforts: Mapping[str, object], rows: int = 12) -> tuple[Case, Scorer, Batch]:
    scorer = Scorer.prior()
    words = scorer.vocabulary.overlay()
    ledger = writeoffs(*(row(f"W{n}") for n in range(rows)), vocabulary=words)
    again = writeoffs(*(row(f"W{n}") for n in range(rows)), vocabulary=words)
    return look(ledger, scorer=scorer, as_of=day(AS_OF), efforts=table(OUTCOMES, efforts, words)), scorer, again


def test_an_effort_is_predicted_as_of_the_day_it_began() -> None:
    case, scorer, again = case_of(*(effort(f"W{n}") for n in range(12)))
    then = scorer.judge(again, as_of=day(BEGUN))[1]["expected_recovery"]
    now = case.worth["expected_recovery"]
    # The last day passed long before the audit, and had not when the efforts began.
    assert (then > 0).all() and (now < then).all()
    opportunity = Opportunity(case, scorer.models.sums, scorer.costs)
    told = realised(opportunity)
    assert (told["efforts"], told["realised"]) == (12, 720.0)
    assert told["predicted"] == pytest.approx(then.sum(), abs=0.01)
    assert [one["quarter"] for one in told["quarters"]] == ["2025 Q1"]
    figures = key_figures(opportunity, np.zeros(len(case), dtype=np.bool_))["all"]
    assert figures["realised_over_predicted"] == pytest.approx(720 / then.sum(), abs=0.0001)


def test_each_effort_is_seen_on_its_own_day() -> None:
    late = day(LAST_DAY) + 1
    case, scorer, again = case_of(effort("W0"), effort("W1", worked_date=str(np.datetime64(late, "D")), resolved_date="2025-06-01"), rows=2)
    [then, _], [_, later] = (scorer.judge(again, as_of=on)[1]["expected_recovery"] for on in (day(BEGUN), late))
    assert case.expected_then.tolist() == [then, later] and later < then


def test_a_model_is_asked_about_days_before_its_data_cut_and_stays_as_it_is() -> None:
    scorer = Scorer.prior()
    scorer.cut, viewer = day(AS_OF), scorer.viewer
    words = scorer.vocabulary.overlay()
    case = look(writeoffs(row("W0"), vocabulary=words), scorer=scorer, as_of=day(AS_OF), efforts=table(OUTCOMES, [effort("W0")], words))
    assert case.expected_then[0] > 0 and scorer.cut == day(AS_OF) and scorer.viewer is viewer


def test_only_efforts_that_ended_on_rows_in_hand_count_and_what_was_taken_back_does_not() -> None:
    case, _, _ = case_of(
        effort("W0", taken_back_amount="60"),
        effort("W0", level="2", taken_back_amount="20"),
        effort("W1", status="denied", recovered_amount="0"),
        effort("W2", status="pending", resolved_date=None, recovered_amount=None),
        effort("W3", resolved_date=AS_OF),
        effort("elsewhere"),
        rows=5,
    )
    ended = ended_efforts(case)
    assert (ended.row.tolist(), ended.came.tolist()) == ([0, 0, 1], [0.0, 40.0, 0.0])
    # Two efforts on one write-off are each worth what it was: neither is a copy of the other.
    assert (ended.expected > 0).all() and ended.expected[0] == ended.expected[1]
    won, over = decided_rows(case)
    assert np.flatnonzero(won).tolist() == [0] and np.flatnonzero(over).tolist() == [0, 1]


def test_no_effort_gives_no_comparison() -> None:
    scorer = Scorer.prior()
    case = look(writeoffs(row("W0"), vocabulary=scorer.vocabulary.overlay()), scorer=scorer, as_of=day(AS_OF))
    assert len(ended_efforts(case)) == 0
    assert realised(Opportunity(case, scorer.models.sums, scorer.costs)) == {"efforts": 0, "quarters": []}


def test_an_effort_that_was_given_up_brought_nothing_of_what_was_predicted() -> None:
    lost = {"status": "abandoned", "recovered_amount": "0"}
    case, scorer, again = case_of(*(effort(f"W{n}", **(lost if n % 2 else {})) for n in range(12)))
    told = realised(Opportunity(case, scorer.models.sums, scorer.costs))
    assert (told["efforts"], told["realised"]) == (12, 360.0)
    assert told["predicted"] == pytest.approx(scorer.judge(again, as_of=day(BEGUN))[1]["expected_recovery"].sum(), abs=0.01)
