"""Requests to the ledger: who sees them, who may let them pass, and that no sum comes past the limit in pieces."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from features.errors import CheckFailed, NotFound, NotPermitted, UsageError
from serving.access import Identity, Role
from serving.api.app import worklist_of
from serving.champion import Champion
from serving.identity.gate import Gate
from serving.store import reversals
from serving.worklist.events import Effort
from serving.worklist.policy import Policy
from serving.worklist.reversals import REFUSALS, Reversal, ReversalState
from serving.worklist.worklist import Worklist
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.identity.clocks import small_gate
from tests.serving.worklist.queues import ANA, LEA, TODAY, item_of, put

ONE, TWO = (Identity(f"person:of-{name}", "session", Role.LEAD, facilities=frozenset({name})) for name in ("F1", "F2"))


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    gate = small_gate(tmp_path)
    put(gate.store, [item_of(1, facility_id="F1"), item_of(2, facility_id="F2"), item_of(3)], policy=Policy(approval_over=5_000))
    return gate


@pytest.fixture
def worklist(gate: Gate, tmp_path: Path) -> Worklist:
    return worklist_of(gate, Champion(tmp_path, load=load_fake, prior=lambda: FixedScorer("prior")), lambda: TODAY)


def win(worklist: Worklist, number: int, cents: int, who: Identity = ANA) -> None:
    with worklist.desk(who, "queue.work") as desk:
        desk.win(f"i000{number}", 0, cents=cents)


def told(gate: Gate, who: Identity) -> list[tuple[str, str]]:
    with gate.store.read() as unit:
        return [(act.action, act.outcome) for act in (line.act() for line in gate.log.lines(unit)) if act.subject == who.subject]


def test_a_lead_of_one_facility_sees_approves_and_exports_that_ones_requests_only(gate: Gate, worklist: Worklist) -> None:
    for number in (1, 2, 3):
        win(worklist, number, 6_000)
    asked = {one.writeoff_id: one.reversal_id for one in worklist.waiting_reversals(LEA)}
    assert sorted(asked) == ["i0001-0", "i0002-0", "i0003-0"]
    # What has no facility is its client's, and everybody's there.
    assert [one.writeoff_id for one in worklist.waiting_reversals(ONE)] == ["i0001-0", "i0003-0"]
    with pytest.raises(NotFound) as foreign:
        worklist.approve_reversal(ONE, asked["i0002-0"])
    with pytest.raises(NotFound) as nowhere:
        worklist.approve_reversal(ONE, "never")
    assert str(foreign.value) == str(nowhere.value)
    worklist.approve_reversal(TWO, asked["i0002-0"])
    worklist.approve_reversal(ONE, asked["i0001-0"])
    assert [one.writeoff_id for one in worklist.export_reversals(ONE, "monday")] == ["i0001-0"]
    # The same name is another file for who sees other facilities, and each stays what it was.
    assert [one.writeoff_id for one in worklist.export_reversals(TWO, "monday")] == ["i0002-0"]
    assert [one.writeoff_id for one in worklist.export_reversals(ONE, "monday")] == ["i0001-0"]
    assert [one.writeoff_id for one in worklist.export_reversals(LEA, "monday")] == ["i0001-0", "i0002-0"]


def test_who_tries_to_approve_their_own_request_is_refused_and_told(gate: Gate, worklist: Worklist) -> None:
    win(worklist, 3, 6_000, who=LEA)
    with pytest.raises(NotPermitted):
        worklist.approve_reversal(LEA, worklist.waiting_reversals(LEA)[0].reversal_id)
    assert told(gate, LEA)[-1] == ("reversal.approve", "refused") and len(worklist.waiting_reversals(LEA)) == 1


def state(gate: Gate, item_id: str) -> list[tuple[str, int]]:
    with gate.store.read() as unit:
        found: list[Reversal] = reversals.of_item(unit, "default", item_id)
    return [(one.state.value, one.cents) for one in found]


def test_a_sum_in_pieces_is_seen_as_the_sum(gate: Gate, worklist: Worklist) -> None:
    decided = TODAY - timedelta(days=400)
    for number in range(3):
        day = decided + timedelta(days=60 * number)
        said = Effort("i0003-0", f"E{number}", date(2025, 1, 1), "partially_recovered", day, recovered=2_000)
        with gate.store.write() as unit:
            worklist.record_in(unit, ANA, [said])
    assert state(gate, "i0003") == [("approved", 2_000), ("approved", 2_000), ("waiting", 2_000)]


def test_more_than_was_written_off_is_never_taken_back_unseen(gate: Gate, worklist: Worklist) -> None:
    worklist.set_policy(LEA, Policy(approval_over=1_000_000))
    win(worklist, 1, 20_000)
    win(worklist, 2, 20_001)
    assert (state(gate, "i0001"), state(gate, "i0002")) == ([("approved", 20_000)], [("waiting", 20_001)])


def test_a_refusal_keeps_its_reason_and_the_log_names_it_without_what_was_written(gate: Gate, worklist: Worklist) -> None:
    win(worklist, 3, 6_000)
    (asked,) = worklist.waiting_reversals(LEA)
    for reason, note in (("", ""), ("bored", ""), ("other", ""), ("not_paid", "x" * 501)):
        with pytest.raises(UsageError, match="refusal"):
            worklist.refuse_reversal(LEA, asked.reversal_id, reason=reason, note=note)
    kept = worklist.refuse_reversal(LEA, asked.reversal_id, reason="wrong_amount", note="Ada Example was paid twice")
    assert (kept.state, kept.refused_for, kept.note) == (ReversalState.REFUSED, "wrong_amount", "Ada Example was paid twice")
    with gate.store.read() as unit:
        assert reversals.find(unit, "default", asked.reversal_id) == kept
        acts = [line.act() for line in gate.log.lines(unit)]
    (act,) = (act for act in acts if act.action == "reversal.approve" and act.outcome == "done")
    assert (act.purpose, act.ids) == ("refused: wrong_amount", ("i0003-0",))
    assert not any("Ada" in str(act) for act in acts)
    with pytest.raises(CheckFailed, match="refused"):
        worklist.refuse_reversal(LEA, asked.reversal_id, reason="not_paid")


def test_what_the_ledger_did_not_take_is_refused_after_it_went_out(gate: Gate, worklist: Worklist) -> None:
    win(worklist, 1, 4_000)
    (sent,) = worklist.export_reversals(LEA, "first")
    kept = worklist.refuse_reversal(LEA, sent.reversal_id, reason="ledger_refused", note="the period is closed")
    assert (kept.state, kept.batch_id) == (ReversalState.REFUSED, "first") and kept.refused_for in REFUSALS
    # It counts no more among what was asked of the write-off, and the file that it went out with is the same.
    with gate.store.read() as unit:
        assert reversals.asked_of(unit, "default", ["i0001-0"]) == {}
    assert [one.reversal_id for one in worklist.export_reversals(LEA, "first")] == [sent.reversal_id]
