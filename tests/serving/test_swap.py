"""Models swapped under load, over real sockets: no request fails, and no answer mixes two models."""

from __future__ import annotations

import http.client
import json
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

from recoup.listening import Listener
from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from tests.serving.fakes import FixedScorer, load_fake, promote_fake

KEY = "k" * 43
CALLERS, SWAPS = 8, 25


def row(name: str) -> dict[str, Any]:
    return {"writeoff_id": name, "writeoff_date": "2026-10-01", "payer_id": "AETNA"}


def test_swaps_under_load_fail_no_request_and_mix_no_answer(tmp_path: Path) -> None:
    promote_fake(tmp_path, "v0", "h0")
    champion = Champion(tmp_path, load=load_fake, prior=lambda: FixedScorer("prior"))
    service = Service(champion, Keys({KEY: Identity("key:k", "key", Role.SERVICE)}), lambda: date(2026, 11, 23))
    listener = Listener("127.0.0.1", 0, has_identity=True)
    listener.listen()
    started: list[uvicorn.Server] = []
    ready, stop = threading.Event(), threading.Event()

    def take(server: uvicorn.Server) -> None:
        started.append(server)
        ready.set()

    thread = threading.Thread(target=listener.serve, args=(create_app(service),), kwargs={"started": take})
    wrong: list[str] = []
    met: list[str] = []

    def call(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", listener.socket.getsockname()[1], timeout=10)
        # One row goes one way through the service and several go another.
        body = json.dumps({"writeoffs": [row(f"W{number}.{i}") for i in range(1 + number % 3)]})
        while not stop.is_set():
            connection.request("POST", "/v1/scores", body, {"Authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            versions = {told.get("model_version"), *(score["model_version"] for score in told.get("scores", []))}
            ids = [score["writeoff_id"] for score in told.get("scores", [])]
            if answer.status != 200 or len(versions) != 1 or ids != [f"W{number}.{i}" for i in range(1 + number % 3)]:
                wrong.append(f"{answer.status} {versions}")
            met.extend(versions)
        connection.close()

    callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    with champion.follow(every=0.01):
        thread.start()
        assert ready.wait(10)
        for caller in callers:
            caller.start()
        for number in range(1, SWAPS + 1):
            promote_fake(tmp_path, f"v{number}", f"h{number}")
            limit = time.monotonic() + 5
            while champion.current().scorer.version != f"v{number}":
                assert time.monotonic() < limit, "a promotion is followed within 5 seconds"
                time.sleep(0.005)
            time.sleep(0.02)
        stop.set()
        for caller in callers:
            caller.join()
        started[0].should_exit = True
        thread.join(15)
    assert wrong == [] and len(set(met)) > SWAPS // 2 and len(met) > SWAPS
