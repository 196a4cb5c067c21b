"""A practice with a queue and people who work it, behind the real application."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import httpx

from features.codes.tables import Codes
from models.scorer import Scorer
from serving.access import Role
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.candidates import Candidates
from serving.champion import Champion
from serving.identity.gate import Gate
from serving.packet.desk import Desk
from serving.packet.files import Files
from serving.packet.papers import Papers
from serving.packet.seal import PLACE, Seal
from serving.web.site import Site
from serving.worklist.item import Item
from serving.worklist.sight import Sight
from serving.worklist.worklist import Worklist
from tests.serving.client import Client
from tests.serving.fakes import load_fake
from tests.serving.identity.clocks import BOSS, PASSWORD, Clock, small_gate
from tests.serving.worklist.queues import item_of, put

HERE = "http://127.0.0.1"
OURS = {"Origin": HERE, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
TODAY = date(2026, 11, 2)
PEOPLE = (("ana", Role.WORKER), ("ben", Role.WORKER), ("lea", Role.LEAD), ("vic", Role.VIEWER), ("ann", Role.ANALYST))


def items(count: int = 8) -> list[Item]:
    """Return items of two payers, the last the dearest."""
    return [item_of(n, payer_id="AETNA" if n % 2 else "BCBS", probability=0.5) for n in range(1, count + 1)]


@dataclass
class Practice:
    """The gate of a practice, its queue, its application and its home."""

    gate: Gate
    worklist: Worklist
    service: Service
    home: Path

    @property
    def site(self) -> Site:
        """Its pages."""
        assert self.service.site is not None
        return self.service.site

    def client(self, name: str) -> Browser:
        """Return a browser in which somebody is signed in."""
        found = Browser(Client(create_app(self.service)))
        told = found.client.post("/sign-in", urlencode({"name": name, "password": PASSWORD, "next": "/"}).encode(), OURS)
        assert told.status_code == 303
        return found


def practice(home: Path, queue: list[Item] | None = None, clock: Clock | None = None, candidates: Candidates | None = None) -> Practice:
    """Return a practice with some people and a queue."""
    gate = small_gate(home, clock or Clock())
    for name, role in PEOPLE:
        gate.accounts.add(BOSS, name, role, password=PASSWORD)
    put(gate.store, items() if queue is None else queue)
    scorer = Scorer.prior()
    sight = Sight(scorer.viewer, scorer.vocabulary)
    worklist = Worklist(gate.store, clock=gate.now, today=lambda: TODAY, tell=gate.log.tell, sight=lambda: sight, draw=lambda: 0.99)

    def names(client_id: str) -> Mapping[str, str]:
        return {person.subject: person.name for person in gate.accounts.everybody(client_id)}

    files = Files(gate.store, seal=Seal(home / PLACE), clock=gate.now, tell=gate.log.tell)
    papers = Papers(gate.store, worklist, desk=Desk.at(home), sight=lambda: sight, tell=gate.log.tell, files=files)
    site = Site(worklist, clock=gate.now, today=lambda: TODAY, codes=Codes.load, names=names, papers=papers, candidates=candidates)
    champion = Champion(home, load=load_fake, prior=lambda: scorer)
    return Practice(
        gate, worklist, Service(champion, Keys({}), lambda: TODAY, gate=gate, site=site, papers=papers, candidates=candidates), home
    )


class Browser:
    """A browser without scripts: it reads pages and sends their forms."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def read(self, path: str) -> str:
        """Return a page that must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, token_from: str = "/account", **fields: str | list[str]) -> httpx.Response:
        """Send a form with the token of the session; a list is a field that stands more than once."""
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.read(token_from))
        assert found is not None
        return self.client.post(path, urlencode({"form_token": found[1]} | fields, doseq=True).encode(), OURS)
