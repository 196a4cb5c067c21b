"""Later 835s as outcome events: examples of every way an answer comes, and a slow obvious twin with a generator between."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.intake.output import write_table
from features.intake.remits.causes import ACTIONS, action
from features.intake.remits.events import Event, Outcomes
from features.intake.remits.netting import chains, distinct_remits
from features.intake.remits.recoveries import outcomes
from features.intake.remits.shares import shares
from features.intake.remits.take_backs import REASONS
from features.intake.remits.written_off import WrittenOff
from features.intake.table_file import read_table
from features.tables import OUTCOMES, REMEDIES, STATUSES
from features.vocabulary import Vocabulary
from tests.features.intake.remits.answers import (
    JANUARY,
    MARCH,
    PART,
    REFUSED,
    SECOND,
    WON,
    a_claim,
    a_line,
    a_remit,
    corrected,
    outcomes_of,
    with_cause,
)
from tests.features.intake.remits.reading import imported, read, rows
from tests.features.intake.remits.writer import Claim, Line, Remit, encode


def _said(found: Outcomes) -> list[tuple[str, str, int, int]]:
    """Return month, status, recovered and taken back of each event."""
    return [(one.resolved_date[5:7], one.status, one.recovered, one.taken_back) for one in found.events]


def test_a_correction_that_pays_is_a_recovery_on_the_candidate_of_the_original(tmp_path: Path) -> None:
    [first] = rows(imported(tmp_path, {"1.835": encode(JANUARY.segments())}))
    [event] = outcomes_of(JANUARY, MARCH).events
    assert event.writeoff.writeoff_id == first["writeoff_id"]
    assert (event.resolved_date, event.action, event.status, event.recovered, event.shifted) == (
        "2024-03-05", "appeal", "recovered", 10000, 2000,
    )  # fmt: skip


def test_what_is_left_under_its_reason_makes_a_recovery_partial() -> None:
    assert _said(outcomes_of(JANUARY, corrected(3, REFUSED, PART))) == [("03", "partially_recovered", 5000, 0)]


def test_without_a_second_word_there_is_no_event() -> None:
    assert outcomes_of(JANUARY).events == []
    assert outcomes_of(JANUARY, replace(JANUARY, control=9)).events == []


def test_a_correction_may_come_on_the_day_of_the_original() -> None:
    assert _said(outcomes_of(JANUARY, replace(MARCH, day="20240105"))) == [("01", "recovered", 10000, 0)]
    # within one remit the payer has not spoken twice
    assert outcomes_of(a_remit(1, REFUSED, REFUSED.reversed(), WON)).events == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_reversal_and_correction_in_two_files_in_any_order_are_one_recovery(order: tuple[int, ...]) -> None:
    files = [JANUARY, a_remit(3, with_cause(REFUSED.reversed(), "N690")), a_remit(4, WON)]
    [event] = outcomes_of(*(files[i] for i in order)).events
    assert (event.resolved_date, event.action, event.recovered) == ("2024-04-05", "appeal", 10000)


def test_a_reversal_that_comes_after_its_correction_only_says_why() -> None:
    [event] = outcomes_of(JANUARY, a_remit(3, WON), a_remit(4, with_cause(REFUSED.reversed(), "N690"))).events
    assert (event.resolved_date, event.action, event.recovered) == ("2024-03-05", "appeal", 10000)


def test_a_reversal_that_waits_for_its_correction_is_pending() -> None:
    [event] = outcomes_of(JANUARY, a_remit(3, with_cause(REFUSED.reversed(), "N694"))).events
    assert (event.status, event.resolved_date, event.action, event.row()[8:]) == ("pending", "", "corrected_claim", ("", "", ""))


def test_a_correction_that_is_corrected_again_brings_the_difference() -> None:
    more = a_claim(a_line(("CO", "45", 3000), ("PR", "2", 2000)))
    assert _said(outcomes_of(JANUARY, MARCH, corrected(5, WON, more))) == [("03", "recovered", 10000, 0), ("05", "recovered", 5000, 0)]
    less = a_claim(a_line(("CO", "45", 12000), ("PR", "2", 2000)))
    found = outcomes_of(JANUARY, MARCH, corrected(5, WON, less))
    assert _said(found) == [("03", "recovered", 10000, 4000)]
    assert found.loose_taken_back == 0


def test_two_corrections_in_one_remit_are_two_answers() -> None:
    remit = a_remit(3, with_cause(REFUSED.reversed(), "N690"), PART, with_cause(PART.reversed(), "N694"), WON)
    found = outcomes_of(JANUARY, remit)
    assert _said(found) == [("03", "partially_recovered", 5000, 0), ("03", "recovered", 5000, 0)] or _said(found) == [
        ("03", "recovered", 5000, 0), ("03", "partially_recovered", 5000, 0),
    ]  # fmt: skip
    assert {one.action for one in found.events} == {"appeal", "corrected_claim"}
    assert len({one.effort_id for one in found.events}) == 2


def test_a_correction_that_pays_less_is_a_refusal_and_no_recovery() -> None:
    first, less = a_claim(a_line(("CO", "45", 8000))), a_claim(a_line(("CO", "45", 8000), ("CO", "97", 5000)))
    found = outcomes_of(a_remit(1, first), corrected(3, first, less, "MA91"))
    assert _said(found) == [("03", "denied", 0, 0)]
    assert found.loose_taken_back == 5000


def test_a_lost_appeal_is_a_refusal_whatever_its_remark() -> None:
    found = outcomes_of(JANUARY, corrected(3, REFUSED, REFUSED, "MA91"))
    assert _said(found) == [("03", "denied", 0, 0)]
    assert found.events[0].action == "appeal"


def test_a_refusal_is_about_what_was_refused_and_not_about_the_price() -> None:
    line = a_line(("CO", "45", 8000), ("CO", "50", 9000), ("PR", "1", 3000))
    found = outcomes_of(a_remit(1, a_claim(line)), corrected(3, a_claim(line), a_claim(line), "MA91"))
    assert [(one.status, _reason(one)) for one in found.events] == [("denied", ("CO", "50"))]
    price = a_line(("CO", "45", 8000), ("PR", "1", 3000))
    found = outcomes_of(a_remit(1, a_claim(price)), corrected(3, a_claim(price), a_claim(price), "N692"))
    assert [(one.action, one.status, _reason(one)) for one in found.events] == [("contract_dispute", "denied", ("CO", "45"))]


def test_a_claim_settled_anew_without_a_cause_refuses_nobody() -> None:
    assert outcomes_of(JANUARY, corrected(3, REFUSED, a_claim(a_line(("CO", "97", 20000))))).events == []


def test_a_copy_with_other_words_answers_nothing() -> None:
    whole = a_claim(charge=30000, adjustments=(("CO", "45", 20000),))
    again = a_remit(1, replace(whole, extra=("NM1*82*1*A*B****XX*1234567893",)), trace="T1", control=7, day="20240106")
    for first in (whole, WON):
        assert outcomes_of(a_remit(1, first), replace(again, claims=(replace(first, extra=again.claims[0].extra),))).events == []


def test_a_refusal_may_leave_the_amount_to_the_patient() -> None:
    [event] = outcomes_of(JANUARY, corrected(3, REFUSED, a_claim(a_line(("PR", "204", 20000))), "N690")).events
    assert (event.status, event.recovered, event.shifted) == ("denied", 0, 20000)


def test_a_reversal_without_correction_takes_the_recovery_back() -> None:
    found = outcomes_of(JANUARY, MARCH, a_remit(5, WON.reversed()))
    assert _said(found) == [("03", "recovered", 10000, 10000)]
    # and so it was not known in April
    assert _said(outcomes_of(JANUARY, MARCH, a_remit(5, WON.reversed()), as_of="2024-05-05")) == [("03", "recovered", 10000, 0)]


def test_a_reversal_of_a_correction_alone_lets_the_original_stand_again() -> None:
    found = outcomes_of(JANUARY, a_remit(3, WON), a_remit(5, WON.reversed()))
    assert _said(found) == [("03", "recovered", 10000, 10000)]


@pytest.mark.parametrize("reference", ["ICN1", "icn1", "ACCT1", "ICN1 ACCT1", "ACCT1/ICN1"])
@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_pair_that_names_the_claim_takes_the_recovery_back(reason: str, reference: str) -> None:
    found = outcomes_of(JANUARY, MARCH, a_remit(6, plb=((f"{reason}:{reference}", 4000),)))
    assert _said(found) == [("03", "recovered", 10000, 4000)]


@pytest.mark.parametrize("pair", ["WO:ICN9", "WO:FORWARD", "WO", "L6:ICN1", "LE:ICN1", "WO:XICN1X"])
def test_a_pair_that_names_no_claim_or_no_payment_of_one_takes_nothing_back(pair: str) -> None:
    assert _said(outcomes_of(JANUARY, MARCH, a_remit(6, plb=((pair, 4000),)))) == [("03", "recovered", 10000, 0)]


def test_a_number_longer_than_the_reference_that_is_kept_is_found_by_its_beginning() -> None:
    # the tokenizer keeps 19 characters of a PLB reference: what follows may be a patient's number
    first, then = (replace(claim, icn="12345678901234567890123") for claim in (REFUSED, WON))
    known = a_remit(1, first), corrected(3, first, then)
    assert _said(outcomes_of(*known, a_remit(6, plb=(("WO:12345678901234567890123", 4000),)))) == [("03", "recovered", 10000, 4000)]


def test_a_pair_of_another_payer_takes_nothing_back() -> None:
    assert _said(outcomes_of(JANUARY, MARCH, a_remit(6, plb=(("WO:ICN1", 4000),), payer="OTHER"))) == [("03", "recovered", 10000, 0)]


def test_a_reversal_whose_money_is_held_back_later_is_taken_back_once() -> None:
    # TR3 1.10.2.17: the negative pair gives the money of the reversal back until the positive one takes it
    held = replace(a_remit(5, WON.reversed()), plb=(("WO:ICN1", -10000),))
    assert _said(outcomes_of(JANUARY, MARCH, held)) == [("03", "recovered", 10000, 0)]
    assert _said(outcomes_of(JANUARY, MARCH, held, a_remit(6, plb=(("WO:ICN1", 10000),)))) == [("03", "recovered", 10000, 10000)]


def test_a_return_that_is_acknowledged_beside_its_recovery_counts_once() -> None:
    both = a_remit(6, plb=(("WO:ICN1", 10000), ("72:ICN1", -10000)))
    assert _said(outcomes_of(JANUARY, MARCH, both)) == [("03", "recovered", 10000, 10000)]
    assert _said(outcomes_of(JANUARY, MARCH, a_remit(6, plb=(("72:ICN1", -10000),)))) == [("03", "recovered", 10000, 10000)]


def test_what_is_taken_back_beyond_what_came_is_on_no_write_off() -> None:
    found = outcomes_of(JANUARY, MARCH, a_remit(6, plb=(("WO:ICN1", 15000),)))
    assert _said(found) == [("03", "recovered", 10000, 10000)]
    assert found.loose_taken_back == 5000


def test_a_take_back_finds_the_recovery_of_its_amount_else_the_latest() -> None:
    more = a_claim(a_line(("CO", "45", 5000), ("PR", "2", 2000)))
    known = JANUARY, MARCH, corrected(5, WON, more)
    assert _said(outcomes_of(*known, a_remit(6, plb=(("WO:ICN1", 10000),)))) == [
        ("03", "recovered", 10000, 10000),
        ("05", "recovered", 3000, 0),
    ]
    assert _said(outcomes_of(*known, a_remit(6, plb=(("WO:ICN1", 2000),)))) == [
        ("03", "recovered", 10000, 0),
        ("05", "recovered", 3000, 2000),
    ]
    assert _said(outcomes_of(*known, a_remit(6, plb=(("WO:ICN1", 4000),)))) == [
        ("03", "recovered", 10000, 1000),
        ("05", "recovered", 3000, 3000),
    ]


# ---- lines and claims -----------------------------------------------------------------------------------------------

TWO = a_claim(a_line(("CO", "16", 20000), control="1"), a_line(("CO", "97", 9000), ("CO", "45", 1000), charge=10000, control="2"))


def _reason(event: Event) -> tuple[str, str]:
    assert event.writeoff.reason is not None
    return event.writeoff.reason


def test_each_line_has_its_own_recovery() -> None:
    after = a_claim(replace(TWO.lines[1], adjustments=(("CO", "45", 1000),)), replace(TWO.lines[0], adjustments=(("CO", "16", 19999),)))
    found = outcomes_of(a_remit(1, TWO), corrected(3, TWO, after))
    assert sorted((_reason(one), one.recovered) for one in found.events) == [(("CO", "16"), 1), (("CO", "97"), 9000)]


def test_a_line_is_paid_by_the_reasons_that_gave_way() -> None:
    line = a_line(("CO", "16", 6000), ("CO", "97", 3001), ("CO", "45", 1000))
    after = a_line(("CO", "45", 4000), ("PR", "2", 1000))
    found = outcomes_of(a_remit(1, a_claim(line)), corrected(3, a_claim(line), a_claim(after)))
    # 50.01 more is paid where 60.00 and 30.01 gave way and the contract grew: 3333.6 and 1667.4 cents
    assert sorted((_reason(one), one.recovered) for one in found.events) == [(("CO", "16"), 3334), (("CO", "97"), 1667)]


def test_money_that_moves_between_lines_is_no_recovery() -> None:
    before = a_claim(a_line(("CO", "45", 5000), control="1"), a_line(("CO", "97", 15000), charge=15000, control="2"))
    after = a_claim(a_line(("CO", "97", 20000), control="1"), a_line(charge=15000, control="2"))
    found = outcomes_of(a_remit(1, before), corrected(3, before, after, "N692"))
    assert {one.status for one in found.events} == {"denied"}
    more = a_claim(a_line(("CO", "97", 20000), control="1"), a_line(charge=15000, control="2"), a_line(charge=700, control="3"))
    found = outcomes_of(a_remit(1, before), corrected(3, before, more))
    assert sum(one.net for one in found.events) == 700


def test_a_claim_without_lines_pays_its_write_offs_in_proportion_to_the_cent() -> None:
    before = a_claim(charge=30000, adjustments=(("CO", "16", 20000), ("CO", "29", 10000)))
    after = replace(before, adjustments=(("CO", "45", 19999),))
    found = outcomes_of(a_remit(1, before), corrected(3, before, after))
    assert sorted((_reason(one), one.recovered) for one in found.events) == [(("CO", "16"), 6667), (("CO", "29"), 3334)]


def test_a_claim_level_recovery_is_divided_over_the_lines_write_offs() -> None:
    after = a_claim(charge=30000, adjustments=(("CO", "45", 20000),))
    found = outcomes_of(a_remit(1, TWO), a_remit(3, TWO.reversed(), after))
    # 100.00 over 200.00, 90.00 and 10.00 written off
    assert sorted((_reason(one), one.recovered) for one in found.events) == [
        (("CO", "16"), 6667), (("CO", "45"), 333), (("CO", "97"), 3000),
    ]  # fmt: skip


def test_lines_without_control_numbers_are_known_by_procedure_and_day() -> None:
    before = a_claim(a_line(("CO", "16", 20000)), a_line(("CO", "16", 5000), charge=5000, procedure="HC:99214"))
    after = a_claim(a_line(("CO", "16", 5000), charge=5000, procedure="HC:99214", control="7"), a_line(charge=20000, control="8"))
    [event] = outcomes_of(a_remit(1, before), corrected(3, before, after)).events
    assert (event.recovered, event.writeoff.cents) == (20000, 20000)


@given(cents=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**7), min_size=1, max_size=9))
def test_shares_are_exact_and_within_a_cent_of_proportion(cents: int, weights: list[int]) -> None:
    found = shares(cents, weights)
    assert sum(found) == cents
    total = sum(weights)
    assert all(abs(part * total - cents * weight) < total for part, weight in zip(found, weights, strict=True) if total)


# ---- a claim sent again under a new number --------------------------------------------------------------------------


def test_a_new_claim_for_the_same_service_pays_the_write_off_of_the_first() -> None:
    [event] = outcomes_of(JANUARY, a_remit(3, SECOND)).events
    assert event.writeoff.writeoff_id == outcomes_of(JANUARY, MARCH).events[0].writeoff.writeoff_id
    assert (event.action, event.status, event.recovered, event.shifted, event.reference_number) == (
        "new_claim",
        "recovered",
        10000,
        2000,
        "ICN2",
    )


def test_a_reversal_under_the_old_number_and_a_correction_under_the_new_are_one_answer() -> None:
    [event] = outcomes_of(JANUARY, a_remit(3, with_cause(REFUSED.reversed(), "N690"), SECOND)).events
    assert (event.action, event.status, event.recovered) == ("appeal", "recovered", 10000)
    first, then = a_claim(a_line(("CO", "45", 12000))), a_claim(a_line(("CO", "45", 9000)), icn="ICN2")
    assert _said(outcomes_of(a_remit(1, first), a_remit(3, first.reversed(), then))) == [("03", "partially_recovered", 3000, 0)]
    assert _said(outcomes_of(a_remit(1, first), a_remit(3, first.reversed()), a_remit(4, then))) == [("04", "partially_recovered", 3000, 0)]


def test_a_new_claim_may_be_refused_again_and_then_won() -> None:
    again = replace(REFUSED, icn="ICN2")
    found = outcomes_of(JANUARY, a_remit(3, again), a_remit(5, replace(WON, icn="ICN3")))
    assert _said(found) == [("03", "denied", 0, 0), ("05", "recovered", 10000, 0)] and {one.action for one in found.events} == {"new_claim"}
    found = outcomes_of(JANUARY, a_remit(3, again), corrected(5, again, SECOND))
    # the second refusal made a candidate of its own; the first posted is paid first
    assert _said(found) == [("03", "denied", 0, 0), ("05", "recovered", 10000, 0)]
    assert {one.writeoff.posted for one in found.events} == {"2024-01-05"}


def test_a_new_claim_for_one_line_leaves_the_others_as_they_were() -> None:
    paid_first = a_claim(a_line(("CO", "45", 5000)), a_line(("CO", "16", 9000), charge=9000, procedure="HC:99214"))
    second = a_claim(a_line(("CO", "45", 1000), charge=9000, procedure="HC:99214"), icn="ICN2")
    found = outcomes_of(a_remit(1, paid_first), a_remit(3, second))
    assert _said(found) == [("03", "recovered", 8000, 0)]
    assert found.loose_taken_back == 0
    assert _reason(found.events[0]) == ("CO", "16")


def test_what_a_new_claim_brought_is_taken_back_under_either_number() -> None:
    for number in ("ICN1", "ICN2", "ACCT1"):
        found = outcomes_of(JANUARY, a_remit(3, SECOND), a_remit(5, plb=((f"WO:{number}", 10000),)))
        assert _said(found) == [("03", "recovered", 10000, 10000)]
    assert _said(outcomes_of(JANUARY, a_remit(3, SECOND), a_remit(5, SECOND.reversed()))) == [("03", "recovered", 10000, 10000)]


@pytest.mark.parametrize(
    "other",
    [
        replace(SECOND, name="ACCT2"),
        replace(SECOND, status="2"),
        replace(SECOND, lines=(replace(SECOND.lines[0], day="20231202"),)),
        replace(SECOND, lines=(replace(SECOND.lines[0], procedure="HC:99214"),)),
        replace(REFUSED, icn="ICN2", lines=(a_line(("OA", "18", 20000)),)),
    ],
)
def test_another_claim_is_no_answer(other: Claim) -> None:
    assert outcomes_of(JANUARY, a_remit(3, other)).events == []


def test_claims_of_one_remit_do_not_answer_each_other() -> None:
    assert outcomes_of(a_remit(1, REFUSED, SECOND)).events == []
    # and where two fit nobody knows which was meant
    assert outcomes_of(a_remit(1, REFUSED, replace(REFUSED, icn="ICN3")), a_remit(3, SECOND)).events == []


def test_a_claim_paid_before_is_not_taken_back_by_another_under_its_account() -> None:
    found = outcomes_of(a_remit(1, WON), a_remit(3, replace(REFUSED, icn="ICN2")))
    assert (found.events, found.loose_taken_back) == ([], 0)


# ---- cause and days -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rarc", ACTIONS)
def test_a_cause_names_an_action_and_never_the_outcome(rarc: str) -> None:
    assert action([rarc]) in (*REMEDIES, "other")
    [won], [lost] = (
        outcomes_of(JANUARY, corrected(3, REFUSED, WON, rarc)).events,
        outcomes_of(JANUARY, corrected(3, REFUSED, REFUSED, rarc)).events,
    )
    assert (won.status, lost.status) == ("recovered", "denied")
    assert won.action == lost.action == action([rarc])


def test_a_replacement_claim_says_by_its_frequency_what_was_done() -> None:
    segments = [one.replace("*ICN1*11*1", "*ICN2*11*7") for one in a_remit(3, replace(WON, original="ICN1")).segments()]
    found = distinct_remits([*read(encode(JANUARY.segments()))[0], *read(encode(segments))[0]])
    [event] = outcomes(chains(found), found).events
    assert (event.action, event.reference_number, event.recovered) == ("corrected_claim", "ICN2", 10000)


def test_the_day_of_the_work_is_that_of_receipt_else_a_usual_time_before_the_answer() -> None:
    received = corrected(3, REFUSED, replace(WON, extra=("DTM*050*20240210",)))
    [event] = outcomes_of(JANUARY, received).events
    assert (event.worked_date, event.sent_date) == ("2024-02-10", "2024-02-10")
    old = corrected(3, REFUSED, replace(WON, extra=("DTM*050*20231210",)))
    [event] = outcomes_of(JANUARY, old).events
    # practice norms (DOMAIN 3): 30 days, 21 for a corrected claim, 60 for a redetermination; never before the posting
    assert (event.worked_date, event.sent_date) == ("2024-02-04", "")
    assert outcomes_of(JANUARY, corrected(3, REFUSED, WON, "N694")).events[0].worked_date == "2024-02-13"
    medicare = replace(REFUSED, filing="MB"), replace(WON, filing="MB")
    assert outcomes_of(a_remit(1, medicare[0]), corrected(4, *medicare, "N690")).events[0].worked_date == "2024-02-05"
    assert outcomes_of(JANUARY, corrected(2, REFUSED, WON)).events[0].worked_date == "2024-01-06"
    assert outcomes_of(a_remit(2, REFUSED), corrected(3, REFUSED, WON)).events[0].worked_date == "2024-02-05"


def test_nothing_is_known_before_the_remit_that_says_it() -> None:
    assert outcomes_of(JANUARY, MARCH, as_of="2024-03-05").events == []
    assert len(outcomes_of(JANUARY, MARCH, as_of="2024-03-06").events) == 1


# ---- again and again ------------------------------------------------------------------------------------------------


def test_the_file_is_an_outcomes_table_without_remarks(tmp_path: Path) -> None:
    pending = a_remit(4, with_cause(replace(REFUSED, name="B", icn="I2").reversed(), "N690"))
    remits = (a_remit(1, REFUSED, replace(REFUSED, name="B", icn="I2")), MARCH, pending, a_remit(6, plb=(("WO:ICN1", 1),)))
    write_table(tmp_path / "events.csv", outcomes_of(*remits).columns)
    found = read_table(tmp_path / "events.csv", OUTCOMES, vocabulary=Vocabulary(), most_rejected=0.0, latest=date(2030, 1, 1).toordinal())
    assert (len(found.batch), found.rejects, found.issues) == (2, [], [])
    assert set(found.batch.words("status")) <= set(STATUSES)


@dataclass(frozen=True)
class Step:
    """One remit of one claim in the generator: what it says, and what it takes back."""

    claims: tuple[Claim, ...]
    held: int


STATES = [REFUSED, PART, WON, a_claim(a_line(("CO", "45", 3000), ("PR", "2", 2000)))]


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Return remits of one claim: corrections, reversals whose correction waits, re-adjudications and take-backs."""
    steps, standing = [Step((draw(st.sampled_from(STATES)),), 0)], []
    standing = [steps[0].claims[0]]
    for kind in draw(st.lists(st.sampled_from(["correct", "first", "reverse", "again", "hold"]), max_size=7)):
        new = draw(st.sampled_from(STATES))
        if kind == "hold":
            steps.append(Step((), draw(st.integers(1, 12000))))
        elif kind == "again" or not standing:
            if new not in standing[-1:]:
                steps.append(Step((new,), 0))
                standing.append(new)
        else:
            old = standing.pop()
            reversal = old.reversed()
            if kind == "first" and new == old:
                # what stands before a reversal and says the same as what it reverses is taken for a copy
                kind = "correct"
            if kind == "reverse":
                steps.append(Step((reversal,), 0))
            else:
                steps.append(Step((reversal, new) if kind == "correct" else (new, reversal), 0))
                standing.append(new)
    return steps


def twin(steps: Sequence[Step], posted: int) -> tuple[int, int]:
    """Return what came and what was taken back in all, by striking out adjudications one after the other.

    Slow and obvious: after each remit, look at the last adjudication that is left; what it pays more than the last such one came, what
    it pays less was taken back, as far as anything had come. A reversal without correction counts only where none follows.
    """
    came = back = 0
    left: list[tuple[int, Claim]] = []
    last: Claim | None = None
    said: Claim | None = None
    is_waiting = False
    for number, step in enumerate(steps):
        for claim in step.claims:
            # the same words again are a copy
            if claim == said:
                continue
            said = claim
            if claim.status != "22":
                left.append((number, claim))
                continue
            # the reversal in a remit strikes what an earlier one said
            del left[[i for i, (when, one) in enumerate(left) if one.reversed() == claim and when < number][-1]]
        if step.claims:
            is_waiting = not left
        if left and left[-1][1] is not last:
            more = left[-1][1].paid - (last.paid if last else left[-1][1].paid)
            last = left[-1][1]
            if number > posted:
                came, back = came + max(0, more), back + min(max(0, -more), came - back)
        back += min(step.held, came - back)
    if is_waiting and last is not None:
        back += min(last.paid, came - back)
    return came, back


def _as_remits(steps: Sequence[Step]) -> list[Remit]:
    return [
        a_remit(i, *step.claims, plb=(("WO:ICN1", step.held),) if step.held else ()) for i, step in enumerate(steps, start=1)
    ]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(steps=histories())
def test_what_came_and_went_equals_the_twin(steps: list[Step]) -> None:
    found = outcomes_of(*_as_remits(steps))
    came, back = twin(steps, 0)
    assert sum(one.recovered for one in found.events) == came
    assert sum(one.taken_back for one in found.events) == back
    assert found.loose_recovered == 0
    assert all(0 <= one.taken_back <= one.recovered for one in found.events)


@settings(max_examples=150, deadline=None)
@given(steps=histories(), data=st.data())
def test_order_of_files_and_sending_again_change_no_event(steps: list[Step], data: st.DataObject) -> None:
    remits = _as_remits(steps)
    again = data.draw(st.lists(st.sampled_from(range(len(remits))), max_size=4))
    places = data.draw(st.permutations([*range(len(remits)), *again]))
    mixed = [replace(remits[i], control=remits[i].control + data.draw(st.sampled_from([0, 100]))) for i in places]
    assert outcomes_of(*mixed).columns == outcomes_of(*remits).columns


@settings(max_examples=100, deadline=None)
@given(steps=histories(), day=st.integers(1, 9))
def test_what_is_known_on_a_day_is_what_the_files_of_that_day_say(steps: list[Step], day: int) -> None:
    remits = _as_remits(steps)
    known = [remit for remit in remits if remit.day < f"2024{day:02d}05"]
    as_of = outcomes_of(*remits, as_of=f"2024-{day:02d}-05").columns
    assert as_of == (outcomes_of(*known).columns if known else outcomes_of(JANUARY).columns)


@st.composite
def adjudications(draw: st.DrawFn) -> list[Claim]:
    """Return what a payer says of one claim of up to three lines, one thing after the other; the last line may come and go."""
    charges = draw(st.lists(st.integers(1, 30000), min_size=1, max_size=3))
    said = []
    for _ in range(draw(st.integers(2, 5))):
        lines = []
        for number, charge in enumerate(charges, start=1):
            parts = shares(charge, draw(st.lists(st.integers(0, 5), min_size=5, max_size=5)))
            reasons = zip((("CO", "16"), ("CO", "45"), ("PR", "2"), ("OA", "23")), parts, strict=False)
            triplets = tuple((group, carc, cents) for (group, carc), cents in reasons if cents)
            lines.append(Line(charge, triplets, procedure=f"HC:9921{number}", control=draw(st.sampled_from(["", str(number)]))))
        whole = draw(st.integers(0, 500)) if draw(st.booleans()) else 0
        kept = lines[: draw(st.integers(1, len(lines)))]
        said.append(a_claim(*kept, adjustments=(("CO", "97", whole),) if whole else ()))
    return said


@settings(max_examples=300, deadline=None)
@given(said=adjudications(), held=st.lists(st.integers(1, 20000), max_size=2))
def test_every_cent_is_on_a_write_off_or_told_apart(said: list[Claim], held: list[int]) -> None:
    remits = [a_remit(1, said[0])]
    remits += [corrected(i, before, after) for i, (before, after) in enumerate(itertools.pairwise(said), start=2) if before != after]
    remits += [a_remit(i, plb=(("WO:ICN1", cents),)) for i, cents in enumerate(held, start=8)]
    found = outcomes_of(*remits)
    came = sum(one.recovered for one in found.events) + found.loose_recovered
    taken = sum(one.taken_back for one in found.events) + found.loose_taken_back
    assert came - taken == said[-1].paid - said[0].paid - sum(held)
    for one in found.events:
        assert 0 <= one.taken_back <= one.recovered
        assert (one.status in ("recovered", "partially_recovered")) == (one.recovered > 0)
        assert one.writeoff.posted <= one.worked_date <= one.resolved_date
    assert len({(one.writeoff.writeoff_id, one.effort_id) for one in found.events}) == len(found.events)


def test_an_event_has_no_amount_below_nothing() -> None:
    posting = WrittenOff("W", "2024-01-01", None, 0, None)
    assert Event(posting, "E", "2024-01-01", "other", "", "", "2024-01-02", "denied").row()[8:] == ("0.00", "0.00", "0.00")
