"""Requests made from the API's own description: `python -m benchmarks.description [--examples N]`

As an admin of one client and a worker of another; all checks of schemathesis, good requests and bad ones. Exits 1 on any failure or
any answer of 500 and above.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

from serving.access import Role
from tests.serving.fakes import promote_fake
from tests.serving.identity.clocks import BOSS, small_gate
from tests.serving.schema_cases import run_all
from tests.serving.test_rights import service_on


def main() -> None:
    """Run as both and print what was asked and found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--examples", type=int, default=200)
    examples, failed = options.parse_args().examples, 0
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        promote_fake(home, "v1", "h1")
        gate = small_gate(home)
        app = service_on(gate, home)
        for who, role in ((BOSS, Role.ADMIN), (replace(BOSS, client_id="south"), Role.WORKER)):
            found = run_all(app, gate.programs.make(who, role, owner="bench").secret, examples=examples)
            errors = sum(count for status, count in found.statuses.items() if status >= 500)
            failures = sum(found.failures.values())
            print(f"{role} of {who.client_id}: {found.requests:,} requests, {failures} failures, {errors} server errors")
            print("  answers " + ", ".join(f"{status}: {count:,}" for status, count in sorted(found.statuses.items())))
            for words, count in found.failures.most_common():
                print(f"  {count} x {words}")
            failed += failures + errors
        gate.store.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
