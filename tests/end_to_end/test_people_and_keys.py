"""`recoup user`, `key`, `access` and `trail` as an administrator uses them, and a service that takes them up."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pysqlite3
import pytest

from tests.end_to_end.commands import Commands, start
from tests.end_to_end.test_service import call, lines_until


def test_the_first_key_makes_the_store_and_is_shown_once(fresh: Commands) -> None:
    ran = fresh("key", "create", "--role", "service", "--client", "north", "--json")
    made = json.loads(ran.out)
    assert ran.code == 0 and len(made["key"]) == 43 and (made["role"], made["client"]) == ("service", "north")
    assert (fresh.home / "recoup.db").exists() and (fresh.home / "keys" / "pepper.key").stat().st_mode & 0o777 == 0o600
    listed = fresh("key", "list", "--json").out
    assert made["key"] not in listed and [row["id"] for row in json.loads(listed)] == [made["id"]]
    assert made["key"].encode() not in (fresh.home / "recoup.db").read_bytes()
    assert fresh("key", "revoke", made["id"]).code == 0
    assert json.loads(fresh("key", "list", "--json").out)[0]["state"] == "revoked"
    assert fresh("key", "revoke", "nothing").code == 2


def test_commands_of_the_nightly_round_begin_with_the_store(fresh: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = ["trail", "verify"], ["backup", "a.tar"], ["queue", "export", "--outcomes", "known.csv"]
    for words in calls:
        ran = fresh(*words)
        assert ran.code == 0 and ran.out.splitlines()[0] == f"store: SQLite, {fresh.home}/recoup.db"
    monkeypatch.setenv("RECOUP_DATABASE_URL", "postgresql://recoup:hush@127.0.0.1:9/office")
    for words in calls:
        ran = fresh(*words)
        assert ran.code == 69 and ran.out.splitlines() == ["store: PostgreSQL, database office on 127.0.0.1:9"] and "hush" not in ran.err


def test_a_role_that_there_is_not_exits_2_and_makes_nothing(fresh: Commands) -> None:
    for command in (("key", "create", "--role", "boss"), ("user", "add", "ana", "--role", "Admin")):
        ran = fresh(*command)
        assert ran.code == 2 and "roles are viewer, worker" in ran.err
    assert not (fresh.home / "recoup.db").exists()


def test_people_are_added_explained_and_barred(fresh: Commands) -> None:
    made = json.loads(fresh("user", "add", "ana", "--role", "worker", "--facility", "F1", "--json").out)
    assert re.fullmatch("([a-z2-9]{5}-){3}[a-z2-9]{5}", made["password"])
    assert fresh("user", "add", "ANA", "--role", "worker").code == 2
    allowed = fresh("access", "explain", "ana", "POST /v1/queue/next")
    assert allowed.code == 0 and "queue.work" in allowed.out and "facilities F1" in allowed.out
    denied = fresh("access", "explain", "ana", "user.manage", "--json")
    assert denied.code == 77 and json.loads(denied.out)["may"] is False
    assert fresh("access", "explain", "nobody", "queue.work").code == 2
    assert fresh("access", "explain", "viewer", "GET /nowhere").code == 2
    assert fresh("user", "bar", "ana").code == 0
    barred = fresh("access", "explain", "ana", "queue.work")
    assert barred.code == 77 and "barred" in barred.out
    assert [row["state"] for row in json.loads(fresh("user", "list", "--json").out)] == ["barred"]
    assert fresh("user", "break-glass", "ana", "--reason", "short").code == 65


def test_the_log_tells_all_of_it_and_notices_a_change(fresh: Commands, tmp_path: Path) -> None:
    fresh("user", "add", "ana", "--role", "worker")
    fresh("key", "create", "--role", "viewer", "--owner", "a report")
    verified = json.loads(fresh("trail", "verify", "--json").out)
    assert verified["holds"] and verified["lines"] == 2
    assert "the access log is in log.jsonl" in fresh("trail", "export", "--out", "log.jsonl").out
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["user.add", "key.make", "trail.read"]
    assert all(line["subject"].startswith("operator:") and line["origin"] == "command" for line in lines)
    assert fresh("trail", "verify", "--head", verified["head"]).code == 0
    assert fresh("trail", "verify", "--head", "9:" + "0" * 64).code == 1
    assert fresh("trail", "verify", "--head", "nonsense").code == 2
    with pysqlite3.connect(fresh.home / "recoup.db") as connection:
        connection.execute("DROP TRIGGER access_log_no_update")
        connection.execute("UPDATE access_log SET subject = 'operator:nobody' WHERE sequence = 2")
    spoiled = fresh("trail", "verify")
    assert spoiled.code == 1 and "line 2 is not as it was written" in spoiled.out
    assert fresh("trail", "copy").code == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_anybody_it_listens_on_this_machine_only(fresh: Commands, host: str) -> None:
    ran = fresh("serve", "--host", host, "--port", "0")
    assert ran.code == 78 and "recoup key create" in ran.err


def test_a_stored_key_opens_the_service_until_it_is_revoked(fresh: Commands, tmp_path: Path) -> None:
    made = json.loads(fresh("key", "create", "--role", "service", "--json").out)
    process = start("serve", "--port", "0", home=fresh.home, folder=tmp_path)
    with process:
        try:
            found = re.search(r"http://\S+?:\d+", lines_until(process, "serving on")[-1])
            assert found is not None
            assert call(f"{found.group()}/v1/scores", {"writeoffs": []}, key=made["key"])[0] == 200
            assert call(f"{found.group()}/v1/scores", {"writeoffs": []}, key=None)[0] == 401
            assert fresh("key", "revoke", made["id"]).code == 0
            # Whatever was looked up before is believed for a second.
            time.sleep(1.1)
            assert call(f"{found.group()}/v1/scores", {"writeoffs": []}, key=made["key"])[0] == 401
        finally:
            process.kill()
