"""What somebody who owns the database, but not the key, can do to the access log."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import delete, select, update

from serving.store.store import Unit
from serving.store.trail import AccessLog, access_log, access_log_head
from serving.trail import Chain, HeadFile

LINES = 24
"""How many lines the log has that is tampered with."""


def unlock(unit: Unit) -> None:
    """Take the triggers away, as somebody with all rights on the database can."""
    if unit.is_postgresql:
        unit.connection.exec_driver_sql("ALTER TABLE access_log DISABLE TRIGGER ALL")
    else:
        for act in ("update", "delete"):
            unit.connection.exec_driver_sql(f"DROP TRIGGER access_log_no_{act}")


def edit(unit: Unit, dice: random.Random) -> None:
    column = dice.choice(["at", "subject", "client_id", "action", "ids", "origin", "outcome", "purpose", "mac"])
    value = {"at": 5, "mac": b"m" * 32}.get(column, "changed")
    unit.connection.execute(update(access_log).where(access_log.c.sequence == dice.randint(1, LINES)).values({column: value}))


def remove(unit: Unit, dice: random.Random) -> None:
    unit.connection.execute(delete(access_log).where(access_log.c.sequence == dice.randint(1, LINES - 1)))


def reorder(unit: Unit, dice: random.Random) -> None:
    first, second = dice.sample(range(1, LINES + 1), 2)
    for was, becomes in ((first, -1), (second, first), (-1, second)):
        unit.connection.execute(update(access_log).where(access_log.c.sequence == was).values(sequence=becomes))


def truncate(unit: Unit, dice: random.Random) -> None:
    """Cut the end off, and say in the database that the log ends there."""
    last = dice.randint(0, LINES - 1)
    unit.connection.execute(delete(access_log).where(access_log.c.sequence > last))
    mac = unit.connection.execute(select(access_log.c.mac).where(access_log.c.sequence == last)).scalar() or b""
    unit.connection.execute(update(access_log_head).values(sequence=last, mac=mac))


def rechain(unit: Unit, dice: random.Random) -> None:
    """Change a line and chain everything anew, with another key."""
    forger = Chain(dice.randbytes(32))
    trail = AccessLog(forger, HeadFile(Path("/dev/null"), forger))
    acts = [line.act() for line in trail.lines(unit)]
    unit.connection.execute(delete(access_log))
    unit.connection.execute(update(access_log_head).values(sequence=0, mac=b""))
    for act in acts:
        trail.append(unit, act)
    unit.afterwards.clear()


TAMPERINGS: tuple[Callable[[Unit, random.Random], None], ...] = (edit, remove, reorder, truncate, rechain)
"""Every kind."""
