"""Roles by routes, cell by cell: every route of the service against every role, and against nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from features.codes.tables import Codes
from features.errors import Misconfigured
from models.scorer import Scorer
from recoup.promoting import OwnProcess
from serving.access import ACTIONS, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys, Open, check_policies, policies
from serving.champion import Champion
from serving.identity.gate import Gate
from serving.packet.desk import Desk
from serving.packet.files import Files
from serving.packet.papers import Papers
from serving.packet.seal import PLACE, Seal
from serving.web.site import Site
from serving.web.visitors import Visitor
from serving.worklist.sight import Sight
from serving.worklist.worklist import Worklist
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.identity.clocks import BOSS, PASSWORD, acts, small_gate
from tests.serving.jobs_at import shop_at
from tests.serving.test_sign_in import OURS, sign_in, token_of
from tests.serving.worklist.queues import TODAY

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def service_on(gate: Gate, home: Path) -> FastAPI:
    """Return the service with every route that it can have."""
    champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
    scorer = Scorer.prior()
    sight = Sight(scorer.viewer, scorer.vocabulary)
    worklist = Worklist(gate.store, clock=gate.now, today=lambda: TODAY, tell=gate.log.tell, sight=lambda: sight, draw=lambda: 0.99)
    files = Files(gate.store, seal=Seal(home / PLACE), clock=gate.now, tell=gate.log.tell)
    papers = Papers(gate.store, worklist, desk=Desk.at(home), sight=lambda: sight, tell=gate.log.tell, files=files)
    site = Site(worklist, clock=gate.now, today=lambda: TODAY, codes=Codes.load, names=lambda client_id: {}, papers=papers)
    candidates = OwnProcess(home, None)
    return create_app(
        Service(champion, Keys({}), lambda: TODAY, gate=gate, shop=shop_at(gate.store, home), site=site, candidates=candidates)
    )


class House:
    """A service, and a way in for each role: a key and a session."""

    def __init__(self, home: Path) -> None:
        self.gate = small_gate(home)
        self.app = service_on(self.gate, home)
        self.keys = {role: self.gate.programs.make(BOSS, role, owner="test").secret for role in Role}
        self.clients: dict[Role, Client] = {}
        self.tokens: dict[Role, str] = {}
        for role in Role:
            self.gate.accounts.add(BOSS, str(role), role, password=PASSWORD)
            self.clients[role] = Client(self.app)
            sign_in(self.clients[role], str(role))
            self.tokens[role] = token_of(self.clients[role])

    def call(self, method: str, path: str, role: Role | None, policy: object) -> httpx.Response:
        """Call a route as a role: programs by their key, pages by a session."""
        filled = re.sub(r"\{[^}]+\}", "0", path)
        if isinstance(policy, Visitor) and role is not None:
            headers = {**OURS, "X-Form-Token": self.tokens[role], "Content-Type": "application/x-www-form-urlencoded"}
            return self.clients[role].request(method, filled, headers=headers if method in UNSAFE else None)
        headers = {"Content-Type": "application/json"} | ({} if role is None else {"Authorization": f"Bearer {self.keys[role]}"})
        return Client(self.app).request(method, filled, content=b"{}" if method in UNSAFE else b"", headers=headers)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.gate.store.close()


def cells() -> list[Any]:
    """Return every route of the service; made without a store, whose routes are added where one is."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        gate = small_gate(Path(folder))
        found = policies(service_on(gate, Path(folder)))
        gate.store.close()
    # Signing out would end the session that the other cells need: it is tested for itself.
    return [pytest.param(*cell, id=f"{cell[0]} {cell[1]}") for cell in found if cell[1] != "/sign-out"]


CELLS = cells()


@pytest.mark.parametrize(("method", "path", "policy"), CELLS)
def test_a_role_gets_through_where_the_table_says_so_and_nowhere_else(house: House, method: str, path: str, policy: Any) -> None:
    for role in Role:
        answer = house.call(method, path, role, policy)
        if isinstance(policy, Open) or role in ACTIONS[policy.action].roles:
            # What a form asks for may need another action still: that is not of this cell.
            words = "" if isinstance(policy, Open) else f"({policy.action})"
            assert answer.status_code != 401 and (not words or words not in answer.text), role
        else:
            assert answer.status_code == 403 and f"({policy.action})" in answer.text, role


@pytest.mark.parametrize(("method", "path", "policy"), CELLS)
def test_nobody_gets_through_but_where_it_is_open(house: House, method: str, path: str, policy: Any) -> None:
    answer = house.call(method, path, None, policy)
    if isinstance(policy, Open):
        assert answer.status_code != 401 and policy.reason
    elif isinstance(policy, Visitor):
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    else:
        assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("role", [Role.WORKER, Role.LEAD, Role.ADMIN])
def test_an_emergency_opens_pages_of_seeing_and_working_and_no_others(house: House, role: Role) -> None:
    name = f"{role}-in-need"
    house.gate.accounts.add(BOSS, name, role, password=PASSWORD, facilities=frozenset({"F1"}))
    client = Client(house.app)
    sign_in(client, name)
    token = token_of(client)
    assert client.post("/emergency", f"form_token={token}&reason=covering+for+north".encode(), {**OURS, **FORM}).status_code == 303
    headers = {**OURS, **FORM, "X-Form-Token": token_of(client)}
    found = {}
    for method, path, policy in policies(house.app):
        if isinstance(policy, Visitor) and path not in ("/sign-out", "/emergency"):
            answer = client.request(method, re.sub(r"\{[^}]+\}", "0", path), headers=headers if method in UNSAFE else None)
            found[method, path] = f"({policy.action})" not in answer.text
            assert found[method, path] or answer.status_code == 403
            assert found[method, path] is (role in ACTIONS[policy.action].roles and ACTIONS[policy.action].in_emergency), path
    assert found["GET", "/queue"] and found["POST", "/items/{item_id}/{act}"]
    assert not any(found["POST", path] for path in ("/lead/reversals", "/lead/settings", "/lead/reversals/file"))


def test_what_programs_call_is_never_open(house: House) -> None:
    open_paths = {path for _, path, policy in policies(house.app) if isinstance(policy, Open)}
    assert not any(path.startswith("/v1") for path in open_paths)
    assert open_paths == {"/livez", "/readyz", "/static/{name}", "/sign-in", "/enter"}


def test_a_refusal_is_told(house: House) -> None:
    before = len(acts(house.gate))
    house.call("GET", "/metrics", Role.VIEWER, None)
    (told,) = acts(house.gate)[before:]
    assert told[0].startswith("key:") and told[1:] == ("metrics.read", "refused")


def test_a_revoked_key_no_longer_opens(house: House) -> None:
    made = house.gate.programs.make(BOSS, Role.SERVICE, owner="short-lived")
    house.gate.programs.revoke(BOSS, made.row.key_id)
    answer = Client(house.app).get("/v1/openapi.json", {"Authorization": f"Bearer {made.secret}"})
    assert answer.status_code == 401


def test_an_identity_knows_where_it_calls_from(house: House) -> None:
    house.call("GET", "/metrics", Role.VIEWER, None)
    with house.gate.store.read() as unit:
        last = [line.act() for line in house.gate.log.lines(unit)][-1]
    assert (last.origin, last.client_id) == ("127.0.0.1", "default")


def test_a_service_with_a_route_that_nobody_thought_about_does_not_start(house: House, tmp_path: Path) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/v1/forgotten")
    def forgotten() -> str:
        return "everybody"

    with pytest.raises(Misconfigured, match="/v1/forgotten"):
        check_policies(app)


def test_rights_of_a_client_are_not_those_of_another(house: House) -> None:
    north = replace(BOSS, client_id="north")
    made = house.gate.programs.make(north, Role.ADMIN, owner="north's own")
    found = house.gate.programs.look_up(house.gate.programs.digest(made.secret))
    assert found is not None and not found.sees("default") and found.sees("north")
