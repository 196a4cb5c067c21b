"""Two clients, and two facilities of one client, with every id swapped: what is another's is as if it were not there."""

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
from serving.packet.seal import PLACE, Seal
from serving.store import audits, enclosures, jobs
from serving.store.enclosures import Filed
from serving.store.jobs import Job
from serving.web.site import SAID_COOKIE
from serving.web.visitors import Visitor
from tests.serving.client import Client
from tests.serving.identity.clocks import BOSS, PASSWORD, small_gate
from tests.serving.test_rights import UNSAFE, service_on
from tests.serving.test_sign_in import OURS, sign_in, token_of
from tests.serving.worklist.queues import NOW, TODAY, item_of, put

CLIENTS = ("north", "south")
FACILITIES = ("F1", "F2")
NOBODYS = ("/static", "/models", "/v1/models")
"""What belongs to no client: files of the program, and the models of the installation."""
ACT = {"act": "note", "form": "docx"}
BODIES = {
    "release": {"version": 0},
    "assign": {"version": 0, "to": "person:x"},
    "project": {"version": 0, "project_id": None},
    "notes": {"text": "x"},
    "skip": {"version": 0, "reason": "other"},
    "snooze": {"version": 0, "until": "2026-12-01"},
    "wake": {"version": 0},
    "disposition": {"version": 0, "act": "draft"},
    "projects": {"version": "0" * 16, "is_ended": True},
    "views": {"version": "0" * 16, "query": {}},
}
"""What each act on an item, and each change of a thing with a name, is sent with, so that only the item may be what is refused."""


class Town:
    """A service for two sides, each with an item, its write-off, a job, a project and a view, and an admin who calls by key and by session.

    Parameters
    ----------
    sides
        What the two are called.
    is_facilities
        Whether they are facilities of one client, and each admin is confined to one; else they are clients.
    """

    def __init__(self, home: Path, sides: tuple[str, str], *, is_facilities: bool = False) -> None:
        self.gate = small_gate(home)
        self.app = service_on(self.gate, home)
        self.keys, self.browsers, self.tokens = {}, {}, {}
        self.ids: dict[str, dict[str, str]] = {}
        for number, side in enumerate(sides, 1):
            client_id, facility = ("default", side) if is_facilities else (side, None)
            seen = None if facility is None else frozenset({facility})
            by = replace(BOSS, client_id=client_id)
            key = self.gate.programs.make(by, Role.ADMIN, owner="test", facilities=seen)
            self.keys[side] = key.secret
            self.gate.accounts.add(by, f"{side}-admin", Role.ADMIN, password=PASSWORD, facilities=seen)
            browser = self.browsers[side] = Client(self.app)
            sign_in(browser, f"{side}-admin")
            self.tokens[side] = token_of(browser)
            item = replace(item_of(number, facility_id=facility, payer_id=f"PAYER-OF-{side}"), client_id=client_id)
            put(self.gate.store, [item])
            lead = Identity("person:lea", "session", Role.LEAD, client_id, seen)
            project, _ = self.app.state.worklist.make_project(lead, name="one cause", cause="the same words")
            ids = {"item_id": item.item_id, "writeoff_id": f"{item.item_id}-0", "job_id": f"{number}" * 32}
            view = f"{side}-view"
            saved = Client(self.app).request("PUT", f"/v1/views/{view}", content=b'{"query": {}}', headers=self.bearer(side))
            assert saved.status_code == 200
            filed = Filed(client_id, f"{number:016x}", item.item_id, "Proof", 1, 1, NOW, "person:lea")
            names = {"project_id": project.project_id, "name": view, "overpayment_id": f"{side}-owed", "enclosure_id": filed.enclosure_id}
            self.ids[side] = {**ids, **names, **ACT}
            self._add_job(client_id, ids["job_id"], key.row.subject)
            owed = dict.fromkeys((column.name for column in audits.overpayments.columns), None)
            owed |= {"client_id": client_id, "overpayment_id": names["overpayment_id"], "detected_on": TODAY, "found_on": TODAY}
            with self.gate.store.write() as unit:
                enclosures.keep(unit, filed, Seal(home / PLACE).close(b"x", f"{client_id}/{item.item_id}/{filed.enclosure_id}"))
                unit.upsert(audits.overpayments, [owed | {"rule": "paid_twice", "evidence": f"twice, by PAYER-OF-{side}"}])

    def _add_job(self, client_id: str, job_id: str, subject: str) -> None:
        with self.gate.store.write() as unit:
            jobs.add(
                unit,
                Job(
                    client_id, job_id, "score", "queued", subject, {}, "in.csv", "0" * 64, 1, 0,
                    None, None, None, None, None, None, None, NOW, NOW,
                ),
            )  # fmt: skip

    def call(self, side: str, method: str, path: str, policy: object) -> httpx.Response:
        """Call a filled path as the admin of a side."""
        if isinstance(policy, Visitor):
            # What the page before said in passing is not of this one.
            if SAID_COOKIE in self.browsers[side].cookies:
                self.browsers[side].cookies.delete(SAID_COOKIE)
            headers = {**OURS, "X-Form-Token": self.tokens[side], "Content-Type": "application/x-www-form-urlencoded"}
            return self.browsers[side].request(method, path, content=b"version=0&note=x", headers=headers if method in UNSAFE else None)
        words = path.strip("/").split("/")
        body = next((BODIES[word] for word in (words[-1], *words[1:2]) if word in BODIES), {})
        content = json.dumps(body).encode() if method in UNSAFE else b""
        return Client(self.app).request(method, path, content=content, headers=self.bearer(side))

    def bearer(self, side: str) -> dict[str, str]:
        """Return the headers of a side's program."""
        return {"Authorization": f"Bearer {self.keys[side]}", "Content-Type": "application/json"}

    def filled(self, path: str, ids: dict[str, str]) -> str:
        """Return a path with ids in it."""
        return re.sub(r"\{([^}:]+)[^}]*\}", lambda found: ids[found[1]], path)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"), CLIENTS)
    yield made
    made.gate.store.close()


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("houses"), FACILITIES, is_facilities=True)
    yield made
    made.gate.store.close()


def test_every_route_with_an_id_answers_404_for_another_clients(town: Town) -> None:
    paths = {path for _, path, _ in policies(town.app) if "{" in path and not path.startswith(NOBODYS)}
    assert probe(town, CLIENTS, paths) >= 2 * len(paths)


def test_every_route_with_an_id_answers_404_for_another_facilitys(houses: Town) -> None:
    paths = {path for _, path, _ in policies(houses.app) if "{" in path and not path.startswith(NOBODYS)}
    # A project is the client's, and the sums in it are of the facilities that one sees; an audit is of all, and closed to who sees some.
    paths -= {path for path in paths if "{project_id}" in path or "{overpayment_id}" in path}
    assert probe(houses, FACILITIES, paths) >= 2 * len(paths) > 20


def probe(town: Town, sides: tuple[str, str], paths: set[str]) -> int:
    """Call routes with one's own ids, the other side's and nobody's, each way; return how many were."""
    probed = 0
    for method, path, policy in policies(town.app):
        if path not in paths:
            continue
        for mine, theirs in (sides, sides[::-1]):
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
    return probed


def _plain(answer: httpx.Response, ids: dict[str, str]) -> str:
    """What an answer says, without the ids that the caller asked for and the tokens of forms."""
    text = answer.text
    for value in sorted(ids.values(), key=len, reverse=True):
        text = text.replace(value, "ID")
    return text


def test_lists_hold_ones_own_only(town: Town) -> None:
    for method, path, policy in policies(town.app):
        if method != "GET" or "{" in path or path.startswith(NOBODYS):
            continue
        for mine, theirs in (CLIENTS, CLIENTS[::-1]):
            answer = town.call(mine, method, path, policy)
            text = answer.text
            assert answer.status_code < 500 or path == "/readyz", path
            assert not any(value in text for name, value in town.ids[theirs].items() if name not in ACT), path


def test_lists_and_sums_hold_ones_own_facility_only(houses: Town) -> None:
    shared = {*ACT, "project_id"}
    for method, path, policy in policies(houses.app):
        if method != "GET" or "{" in path or path.startswith(NOBODYS):
            continue
        for mine, theirs in (FACILITIES, FACILITIES[::-1]):
            answer = houses.call(mine, method, path, policy)
            text = answer.text
            assert answer.status_code < 500 or path == "/readyz", path
            told = [name for name, value in houses.ids[theirs].items() if name not in shared and value in text]
            assert not told and f"PAYER-OF-{theirs}" not in text, (path, told)
    key = houses.bearer("F1")
    overview = Client(houses.app).get("/v1/overview", key).json()
    # Each side has one item of 100 and 200 cents expected.
    assert (overview["ready"]["items"], overview["ready"]["expected_recovery"]) == (1, 1.0)
    for project in Client(houses.app).get("/v1/projects", key).json()["projects"]:
        told = Client(houses.app).get(f"/v1/projects/{project['project_id']}", key).json()
        assert told["totals"]["items"] == 0


def test_who_is_confined_records_no_outcome_of_another_facility(houses: Town) -> None:
    effort = {"effort_id": "E9", "worked_date": "2026-10-01", "action": "appeal", "status": "pending"}
    for side, status in (("F2", 404), ("F1", 200)):
        body = json.dumps({"outcomes": [{**effort, "writeoff_id": houses.ids[side]["writeoff_id"]}]}).encode()
        assert Client(houses.app).post("/v1/outcomes", body, houses.bearer("F1")).status_code == status, side


def test_one_is_never_another_client_by_saying_so(town: Town) -> None:
    body = json.dumps({"client_id": "south", "writeoffs": []}).encode()
    headers = {"Authorization": f"Bearer {town.keys['north']}", "X-Client-Id": "south"}
    assert Client(town.app).post("/v1/scores", body, headers).status_code == 422
    answer = Client(town.app).get("/v1/jobs?client_id=south", headers)
    assert town.ids["south"]["job_id"] not in answer.text


def test_a_person_of_one_facility_sees_no_other(town: Town) -> None:
    part: Any = Identity("person:x", "session", Role.WORKER, "north", frozenset({"F1"}))
    assert part.sees("north", "F1") and not part.sees("north", "F2") and not part.sees("south", "F1")
