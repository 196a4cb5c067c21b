"""Requests to the ledger: who sees them, who may let them pass, and that no sum comes past the limit in pieces."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from features.errors import NotFound, NotPermitted
from serving.access import Identity, Role
from serving.api.app import worklist_of
from serving.champion import Champion
from serving.identity.gate import Gate
from serving.store import reversals
from serving.worklist.events import Effort
from serving.worklist.policy import Policy
from serving.worklist.reversals import Reversal
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
        worklist.decide_reversal(ONE, asked["i0002-0"], approve=True)
    with pytest.raises(NotFound) as nowhere:
        worklist.decide_reversal(ONE, "never", approve=True)
    assert str(foreign.value) == str(nowhere.value)
    worklist.decide_reversal(TWO, asked["i0002-0"], approve=True)
    worklist.decide_reversal(ONE, asked["i0001-0"], approve=True)
    assert [one.writeoff_id for one in worklist.export_reversals(ONE, "monday")] == ["i0001-0"]
    # The same name is another file for who sees other facilities, and each stays what it was.
    assert [one.writeoff_id for one in worklist.export_reversals(TWO, "monday")] == ["i0002-0"]
    assert [one.writeoff_id for one in worklist.export_reversals(ONE, "monday")] == ["i0001-0"]
    assert [one.writeoff_id for one in worklist.export_reversals(LEA, "monday")] == ["i0001-0", "i0002-0"]


def test_who_tries_to_approve_their_own_request_is_refused_and_told(gate: Gate, worklist: Worklist) -> None:
    win(worklist, 3, 6_000, who=LEA)
    with pytest.raises(NotPermitted):
        worklist.decide_reversal(LEA, worklist.waiting_reversals(LEA)[0].reversal_id, approve=True)
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
