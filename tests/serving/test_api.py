"""The API: who may call, what is read, and that errors never repeat what was sent."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import opentelemetry._logs._internal
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.bodies import MOST_BYTES
from serving.api.identity import Keys, Open, policy
from serving.champion import Champion
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake, promote_fake

KEY = "k" * 43
AUTH = {"Authorization": f"Bearer {KEY}"}
CANARY = "Zebulon Quagmire 078-05-1120"


def service_of(home: Path) -> Service:
    champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
    return Service(champion, Keys({KEY: Identity("key:test", "key", Role.SERVICE)}), lambda: date(2026, 11, 23))


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(create_app(service_of(tmp_path)))


def row(name: str = "W1", **columns: Any) -> dict[str, Any]:
    return {"writeoff_id": name, "writeoff_date": "2026-10-01", "payer_id": "AETNA", **columns}


def post(client: Client, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/v1/scores", content, {**AUTH, "Content-Type": "application/json", **headers})


def test_scores_come_in_request_order_with_version_and_day(client: Client) -> None:
    answer = post(client, {"writeoffs": [row("W2"), row("W1")]})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["model_version"], body["as_of"], body["issues"]) == ("prior", "2026-11-23", [])
    assert [score["writeoff_id"] for score in body["scores"]] == ["W2", "W1"]


def test_no_rows_are_no_scores(client: Client) -> None:
    assert post(client, {"writeoffs": []}).json()["scores"] == []


def test_unknown_fields_are_named_and_ignored(client: Client) -> None:
    body = post(client, {"writeoffs": [{**row(payor="A", x_mine=1), CANARY: 2}]}).json()
    assert body["issues"] == ["field (not a column name) is unknown and was ignored", "field payor is unknown and was ignored"]


def test_values_outside_a_list_are_counted_and_not_repeated(client: Client) -> None:
    answer = post(client, {"writeoffs": [row(payer_type=CANARY), row("W2", writeoff_amount=0)]})
    assert answer.json()["issues"] == ["payer_type: not_listed, 1 rows", "1 write-offs of zero dollars were left out"]
    assert CANARY not in answer.text


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic " + KEY, "Bearer " + KEY + "x", "Bearer é"])
@pytest.mark.parametrize("path", ["/v1/scores", "/v1/nothing", "/v1/openapi.json", "/v1", "//v1/scores", "/metrics"])
def test_without_identity_the_answer_is_401_and_no_redirect(client: Client, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    for method in ("GET", "POST"):
        if (method, path) == ("POST", "/metrics"):
            continue
        answer = client.request(method, path, headers=headers, content=b"{}" if method == "POST" else b"", follow_redirects=False)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


def test_health_alone_is_open(tmp_path: Path) -> None:
    routes = {getattr(route, "path", ""): policy(route) for route in create_app(service_of(tmp_path)).routes}
    assert {path for path, found in routes.items() if isinstance(found, Open)} == {"/livez", "/readyz"}
    assert None not in routes.values()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", ["body"]),
        (b"{", ["body"]),
        (b'{"writeoffs": [{"writeoff_amount": NaN}]}', ["body"]),
        (b'{"writeoffs": [{"writeoff_amount": Infinity}]}', ["body"]),
        (b'{"writeoffs": [{"writeoff_amount": 1e400}]}', ["body"]),
        (b'{"writeoffs": [{"line_number": ' + b"9" * 5000 + b"}]}", ["body"]),
        (b"\xff\xfe", ["body"]),
        (b"[" * 100_000, ["body"]),
        (b"[]", None),
        (b"{}", ["writeoffs"]),
        (b'{"writeoffs": [3]}', ["writeoffs", 0]),
        (b'{"writeoffs": [{"payer_id": {"a": 1}}]}', ["writeoffs", 0, "payer_id"]),
        (b'{"writeoffs": [], "as_of": "2026-13-01"}', ["as_of"]),
        (b'{"writeoffs": [], "as_of": "20261101"}', ["as_of"]),
        (b'{"writeoffs": [], "reasons": "top"}', ["reasons"]),
        (b'{"writeoffs": [], "explain": true}', ["explain"]),
        (json.dumps({"writeoffs": [row("a"), row("b", writeoff_amount="1e3")]}).encode(), ["writeoffs", 1, "writeoff_amount"]),
        (json.dumps({"writeoffs": [row("a", writeoff_amount=1e30)]}).encode(), ["writeoffs", 0, "writeoff_amount"]),
        (json.dumps({"writeoffs": [row("a"), row("a")]}).encode(), ["writeoffs", 1, "writeoff_id"]),
        (json.dumps({"writeoffs": [row("a", writeoff_date="1899-12-31")]}).encode(), ["writeoffs", 0, "writeoff_date"]),
        (json.dumps({"writeoffs": [row("a", writeoff_date="2031-11-24")]}).encode(), ["writeoffs", 0, "writeoff_date"]),
        (b'{"writeoffs": [{"writeoff_id": "a", "payer_id": "\\ud800", "writeoff_date": "2026-01-01"}]}', ["writeoffs", 0, "payer_id"]),
    ],
)
def test_what_cannot_be_read_is_422_with_its_place(client: Client, body: bytes, place: list[Any] | None) -> None:
    answer = post(client, body)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422 and problem["title"] and problem["detail"]
    if place is not None:
        assert place in [error["loc"] for error in problem["errors"]]
    assert all(set(error) == {"loc", "type"} for error in problem["errors"])


def test_a_day_before_the_models_data_is_422(tmp_path: Path) -> None:
    champion = Champion(tmp_path, load=load_fake, prior=lambda: FixedScorer("late", cut=20_000))
    service = Service(champion, Keys({KEY: Identity("key:test", "key", Role.SERVICE)}), lambda: date(2026, 11, 23))
    client = Client(create_app(service))
    assert post(client, {"writeoffs": [], "as_of": "2024-10-03"}).json()["errors"] == [{"loc": ["as_of"], "type": "before_data_cut"}]
    # 20,000 days after 1970-01-01 is 2024-10-04.
    assert post(client, {"writeoffs": [], "as_of": "2024-10-04"}).status_code == 200


def test_at_most_fifty_places_are_named(client: Client) -> None:
    problem = post(client, {"writeoffs": [row(str(i), writeoff_amount="bad") for i in range(200)]}).json()
    assert len(problem["errors"]) == 50 and problem["errors_total"] == 200


def test_ten_thousand_rows_are_read_and_one_more_is_not(client: Client) -> None:
    rows = [row(str(i)) for i in range(10_001)]
    assert len(post(client, {"writeoffs": rows[1:]}).json()["scores"]) == 10_000
    answer = post(client, {"writeoffs": rows})
    assert answer.status_code == 422 and answer.json()["errors"] == [{"loc": ["writeoffs"], "type": "too_long"}]


def test_a_large_body_is_refused_announced_or_not(client: Client) -> None:
    body = b" " * (MOST_BYTES + 1)
    assert post(client, body).status_code == 413
    chunked = client.post("/v1/scores", [body[: MOST_BYTES // 2]] * 3, AUTH)
    assert chunked.status_code == 413 and chunked.headers["content-type"] == "application/problem+json"


CANARIES = [
    {"writeoffs": [row(CANARY, writeoff_amount="bad")]},
    {"writeoffs": [row(CANARY), row(CANARY)]},
    {"writeoffs": [row(writeoff_date=CANARY)]},
    {"writeoffs": [{CANARY: {"x": CANARY}}]},
    {"writeoffs": CANARY},
    {CANARY: CANARY},
    {"writeoffs": [], "as_of": CANARY},
    {"writeoffs": [[CANARY]]},
    {"writeoffs": [row("explode", patient_id=CANARY)]},
]


@pytest.mark.parametrize("body", CANARIES)
def test_no_error_and_no_log_repeats_what_was_sent(
    client: Client, body: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = post(client, body)
    torn = post(client, json.dumps(body).encode()[:-1])
    assert answer.status_code in (422, 500) and torn.status_code == 422
    printed = capfd.readouterr()
    for sink in (answer.text, torn.text, str(answer.headers), caplog.text, printed.out, printed.err):
        assert not any(part in sink for part in CANARY.split())


def test_an_unexpected_error_is_a_500_problem_and_the_log_says_where(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = post(client, {"writeoffs": [row("explode")]})
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert '"kind": "RuntimeError"' in caplog.text and '"where": "fakes.py:' in caplog.text


def test_health_says_whether_a_model_serves(tmp_path: Path) -> None:
    client = Client(create_app(service_of(tmp_path)))
    assert client.get("/livez").status_code == 200
    first = client.get("/readyz")
    assert first.status_code == 200 and first.json()["model_version"] == "prior" and "priors serve" in first.json()["model"]
    promote_fake(tmp_path, "v1", "h1")
    ready = client.get("/readyz")
    assert ready.status_code == 200 and ready.json()["model_version"] == "v1"
    assert post(client, {"writeoffs": []}).json()["model_version"] == "v1"


def test_every_answer_carries_the_headers(client: Client) -> None:
    for answer in (client.get("/livez"), client.get("/nothing"), client.get("/v1/scores"), post(client, {"writeoffs": []})):
        assert answer.headers["cache-control"] == "no-store" and answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_wrong_method_is_405_and_an_unknown_path_404_for_who_may_call(client: Client) -> None:
    wrong = client.get("/v1/scores", headers=AUTH)
    assert wrong.status_code == 405 and wrong.headers["allow"] == "POST"
    assert client.get("/v1/nothing", headers=AUTH).status_code == 404
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"


def test_no_telemetry_of_a_library_hears_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    class Listening(SimpleLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            heard.append(str(log_record))

    provider = LoggerProvider()
    provider.add_log_record_processor(Listening(InMemoryLogRecordExporter()))  # type: ignore[no-untyped-call]
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setattr(opentelemetry._logs._internal, "_LOGGER_PROVIDER", provider)
    client = Client(create_app(service_of(tmp_path)))
    assert post(client, {"writeoffs": [row("explode", patient_id=CANARY)]}).status_code == 500
    assert opentelemetry._logs.get_logger_provider() is provider and heard == []


def test_the_description_names_every_column(client: Client) -> None:
    described = client.get("/v1/openapi.json", headers=AUTH).json()
    schema = described["paths"]["/v1/scores"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["writeoffs"]["items"]["required"] == ["writeoff_id", "writeoff_date", "payer_id"]


def test_metrics_count_routes_and_rows(client: Client) -> None:
    post(client, {"writeoffs": [row(str(i)) for i in range(3)]})
    client.get("/" + CANARY)
    text = client.get("/metrics", headers=AUTH).text
    assert 'recoup_requests_total{route="/v1/scores",status="200"} 1' in text and "recoup_scored_rows_total 3" in text
    assert CANARY.split()[0] not in text
