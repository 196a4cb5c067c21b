"""Ways in that are none: a session that somebody else chose, a key where none is looked for, headers that speak for others, the clock."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.errors import NotPermitted
from serving.access import Role
from serving.api.identity import policies
from serving.identity.gate import Gate
from serving.identity.passwords import Passwords
from serving.store import migrations
from serving.store.store import Store
from serving.web.visitors import Visitor
from tests.serving.client import Client
from tests.serving.identity.clocks import BOSS, PASSWORD, small_gate
from tests.serving.test_rights import service_on
from tests.serving.test_sign_in import OURS, sign_in, token_of

COOKIE = "recoup_session"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = small_gate(tmp_path)
    made.accounts.add(BOSS, "ana", Role.WORKER, password=PASSWORD)
    yield made
    made.store.close()


def test_a_session_that_somebody_else_chose_is_never_opened(gate: Gate, tmp_path: Path) -> None:
    chosen = "c" * 43
    client = Client(service_on(gate, tmp_path))
    client.cookies.set(COOKIE, chosen, domain="127.0.0.1", path="/")
    assert client.get("/account").status_code == 303
    sign_in(client)
    first = {cookie.value for cookie in client.cookies.jar if cookie.name == COOKIE} - {chosen}
    assert len(first) == 1 and gate.visits.of(chosen, "127.0.0.1") is None
    # Neither is a session that was open before: who signs in again gets a new one.
    sign_in(client)
    second = {cookie.value for cookie in client.cookies.jar if cookie.name == COOKIE} - {chosen}
    assert second and second != first


def test_a_key_is_looked_for_in_one_header_only(gate: Gate, tmp_path: Path) -> None:
    key = gate.programs.make(BOSS, Role.ADMIN, owner="test").secret
    client = Client(service_on(gate, tmp_path))
    assert client.get("/v1/projects", {"Authorization": f"Bearer {key}"}).status_code == 200
    for path in (f"/v1/projects?key={key}", f"/v1/projects?access_token={key}", f"/v1/projects?authorization=Bearer%20{key}"):
        assert client.get(path).status_code == 401
    for headers in (
        {"X-Api-Key": key},
        {"Cookie": f"{COOKIE}={key}"},
        {"Authorization": f"Basic {key}"},
        {"Authorization": key},
        {"Proxy-Authorization": f"Bearer {key}"},
    ):
        assert client.get("/v1/projects", headers).status_code == 401, headers


def test_no_header_speaks_for_somebody_else(gate: Gate, tmp_path: Path) -> None:
    client = Client(service_on(gate, tmp_path))
    for name in ("X-Forwarded-User", "X-Remote-User", "X-User", "X-Client-Id", "Remote-User", "X-Original-URL", "X-Rewrite-URL"):
        assert client.get("/v1/projects", {name: "admin"}).status_code == 401
    viewer = gate.programs.make(BOSS, Role.VIEWER, owner="test").secret
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = client.get("/v1/settings", {"Authorization": f"Bearer {viewer}", name: "PATCH"})
        assert answer.status_code == 200 and "version" in answer.json()


def test_every_page_that_changes_something_refuses_forms_of_others(gate: Gate, tmp_path: Path) -> None:
    gate.accounts.add(BOSS, "boss", Role.ADMIN, password=PASSWORD)
    app = service_on(gate, tmp_path)
    client = Client(app)
    sign_in(client, "boss")
    token, form = token_of(client), {"Content-Type": "application/x-www-form-urlencoded"}
    forged = 0
    for method, path, policy in policies(app):
        if not isinstance(policy, Visitor) or method == "GET":
            continue
        body, filled = f"form_token={token}".encode(), path.replace("{", "").replace("}", "")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {**OURS, "Sec-Fetch-Site": "cross-site"}, {}):
            assert client.request(method, filled, content=body, headers={**form, **headers}).status_code == 403, (path, headers)
            forged += 1
        # A plain text form needs no permission of the browser either.
        plain = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
        assert client.request(method, filled, content=body, headers=plain).status_code == 403, path
    assert forged > 60


def test_a_wrong_name_takes_as_long_as_a_wrong_password(tmp_path: Path) -> None:
    """By CPU time of the real hash: a name that nobody has must cost what a password costs, or names can be counted."""
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as store:
        migrations.up(store)
        gate = Gate.open(store, tmp_path, passwords=Passwords())
        gate.accounts.add(BOSS, "ana", Role.WORKER, password=PASSWORD)

        def seconds(name: str) -> float:
            spent = []
            for _ in range(3):
                began = time.process_time()
                with pytest.raises(NotPermitted):
                    gate.visits.sign_in(name, "never the right one", "127.0.0.1")
                spent.append(time.process_time() - began)
            return statistics.median(spent)

        known, nobody = seconds("ana"), seconds("zoe")
        # One hash is some tens of milliseconds and all else about one; without it the shares would be far apart.
        assert 0.5 < nobody / known < 2, (known, nobody)
