"""Keys of programs."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from features.errors import BadData, NotPermitted, UsageError
from serving.access import Identity, Role
from serving.identity.gate import Gate
from serving.identity.programs import MEMORY_SECONDS
from serving.store.keys import api_keys
from serving.store.store import Store
from tests.serving.identity.clocks import BOSS, Clock, acts, gate_on


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(store: Store, tmp_path: Path, clock: Clock) -> Gate:
    return gate_on(store, tmp_path, clock)


def test_a_key_opens_as_what_it_was_made_for(gate: Gate) -> None:
    north = replace(BOSS, client_id="north")
    made = gate.programs.make(north, Role.WORKER, owner="portal robot", facilities=frozenset({"F1", "F2"}))
    found = gate.programs.look_up(gate.programs.digest(made.secret))
    assert found == Identity(f"key:{made.row.key_id}", "key", Role.WORKER, "north", frozenset({"F1", "F2"}))
    assert gate.programs.look_up(gate.programs.digest(made.secret + "x")) is None
    assert len(made.secret) == 43
    assert acts(gate) == [("operator:test", "key.make", "done")]


def test_the_store_holds_no_key_and_a_copy_of_it_opens_nothing(gate: Gate, tmp_path: Path) -> None:
    made = gate.programs.make(BOSS, Role.SERVICE, owner="nightly")
    with gate.store.read() as unit:
        row = unit.connection.execute(select(api_keys)).one()
    assert made.secret not in str(row)
    assert made.secret not in repr(made) and made.row.digest not in repr(made)
    # The same database beside another pepper.
    elsewhere = gate_on(gate.store, tmp_path / "other")
    assert elsewhere.programs.look_up(elsewhere.programs.digest(made.secret)) is None


def test_a_revoked_key_is_refused_within_a_second(gate: Gate) -> None:
    made = gate.programs.make(BOSS, Role.SERVICE, owner="nightly")
    digest = gate.programs.digest(made.secret)
    assert gate.programs.remembered(digest) is None and gate.programs.look_up(digest) is not None
    assert gate.programs.remembered(digest) is not None
    gate.programs.revoke(BOSS, made.row.key_id)
    assert gate.programs.look_up(digest) is None and gate.programs.remembered(digest) is None
    time.sleep(MEMORY_SECONDS)
    assert gate.programs.remembered(digest) is None
    assert gate.programs.every()[0].revoked_at == gate.now()


def test_a_key_expires(gate: Gate, clock: Clock) -> None:
    made = gate.programs.make(BOSS, Role.SERVICE, owner="trial", expires_at=clock.at + timedelta(days=1))
    digest = gate.programs.digest(made.secret)
    clock.move(hours=23.99)
    assert gate.programs.look_up(digest) is not None
    clock.move(hours=0.02)
    assert gate.programs.look_up(digest) is None
    with pytest.raises(BadData, match="expired already"):
        gate.programs.make(BOSS, Role.SERVICE, owner="trial", expires_at=clock.at)


def test_a_key_of_another_client_is_not_there(gate: Gate) -> None:
    made = gate.programs.make(BOSS, Role.SERVICE, owner="nightly")
    with pytest.raises(UsageError, match="no key of this id"):
        gate.programs.revoke(replace(BOSS, client_id="south"), made.row.key_id)
    assert gate.programs.every("south") == [] and gate.programs.every()[0].revoked_at is None


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_admin_makes_keys(gate: Gate, role: Role) -> None:
    with pytest.raises(NotPermitted):
        gate.programs.make(Identity("person:x", "session", role), Role.VIEWER, owner="x")
    assert gate.programs.every() == []


@pytest.mark.parametrize("owner", ["", "  ", "x" * 101, "two\nlines"])
def test_a_key_has_an_owner(gate: Gate, owner: str) -> None:
    with pytest.raises(BadData, match="owner"):
        gate.programs.make(BOSS, Role.SERVICE, owner=owner)
