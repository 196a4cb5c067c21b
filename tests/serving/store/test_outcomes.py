"""Outcomes: events that are only added, the same whatever is sent twice, and the table that models learn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, insert, update

from features.batch import Batch
from features.errors import CheckFailed
from features.tables import OUTCOMES, WRITEOFFS
from features.vocabulary import Vocabulary
from serving.store import efforts, items, outcomes, reversals, writeoffs
from serving.store.learned import news_of
from serving.store.rows import EPOCH, rows_of
from serving.store.store import Store
from serving.worklist.choice import How
from serving.worklist.desk import Offer
from serving.worklist.events import Effort
from serving.worklist.item import State
from serving.worklist.policy import Policy
from serving.worklist.reversals import ReversalState
from tests.practice import Files
from tests.serving.worklist.queues import ANA, NOW, TODAY, item_of, memory_office, put, store_office

WON = Effort("i0001-0", "E1", date(2026, 6, 1), "recovered", date(2026, 7, 1), recovered=9_000, action="appeal")
FILED = Effort("i0001-0", "E-77", TODAY - timedelta(days=40), "recovered", TODAY - timedelta(days=3), recovered=9_000)


def record(store: Store, *said: Effort, source: str = "file", today: date = TODAY) -> outcomes.Recorded:
    with store.write() as unit:
        return outcomes.record(unit, "default", said, source=source, today=today, at=NOW, by="test", approval_over=5_000)


def known(store: Store, as_of: date | None = None) -> list[Effort]:
    with store.read() as unit:
        return [effort for effort, _ in efforts.as_known(unit, "default", as_of)]


def test_what_is_said_twice_is_one_event(store: Store) -> None:
    put(store, [item_of(1)])
    assert record(store, WON).events == 1
    assert record(store, WON).events == 0
    assert known(store) == [WON]


def test_what_is_news_since_a_day_is_found_without_reading_what_is_old(store: Store) -> None:
    put(store, [item_of(n) for n in range(1, 5)])
    old, corrected, late, open_ = (replace(WON, writeoff_id=f"i000{n}-0") for n in range(1, 5))
    record(store, old, corrected, replace(open_, status="pending", resolved_on=None, recovered=None), today=date(2026, 7, 1))
    since = date(2026, 8, 1)
    record(store, replace(corrected, recovered=8_000), today=since)
    # A file that comes late says what was decided before, and it is known since then.
    record(store, replace(late, resolved_on=since - timedelta(days=1)), today=TODAY)
    record(store, replace(late, effort_id="E2", resolved_on=since), today=TODAY)
    with store.read() as unit:
        whole, told = (outcomes.outcomes_of(unit, "default", Vocabulary(), since=day) for day in (None, since))
        _, news = news_of(unit, "default", Vocabulary(), since=since, as_of=TODAY)

    def named(batch: Batch) -> list[tuple[str, str, int]]:
        rows = zip(batch.columns["writeoff_id"], batch.columns["effort_id"], batch.columns["resolved_date"], strict=True)
        return [(str(key), str(effort), int(day)) for key, effort, day in rows]

    day = (since - EPOCH).days
    # A correction of the sum does not move the day of the result; it is read, and is no result since.
    assert named(news) == [row for row in named(whole) if row[2] >= day] == [("i0003-0", "E2", day)]
    assert [row[:2] for row in named(told)] == [("i0002-0", "E1"), ("i0003-0", "E2")] and len(named(whole)) == 5


def test_an_event_cannot_be_changed_or_deleted(store: Store) -> None:
    put(store, [item_of(1)])
    record(store, WON)
    for statement in (update(efforts.events).values(cents=1), delete(efforts.events)):
        with pytest.raises(CheckFailed), store.write() as unit:
            unit.connection.execute(statement)
    assert known(store) == [WON]


def test_every_morning_knows_what_was_known_before_it(store: Store) -> None:
    put(store, [item_of(1)])
    pending = replace(WON, status="pending", resolved_on=None, recovered=None)
    record(store, pending)
    record(store, WON)
    record(store, replace(WON, recovered=8_000), today=date(2026, 8, 1))
    record(store, replace(WON, recovered=8_000, taken_back=8_000), source="remit", today=date(2026, 9, 1))
    mornings = {
        date(2026, 6, 1): [],
        date(2026, 6, 2): [(None, 0, "pending")],
        date(2026, 7, 1): [(None, 0, "pending")],
        date(2026, 7, 2): [(9_000, 0, "recovered")],
        date(2026, 8, 2): [(8_000, 0, "recovered")],
        date(2026, 9, 2): [(8_000, 8_000, "recovered")],
    }
    assert {day: [(e.recovered, e.taken_back, e.status) for e in known(store, day)] for day in mornings} == mornings


def test_more_cannot_be_taken_back_than_came(store: Store) -> None:
    put(store, [item_of(1)])
    record(store, WON)
    with pytest.raises(CheckFailed, match="give back more"):
        record(store, replace(WON, taken_back=9_001))
    assert known(store) == [WON]


def test_an_outcome_on_a_write_off_that_is_not_there_is_counted_and_left_out(store: Store) -> None:
    put(store, [item_of(1)])
    done = record(store, WON, replace(WON, writeoff_id="stranger"))
    assert (done.stated, done.events, done.unknown) == (2, 1, 1)
    with store.write() as unit:
        assert outcomes.record(unit, "other", [WON], source="file", today=TODAY, at=NOW, by="test").unknown == 1


def test_a_remittance_answers_the_effort_that_people_logged_and_no_dollar_counts_twice(store: Store) -> None:
    put(store, [item_of(1)])
    office = store_office(store)
    with office.desk(ANA) as desk:
        desk.send("i0001", 0, follow_up_on=TODAY + timedelta(days=20), channel="portal", hours=0.5)
    later = TODAY + timedelta(days=9)
    said = Effort("i0001-0", "hash", TODAY + timedelta(days=3), "recovered", later, recovered=9_000, action="other")
    assert record(store, said, source="remit", today=later) == outcomes.Recorded(1, 2 - 1, 0, 1)
    assert record(store, said, source="remit", today=later).events == 0
    (effort,) = known(store)
    assert (effort.effort_id, effort.source_effort_id, effort.worked_on, effort.action) == ("i0001.1", "hash", TODAY, "appeal")
    assert (effort.recovered, effort.hours, effort.channel, effort.status) == (9_000, 0.5, "portal", "recovered")
    with store.read() as unit:
        item = items.find(unit, "default", "i0001")
        asked = reversals.of_item(unit, "default", "i0001")
    assert item is not None and (item.state, item.decided_on, item.follow_up_on) == (State.WON, later, None)
    assert [(one.cents, one.state) for one in asked] == [(9_000, ReversalState.WAITING)]
    record(store, replace(said, taken_back=4_000), source="remit", today=later + timedelta(days=30))
    with store.read() as unit:
        assert sorted(one.cents for one in reversals.of_item(unit, "default", "i0001")) == [-4_000, 9_000]


@pytest.mark.parametrize(("source", "before"), [("remit", 0), ("file", 9_000)])
def test_a_take_back_that_comes_with_its_recovery_is_known_since_a_remittance_told_it(store: Store, source: str, before: int) -> None:
    put(store, [item_of(1)])
    record(store, replace(FILED, taken_back=9_000), source=source)
    assert [[effort.taken_back for effort in known(store, day)] for day in (TODAY, None)] == [[before], [9_000]]


def test_the_ledger_puts_back_no_more_than_it_was_asked_to_reverse(store: Store) -> None:
    put(store, [item_of(1)])
    # A file tells of what was settled long ago: nothing is asked for it, so nothing is asked back when the payer takes it back.
    record(store, FILED)
    record(store, replace(FILED, taken_back=9_000), source="remit")
    with store.read() as unit:
        assert reversals.of_item(unit, "default", "i0001") == []
    # What a remittance paid was asked for, and of what is taken back only that is put back.
    record(store, replace(FILED, effort_id="E-78", recovered=2_000), source="remit")
    record(store, replace(FILED, effort_id="E-78", recovered=2_000, taken_back=2_000), source="remit")
    with store.read() as unit:
        assert sorted(one.cents for one in reversals.of_item(unit, "default", "i0001")) == [-2_000, 2_000]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (replace(FILED, status="recovered", recovered=0), State.LOST),
        (replace(FILED, status="settled", recovered=None), State.OPEN),
        (replace(FILED, status="pending", recovered=3_000), State.SENT),
        (replace(FILED, status="recovered", resolved_on=None), State.WON),
    ],
)
def test_words_that_contradict_dollars_move_an_item_as_training_reads_them(store: Store, said: Effort, state: State) -> None:
    put(store, [item_of(1)])
    record(store, said)
    with store.read() as unit:
        item = items.find(unit, "default", "i0001")
        row = outcomes.outcomes_of(unit, "default", Vocabulary())
    assert item is not None and item.state is state
    # An end without a day is known since today, so that whoever learns from the export counts it as ended.
    if said.resolved_on is None:
        assert row.columns["resolved_date"].astype("datetime64[D]").tolist() == [TODAY]


def test_what_was_pending_with_dollars_is_won_when_it_ends(store: Store) -> None:
    put(store, [item_of(1)])
    record(store, replace(FILED, status="pending", resolved_on=None, recovered=3_000))
    record(store, replace(FILED, recovered=3_000))
    with store.read() as unit:
        item = items.find(unit, "default", "i0001")
    assert item is not None and item.state is State.WON


def won_in_the_queue(store: Store) -> None:
    """Ana wins 90 dollars today, by an appeal that she never wrote down before."""
    put(store, [item_of(1)])
    with store_office(store).desk(ANA) as desk:
        desk.win("i0001", 0, cents=9_000, hours=0.5)


def paid(store: Store) -> list[int]:
    """Payer cash of each effort that is known, and of what the ledger was asked to reverse."""
    with store.read() as unit:
        assert sum(one.cents for one in reversals.of_item(unit, "default", "i0001")) == sum(one.net for one in known(store))
    return [one.net for one in known(store)]


@pytest.mark.parametrize("order", [("file", "remit"), ("remit", "file")])
def test_a_win_of_the_queue_that_a_file_and_a_remittance_tell_again_counts_once(store: Store, order: tuple[str, str]) -> None:
    won_in_the_queue(store)
    said = {"file": FILED, "remit": replace(FILED, effort_id="hash", resolved_on=TODAY - timedelta(days=6), action="other")}
    for source in order:
        assert record(store, said[source], source=source).items == 0
    # Told every night, in whatever turn, nothing is news.
    for source in (*order, *reversed(order)):
        assert record(store, said[source], source=source).events == 0
    (effort,) = known(store)
    assert (effort.effort_id, effort.action, effort.hours, effort.resolved_on) == ("i0001.1", "appeal", 0.5, TODAY)
    assert paid(store) == [9_000]
    # What the payer takes back is on the one effort; the file, which never heard of it, does not undo that.
    record(store, replace(said["remit"], taken_back=4_000), source="remit", today=TODAY + timedelta(days=9))
    assert record(store, said["file"], today=TODAY + timedelta(days=10)).events == 0
    assert paid(store) == [5_000]
    record(store, said["remit"], source="remit", today=TODAY + timedelta(days=20))
    assert paid(store) == [9_000]


def test_a_name_that_was_heard_once_is_about_the_same_effort_whatever_it_says_later(store: Store) -> None:
    won_in_the_queue(store)
    record(store, FILED)
    assert record(store, replace(FILED, recovered=8_500), today=TODAY + timedelta(days=1)).events == 1
    assert [one.net for one in known(store)] == [8_500]
    # What was known on a morning before stays what was known.
    assert [one.net for one in known(store, TODAY + timedelta(days=1))] == [9_000]


@pytest.mark.parametrize(
    "said",
    [
        replace(FILED, recovered=8_999),
        replace(FILED, resolved_on=TODAY - timedelta(days=32)),
        replace(FILED, action="cob_update"),
        replace(FILED, level=2),
        replace(FILED, status="denied", recovered=0),
    ],
)
def test_what_says_something_else_is_an_effort_of_its_own(store: Store, said: Effort) -> None:
    won_in_the_queue(store)
    record(store, said)
    assert len(known(store)) == 2 and {one.effort_id for one in known(store)} == {"i0001.1", "E-77"}


def test_the_same_sum_twice_from_one_payer_is_twice_the_sum(store: Store) -> None:
    won_in_the_queue(store)
    for name in ("hash", "another"):
        record(store, replace(FILED, effort_id=name), source="remit")
    assert sorted(one.net for one in known(store)) == [9_000, 9_000]


def test_an_effort_that_a_file_saw_under_way_is_the_one_that_the_queue_won(store: Store) -> None:
    put(store, [item_of(1)])
    record(store, replace(FILED, status="pending", resolved_on=None, recovered=None))
    with store.read() as unit:
        item = items.find(unit, "default", "i0001")
    assert item is not None and item.state is State.SENT
    with store_office(store).desk(ANA) as desk:
        desk.win("i0001", item.version, cents=9_000)
    assert len(known(store)) == 2
    assert record(store, FILED).events == 2 and record(store, FILED).events == 0
    assert [(one.effort_id, one.net) for one in known(store)] == [("i0001.1", 9_000)] and paid(store) == [9_000]


def test_refusals_that_two_tell_are_one_effort_and_rows_without_a_name_stay_apart(store: Store) -> None:
    put(store, [item_of(1)])
    with store_office(store).desk(ANA) as desk:
        desk.lose("i0001", 0)
    nameless = replace(FILED, effort_id="-")
    long_ago = replace(nameless, status="denied", recovered=0, worked_on=date(2025, 1, 3), resolved_on=date(2025, 2, 3))
    same = replace(nameless, status="denied", recovered=0)
    for _ in range(2):
        record(store, long_ago, same)
        assert [(one.effort_id, one.status, one.resolved_on) for one in known(store)] == [
            ("-", "denied", date(2025, 2, 3)),
            ("i0001.1", "denied", TODAY),
        ]


def test_a_refusal_of_what_was_sent_is_to_be_asked_about_today(store: Store) -> None:
    put(store, [item_of(1)])
    with store_office(store).desk(ANA) as desk:
        desk.send("i0001", 0, follow_up_on=TODAY + timedelta(days=20))
    said = Effort("i0001-0", "hash", TODAY, "denied", TODAY, recovered=0)
    record(store, said, source="remit")
    with store.read() as unit:
        item = items.find(unit, "default", "i0001")
    assert item is not None and (item.state, item.follow_up_on) == (State.SENT, TODAY)


def test_a_practices_tables_go_in_and_come_out_as_they_were(store: Store, practice: Files) -> None:
    rows = rows_of(practice.outcomes)
    ledger = [row | {"client_id": "default", "extras": {}, "loaded_at": NOW} for row in rows_of(practice.writeoffs)]
    with store.write() as unit:
        unit.connection.execute(insert(writeoffs.writeoffs), ledger)
        done = outcomes.record(unit, "default", [outcomes.said_by(row) for row in rows], source="file", today=TODAY, at=NOW, by="test")
    assert done.stated == len(rows) > 500 and done.unknown == 0
    words = Vocabulary()
    with store.read() as unit:
        back, held = outcomes.outcomes_of(unit, "default", words), outcomes.writeoffs_of(unit, "default", words)

    def plain(row: dict[str, Any]) -> tuple[Any, ...]:
        is_open = row["status"] == "pending"
        money = ("recovered_amount", "taken_back_amount", "shifted_to_patient_amount", "patient_paid_amount")
        # A blank amount is nothing; of an open effort nothing is known yet.
        return tuple(None if name in money and is_open else (row[name] or 0) if name in money else row[name] for name in OUTCOMES.names)

    def order(row: dict[str, Any]) -> tuple[str, str]:
        return row["writeoff_id"], row["effort_id"]

    assert [plain(row) for row in sorted(rows_of(back), key=order)] == [plain(row) for row in sorted(rows, key=order)]
    mine = [row | {"client_id": "default"} for row in rows_of(practice.writeoffs)]
    assert sorted(rows_of(held), key=lambda row: str(row["writeoff_id"])) == sorted(mine, key=lambda row: str(row["writeoff_id"]))
    assert set(held.columns) == set(WRITEOFFS.names)


def test_sample_checks_are_exported_with_the_chance_of_their_cohort(store: Store) -> None:
    # Ten drawn at 20 %: one is best and begun in its own right, three more have their turn, six still wait.
    queue = [item_of(n, in_lot=n <= 10, lot_share=0.2 if n <= 10 else 0.0, lot_order=n / 100, came_with="load") for n in range(1, 16)]
    queue[9] = replace(queue[9], worth=replace(queue[9].worth, value_per_hour=9_999))
    put(store, queue, policy=Policy(sample_turn=0.5))
    office = store_office(store)
    office.day.draws = [0.9, 0.1, 0.1, 0.1, 0.9]
    for _ in range(5):
        with office.desk(ANA) as desk:
            offer = desk.take_next()
            assert offer is not None
            desk.draft(offer.item.item_id, offer.item.version)
    with store.read() as unit:
        table = rows_of(outcomes.outcomes_of(unit, "default", Vocabulary()))
    told = {row["writeoff_id"]: (row["explored"], row["selection_probability"]) for row in table}
    shared = (True, pytest.approx(0.2 * 3 / 9))
    assert told == {"i0010-0": (True, 0.2), "i0001-0": shared, "i0002-0": shared, "i0003-0": shared, "i0015-0": (False, 1.0)}


def test_sample_checks_stand_for_all_items_whatever_is_worked_first() -> None:
    """The chances are right: items weighted by their inverse count as many as there are, good ones and bad ones alike."""
    rng = np.random.default_rng(11)
    share, worlds, size, turns = 0.2, 150, 60, 30
    total, good = [], []
    for _ in range(worlds):
        drawn, places = rng.random(size) < share, rng.random(size)
        queue = [item_of(n, in_lot=bool(drawn[n]), lot_share=share, lot_order=float(places[n])) for n in range(size)]
        office = memory_office(queue, policy=Policy(sample_turn=0.4))
        office.day.draws = rng.random(turns).tolist()
        begun: dict[str, Offer] = {}
        for _ in range(turns):
            with office.desk(ANA) as desk:
                offer = desk.take_next()
                assert offer is not None
                begun[offer.item.item_id] = offer
                desk.draft(offer.item.item_id, offer.item.version)
        checks = [offer for offer in begun.values() if offer.item.in_lot]
        by_lot = [offer.choice.how is How.LOT for offer in checks]
        cohort = outcomes.Cohort(int(drawn.sum()), sum(by_lot), len(checks) - sum(by_lot))
        weights = [1 / cohort.chance(share, is_by_lot=lot) for lot in by_lot]
        total.append(sum(weights))
        good.append(sum(weight for weight, offer in zip(weights, checks, strict=True) if offer.item.item_id >= f"i{size // 2:04d}"))
    for found, wanted in ((np.array(total), size), (np.array(good), size / 2)):
        error = abs(found.mean() - wanted) / (found.std(ddof=1) / worlds**0.5)
        # four standard errors: less than one in ten thousand by chance
        assert error < 4, (found.mean(), wanted)
