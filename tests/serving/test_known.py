"""The process of a job, which sees no store, knows what the service knows: its scores are those of `POST /v1/scores`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.errors import StorageFailed
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from recoup import job as program
from recoup.news import News
from recoup.shop import champion_of
from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.jobs.known import read_known, write_known
from serving.jobs.worker import Shop, Worker
from serving.store import migrations
from serving.store.rows import EPOCH
from serving.store.store import Store
from tests.practice import AS_OF, Files, Learned, make_champion
from tests.serving.client import Client
from tests.serving.jobs_at import ledger, shop_at
from tests.serving.told import TODAY, tell

NORTH, SOUTH = "n" * 43, "s" * 43
CUT = EPOCH + timedelta(days=AS_OF)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as opened:
        migrations.up(opened)
        yield opened


@pytest.fixture
def shop(store: Store, learned: Learned, tmp_path: Path) -> Shop:
    make_champion(learned, tmp_path)
    shop = shop_at(store, tmp_path, lease_seconds=30.0)
    return replace(shop, model=lambda: champion_of(tmp_path), today=lambda: TODAY, program=program.__name__, codes=tmp_path / "codes")


@pytest.fixture
def client(shop: Shop, store: Store, tmp_path: Path) -> Iterator[Client]:
    champion = Champion(tmp_path, load=Scorer.load, prior=Scorer.prior, news=News(store, lambda: TODAY))
    keys = Keys({key: Identity(f"key:{name}", "key", Role.SERVICE, name) for key, name in ((NORTH, "north"), (SOUTH, "south"))})
    with champion.follow(every=0.05):
        yield Client(create_app(Service(champion, keys, lambda: TODAY, shop=shop)))


def worked_on(client: Client, shop: Shop, body: bytes, key: str = NORTH, kind: str = "score", as_of: date = TODAY) -> dict[str, Any]:
    """Hand a file in, have it worked on, and return the job."""
    answer = client.post(f"/v1/jobs?kind={kind}&as_of={as_of}", body, {"Authorization": f"Bearer {key}"})
    assert answer.status_code == 202, answer.text
    assert Worker(shop).work_one()
    return dict(client.get(answer.headers["location"], {"Authorization": f"Bearer {key}"}).json())


def by_job(client: Client, shop: Shop, body: bytes, key: str = NORTH, as_of: date = TODAY) -> list[dict[str, str]]:
    done = worked_on(client, shop, body, key, as_of=as_of)
    assert done["state"] == "done", done
    answer = client.get(f"/v1/jobs/{done['job_id']}/result", {"Authorization": f"Bearer {key}"})
    return sorted(csv.DictReader(io.StringIO(answer.text)), key=lambda row: row["writeoff_id"])


def by_service(client: Client, body: bytes, key: str = NORTH, as_of: date = TODAY) -> list[dict[str, str]]:
    """Return the answer of `POST /v1/scores` in the words of a CSV."""
    asked = {"writeoffs": list(csv.DictReader(io.StringIO(body.decode()))), "as_of": str(as_of)}
    answer = client.post("/v1/scores", json.dumps(asked).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["scores"], key=lambda row: row["writeoff_id"])


def same(row: dict[str, str], scored: dict[str, Any]) -> bool:
    """Tell whether a row of the result says what the answer says, to the last digit that each has."""

    def said(name: str, value: Any) -> object:
        if value is None or value == "":
            return None
        if name == "reasons":
            return json.loads(value) if isinstance(value, str) else value
        if isinstance(value, bool) or value in ("true", "false"):
            return str(value).lower()
        try:
            return float(value)
        except ValueError:
            return value

    return all(said(name, row[name]) == said(name, scored[name]) for name in scored)


def test_a_jobs_scores_are_the_services_after_new_outcomes(client: Client, shop: Shop, store: Store, practice: Files) -> None:
    body = ledger(60)
    untold = by_job(client, shop, body)
    tell(store, practice, most=200, client_id="north")
    tell(store, practice, most=400, client_id="south", worth=0)
    for key in (NORTH, SOUTH):
        for _ in range(200):
            answers = by_service(client, body, key)
            if not all(map(same, untold, answers)):
                break
        told = by_job(client, shop, body, key)
        assert all(map(same, told, answers)) and len(told) == len(answers) == 60
        assert not any(map(same, untold, answers)), "the outcomes say something of these payers"
    # As of a morning before most of it became known, both know less, and the same.
    morning = CUT + timedelta(days=30)
    earlier = by_job(client, shop, body, as_of=morning)
    assert all(map(same, earlier, by_service(client, body, as_of=morning)))
    assert [row["recovery_probability"] for row in earlier] != [row["recovery_probability"] for row in told]


def test_the_process_gets_the_clients_own_efforts_known_by_the_day_and_nobodys_id(store: Store, practice: Files, tmp_path: Path) -> None:
    ours = tell(store, practice, most=50, client_id="north")
    tell(store, practice, most=80, first=20, client_id="south", worth=0)
    with store.read() as unit:
        known = write_known(unit, "north", tmp_path, cut=CUT, as_of=TODAY)
        assert write_known(unit, "north", tmp_path, cut=CUT, as_of=CUT) is None
        assert write_known(unit, "east", tmp_path, cut=CUT, as_of=TODAY) is None
    assert known is not None
    worked, efforts = read_known(known, Vocabulary())
    assert set(worked.columns["writeoff_id"]) == set(efforts.columns["writeoff_id"]) == set(ours)
    assert (efforts.columns["recovered_amount"] > 0).any()
    assert not {"patient_id", "posted_by", "approved_by"} & set(pq.read_schema(known.worked.path).names)
    with Path(known.efforts.path).open("r+b") as file:
        file.seek(200)
        file.write(b"\x00\x01")
    with pytest.raises(StorageFailed, match=r"known-outcomes.parquet is not as it was handed in"):
        read_known(known, Vocabulary())


def test_a_file_that_was_changed_on_the_disk_is_not_worked_on(client: Client, shop: Shop) -> None:
    answer = client.post("/v1/jobs?kind=score", ledger(5), {"Authorization": f"Bearer {NORTH}"})
    [path] = list((shop.folder / answer.json()["job_id"]).iterdir())
    path.write_bytes(ledger(6))
    assert Worker(shop).work_one()
    failed = client.get(answer.headers["location"], {"Authorization": f"Bearer {NORTH}"}).json()
    assert (failed["state"], failed["problem"]) == ("failed", "input.csv is not as it was handed in; send it again")


def test_a_model_that_is_not_the_promoted_one_scores_nothing(client: Client, shop: Shop) -> None:
    bundle = shop.model()
    assert bundle is not None
    other = replace(shop, model=lambda: replace(bundle, hash="0" * 64))
    failed = worked_on(client, other, ledger(5))
    assert failed["state"] == "failed" and "not the one that was promoted" in failed["problem"]


def test_codes_in_doubt_are_counted_by_the_licensed_list_that_is_kept(client: Client, shop: Shop) -> None:
    assert shop.codes is not None
    assert worked_on(client, shop, ledger(40))["account"]["doubts"] == []
    shop.codes.mkdir()
    (shop.codes / "2026-10-01.csv").write_text("code,kind,start,stop,text\n197,carc,1995-01-01,2026-06-01,\n")
    retired = {"column": "carc", "state": "retired", "codes": 1, "rows": 40}
    assert worked_on(client, shop, ledger(40), kind="load")["account"]["doubts"] == [retired]
    # On a day before the list was in force it says nothing.
    assert worked_on(client, shop, ledger(40), as_of=date(2026, 9, 1))["account"]["doubts"] == []
