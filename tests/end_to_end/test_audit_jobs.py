"""A practice handed in for an audit over HTTP: the files of the command, and the report that the service keeps of it."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from recoup.identity import opened_gate
from recoup.settings import Settings
from recoup.shop import shop_of
from serving.access import Identity, Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.client import Refused
from serving.client import Service as Remote
from serving.jobs.worker import Shop, Worker
from serving.store import audits
from serving.store.trail import access_log
from tests.end_to_end.commands import start
from tests.end_to_end.conftest import AS_OF, Trained
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake

WHO = {
    "lead": Identity("key:lead", "key", Role.LEAD),
    "part": Identity("key:part", "key", Role.LEAD, facilities=frozenset({"F01"})),
    "south": Identity("key:south", "key", Role.LEAD, "south"),
}
KEYS = {name: name * 12 for name in WHO}


@dataclass(frozen=True, slots=True)
class Office:
    """A service on the home in which the command made the same audit."""

    home: Path
    out: Path
    shop: Shop
    client: Client

    def audit(self, body: bytes, query: str = "", who: str = "lead") -> dict[str, Any]:
        """Hand a file in, have it worked on, and return the job."""
        answer = self.client.post(f"/v1/jobs?kind=audit&as_of={AS_OF}{query}", body, auth(who))
        assert answer.status_code == 202, answer.text
        assert Worker(self.shop).work_one()
        return dict(self.client.get(f"/v1/jobs/{answer.json()['job_id']}", auth(who)).json())

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Send a request, as a transport of the client does."""
        answer = self.client.request(method, path, content=body, headers=headers)
        return answer.status_code, answer.content

    def files(self, job: dict[str, Any], who: str = "lead") -> dict[str, bytes]:
        """Return the files of a result."""
        answer = self.client.get(f"/v1/jobs/{job['job_id']}/result", auth(who))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            return {name: packed.read(name) for name in packed.namelist()}


def auth(who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[who]}"}


@pytest.fixture(scope="module")
def office(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    home, out = folder / "home", folder / "out"
    process = start(
        "audit", *trained.tables(), "--remits", trained.practice / "remits", "--outcomes", trained.practice / "outcomes.csv",
        "--as-of", AS_OF, "--out", out, home=home, folder=folder,
    )  # fmt: skip
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    settings = Settings.read({}, {"RECOUP_HOME": str(home)}, folder=None)
    with opened_gate(settings) as gate:
        shop = shop_of(settings, gate, lambda: date.fromisoformat(AS_OF))
        keys = Keys({KEYS[name]: who for name, who in WHO.items()})
        champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
        app = create_app(Service(champion, keys, lambda: date.fromisoformat(AS_OF), gate=gate, shop=shop))
        yield Office(home, out, shop, Client(app))


@pytest.fixture(scope="module")
def zipped(trained: Trained) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("writeoffs", "outcomes", "contract_rates", "payer_rules", "writeoff_policies"):
            archive.write(trained.practice / f"{name}.csv", f"practice/{name}.csv")
        for path in sorted((trained.practice / "remits").iterdir()):
            archive.write(path, f"practice/remits/{path.name}")
    return packed.getvalue()


def test_the_audit_of_a_job_is_that_of_the_command_byte_for_byte(office: Office, zipped: bytes) -> None:
    job = office.audit(zipped)
    assert job["state"] == "done", job
    found = office.files(job)
    assert found == {path.name: path.read_bytes() for path in office.out.iterdir()}
    told = json.loads(found["audit.json"])
    assert job["account"]["findings"] == {one["rule"]: one["findings"] for one in told["rules"] if one["findings"]}
    assert (job["account"]["as_of"], job["account"]["writeoffs"]) == (AS_OF, 4000)
    # Nobody asked for it to be kept.
    with office.shop.store.read() as unit:
        assert audits.latest(unit, "default") is None


def test_a_ledger_alone_and_remittances_alone_are_audited(office: Office, trained: Trained) -> None:
    remit = next(iter(sorted((trained.practice / "remits").iterdir())))
    for body, is_ledger in (((trained.practice / "writeoffs.csv").read_bytes(), True), (remit.read_bytes(), False)):
        told = json.loads(office.files(office.audit(body))["audit.json"])
        assert told["is_ledger"] is is_ledger and told["inputs"]["remittances"] == (0 if is_ledger else told["inputs"]["remittances"] or -1)


def test_an_audit_that_is_kept_is_the_report_of_the_service(office: Office, zipped: bytes) -> None:
    lead = Remote(office.send, KEYS["lead"])
    with pytest.raises(Refused, match="404: there is no audit to tell of"):
        lead.opportunity()
    job = office.audit(zipped, "&keep=true")
    told, document = lead.opportunity(), json.loads((office.out / "audit.json").read_text())
    opportunity = document["opportunity"]
    assert [step.model_dump() for step in told.steps] == opportunity["steps"]
    assert [one.model_dump() for one in told.by_payer] == opportunity["by_payer"]
    assert (told.as_of.isoformat(), told.net_band, told.tie_out) == (AS_OF, tuple(opportunity["net_band"]), opportunity["tie_out"])
    with office.shop.store.read() as unit:
        kept, owed = audits.latest(unit, "default"), audits.owed_of(unit, "default")
    assert kept is not None and kept.document == document and kept.by == "key:lead"
    assert len(owed) == job["account"]["overpayments"] > 0
    # What the job made may go; the report stays.
    (office.home / "jobs" / job["job_id"] / "audit.zip").unlink()
    assert office.client.get(f"/v1/jobs/{job['job_id']}/result", auth("lead")).status_code == 410
    assert lead.opportunity() == told
    # Another client's report, and one of facilities that are not the caller's, are not there.
    nothing = office.client.get("/v1/reports/opportunity", auth("south"))
    assert nothing.status_code == 404 and office.client.get("/v1/reports/opportunity", auth("part")).text == nothing.text


def test_who_sees_some_facilities_keeps_no_audit_of_all(office: Office, trained: Trained) -> None:
    body = (trained.practice / "writeoffs.csv").read_bytes()
    answer = office.client.post("/v1/jobs?kind=audit&keep=true", body, auth("part"))
    assert answer.status_code == 403 and "some of them" in answer.json()["detail"]
    assert office.client.post("/v1/jobs?kind=score&keep=true", body, auth("lead")).status_code == 422
    assert office.client.post("/v1/jobs?kind=audit&keep=true&as_of=2026-11-02", body, auth("lead")).status_code == 422


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"outcomes.csv": "effort_id\n"}, "neither a table of writeoffs nor a remittance"),
        ({"writeoffs.csv": "a,b\n1,2\n"}, "writeoffs.csv: table writeoffs lacks"),
        ({"remits/a.835": "no remittance"}, "no 835 transaction"),
        ({"writeoffs.parquet": "PAR1 not"}, "not Parquet"),
    ],
)
def test_an_archive_that_cannot_be_audited_fails_with_the_reason(office: Office, members: dict[str, str], words: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    failed = office.audit(packed.getvalue())
    assert failed["state"] == "failed" and words in failed["problem"], failed
    assert str(office.home) not in failed["problem"]
    # For what a ZIP is not, it is no table.
    answer = office.client.post("/v1/jobs?kind=score", packed.getvalue(), auth("lead"))
    assert Worker(office.shop).work_one()
    assert office.client.get(f"/v1/jobs/{answer.json()['job_id']}", auth("lead")).json()["state"] == "failed"


def test_the_access_log_tells_of_each_audit(office: Office) -> None:
    with office.shop.store.read() as unit:
        told = unit.connection.execute(select(access_log.c.subject, access_log.c.action, access_log.c.outcome, access_log.c.purpose)).all()
    lines = Counter(tuple(line) for line in told)
    assert lines["key:lead", "job.run", "done", "the result was read"] == 3 and lines["key:lead", "job.run", "failed", ""] == 8
