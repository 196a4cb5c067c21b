"""Signing in with an identity provider that really answers, and every way in which it may be wrong."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import Misconfigured
from recoup.identity import provider_of
from recoup.settings import Settings
from serving.access import Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.identity.gate import Gate
from serving.identity.provider import Provider, Registration, RoleClaims
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.identity.clocks import BOSS, PASSWORD, Clock, acts, small_gate
from tests.serving.identity.issuer import CLIENT, SECRET, Issuer, issuing, new_key

ROLES = RoleClaims.parse("groups: Billing Leads=lead, Billing=worker")


@pytest.fixture(scope="module")
def issuer_for_all() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def issuer(issuer_for_all: Issuer) -> Issuer:
    """Return the provider as if it were new; its key is kept, because making one takes long."""
    fresh = Issuer(url=issuer_for_all.url, keys=issuer_for_all.keys[:1])
    issuer_for_all.__dict__.update(fresh.__dict__)
    return issuer_for_all


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(tmp_path: Path, clock: Clock) -> Gate:
    return small_gate(tmp_path, clock)


def client_of(gate: Gate, home: Path, provider: Provider) -> Client:
    champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
    return Client(create_app(Service(champion, Keys({}), lambda: date(2026, 11, 2), gate, None, provider)))


@pytest.fixture
def client(gate: Gate, tmp_path: Path, issuer: Issuer) -> Client:
    return client_of(gate, tmp_path, Provider(Registration(issuer.url, CLIENT, SECRET, ROLES)))


def answer_path(client: Client, path: str = "/account") -> str:
    """Go to the provider as a browser would, and return the address that it sends the browser back to."""
    left = client.get(f"/sign-in/provider?next={path}")
    assert left.status_code == 303, left.text
    with httpx.Client(trust_env=False) as browser:
        answer = browser.get(left.headers["location"])
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].removeprefix("http://127.0.0.1")


def sign_in(client: Client) -> httpx.Response:
    return client.get(answer_path(client))


def test_a_person_signs_in_as_what_the_claims_give(client: Client, gate: Gate, issuer: Issuer) -> None:
    assert "Sign in with 127.0.0.1" in client.get("/sign-in").text
    came = sign_in(client)
    assert came.status_code == 200 and 'content="0; url=/account"' in came.text
    shown = client.get("/account")
    assert shown.status_code == 200 and "ana" in shown.text and "Worker" in shown.text and "/password" not in shown.text
    (person,) = gate.accounts.everybody()
    assert (person.name, person.role, person.password_hash, person.provider_subject) == ("ana", Role.WORKER, None, f"{issuer.url} u-7")
    assert acts(gate)[-1] == ("person:ana", "session.open", "done")


def test_what_the_provider_says_next_time_counts(client: Client, gate: Gate, issuer: Issuer) -> None:
    sign_in(client)
    issuer.claims = {"sub": "u-7", "preferred_username": "renamed", "groups": "Billing Leads"}
    sign_in(client)
    (person,) = gate.accounts.everybody()
    assert (person.name, person.role) == ("ana", Role.LEAD)


def test_client_and_facilities_come_from_claims(gate: Gate, tmp_path: Path, issuer: Issuer) -> None:
    registration = Registration(issuer.url, CLIENT, SECRET, ROLES, "org", "sites")
    client = client_of(gate, tmp_path, Provider(registration))
    issuer.claims |= {"org": "north", "sites": ["F1", "F2"]}
    sign_in(client)
    (person,) = gate.accounts.everybody()
    assert (person.client_id, person.facilities) == ("north", frozenset({"F1", "F2"}))
    issuer.claims |= {"sub": "u-8", "preferred_username": "bo", "org": None}
    assert sign_in(client).status_code == 403
    issuer.claims |= {"org": "north", "sites": None}
    sign_in(client)
    found = gate.accounts.find("bo")
    # A claim that is missing gives nothing, not everything.
    assert found is not None and found.facilities == frozenset()


def test_a_name_that_a_local_account_has_is_not_taken_over(client: Client, gate: Gate, issuer: Issuer) -> None:
    gate.accounts.add(BOSS, "ana", Role.ADMIN, password=PASSWORD)
    assert sign_in(client).status_code == 200
    names = {person.name: person.role for person in gate.accounts.everybody()}
    assert names.pop("ana") is Role.ADMIN and len(names) == 1
    (name,) = names
    assert re.fullmatch("oidc-[0-9a-f]{12}", name)


@pytest.mark.parametrize("name", [None, "", "two words", "x" * 200, "<b>", 7])
def test_a_name_that_cannot_be_one_is_replaced(client: Client, gate: Gate, issuer: Issuer, name: object) -> None:
    issuer.claims |= {"preferred_username": name}
    assert sign_in(client).status_code == 200
    assert gate.accounts.everybody()[0].name.startswith("oidc-")


def test_without_a_role_or_barred_nobody_comes_in(client: Client, gate: Gate, issuer: Issuer) -> None:
    for groups in (None, [], "Sales", ["billing"], {"Billing": True}, [["Billing"]], 3):
        issuer.claims |= {"groups": groups}
        refused = sign_in(client)
        assert refused.status_code == 403 and "no role here" in refused.text and gate.accounts.everybody() == []
    issuer.claims |= {"groups": ["Billing"]}
    sign_in(client)
    gate.accounts.bar(BOSS, "ana")
    refused = sign_in(client)
    assert refused.status_code == 403 and "barred" in refused.text
    assert client.get("/account").status_code == 303 and acts(gate)[-1] == ("person:ana", "session.open", "refused")


LATER, EARLIER = int(time.time()) + 3600, int(time.time()) - 3600


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": None},
        {"exp": EARLIER},
        {"exp": None},
        {"exp": "soon"},
        {"iat": LATER},
        {"iat": None},
        {"nbf": LATER},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"iss": None},
    ],
    # not by their values: processes that share the tests must name them alike, and two of them are times of day
    ids="-".join,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(client: Client, gate: Gate, issuer: Issuer, changes: dict[str, Any]) -> None:
    issuer.changes = changes
    refused = sign_in(client)
    assert refused.status_code == 403 and "did not vouch" in refused.text
    assert client.get("/account").status_code == 303 and gate.accounts.everybody() == []


def test_a_token_for_several_with_us_named_is_taken(client: Client, issuer: Issuer) -> None:
    issuer.changes = {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert sign_in(client).status_code == 200


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def forged_token(header: dict[str, Any], claims: dict[str, Any], key: bytes | None) -> str:
    """A token that somebody made who has the provider's public key only."""
    signed = ".".join(_part(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{'' if key is None else _part(hmac.digest(key, signed.encode(), 'sha256'))}"


def test_a_token_that_the_provider_did_not_sign_is_refused(client: Client, issuer: Issuer) -> None:
    public = issuer.keys[0].as_pem(private=False)
    forgers: list[Callable[[dict[str, Any]], str]] = [
        lambda claims: forged_token({"alg": "none", "typ": "JWT"}, claims, None),
        lambda claims: forged_token({"alg": "HS256", "kid": "k1"}, claims, public),
        lambda claims: forged_token({"alg": "RS256", "kid": "k1"}, claims, public),
        lambda claims: "",
        lambda claims: "a.b.c",
        lambda claims: "\ud7ff",
    ]
    for forger in forgers:
        issuer.forger = forger
        assert sign_in(client).status_code == 403
    issuer.forger, issuer.signs_with = None, new_key("k1")
    assert sign_in(client).status_code == 403
    issuer.signs_with, issuer.header = None, {"alg": "RS512"}
    # A fine signature, of a kind that was not agreed on.
    assert sign_in(client).status_code == 403


def test_keys_that_the_provider_changed_are_asked_for_anew(client: Client, issuer: Issuer) -> None:
    assert sign_in(client).status_code == 200
    issuer.keys = [new_key("k2")]
    assert sign_in(client).status_code == 200
    assert issuer.seen.count("/jwks") == 2
    assert sign_in(client).status_code == 200 and issuer.seen.count("/jwks") == 2


def test_an_answer_is_for_the_browser_that_asked_and_good_once(client: Client, gate: Gate, tmp_path: Path, issuer: Issuer) -> None:
    stranger = client_of(gate, tmp_path, Provider(Registration(issuer.url, CLIENT, SECRET, ROLES)))
    path = answer_path(client)
    # The answer of my sign-in, planted in somebody else's browser.
    assert stranger.get(path).status_code == 403
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 403


@pytest.mark.parametrize(("part", "becomes"), [("state=[^&]+", "state=x"), ("code=[^&]+&", ""), ("iss=[^&]+", "iss=https://evil.example")])
def test_an_answer_that_was_changed_is_refused(client: Client, part: str, becomes: str) -> None:
    assert client.get(re.sub(part, becomes, answer_path(client))).status_code == 403


def test_an_answer_that_comes_late_is_refused(client: Client, clock: Clock) -> None:
    path = answer_path(client)
    clock.move(minutes=10)
    refused = client.get(path)
    assert refused.status_code == 403 and "too long" in refused.text


def test_what_the_provider_refuses_is_told_without_its_words(client: Client) -> None:
    path = answer_path(client)
    state = re.search("state=([^&]+)", path)
    assert state is not None
    refused = client.get(f"/sign-in/answer?error=access_denied&error_description=CANARY&state={state[1]}")
    assert refused.status_code == 403 and "CANARY" not in refused.text


def test_a_provider_that_is_down_or_another_is_said(client: Client, issuer: Issuer, gate: Gate, tmp_path: Path) -> None:
    issuer.is_down = True
    down = client.get("/sign-in/provider")
    assert down.status_code == 503 and "sign in with a password" in down.text
    issuer.is_down, issuer.calls_itself = False, "https://another.example"
    assert client.get("/sign-in/provider").status_code == 500
    nowhere = client_of(gate, tmp_path, Provider(Registration("http://127.0.0.1:9", CLIENT, SECRET, ROLES)))
    assert nowhere.get("/sign-in/provider").status_code == 503


def test_the_way_to_the_provider_holds_no_secret(client: Client) -> None:
    left = client.get("/sign-in/provider?next=//evil.example")
    address, cookie = left.headers["location"], left.headers["set-cookie"]
    assert SECRET not in address and "code_challenge_method=S256" in address and "code_verifier" not in address
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=lax", "Path=/sign-in/answer", "Max-Age=600"))


def test_settings_name_a_provider_wholly_or_not_at_all() -> None:
    whole = {"oidc_issuer": "https://id.example", "oidc_client_id": "r", "oidc_client_secret": "s", "oidc_roles": "groups: A=admin"}
    assert provider_of(Settings()) is None
    found = provider_of(Settings.read(whole, {}, folder=None))
    assert found is not None and found.name == "id.example" and "'s'" not in repr(found.registration)
    for name in whole:
        with pytest.raises(Misconfigured, match="needs all of"):
            provider_of(Settings.read({**whole, name: None}, {}, folder=None))
    with pytest.raises(Misconfigured, match="with https"):
        provider_of(Settings.read({**whole, "oidc_issuer": "http://id.example"}, {}, folder=None))
