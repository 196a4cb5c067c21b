"""Scores into the queue: once, in whole chunks, and without taking away what people did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from features.batch import Batch
from features.errors import BadData, CheckFailed, TryAgain
from features.intake.records import read_records
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from models.scores import SCORE_COLUMNS
from serving.store import efforts, items, loads, policies, scores, stories, writeoffs
from serving.store.loading import Load, load
from serving.store.store import Store
from serving.worklist.item import Item, State
from serving.worklist.policy import Policy
from serving.worklist.scored import SCORES
from tests.practice import AS_OF, Files, Learned
from tests.serving.worklist.queues import ANA, LEA, NOW, TODAY, store_office

DAY = TODAY.isoformat()


def ledger_of(*rows: dict[str, Any]) -> Batch:
    usual: dict[str, Any] = {"writeoff_date": "2026-09-01", "payer_id": "AETNA", "writeoff_amount": "200.00", "carc": "50"}
    return read_records([usual | row for row in rows], WRITEOFFS, vocabulary=Vocabulary()).batch


def scored_of(*rows: dict[str, Any]) -> Batch:
    usual: dict[str, Any] = {
        "in_scope": True,
        "category": "denial",
        "remedy": "appeal",
        "recovery_probability": 0.5,
        "recoverable_amount": "150.00",
    }
    usual |= {"expected_recovery": "60.00", "expected_net_recovery": "30.00", "expected_hours": 0.75, "value_per_hour": "40.00"}
    usual |= {"reasons": "[]", "model_version": "3", "as_of": DAY, "deadline_date": "2026-12-01", "deadline_source": "statute"}
    return read_records([usual | row for row in rows], SCORES, vocabulary=Vocabulary()).batch


def put(store: Store, ledger: Batch, scored: Batch, identity: str = "files", **more: Any) -> Load:
    return load(store, ledger, scored, client_id="default", identity=identity, clock=lambda: NOW, **more)


def item(store: Store, item_id: str) -> Item:
    with store.read() as unit:
        found = items.find(unit, "default", item_id)
    assert found is not None
    return found


LEDGER = ledger_of({"writeoff_id": "A", "claim_id": "C1"}, {"writeoff_id": "B", "claim_id": "C1"}, {"writeoff_id": "D", "claim_id": "C2"})
SCORED = scored_of(
    {"writeoff_id": "A", "work_item_id": "one"},
    {"writeoff_id": "B", "work_item_id": "one", "expected_recovery": "90.00", "expected_net_recovery": "-30.00", "expected_hours": 3},
    {"writeoff_id": "D", "work_item_id": "two", "in_scope": False},
)


def test_the_table_of_scores_is_the_one_that_is_written() -> None:
    assert SCORES.names == SCORE_COLUMNS


def test_an_item_adds_up_its_write_offs_and_what_is_out_of_scope_makes_none(store: Store) -> None:
    done = put(store, LEDGER, SCORED)
    assert (done.writeoffs, done.chunks, done.items_new, done.chunks_there) == (3, 1, 1, 0)
    worth = item(store, "one").worth
    assert (worth.writeoffs, worth.expected, worth.net, worth.hours, worth.value_per_hour) == (2, 15_000, 3_000, 3.0, 1_000)
    assert (worth.written_off, worth.recoverable, worth.deadline_on, worth.as_of) == (40_000, 30_000, date(2026, 12, 1), TODAY)
    with store.read() as unit:
        assert items.find(unit, "default", "two") is None
        assert {row["item_id"] for row in scores.of_writeoffs(unit, "default", ["D"]).values()} == {None}


def test_the_same_load_again_changes_nothing(store: Store) -> None:
    put(store, LEDGER, SCORED)
    with store_office(store).desk() as desk:
        desk.draft("one", 0)
    before = item(store, "one")
    done = put(store, LEDGER, SCORED)
    assert done.is_repeated and done.items_new == 0
    assert item(store, "one") == before


def test_a_load_that_was_cut_short_goes_on_where_it_stopped(store: Store) -> None:
    rows = [{"writeoff_id": f"W{n:02d}", "claim_id": f"C{n // 2}"} for n in range(20)]
    ledger, scored = ledger_of(*rows), scored_of(*({"writeoff_id": f"W{n:02d}", "work_item_id": f"i{n // 2:02d}"} for n in range(20)))
    done = 0

    def cut(rows: int) -> None:
        nonlocal done
        done += rows
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(store, ledger, scored, chunk_rows=4, progress=cut)
    with store.read() as unit:
        assert unit.connection.execute(select(func.count()).select_from(writeoffs.writeoffs)).scalar_one() == 8
        assert loads.latest(unit, "default") is None
    found = put(store, ledger, scored, chunk_rows=4)
    assert (found.chunks, found.chunks_there, found.items_new) == (5, 2, 6)
    with store.read() as unit:
        assert unit.connection.execute(select(func.count()).select_from(items.items)).scalar_one() == 10
        latest = loads.latest(unit, "default")
    assert latest is not None and latest["as_of"] == TODAY


def test_a_new_scoring_changes_worth_and_leaves_work(store: Store) -> None:
    put(store, LEDGER, SCORED)
    with store_office(store).desk() as desk:
        desk.send("one", 0, follow_up_on=TODAY + timedelta(days=10))
    before = item(store, "one")
    rescored = scored_of(
        # another remedy now: its item is in somebody's hands, and it stays there
        {
            "writeoff_id": "A",
            "work_item_id": "three",
            "remedy": "corrected_claim",
            "expected_recovery": "10.00",
            "expected_net_recovery": "5.00",
        },
        {"writeoff_id": "B", "work_item_id": "one", "in_scope": False},
        {"writeoff_id": "D", "work_item_id": "two"},
    )
    done = put(store, LEDGER, rescored, "files of the next day")
    assert (done.items_new, done.items_withdrawn) == (1, 0)
    after = item(store, "one")
    assert after.worth.expected == 7_000
    assert replace(after, worth=before.worth) == before
    with store.read() as unit:
        assert items.find(unit, "default", "three") is None


def test_an_item_that_scoring_empties_leaves_the_queue_and_may_come_back(store: Store) -> None:
    put(store, LEDGER, SCORED)
    moved = scored_of({"writeoff_id": "A", "work_item_id": "three"}, {"writeoff_id": "B", "work_item_id": "three"})
    assert put(store, LEDGER, moved, "second").items_withdrawn == 1
    assert (item(store, "one").state, item(store, "one").worth.writeoffs) == (State.WITHDRAWN, 0)
    assert item(store, "three").worth.writeoffs == 2
    put(store, LEDGER, SCORED, "third")
    assert (item(store, "one").state, item(store, "three").state) == (State.OPEN, State.WITHDRAWN)


def test_older_scores_do_not_replace_newer_ones(store: Store) -> None:
    put(store, LEDGER, SCORED)
    with pytest.raises(CheckFailed, match="2026-11-02; those of 2026-10-30 are older"):
        put(store, LEDGER, scored_of({"writeoff_id": "A", "work_item_id": "one", "as_of": "2026-10-30"}), "older")


def test_scores_without_their_write_offs_are_refused(store: Store) -> None:
    with pytest.raises(BadData, match="1 of 1 scores"):
        put(store, LEDGER, scored_of({"writeoff_id": "X", "work_item_id": "one"}))
    with pytest.raises(BadData, match="other clients"):
        put(store, ledger_of({"writeoff_id": "A", "client_id": "north"}), scored_of({"writeoff_id": "A", "work_item_id": "one"}))


def test_each_new_item_is_drawn_as_a_sample_check_once_with_the_chance_that_is_set(store: Store) -> None:
    with store.write() as unit:
        policies.keep(unit, "default", Policy(sample_share=0.25), at=NOW, by="test")
    keys = [f"W{n:03d}" for n in range(400)]
    ledger = ledger_of(*({"writeoff_id": key} for key in keys))
    scored = scored_of(*({"writeoff_id": key, "work_item_id": f"i{key}"} for key in keys))
    rng = np.random.default_rng(5)
    done = put(store, ledger, scored, draw=rng.random)
    # binomial, 400 times 1 in 4: within four standard deviations of 100
    assert abs(done.checks_drawn - 100) < 4 * (400 * 0.25 * 0.75) ** 0.5
    before = {key: item(store, f"i{key}") for key in keys[:20]}
    put(store, ledger, scored, "again", draw=rng.random)
    assert {key: item(store, f"i{key}") for key in keys[:20]} == before
    assert {one.lot_share for one in before.values()} == {0.25}


def test_a_scored_practice_is_loaded_whole(store: Store, practice: Files, learned: Learned) -> None:
    recent = practice.writeoffs.take(practice.writeoffs.columns["writeoff_date"] >= AS_OF - 60)
    told = learned.scorer.score(recent, as_of=AS_OF, reasons=20).ranked().table()
    records = [dict(zip(told, row, strict=True)) for row in zip(*told.values(), strict=True)]
    read = read_records(records, SCORES, vocabulary=Vocabulary())
    assert read.rejects == []
    done = put(store, recent, read.batch)
    scope = {row["work_item_id"] for row in records if row["in_scope"] and row["remedy"] != "none"}
    assert done.items_new == len(scope) > 50
    assert done.writeoffs == len(recent)
    first = records[0]
    with store.read() as unit:
        row = scores.of_writeoffs(unit, "default", [first["writeoff_id"]])[first["writeoff_id"]]
        kept = writeoffs.find(unit, "default", [first["writeoff_id"]])[first["writeoff_id"]]
    assert (row["rank"], row["expected_recovery"]) == (1, round(float(first["expected_recovery"]) * 100))
    assert row["reasons"] and row["model_version"] == first["model_version"]
    assert kept["payer_id"] in practice.writeoffs.vocabulary.words("payer_id")


def test_a_write_off_for_which_nothing_is_to_be_done_makes_no_work_and_leaves_the_queue(store: Store) -> None:
    # A claim refused as a copy of one that a crossover answers: CARC 18 with N522.
    row = {"writeoff_id": "A", "writeoff_date": "2026-10-05", "payer_id": "MEDICARE", "carc": "18", "rarcs": "N522", "group_code": "OA"}
    scored = Scorer.prior().score_records([row | {"writeoff_amount": "200.00"}], as_of=int(np.datetime64(DAY, "D").astype(int)))
    assert (scored[0]["category"], scored[0]["remedy"], scored[0]["in_scope"]) == ("denial", "none", True)
    put(store, LEDGER, SCORED)
    assert item(store, "one").state is State.OPEN
    waits = scored_of(*({"writeoff_id": name, "work_item_id": "one", "remedy": "none"} for name in "AB"))
    done = put(store, LEDGER, waits, identity="next night")
    assert (done.writeoffs, done.items_new, done.items_withdrawn) == (2, 0, 1) and item(store, "one").state is State.WITHDRAWN
    with store_office(store).desk(ANA) as desk:
        assert desk.take_next() is None


def test_of_two_that_load_the_same_files_the_second_is_told_to_come_again(store: Store) -> None:
    with store.write() as unit:
        loads.begin(unit, "default", "files", as_of=TODAY, model_version="3", writeoffs=1, chunks=1, at=NOW)
        loads.add_chunk(unit, "default", "files", 0, "ab", 1, NOW)
    with pytest.raises(TryAgain, match="another process is loading the same files"), store.write() as unit:
        loads.add_chunk(unit, "default", "files", 0, "ab", 1, NOW)


# A claim whose corrected claim lapses tonight, so that the appeal is what is open of it.
BEFORE = {"writeoff_id": "A", "work_item_id": "correct", "remedy": "corrected_claim", "deadline_date": "2026-11-01"}
AFTER = BEFORE | {"work_item_id": "appeal", "remedy": "appeal", "deadline_date": "2027-02-01", "as_of": "2026-11-03"}


def items_of(store: Store) -> dict[str, Item]:
    with store.read() as unit:
        return items.find_many(unit, "default", ["correct", "appeal"])


def test_a_remedy_that_lapses_untouched_makes_way_for_an_item_of_the_next(store: Store) -> None:
    put(store, LEDGER, scored_of(BEFORE))
    done = put(store, LEDGER, scored_of(AFTER), "next night")
    assert (done.items_new, done.items_withdrawn) == (1, 1)
    found = items_of(store)
    assert (found["correct"].state, found["appeal"].state, found["appeal"].remedy) == (State.WITHDRAWN, State.OPEN, "appeal")
    assert found["appeal"].worth.deadline_on == date(2027, 2, 1)
    with store_office(store).desk(ANA) as desk:
        offer = desk.take_next()
    assert offer is not None and offer.item.item_id == "appeal"


@pytest.mark.parametrize("act", ["assign", "note", "draft", "project"])
def test_what_somebody_has_or_told_of_is_turned_to_what_is_open_and_neither_lost_nor_doubled(store: Store, act: str) -> None:
    put(store, LEDGER, scored_of(BEFORE))
    office = store_office(store)
    with office.desk(LEA) as desk:
        if act == "assign":
            desk.assign("correct", 0, ANA.subject)
        elif act == "draft":
            desk.draft("correct", 0)
        elif act == "project":
            desk.set_project("correct", 0, "P1")
        desk.note("correct", "the number is in the letter of 3 May")
    before = items_of(store)["correct"]
    done = put(store, LEDGER, scored_of(AFTER), "next night")
    assert (done.items_new, done.items_withdrawn) == (0, 0)
    found = items_of(store)
    assert set(found) == {"correct"}
    assert found["correct"] == replace(before, remedy="appeal", worth=found["correct"].worth)
    assert (found["correct"].worth.deadline_on, found["correct"].worth.writeoffs) == (date(2027, 2, 1), 1)
    with store.read() as unit:
        told = [(entry.act, entry.text) for entry in stories.of_item(unit, "default", "correct")]
    assert ("note", "the number is in the letter of 3 May") in told and told[-1] == ("turned", "from corrected claim to appeal")
    # The night after it stays so, and is not told twice.
    put(store, LEDGER, scored_of(AFTER | {"as_of": "2026-11-04"}), "the night after")
    assert items_of(store) == {"correct": replace(found["correct"], worth=replace(found["correct"].worth, as_of=date(2026, 11, 4)))}
    with store.read() as unit:
        assert len(stories.of_item(unit, "default", "correct")) == len(told)
    # What goes out is recorded as what it is.
    with office.desk(LEA) as desk:
        desk.send("correct", found["correct"].version, follow_up_on=TODAY + timedelta(days=30))
    with store.read() as unit:
        assert [effort.action for effort in efforts.of_writeoffs(unit, "default", ["A"])] == ["appeal"]


def test_what_went_out_or_was_decided_stays_what_it_was_when_its_remedy_lapses(store: Store) -> None:
    for act in ("send", "skip", "lose"):
        put(store, LEDGER, scored_of(BEFORE | {"work_item_id": act}), act)
        with store_office(store).desk(ANA) as desk:
            if act == "send":
                desk.send(act, 0, follow_up_on=TODAY + timedelta(days=10))
                desk.lose(act, 1)
            else:
                desk.skip(act, 0, "not_recoverable") if act == "skip" else desk.lose(act, 0)
        before = item(store, act)
        done = put(store, LEDGER, scored_of(AFTER | {"as_of": DAY}), f"{act} lapsed")
        assert done.items_new == 0 and item(store, act) == replace(before, worth=item(store, act).worth)
        with store.write() as unit:
            unit.connection.execute(scores.scores.update().values(item_id=None))


def test_a_step_that_was_called_wrong_makes_way_for_the_next(store: Store) -> None:
    put(store, LEDGER, scored_of(BEFORE))
    with store_office(store).desk(ANA) as desk:
        desk.skip("correct", 0, "wrong_remedy")
    assert put(store, LEDGER, scored_of(AFTER), "next night").items_new == 1
    found = items_of(store)
    assert (found["correct"].state, found["appeal"].state) == (State.SKIPPED, State.OPEN)
