"""The model that serves knows the outcomes in the store: exactly as if they had come as a file, and without being trained."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.intake.records import read_records
from features.tables import WRITEOFFS
from models.scorer import Scorer
from recoup.news import News
from recoup.outcomes import events_of
from serving.champion import Champion
from serving.store import migrations, outcomes
from serving.store.rows import EPOCH
from serving.store.store import Store
from serving.worklist.events import Effort
from tests.practice import AS_OF, Files, Learned, make_champion
from tests.serving.told import DAY, TODAY, tell


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as opened:
        migrations.up(opened)
        yield opened


@pytest.fixture
def champion(store: Store, learned: Learned, tmp_path: Path) -> Champion[Scorer]:
    make_champion(learned, tmp_path)
    return Champion(tmp_path, load=Scorer.load, prior=Scorer.prior, news=News(store, lambda: TODAY))


def test_outcomes_in_the_store_are_seen_as_those_of_a_file(
    store: Store, champion: Champion[Scorer], practice: Files, learned: Learned
) -> None:
    before = champion.current()
    assert before.problem is None, before.problem
    ids = tell(store, practice, most=60)
    with champion.follow(every=30.0):
        after = champion.current("default")
        assert champion.current("another") is not after and champion.current("another").scorer is before.scorer
    assert after.scorer is not before.scorer and after.scorer.version == before.scorer.version
    assert isinstance(after.scorer, Scorer) and isinstance(before.scorer, Scorer)
    # The same from the tables themselves.
    expected = Scorer.load(learned.folder)
    words = expected.vocabulary.overlay()
    with store.read() as unit:
        told = outcomes.outcomes_of(unit, "default", words, as_of=TODAY)
        ledger = outcomes.writeoffs_of(unit, "default", words)
    expected.advance(events_of(expected.viewer, ledger, told, as_of=DAY), until=DAY)
    ours, theirs, untold = (one.viewer.history.snapshot() for one in (after.scorer, expected, before.scorer))
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in theirs) and len(ids) > 30
    assert ours["last"].max() > untold["last"].max()
    row = {"writeoff_id": "N", "writeoff_date": "2026-10-20", "payer_id": "P001", "carc": "197", "group_code": "CO"}
    rows = [{**row, "writeoff_amount": "90.00"}]
    for scorer in (after.scorer, expected):
        batch = read_records(rows, WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
        assert scorer.score(batch, as_of=DAY).records() == after.scorer.score_records(rows, as_of=DAY)


def test_an_event_that_comes_late_falls_into_its_place(store: Store, champion: Champion[Scorer], practice: Files) -> None:
    with champion.follow(every=0.02):
        first = champion.current("default").scorer
        tell(store, practice, most=20)
        for _ in range(500):
            if champion.current("default").scorer is not first:
                break
            time.sleep(0.02)
        told = champion.current("default").scorer
    assert told is not first and told.version == first.version


def test_what_one_client_records_moves_no_score_of_another(store: Store, champion: Champion[Scorer], practice: Files) -> None:
    row = {
        "writeoff_id": "N",
        "writeoff_date": "2026-10-20",
        "payer_id": "P001",
        "carc": "197",
        "group_code": "CO",
        "writeoff_amount": "90",
    }

    def scored(client_id: str) -> list[dict[str, object]]:
        scorer = champion.current(client_id).scorer
        assert isinstance(scorer, Scorer)
        return scorer.score_records([row], as_of=DAY)

    tell(store, practice, most=60, client_id="north")
    with champion.follow(every=0.02):
        before = {client: scored(client) for client in ("north", "south", "east")}
        untouched = champion.current("north").scorer
        # Whoever works for another practice says that nothing ever comes of anything.
        tell(store, practice, most=200, client_id="south", worth=0)
        for _ in range(500):
            if scored("south") != before["south"]:
                break
            time.sleep(0.02)
        assert scored("south") != before["south"] == before["east"] == scored("east")
        assert scored("north") == before["north"] and champion.current("north").scorer is untouched


def test_a_past_morning_is_answered_with_what_was_known_then(store: Store, champion: Champion[Scorer], practice: Files) -> None:
    tell(store, practice, most=2_000)
    with champion.follow(every=30.0):
        morning = AS_OF + 40
        past, now = champion.on("default", morning), champion.current("default")
        assert champion.on("default", morning) is past and champion.on("default", AS_OF).scorer is champion.current("another").scorer
        assert champion.current("default") is now
    assert isinstance(past.scorer, Scorer) and isinstance(now.scorer, Scorer)
    assert past.scorer.viewer.history.snapshot()["last"].max() == morning - 1 < now.scorer.viewer.history.snapshot()["last"].max()
    # As it was answered on that morning.
    earlier = Champion(champion._home, load=Scorer.load, prior=Scorer.prior, news=News(store, lambda: EPOCH + timedelta(days=morning)))
    with earlier.follow(every=30.0):
        then = earlier.current("default").scorer
    assert isinstance(then, Scorer)
    ours, theirs = past.scorer.viewer.history.snapshot(), then.viewer.history.snapshot()
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in theirs)


def test_what_people_write_down_today_counts_tomorrow_and_costs_nothing_today(
    store: Store, champion: Champion[Scorer], practice: Files
) -> None:
    ids = tell(store, practice, most=40)
    news = News(store, lambda: TODAY)
    mark, scorer = news.mark(), champion.current().scorer
    assert isinstance(scorer, Scorer)
    told = news.told(scorer)["default"]
    with store.write() as unit:
        at = datetime(2026, 11, 2, 9, tzinfo=UTC)
        said = Effort(ids[0], "today", TODAY, "denied", TODAY, recovered=0)
        assert outcomes.record(unit, "default", [said], source="person", today=TODAY, at=at, by="test").events == 1
    assert news.mark() == mark and news.told(scorer)["default"] is told
    tomorrow = News(store, lambda: TODAY + timedelta(days=1))
    assert tomorrow.mark() != mark
    latest = [one.viewer.history.snapshot()["last"].max() for one in (told, tomorrow.told(scorer)["default"])]
    assert latest[0] < latest[1] == DAY
