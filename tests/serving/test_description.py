"""The description of the API is kept: by requests made from it, and by bodies that nobody would make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from serving.access import ACTIONS, Role
from serving.api.asking import read_body
from serving.api.identity import Permission, policies
from serving.api.problems import Problem
from serving.identity.gate import Gate
from serving.wire.items import DispositionAsked, NextAsked
from tests.serving.client import Client
from tests.serving.fakes import promote_fake
from tests.serving.identity.clocks import BOSS, small_gate
from tests.serving.schema_cases import run_all
from tests.serving.test_rights import service_on

CANARY = "Zebulon-Quagmire-078-05-1120"


class Served:
    """A service with a model, and a key of each of two clients."""

    def __init__(self, home: Path) -> None:
        promote_fake(home, "v1", "h1")
        self.gate: Gate = small_gate(home)
        self.app: FastAPI = service_on(self.gate, home)
        self.ours = self.gate.programs.make(BOSS, Role.ADMIN, owner="ours").secret
        self.theirs = self.gate.programs.make(replace(BOSS, client_id="south"), Role.WORKER, owner="theirs").secret


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served"))
    yield made
    made.gate.store.close()


@pytest.mark.filterwarnings("ignore")  # of what schemathesis itself is made of
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_requests_made_from_the_description_are_answered_as_it_says(served: Served, whose: str) -> None:
    found = run_all(served.app, getattr(served, whose), examples=6)
    assert found.requests >= 20 and not found.failures, found.failures
    assert not any(status >= 500 for status in found.statuses)


def test_every_route_is_described_with_its_action_and_its_refusals(served: Served) -> None:
    document = Client(served.app).get("/v1/openapi.json", {"Authorization": f"Bearer {served.ours}"}).json()
    for method, path, policy in policies(served.app):
        if not path.startswith("/v1") or path == "/v1/openapi.json":
            continue
        operation = document["paths"][path][method.lower()]
        assert isinstance(policy, Permission) and operation["x-action"] == policy.action
        assert operation["x-roles"] == sorted(ACTIONS[policy.action].roles) and operation["security"] == [{"key": []}]
        assert {"401", "403", "503"} <= set(operation["responses"]) and operation["summary"]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


BODIES = [
    b"NaN",
    b'{"writeoffs": [{"writeoff_amount": NaN}]}',
    b'{"a": 1e400}',
    b'{"a": -1e400}',
    b'{"a": Infinity}',
    b'"\\ud800"',
    b'{"\\ud800": "\\udfff"}',
    b'{"a": "\\u0000"}',
    b"\xff\xfe\x00",
    b"[" * 5000,
    b'{"a": ' * 3000 + b"1" + b"}" * 3000,
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": 1, "a": 2}',
    b"null",
    b"[]",
    b'""',
    json.dumps({CANARY: CANARY}).encode(),
    json.dumps({"client_id": CANARY, "writeoffs": [{"writeoff_id": CANARY, "client_id": CANARY}]}).encode(),
    json.dumps({"version": CANARY, "reason": CANARY, "to": CANARY, "note": {"x": CANARY}}).encode(),
]


def unsafe_routes(served: Served) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in policies(served.app) if path.startswith("/v1") and method != "GET"]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body[:30]))
def test_a_body_that_nobody_would_send_is_refused_and_not_repeated(served: Served, body: bytes) -> None:
    for method, path in unsafe_routes(served):
        filled = re.sub(r"\{[^}]+\}", "0123456789abcdef", path)
        headers = {"Authorization": f"Bearer {served.ours}", "Content-Type": "application/json"}
        answer = Client(served.app).request(method, filled, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (method, path, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert not any(part in answer.text for part in CANARY.split("-")[:2])


ODD_IDS = [CANARY, "%00", "%ED%A0%80", "%ff", "a" * 3000, "..%2f..", "%0d%0aSet-Cookie:x", "-1", "9" * 40, "' OR 1=1 --", "%e2%80%ae"]


@pytest.mark.parametrize("odd", ODD_IDS, ids=lambda odd: str(odd[:20]))
def test_an_odd_id_in_a_path_is_not_found_and_not_repeated(served: Served, odd: str) -> None:
    for method, path, _ in policies(served.app):
        if not path.startswith("/v1"):
            continue
        filled: Any = re.sub(r"\{[^}]+\}", lambda _: odd, path)
        if filled == path:
            filled = f"{path}/{odd}"
        headers = {"Authorization": f"Bearer {served.ours}", "Content-Type": "application/json"}
        answer = Client(served.app).request(method, filled.replace(" ", "%20"), content=b"{}" if method != "GET" else b"", headers=headers)
        assert 400 <= answer.status_code < 500, (method, filled, answer.status_code, answer.text)
        assert not any(part in answer.text for part in CANARY.split("-")[:2]) and "set-cookie" not in answer.headers


def test_a_number_is_no_text_and_a_text_is_no_number() -> None:
    for body in (b'{"payer_id": 0.5}', b'{"project_id": 1e3}', b'{"carc": 45}', b'{"batch": "10", "payer_id": "A"}'):
        with pytest.raises(Problem) as refused:
            read_body(body, NextAsked)
        assert refused.value.status == 422
    told = b'{"version": 0, "act": "follow_up", "follow_up_date": "2026-12-01", "hours": '
    assert [read_body(told + hours + b"}", DispositionAsked).hours for hours in (b"0.5", b"2")] == [0.5, 2.0]
    with pytest.raises(Problem):
        read_body(told + b'"0.5"}', DispositionAsked)
