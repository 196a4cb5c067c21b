"""Pages of the queue among many open items: how long the server takes, and how soon a browser can be used.

python -m benchmarks.pages [--items 100000] [--reads 40]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.queue import items_of
from tests.serving.web.practice import practice

MOST_MILLISECONDS = 300.0
PAGES = ("/queue", "/queue?payer_id=PAYER07", "/queue?sort=due", "/queue?carc=197&sort=expected_recovery", "/payers", "/projects", "/lead")
LISTS = PAGES[:4]


def main() -> int:
    """Measure; return 1 when a list takes longer than it may."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=100_000)
    options.add_argument("--reads", type=int, default=40)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        office = practice(Path(folder), items_of(told.items))
        print(f"{told.items:,} open items put in within {time.perf_counter() - begun:.0f} s")
        with office.gate.store.write() as unit:
            unit.connection.exec_driver_sql("ANALYZE")
        client = office.client("lea")
        client.read("/queue")
        slow, site = [], office.service.site
        assert site is not None
        print(f"{'page':<40} {'median ms':>10} {'p95 ms':>10} {'after a change':>15} {'kB':>6}")
        for path in PAGES:
            waits, size = [], 0
            for _ in range(told.reads):
                begun = time.perf_counter()
                size = len(client.read(path).encode())
                waits.append(1000 * (time.perf_counter() - begun))
            anew = []
            for _ in range(max(told.reads // 4, 3)):
                # As after somebody's act: every sum is taken again.
                site.forget()
                begun = time.perf_counter()
                client.read(path)
                anew.append(1000 * (time.perf_counter() - begun))
            late = float(np.quantile(waits, 0.95))
            print(f"{path:<40} {np.median(waits):>10.0f} {late:>10.0f} {np.median(anew):>15.0f} {size / 1000:>6.0f}")
            if path in LISTS and late > MOST_MILLISECONDS:
                slow.append(path)
        office.gate.store.close()
    print("every list within 300 ms (p95)" if not slow else f"slower than 300 ms (p95): {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
