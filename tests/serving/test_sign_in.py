"""Signing in and out by the pages: who gets in, from where, and that nobody is made to."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.identity.gate import Gate
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.identity.clocks import BOSS, PASSWORD, Clock, acts, small_gate

HERE = "http://127.0.0.1"
OURS = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}
TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(tmp_path: Path, clock: Clock) -> Gate:
    made = small_gate(tmp_path, clock)
    made.accounts.add(BOSS, "ana", Role.WORKER, password=PASSWORD)
    made.accounts.add(BOSS, "vic", Role.VIEWER, password=PASSWORD)
    return made


def client_of(gate: Gate, home: Path, public_url: str | None = None) -> Client:
    champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
    return Client(create_app(Service(champion, Keys({}), lambda: date(2026, 11, 2), gate, public_url)))


@pytest.fixture
def client(gate: Gate, tmp_path: Path) -> Client:
    return client_of(gate, tmp_path)


def send(client: Client, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
    return client.post(path, urlencode(fields).encode(), {**TYPE, **(OURS if headers is None else headers)})


def sign_in(client: Client, name: str = "ana", password: str = PASSWORD, *, next: str = "/") -> httpx.Response:
    return send(client, "/sign-in", name=name, password=password, next=next)


def token_of(client: Client, path: str = "/account") -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get(path).text)
    assert found is not None
    return found[1]


def test_a_person_signs_in_sees_who_they_are_and_leaves(client: Client, gate: Gate) -> None:
    led = client.get("/account")
    assert led.status_code == 303 and led.headers["location"] == "/sign-in?next=/account"
    asked = client.get("/sign-in?next=/account")
    assert asked.status_code == 200 and 'value="/account"' in asked.text
    entered = sign_in(client, next="/account")
    assert entered.status_code == 303 and entered.headers["location"] == "/account"
    cookie = entered.headers["set-cookie"].lower()
    assert all(flag in cookie for flag in ("recoup_session=", "httponly", "samesite=strict", "path=/", "max-age=43200"))
    shown = client.get("/account")
    assert shown.status_code == 200 and "ana" in shown.text and "works write-offs from the queue" in shown.text
    assert shown.headers["cache-control"] == "no-store" and "script-src 'self'" in shown.headers["content-security-policy"]
    assert client.get("/sign-in").status_code == 303
    left = send(client, "/sign-out", form_token=token_of(client))
    assert left.status_code == 303 and left.headers["clear-site-data"] == '"cache"'
    assert client.get("/account").status_code == 303
    assert [act[1:] for act in acts(gate)][-2:] == [("session.open", "done"), ("session.close", "done")]


@pytest.mark.parametrize("name", ["ana", "nobody", "<script>alert(1)</script>"])
def test_a_wrong_password_says_the_same_for_every_name(client: Client, name: str) -> None:
    answer = sign_in(client, name, "wrong")
    assert answer.status_code == 403 and "Name or password is wrong" in answer.text
    assert "<script" not in answer.text and "set-cookie" not in answer.headers and 'wrong"' not in answer.text


@pytest.mark.parametrize(
    ("next_path", "leads"),
    [
        ("/queue?state=open", "/queue?state=open"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\nb", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_stays_on_this_service(client: Client, next_path: str, leads: str) -> None:
    assert sign_in(client, next=next_path).headers.get("location", "/") == leads


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
    {"Origin": HERE, "Sec-Fetch-Site": "same-site"},
    {"Origin": HERE + ":81"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_that_others_planted_changes_nothing(client: Client, gate: Gate, headers: dict[str, str]) -> None:
    refused = send(client, "/sign-in", headers, name="ana", password=PASSWORD)
    assert refused.status_code == 403 and "set-cookie" not in refused.headers
    sign_in(client)
    token = token_of(client)
    assert send(client, "/sign-out", headers, form_token=token).status_code == 403
    assert client.get("/account").status_code == 200


def test_a_form_without_the_token_of_its_session_changes_nothing(client: Client, gate: Gate, tmp_path: Path) -> None:
    other = client_of(gate, tmp_path)
    sign_in(client)
    sign_in(other)
    for token in ("", "0" * 64, token_of(other)):
        assert send(client, "/sign-out", form_token=token).status_code == 403
        assert client.post("/sign-out", b"", {**OURS, "X-Form-Token": token}).status_code == 403
    assert client.get("/account").status_code == 200
    assert client.post("/session/extend", b"", {**OURS, "X-Form-Token": token_of(client)}).status_code == 204


def test_a_session_also_opens_the_api_but_changes_nothing_without_its_token(client: Client) -> None:
    body = json.dumps({"writeoffs": []}).encode()
    assert client.get("/v1/openapi.json").status_code == 401
    sign_in(client)
    assert client.get("/v1/openapi.json").status_code == 200
    for headers in ({}, OURS, {"X-Form-Token": token_of(client)}, {"Origin": "https://evil.example", "X-Form-Token": token_of(client)}):
        answer = client.post("/v1/scores", body, headers)
        assert answer.status_code == 403 and answer.headers["content-type"] == "application/problem+json"
    assert client.post("/v1/scores", body, {**OURS, "X-Form-Token": token_of(client)}).status_code == 200


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_name_that_others_made_lead_here_has_no_session(client: Client, host: str) -> None:
    sign_in(client)
    assert client.get("/account", {"Host": host}).status_code == 303
    assert send(client, "/sign-in", {"Host": host, "Origin": f"http://{host}"}, name="ana", password=PASSWORD).status_code == 403


def test_over_https_the_cookie_goes_nowhere_else(gate: Gate, tmp_path: Path) -> None:
    client = client_of(gate, tmp_path, "https://recoup.example")
    headers = {"Host": "recoup.example", "Origin": "https://recoup.example", "Sec-Fetch-Site": "same-origin"}
    cookie = send(client, "/sign-in", headers, name="ana", password=PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-recoup_session=") and "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert send(client, "/sign-in", {**headers, "Origin": "http://recoup.example"}, name="ana", password=PASSWORD).status_code == 403


def test_a_session_that_went_idle_leads_to_the_sign_in_page(client: Client, clock: Clock) -> None:
    sign_in(client)
    clock.move(minutes=15)
    plain = client.get("/account")
    assert plain.status_code == 303 and plain.headers["location"] == "/sign-in?next=/account"
    swapped = client.get("/account", {"HX-Request": "true"})
    assert swapped.status_code == 204 and swapped.headers["hx-redirect"] == "/sign-in?next=/account"


def test_who_has_a_temporary_password_sees_nothing_else_first(client: Client, gate: Gate) -> None:
    _, made = gate.accounts.add(BOSS, "kim", Role.ADMIN)
    sign_in(client, "kim", made)
    assert client.get("/account").headers["location"] == "/password"
    assert client.get("/v1/openapi.json").status_code == 403
    token = token_of(client, "/password")
    differs = send(client, "/password", form_token=token, old=made, new=PASSWORD, again=PASSWORD + "x")
    assert differs.status_code == 422 and "same twice" in differs.text and PASSWORD not in differs.text
    short = send(client, "/password", form_token=token, old=made, new="short", again="short")
    assert short.status_code == 422 and "at least 15 characters" in short.text
    assert send(client, "/password", form_token=token, old="wrong", new=PASSWORD, again=PASSWORD).status_code == 403
    assert send(client, "/password", form_token=token, old=made, new=PASSWORD, again=PASSWORD).status_code == 303
    assert client.get("/account").status_code == 200


def test_a_link_opens_once_and_leaves_the_address(client: Client, gate: Gate, tmp_path: Path) -> None:
    secret, other = gate.accounts.link(BOSS, "ana"), client_of(gate, tmp_path)
    entered = client.get(f"/enter?token={secret}")
    assert entered.status_code == 200 and 'content="0; url=/"' in entered.text and secret not in entered.text + str(entered.headers)
    assert client.get("/account").status_code == 200
    assert other.get(f"/enter?token={secret}").status_code == 403 and other.get("/account").status_code == 303
    assert other.get("/enter").status_code == 403 and other.get("/enter?token=guess").status_code == 403


def test_a_role_that_may_not_gets_a_page_that_says_so_and_it_is_told(client: Client, gate: Gate) -> None:
    sign_in(client, "vic")
    answer = client.get("/emergency")
    assert answer.status_code == 403 and "A viewer may not" in answer.text and answer.headers["content-type"].startswith("text/html")
    assert acts(gate)[-1] == ("person:vic", "access.break", "refused")


def test_an_emergency_is_opened_with_a_reason_and_shown(client: Client) -> None:
    sign_in(client)
    token = token_of(client)
    assert send(client, "/emergency", form_token=token, reason="short").status_code == 422
    assert send(client, "/emergency", form_token=token, reason="covering for the other office").status_code == 303
    shown = client.get("/account").text
    assert "Emergency access until 10:00 UTC: covering for the other office" in shown
    assert "Worker: works write-offs" in shown and "<dd>all</dd>" in shown


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"a=%00", 422), (b"a=%ff", 422), (b"a=\xff", 422), (b"a=%ed%a0%80", 422), (b"a=1&" * 3000, 422), (b"a=" + b"x" * 300_000, 413)],
)
def test_a_form_that_cannot_be_read_is_refused(client: Client, body: bytes, status: int) -> None:
    assert client.post("/sign-in", body, {**OURS, **TYPE}).status_code == status
    sign_in(client)
    assert client.post("/sign-out", body, {**OURS, **TYPE}).status_code == status


def test_roles_of_sessions_are_held_to_the_table_too(client: Client) -> None:
    sign_in(client, "vic")
    body, token = json.dumps({"writeoffs": []}).encode(), token_of(client)
    assert not Identity("x", "session", Role.VIEWER).may("scores.make")
    assert client.post("/v1/scores", body, {**OURS, "X-Form-Token": token}).status_code == 403
