"""Names and numbers of patients, planted in everything that comes in, are found in nothing that goes out or is kept."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import time
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyarrow.parquet as pq

from tests.end_to_end.commands import Commands, start
from tests.end_to_end.conftest import AS_OF, Trained
from tests.end_to_end.test_service import lines_until

NAME, FIRST, RECORD, SSN, STREET, BORN = "QUAGMIRE", "ZEBULON", "MRN7788", "078-05-1120", "13 CANARY ROW", "19470229"
CANARIES = (NAME, FIRST, RECORD, SSN, STREET, BORN)
ROWS = 1500


def planted_ledger(practice: Path, to: Path) -> None:
    """Copy the ledger with record numbers for patients, columns that nobody asked for, and one row that cannot be read."""
    with (practice / "writeoffs.csv").open() as source, to.open("w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, [*(rows.fieldnames or ()), "patient_name", "ssn", "address", "birth"])
        writer.writeheader()
        for number, row in zip(range(ROWS), rows, strict=False):
            extra = {"patient_name": f"{FIRST} {NAME}", "ssn": SSN, "address": STREET, "birth": BORN}
            bad = {"writeoff_amount": f"{FIRST} {NAME}", "service_date": BORN} if number == 7 else {}
            writer.writerow({**row, "patient_id": f"{RECORD}{row['patient_id']}", **extra, **bad})


def planted_remit(practice: Path, to: Path) -> None:
    """Copy a remittance with a patient's name, address, birth, numbers and an insured's, where an 835 has them."""
    text = next(path for path in sorted((practice / "remits").iterdir())).read_text()
    person = (
        f"NM1*QC*1*{NAME}*{FIRST}****MI*{RECORD}~\nN3*{STREET}~\nN4*{NAME}*IL*62701~\nDMG*D8*{BORN}*M~\nREF*SY*{SSN}~\nREF*1W*{RECORD}~"
    )
    insured = f"NM1*IL*1*{NAME}*{FIRST}****MI*{RECORD}~\nNM1*74*1*{NAME}*{FIRST}****C*{RECORD}~"
    to.write_text(re.sub(r"NM1\*QC\*[^~]*~", f"{person}\n{insured}", text))


def everything_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file's path and what can be read of it, columns of Parquet and members of archives unpacked."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path}", path.name
        if path.is_file():
            for name, content in unpacked(str(path), path.read_bytes()):
                yield name, content.decode("utf-8", "replace") + content.decode("utf-16-le", "ignore")
            if path.suffix == ".parquet":
                yield str(path), str(pq.read_table(path).to_pydict())


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file, and what is in it where it is an archive; a workbook is one, and so is a result that holds a workbook."""
    yield name, content
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from unpacked(f"{name}/{member}", archive.read(member))


def zipped(given: Path) -> bytes:
    """Return the planted files as a practice that is handed in for an audit."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(given / "ledger.csv", f"{NAME}/writeoffs.csv")
        archive.write(given / "remit.835", f"{NAME}/remits/{FIRST} {NAME}.835")
    return packed.getvalue()


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a process whatever happens in the block, so that nobody waits for it."""
    try:
        yield
    finally:
        process.kill()


def await_jobs(url: str, headers: dict[str, str]) -> None:
    """Wait until what was handed in is worked off: until then the file that was sent waits, for the service's user only."""
    for _ in range(300):
        found = httpx.get(url, headers=headers, trust_env=False).json()["jobs"]
        if found and all(job["state"] == "done" for job in found):
            return
        time.sleep(0.2)
    raise AssertionError("a job did not end")


def found_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary.lower() in text.lower() or urllib.parse.quote(canary) in text]


def test_a_canary_is_seen_where_there_is_one(tmp_path: Path) -> None:
    """The control: the search finds what it is to find, in text, in databases and in Parquet."""
    import pyarrow as pa
    import pysqlite3

    pq.write_table(pa.table({"x": [f"a {NAME} b"]}), tmp_path / "t.parquet")
    with pysqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", [f"a {SSN} b"])
    (tmp_path / f"{FIRST}.txt").write_text("nothing")
    with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("x", f"a {RECORD} b")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w", zipfile.ZIP_DEFLATED) as outer:
        outer.write(tmp_path / "inner.zip", "x")
    (tmp_path / "inner.zip").unlink()
    assert {canary for _, text in everything_in(tmp_path) for canary in found_in(text)} == {NAME, SSN, FIRST, RECORD}


def test_no_sink_holds_a_patients_name_or_number(trained: Trained, fresh: Commands, tmp_path: Path) -> None:
    given, out = tmp_path / "given", tmp_path / "out"
    given.mkdir()
    out.mkdir()
    planted_ledger(trained.practice, given / "ledger.csv")
    planted_remit(trained.practice, given / "remit.835")
    outcomes = trained.practice / "outcomes.csv"
    sinks = {"": ""}

    def run(*arguments: object, codes: tuple[int, ...] = (0,)) -> str:
        ran = fresh(*arguments)
        sinks[f"what `{arguments[0]} {arguments[1]}` printed"] = ran.out + ran.err
        assert ran.code in codes, ran.out + ran.err
        return ran.out

    run("import-remits", given / "remit.835", "--out", out / "c.csv", "--lines", out / "l.parquet", "--issues", out / "i.jsonl", "--json")
    run("train", "--writeoffs", given / "ledger.csv", "--outcomes", outcomes, "--as-of", AS_OF)
    run("score", "--writeoffs", given / "ledger.csv", "--out", out / "scores.parquet", "--as-of", AS_OF)
    run("queue", "load", "--writeoffs", given / "ledger.csv", "--scores", out / "scores.parquet")
    run("doctor", given / "ledger.csv", codes=(0, 1))
    key = json.loads(run("key", "create", "--role", "admin", "--owner", "canaries", "--json"))["key"]

    process = start("serve", "--port", "0", home=fresh.home, folder=tmp_path)
    with process, ended(process):
        url = re.search(r"http://\S+?:\d+", lines_until(process, "serving on")[-1])
        assert url is not None
        bad = {name: f"{FIRST} {NAME}" for name in ("writeoff_id", "writeoff_date", "payer_id", "writeoff_amount", "patient_id", NAME)}
        good = {"writeoff_id": "W1", "writeoff_date": "2026-10-20", "payer_id": "P001", "patient_id": f"{RECORD}1", "patient_name": NAME}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        for path, body in (
            ("/v1/scores", json.dumps({"writeoffs": [bad]}).encode()),
            ("/v1/scores", json.dumps({"writeoffs": [good, good]}).encode()),
            ("/v1/scores", json.dumps({"writeoffs": [good]}).encode()),
            ("/v1/queue", None),
            ("/v1/scores", f'{{"{NAME}": '.encode()),
            ("/v1/jobs?kind=score", (given / "ledger.csv").read_bytes()),
            ("/v1/jobs?kind=load", (given / "ledger.csv").read_bytes()),
            ("/v1/jobs?kind=import-remits", (given / "remit.835").read_bytes()),
            ("/v1/jobs?kind=audit&keep=true", zipped(given)),
            (f"/v1/jobs?kind={NAME}", b"{}"),
            (f"/v1/{NAME}/{SSN}?name={FIRST}", None),
        ):
            answer = httpx.request(
                "GET" if body is None else "POST", f"{url.group()}{path}", content=body, headers=headers, trust_env=False
            )
            sinks[f"answer {answer.status_code} to number {len(sinks)}"] = answer.text + str(answer.headers)
        await_jobs(f"{url.group()}/v1/jobs", headers)
        for path in ("/v1/reports/opportunity", "/v1/jobs", "/v1/overview", "/v1/queue"):
            answer = httpx.get(f"{url.group()}{path}", headers=headers, trust_env=False)
            assert answer.status_code == 200, path
            sinks[f"answer of {path}"] = answer.text
        process.terminate()
        told, logged = process.communicate(timeout=60)
    sinks["what the service printed"], sinks["the service's log"] = told, logged
    run("trail", "export", "--out", out / "trail.jsonl")
    run("trail", "verify")

    for sink, text in [*sinks.items(), *everything_in(fresh.home), *everything_in(out)]:
        assert not found_in(text), (sink, found_in(text))
    assert (fresh.home / "mlflow").exists() and (fresh.home / "recoup.db").exists() and (out / "trail.jsonl").stat().st_size > 0
