"""Jobs from the request to the result: what comes back, what is refused, and whose they are."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.api.jobs import MOST_UNENDED
from serving.champion import Champion
from serving.jobs.folder import sweep
from serving.jobs.task import Limits
from serving.jobs.worker import MOST_ATTEMPTS, Shop, Worker
from serving.store import jobs as kept
from serving.store import migrations, scores
from serving.store.store import Store
from serving.store.trail import access_log
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.jobs_at import TODAY, ledger, shop_at

NORTH, SOUTH, LOOKER, ONE_HOUSE = "n" * 43, "s" * 43, "v" * 43, "f" * 43

KEYS = Keys(
    {
        NORTH: Identity("key:n", "key", Role.SERVICE, "north"),
        SOUTH: Identity("key:s", "key", Role.SERVICE, "south"),
        LOOKER: Identity("key:v", "key", Role.VIEWER, "north"),
        ONE_HOUSE: Identity("key:f", "key", Role.SERVICE, "north", frozenset({"F1"})),
    }
)


def auth(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **more}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store in a file: what jobs ask of a database is tested on both in `tests/serving/store`."""
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as opened:
        migrations.up(opened)
        yield opened


@pytest.fixture
def shop(store: Store, tmp_path: Path) -> Shop:
    return shop_at(store, tmp_path)


@pytest.fixture
def client(shop: Shop, tmp_path: Path) -> Client:
    champion = Champion(tmp_path, load=load_fake, prior=lambda: FixedScorer("prior"))
    return Client(create_app(Service(champion, KEYS, lambda: TODAY, shop=shop)))


def hand_in(client: Client, body: bytes, query: str = "kind=score&as_of=2026-11-01", key: str = NORTH, **more: str) -> dict[str, Any]:
    answer = client.post(f"/v1/jobs?{query}", body, auth(key, **more))
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['job_id']}"
    return dict(answer.json())


def state(client: Client, job_id: str, key: str = NORTH) -> dict[str, Any]:
    return dict(client.get(f"/v1/jobs/{job_id}", auth(key)).json())


def test_a_table_becomes_its_ranking(client: Client, shop: Shop) -> None:
    job = hand_in(client, ledger(40))
    assert (job["state"], job["kind"], job["input_bytes"]) == ("queued", "score", len(ledger(40)))
    assert client.get(f"/v1/jobs/{job['job_id']}/result", auth(NORTH)).status_code == 409
    assert Worker(shop).work_one() and not Worker(shop).work_one()
    done = state(client, job["job_id"])
    assert (done["state"], done["problem"], done["attempt"]) == ("done", None, 1)
    assert (done["account"]["scored"], done["account"]["model_version"], done["account"]["as_of"]) == (40, "prior", "2026-11-01")
    answer = client.get(f"/v1/jobs/{job['job_id']}/result", auth(NORTH))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(row["rank"]) for row in rows] == list(range(1, 41)) and {row["writeoff_id"] for row in rows} == {f"W{i}" for i in range(40)}
    assert f"score-{job['job_id']}.csv" in answer.headers["content-disposition"]
    # What was sent is not kept longer than it is needed.
    assert [path.name for path in (shop.folder / job["job_id"]).iterdir()] == ["scores.csv"]
    with shop.store.read() as unit:
        told = unit.connection.execute(select(access_log.c.subject, access_log.c.action, access_log.c.outcome, access_log.c.purpose)).all()
    once = ("key:n", "job.run", "done")
    assert [tuple(line) for line in told] == [(*once, ""), (*once, ""), (*once, "the result was read")]


def test_what_a_file_is_shows_by_how_it_begins(client: Client, shop: Shop) -> None:
    table = pa.csv.read_csv(io.BytesIO(ledger(5)), convert_options=pa.csv.ConvertOptions(column_types={"writeoff_date": pa.string()}))
    packed = io.BytesIO()
    pq.write_table(table, packed)
    jobs = [hand_in(client, body)["job_id"] for body in (ledger(5), gzip.compress(ledger(5)), packed.getvalue())]
    worker = Worker(shop)
    while worker.work_one():
        pass
    results = [client.get(f"/v1/jobs/{job_id}/result", auth(NORTH)).text for job_id in jobs]
    assert results[0].count("\n") == 6 and len(set(results)) == 1


def test_a_remittance_becomes_candidates(client: Client, shop: Shop) -> None:
    segments = [
        "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PRACTICE       *261101*1200*^*00501*000000001*0*P*:",
        "GS*HP*PAYER*PRACTICE*20261101*1200*1*X*005010X221A1",
        "ST*835*0001",
        "BPR*I*80*C*ACH*CCP*01*999999999*DA*1*1234567890**01*999*DA*2*20261101",
        "TRN*1*12345*1234567890",
        "DTM*405*20261101",
        "N1*PR*ACME HEALTH*PI*P001",
        "N1*PE*PRACTICE*XX*1999999984",
        "LX*1",
        "CLP*C1*1*100*80*0*MC*ICN1*11",
        "SVC*HC:99213*100*80**1",
        "DTM*472*20260901",
        "CAS*CO*197*20",
        "SE*12*0001",
        "GE*1*1",
        "IEA*1*000000001",
    ]
    job = hand_in(client, ("~".join(segments) + "~").encode(), "kind=import-remits")
    assert Worker(shop).work_one()
    done = state(client, job["job_id"])
    assert done["state"] == "done", done
    assert done["account"]["totals"]["claims"] == 1
    rows = list(csv.DictReader(io.StringIO(client.get(f"/v1/jobs/{job['job_id']}/result", auth(NORTH)).text)))
    assert [(row["carc"], row["writeoff_amount"]) for row in rows] == [("197", "20.00")]


def test_a_table_is_scored_into_the_queue_once(client: Client, shop: Shop, store: Store) -> None:
    worker = Worker(shop)
    for _ in range(2):
        job = hand_in(client, ledger(40), "kind=load&as_of=2026-11-01")
        assert worker.work_one()
        done = state(client, job["job_id"])
        assert done["state"] == "done", done
    assert done["account"]["loaded"] == {"writeoffs": 40, "items_new": 0, "items_withdrawn": 0}
    with store.read() as unit:
        found = scores.of_writeoffs(unit, "north", [f"W{i}" for i in range(40)])
    assert len(found) == 40 and {row["model_version"] for row in found.values()} == {"prior"}


def test_who_sees_one_facility_loads_no_ledger_of_all(client: Client, shop: Shop) -> None:
    refused = client.post("/v1/jobs?kind=load", ledger(3), auth(ONE_HOUSE))
    assert refused.status_code == 403 and "all facilities" in refused.text
    assert not shop.folder.exists() or not list(shop.folder.iterdir())
    hand_in(client, ledger(3), key=ONE_HOUSE)


def test_a_file_of_another_client_is_not_loaded(client: Client, shop: Shop) -> None:
    lines = ledger(3).decode().splitlines()
    body = "\n".join([lines[0] + ",client_id", *(line + ",south" for line in lines[1:])]) + "\n"
    job = hand_in(client, body.encode(), "kind=load")
    assert Worker(shop).work_one()
    assert "1 other clients than north" in state(client, job["job_id"])["problem"]


@pytest.mark.parametrize(
    ("body", "words"), [(b"a,b\n1,2\n", "lacks writeoff_id"), (b"PAR1 but no more", "not Parquet"), (b"\x1f\x8bnothing", "gzip")]
)
def test_a_file_that_cannot_be_read_fails_with_the_reason(client: Client, shop: Shop, body: bytes, words: str) -> None:
    job = hand_in(client, body)
    assert Worker(shop).work_one()
    failed = state(client, job["job_id"])
    assert failed["state"] == "failed" and words in failed["problem"], failed
    assert client.get(f"/v1/jobs/{job['job_id']}/result", auth(NORTH)).status_code == 409
    assert not list((shop.folder / job["job_id"]).iterdir())


def bomb(rows: int) -> bytes:
    """A small Parquet file of very many equal rows."""
    packed = io.BytesIO()
    words = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()).take(pa.array([0]).cast(pa.int64())), ["x" * 100])
    chunk = pa.chunked_array([words] * 1).combine_chunks()
    many = pa.concat_arrays([chunk] * 1).take(pa.nulls(rows, pa.int64()).fill_null(0))
    pq.write_table(pa.table({name: many for name in ("writeoff_id", "writeoff_date", "payer_id", "carc")}), packed)
    return packed.getvalue()


def test_a_parquet_bomb_is_refused_by_what_it_says_of_itself(client: Client, store: Store, tmp_path: Path) -> None:
    body = bomb(2_000_000)
    assert len(body) < 200_000
    shop = shop_at(store, tmp_path, limits=Limits(cells=1_000_000))
    job = hand_in(client, body)
    assert Worker(shop).work_one()
    assert "2,000,000 rows of 4 columns" in state(client, job["job_id"])["problem"]


def test_a_file_that_needs_too_much_memory_fails_and_the_worker_lives(client: Client, store: Store, tmp_path: Path) -> None:
    shop = shop_at(store, tmp_path, limits=Limits(memory_bytes=800 << 20))
    wide = b"writeoff_id,writeoff_date,payer_id,x_note\n" + (b"W,2026-01-01,P," + b"x" * 190 + b"\n") * 2_500_000
    big = hand_in(client, gzip.compress(wide, 1))
    small = hand_in(client, ledger(3))
    worker = Worker(shop)
    while worker.work_one():
        pass
    assert "memory" in state(client, big["job_id"])["problem"] and state(client, small["job_id"])["state"] == "done"


def test_a_job_that_never_ends_is_ended(client: Client, store: Store, tmp_path: Path) -> None:
    shop = shop_at(store, tmp_path, limits=Limits(cpu_seconds=1))
    job = hand_in(client, ledger(400_000))
    assert Worker(shop).work_one()
    assert "1 seconds" in state(client, job["job_id"])["problem"]


def test_the_same_file_under_the_same_key_is_one_job(client: Client, shop: Shop) -> None:
    key = {"Idempotency-Key": "upload-7"}
    first, second = hand_in(client, ledger(5), **key), hand_in(client, ledger(5), **key)
    assert first == second and [path.name for path in shop.folder.iterdir()] == [first["job_id"]]
    for body, query in ((ledger(6), "kind=score&as_of=2026-11-01"), (ledger(5), "kind=score&as_of=2026-11-02")):
        assert client.post(f"/v1/jobs?{query}", body, auth(NORTH, **key)).status_code == 422
    assert hand_in(client, ledger(5), key=SOUTH, **key)["job_id"] != first["job_id"]


def test_no_client_fills_the_disk_of_all(client: Client, shop: Shop) -> None:
    for _ in range(MOST_UNENDED):
        hand_in(client, ledger(1))
    refused = client.post("/v1/jobs?kind=score", ledger(1), auth(NORTH))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert len(list(shop.folder.iterdir())) == MOST_UNENDED
    assert client.post("/v1/jobs?kind=score", ledger(1), auth(SOUTH)).status_code == 202
    assert Worker(shop).work_one()
    hand_in(client, ledger(1))


def test_files_on_their_way_count_before_they_lie_on_the_disk(client: Client, shop: Shop, tmp_path: Path) -> None:
    for _ in range(MOST_UNENDED):
        hand_in(client, ledger(1))
    app = create_app(Service(Champion(tmp_path, load=load_fake, prior=lambda: FixedScorer("prior")), KEYS, lambda: TODAY, shop=shop))

    async def both() -> tuple[int, int, int]:
        came, go_on = asyncio.Event(), asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield ledger(1)
            came.set()
            await go_on.wait()

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as sender:
            first = asyncio.create_task(sender.post("/v1/jobs?kind=score", content=slowly(), headers=auth(NORTH)))
            await came.wait()
            second = await sender.post("/v1/jobs?kind=score", content=ledger(1), headers=auth(NORTH))
            other = await sender.post("/v1/jobs?kind=score", content=ledger(1), headers=auth(SOUTH))
            lying = len(list(shop.folder.iterdir()))
            go_on.set()
            assert (await first).status_code == 429
            return second.status_code, other.status_code, lying

    # One more than may wait is let in, as it may be one that is there already; the next one is not.
    assert asyncio.run(both()) == (429, 202, MOST_UNENDED + 2)
    assert len(list(shop.folder.iterdir())) == MOST_UNENDED + 1


def test_what_is_anothers_is_not_there(client: Client, shop: Shop) -> None:
    job_id = hand_in(client, ledger(3))["job_id"]
    assert Worker(shop).work_one()
    for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/result", "/v1/jobs/..%2F..%2Fkeys", "/v1/jobs/" + "0" * 32):
        assert client.get(path, auth(SOUTH)).status_code == 404
    assert client.get(f"/v1/jobs/{job_id}", auth(LOOKER)).status_code == 403
    assert client.get("/v1/jobs", auth(SOUTH)).json() == {"jobs": []}
    assert [job["job_id"] for job in client.get("/v1/jobs", auth(NORTH)).json()["jobs"]] == [job_id]


@pytest.mark.parametrize("query", ["", "kind=bake", "kind=score&as_of=tomorrow", "kind=score&reasons=-1", "kind=score&reasons=many"])
def test_a_question_that_is_none_is_422_and_leaves_nothing(client: Client, shop: Shop, query: str) -> None:
    assert client.post(f"/v1/jobs?{query}", ledger(1), auth(NORTH)).status_code == 422
    assert client.post("/v1/jobs?kind=score", b"", auth(NORTH)).status_code == 422
    assert not shop.folder.exists() or not list(shop.folder.iterdir())


def test_a_worker_that_is_told_to_stop_gives_its_job_back(client: Client, shop: Shop) -> None:
    job_id = hand_in(client, ledger(60_000))["job_id"]
    stop = threading.Event()
    thread = threading.Thread(target=Worker(shop).run, args=(stop,))
    thread.start()
    while state(client, job_id)["state"] == "queued":
        time.sleep(0.02)
    began = time.monotonic()
    stop.set()
    thread.join(10)
    assert time.monotonic() - began < 5
    given_back = state(client, job_id)
    assert (given_back["state"], given_back["attempt"]) == ("queued", 0)


def test_a_job_whose_worker_died_is_begun_again_and_not_for_ever(client: Client, shop: Shop, store: Store) -> None:
    job_id = hand_in(client, ledger(3))["job_id"]
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    for _ in range(MOST_ATTEMPTS):
        with store.write() as unit:
            assert kept.claim(unit, "a worker that dies", datetime.now(UTC), long_ago) is not None
    assert Worker(shop).work_one()
    failed = state(client, job_id)
    assert failed["state"] == "failed" and "never ended" in failed["problem"]


def test_files_that_never_became_a_job_are_swept_away(client: Client, shop: Shop, store: Store) -> None:
    job_id = hand_in(client, ledger(3))["job_id"]
    (shop.folder / "torn").mkdir()
    assert sweep(shop.folder, {job_id}, time.time()) == 0
    assert sweep(shop.folder, {job_id}, time.time() + 3601) == 1
    assert [path.name for path in shop.folder.iterdir()] == [job_id]
