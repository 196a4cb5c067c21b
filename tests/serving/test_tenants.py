"""Two clients with every id swapped: what is another's is as if it were not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.access import Identity, Role
from serving.api.identity import policies
from serving.store import jobs
from serving.store.jobs import Job
from serving.web.site import SAID_COOKIE
from serving.web.visitors import Visitor
from tests.serving.client import Client
from tests.serving.identity.clocks import BOSS, PASSWORD, small_gate
from tests.serving.test_rights import UNSAFE, service_on
from tests.serving.test_sign_in import OURS, sign_in, token_of
from tests.serving.worklist.queues import NOW, item_of, put

CLIENTS = ("north", "south")
ACT = {"act": "note", "form": "docx"}
BODIES = {
    "assign": {"to": "person:x"},
    "skip": {"reason": "other"},
    "snooze": {"until": "2026-12-01"},
    "disposition": {"act": "draft"},
}
"""What each act on an item is sent with, beside the version, so that only the item may be what is refused."""


class Town:
    """A service for two clients, each with an item, its write-off and a job, and an admin who calls by key and by session."""

    def __init__(self, home: Path) -> None:
        self.gate = small_gate(home)
        self.app = service_on(self.gate, home)
        self.keys, self.browsers, self.tokens = {}, {}, {}
        self.ids: dict[str, dict[str, str]] = {}
        for number, client_id in enumerate(CLIENTS, 1):
            by = replace(BOSS, client_id=client_id)
            self.keys[client_id] = self.gate.programs.make(by, Role.ADMIN, owner="test").secret
            self.gate.accounts.add(by, f"{client_id}-admin", Role.ADMIN, password=PASSWORD)
            browser = self.browsers[client_id] = Client(self.app)
            sign_in(browser, f"{client_id}-admin")
            self.tokens[client_id] = token_of(browser)
            item = replace(item_of(number), client_id=client_id)
            put(self.gate.store, [item])
            lead = Identity("person:lea", "session", Role.LEAD, client_id)
            project, _ = self.app.state.worklist.make_project(lead, name="one cause", cause="the same words")
            ids = {"item_id": item.item_id, "writeoff_id": f"{item.item_id}-0", "job_id": f"{number}" * 32}
            self.ids[client_id] = {**ids, "project_id": project.project_id, **ACT}
            self._add_job(client_id, self.ids[client_id]["job_id"])

    def _add_job(self, client_id: str, job_id: str) -> None:
        with self.gate.store.write() as unit:
            jobs.add(
                unit,
                Job(
                    client_id, job_id, "score", "queued", "key:x", {}, "in.csv", "0" * 64, 1, 0,
                    None, None, None, None, None, None, None, NOW, NOW,
                ),
            )  # fmt: skip

    def call(self, client_id: str, method: str, path: str, policy: object) -> httpx.Response:
        """Call a filled path as the admin of a client."""
        if isinstance(policy, Visitor):
            # What the page before said in passing is not of this one.
            if SAID_COOKIE in self.browsers[client_id].cookies:
                self.browsers[client_id].cookies.delete(SAID_COOKIE)
            headers = {**OURS, "X-Form-Token": self.tokens[client_id], "Content-Type": "application/x-www-form-urlencoded"}
            return self.browsers[client_id].request(
                method, path, content=b"version=0&note=x", headers=headers if method in UNSAFE else None
            )
        headers = {"Authorization": f"Bearer {self.keys[client_id]}", "Content-Type": "application/json"}
        body = json.dumps({"version": 0, **BODIES.get(path.rpartition("/")[2], {})}).encode()
        return Client(self.app).request(method, path, content=body if method in UNSAFE else b"", headers=headers)

    def filled(self, path: str, ids: dict[str, str]) -> str:
        """Return a path with ids in it."""
        return re.sub(r"\{([^}:]+)[^}]*\}", lambda found: ids[found[1]], path)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.gate.store.close()


def test_every_route_with_an_id_answers_404_for_another_clients(town: Town) -> None:
    probed = 0
    for method, path, policy in policies(town.app):
        if "{" not in path or path.startswith("/static"):
            continue
        for mine, theirs in (CLIENTS, CLIENTS[::-1]):
            own = town.call(mine, method, town.filled(path, town.ids[mine]), policy)
            foreign = town.call(mine, method, town.filled(path, town.ids[theirs]), policy)
            unknown = {**{name: "f" * len(value) for name, value in town.ids[theirs].items()}, **ACT}
            nowhere = town.call(mine, method, town.filled(path, unknown), policy)
            # The control: the route knows what is one's own.
            assert own.status_code != 404 or own.text != nowhere.text, (method, path)
            assert foreign.status_code == 404, (method, path, foreign.status_code)
            # And nobody can tell another's from what was never there.
            assert _plain(foreign, town.ids[theirs]) == _plain(nowhere, unknown), (method, path)
            probed += 1
    assert probed >= 2 * len({path for _, path, _ in policies(town.app) if "{" in path and not path.startswith("/static")})


def _plain(answer: httpx.Response, ids: dict[str, str]) -> str:
    """What an answer says, without the ids that the caller asked for and the tokens of forms."""
    text = answer.text
    for value in sorted(ids.values(), key=len, reverse=True):
        text = text.replace(value, "ID")
    return text


def test_lists_hold_ones_own_only(town: Town) -> None:
    for method, path, policy in policies(town.app):
        if method != "GET" or "{" in path:
            continue
        for mine, theirs in (CLIENTS, CLIENTS[::-1]):
            text = town.call(mine, method, path, policy).text
            assert not any(value in text for name, value in town.ids[theirs].items() if name not in ACT), path


def test_one_is_never_another_client_by_saying_so(town: Town) -> None:
    body = json.dumps({"client_id": "south", "writeoffs": []}).encode()
    headers = {"Authorization": f"Bearer {town.keys['north']}", "X-Client-Id": "south"}
    assert Client(town.app).post("/v1/scores", body, headers).status_code == 422
    answer = Client(town.app).get("/v1/jobs?client_id=south", headers)
    assert town.ids["south"]["job_id"] not in answer.text


def test_a_person_of_one_facility_sees_no_other(town: Town) -> None:
    part: Any = Identity("person:x", "session", Role.WORKER, "north", frozenset({"F1"}))
    assert part.sees("north", "F1") and not part.sees("north", "F2") and not part.sees("south", "F1")
