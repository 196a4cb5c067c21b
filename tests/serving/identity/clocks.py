"""A gate for tests: on a store, with a clock that the test turns and hashes that cost nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.access import Identity, Role
from serving.identity.gate import Gate
from serving.identity.passwords import Passwords
from serving.store import migrations
from serving.store.store import Store

BOSS = Identity("operator:test", "command", Role.ADMIN)
PASSWORD = "seven brown foxes rest"


@dataclass
class Clock:
    """Time that stands still until it is moved."""

    at: datetime = field(default=datetime(2026, 11, 2, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at

    def move(self, **words: float) -> None:
        """Move on by days, hours, minutes, seconds."""
        self.at += timedelta(**words)


def gate_on(store: Store, home: Path, clock: Clock | None = None) -> Gate:
    """Return a gate on a store."""
    return Gate.open(store, home, passwords=Passwords.quick(), now=clock or Clock())


def small_gate(home: Path, clock: Clock | None = None) -> Gate:
    """Return a gate on a SQLite store of its own."""
    store = Store.open(f"sqlite:///{home}/recoup.db")
    migrations.up(store)
    return gate_on(store, home, clock)


def acts(gate: Gate) -> list[tuple[str, str, str]]:
    """Return subject, action and outcome of all that was told."""
    with gate.store.read() as unit:
        return [(act.subject, act.action, act.outcome) for line in gate.log.lines(unit) for act in [line.act()]]
