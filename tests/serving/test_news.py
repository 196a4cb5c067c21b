"""The model that serves knows the outcomes in the store: exactly as if they had come as a file, and without being trained."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from features.intake.records import read_records
from features.tables import WRITEOFFS
from models.bundle import read_manifest
from models.pointer import Pointer, Promotion, write_pointer
from models.scorer import Scorer
from recoup.news import News
from recoup.outcomes import events_of
from serving.champion import Champion
from serving.store import migrations, outcomes, writeoffs
from serving.store.rows import EPOCH, rows_of
from serving.store.store import Store
from tests.practice import AS_OF, Files, Learned

TODAY = date(2026, 11, 2)
DAY = (TODAY - EPOCH).days


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as opened:
        migrations.up(opened)
        yield opened


@pytest.fixture
def champion(store: Store, learned: Learned, tmp_path: Path) -> Champion:
    digest = str(read_manifest(learned.folder)["bundle_hash"])
    shutil.copytree(learned.folder, tmp_path / "models" / digest)
    write_pointer(tmp_path, Pointer(Promotion("1", digest, f"models/{digest}")))
    return Champion(tmp_path, load=Scorer.load, prior=Scorer.prior, news=News(store, lambda: TODAY))


def tell(store: Store, practice: Files, *, most: int) -> list[str]:
    """Put write-offs and what came of them since the model's cut into the store, as a nightly file would."""
    columns = practice.outcomes.columns
    fresh = np.flatnonzero((columns["resolved_date"] >= AS_OF) & (columns["resolved_date"] < DAY))[:most]
    said = [outcomes.said_by(row) for row in rows_of(practice.outcomes.take(fresh))]
    place = {name: row for row, name in enumerate(practice.writeoffs.columns["writeoff_id"].tolist())}
    ids = sorted({one.writeoff_id for one in said})
    ledger = rows_of(practice.writeoffs.take(np.array([place[name] for name in ids])))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with store.write() as unit:
        rows = [{**row, "client_id": "default", "extras": {}, "loaded_at": at} for row in ledger]
        unit.connection.execute(insert(writeoffs.writeoffs), rows)
        for day in sorted({one.resolved_on for one in said if one.resolved_on is not None}):
            outcomes.record(unit, "default", [one for one in said if one.resolved_on == day], source="file", today=day, at=at, by="test")
    return ids


def test_outcomes_in_the_store_are_seen_as_those_of_a_file(store: Store, champion: Champion, practice: Files, learned: Learned) -> None:
    before = champion.current()
    assert before.problem is None, before.problem
    ids = tell(store, practice, most=60)
    with champion.follow(every=30.0):
        after = champion.current()
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


def test_an_event_that_comes_late_falls_into_its_place(store: Store, champion: Champion, practice: Files) -> None:
    with champion.follow(every=0.02):
        first = champion.current().scorer
        tell(store, practice, most=20)
        for _ in range(500):
            if champion.current().scorer is not first:
                break
            time.sleep(0.02)
        told = champion.current().scorer
    assert told is not first and told.version == first.version
