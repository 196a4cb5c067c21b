"""Commands that serve: `serve`, `demo`."""

from __future__ import annotations

import atexit
import gc
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recoup.cli.options import settings, today, tracking_uri
from recoup.cli.telling import Teller
from recoup.progress import bars
from serving.identity.keyring import new_secret

if TYPE_CHECKING:
    import uvicorn

    from models.scorer import Scorer
    from models.value import Costs
    from recoup.news import News
    from recoup.settings import Settings
    from serving.api.app import Service
    from serving.api.identity import Open, Permission
    from serving.champion import BatchScorer, Champion
    from serving.identity.gate import Gate
    from serving.identity.provider import Provider
    from serving.web.site import Site

VISIT_SECONDS = 10.0
DEMO_MINUTES = 1440
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="port; 0 takes a free one")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    app.command("demo")(demo)


def serve(host: Annotated[str | None, typer.Option(help="address")] = None, port: Port = None) -> None:
    """Serve scores over HTTP; a promoted model is taken up without a restart."""
    from recoup.identity import opened_gate, provider_of
    from recoup.listening import Listener
    from recoup.news import News
    from recoup.shop import fail_points, shop_of, working
    from recoup.watching import LATEST, REPORTS
    from serving.api.app import create_app
    from serving.log import write_to

    chosen = settings(host=host, port=port)
    with opened_gate(chosen) as gate:
        provider = provider_of(chosen)
        has_identity = chosen.api_key is not None or provider is not None or gate.has_anybody()
        listener = Listener(chosen.host, chosen.port, has_identity=has_identity)
        fresh = None if has_identity else new_secret()
        service = _service(
            chosen,
            _champion(chosen.home, chosen, News(gate.store, today)),
            today,
            key=chosen.api_key or fresh,
            gate=gate,
            provider=provider,
        )
        shop, points = shop_of(chosen, gate, today), fail_points()
        service = replace(service, shop=shop, points=points, drift=chosen.home / REPORTS / LATEST)
        tell, loaded = Teller(), service.champion.current()
        listener.listen()
        # Whoever starts it waits for this line, which stays the first.
        tell.line(f"serving on {listener.url}: POST /v1/scores, /livez, /readyz")
        tell.store(chosen)
        tell.line(f"model {loaded.scorer.version}" if loaded.problem is None else f"model {loaded.scorer.version}: {loaded.problem}")
        if fresh is not None:
            tell.line(f"key for this run: {fresh}")
            tell.line("send it as `Authorization: Bearer KEY`; `recoup key create` makes one that stays, and so does RECOUP_API_KEY")
        tell.flush()
        write_to(sys.stderr)
        gate.store.tell_outages()
        with (
            service.champion.follow(),
            service.counted.writing(gate.store),
            gate.refusals.writing(gate.store),
            working(shop, points, chosen.workers),
        ):
            listener.serve(create_app(service))


def demo(
    once: Annotated[bool, typer.Option("--once", help="end after the queue was read once")] = False,
    rows: Annotated[int | None, typer.Option(min=2000, help="write-offs of the practice")] = None,
    port: Port = None,
) -> None:
    """Make a practice, train, evaluate, rank, and open the work queue as its lead.

    With --once it ends when somebody has read the queue; if nobody does within ten seconds it reads it itself.
    """
    from recoup.demo import END, NOTICE, ROWS, fill_queue, keep_audit, make_demo
    from recoup.identity import opened_gate, operator
    from recoup.listening import Listener
    from recoup.report.evaluation import headline
    from serving.access import Role
    from serving.api.app import create_app
    from serving.api.watch import Watch

    chosen = settings(port=port)
    # Bound first: a port that is taken is said now, not after a minute of work.
    listener = Listener("127.0.0.1", chosen.port, has_identity=False)
    own, read = replace(chosen, home=chosen.home / "demo", database_url=None), threading.Event()
    with bars() as shown:
        made = make_demo(chosen, rows=rows or ROWS, bars=shown)
    with opened_gate(own) as gate:
        with bars() as shown:
            loaded = fill_queue(made, gate, shown)
            keep_audit(made, gate, shown)
        # Nobody knows this password: the address is the way in.
        gate.accounts.add(operator(), "demo", Role.LEAD, password=new_secret())
        fresh = new_secret()
        service = _service(own, _champion(made.home, own), lambda: END, key=fresh, gate=gate, notice=NOTICE)
        app = create_app(service)
        app.add_middleware(Watch, path="/queue", seen=read)

        def link() -> str:
            return f"{listener.url}/enter?token={gate.accounts.link(operator(), 'demo', minutes=DEMO_MINUTES)}"

        tell = Teller()
        listener.listen()
        tell.line(f"{loaded.writeoffs:,} write-offs ranked; {loaded.items_new:,} items are in the queue")
        tell.line(headline(made.result))
        tell.line(f"the evaluation is {made.report}")
        tell.line(f"scores for programs: POST {listener.url}/v1/scores with `Authorization: Bearer {fresh}`")
        tell.line(f"open {link()}")
        tell.line("the address works once; Ctrl-C ends" if not once else "the address works once; the demo ends when the queue was read")
        tell.flush()
        with gate.refusals.writing(gate.store):
            listener.serve(app, started=_once(link, listener.url, read) if once else None)


def _once(link: Callable[[], str], url: str, read: threading.Event) -> Callable[[uvicorn.Server], None]:
    """Wait for a reader, else read the queue, then stop the service."""

    def watch(server: uvicorn.Server) -> None:
        if not read.wait(VISIT_SECONDS):
            read_page(link(), f"{url}/queue")
            read.wait(VISIT_SECONDS)
        server.should_exit = True

    return watch


def read_page(*urls: str) -> str:
    """Read pages one after the other as a browser would, cookies and redirects included; return the last."""
    import urllib.request
    from http.cookiejar import CookieJar

    # No proxy: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar()))
    text = ""
    for url in urls:
        with opener.open(url, timeout=VISIT_SECONDS) as answer:
            text = str(answer.read().decode())
    return text


def _champion(home: Path, chosen: Settings, news: News | None = None) -> Champion[BatchScorer]:
    from models.scorer import Scorer
    from models.value import Costs
    from serving.champion import Champion

    costs = Costs(chosen.hourly_cost, chosen.action_outlay)
    return Champion(home, load=partial(_load, costs=costs), prior=partial(Scorer.prior, costs=costs), news=news)


def _load(folder: Path, costs: Costs) -> Scorer:
    """Load a bundle, warm, and set it apart from the garbage collector, which would else walk it in the middle of requests."""
    from models.scorer import Scorer
    from serving.api.questions import Question, answer, answer_apart
    from serving.champion import Loaded

    scorer = Scorer.load(folder, costs=costs)
    # What is looked up once, tables for reasons above all, takes a quarter of a second that the first caller need not wait.
    row = {"writeoff_id": "0", "writeoff_date": "2020-01-01", "payer_id": "0", "writeoff_amount": "1.00", "carc": "197", "group_code": "CO"}
    question = Question([row], scorer.cut or 0, scorer.cut or 0, True)
    answer(question, Loaded(scorer, None))
    answer_apart([question, question], Loaded(scorer, None))
    gc.collect()
    gc.freeze()
    # What is frozen when Python ends is never freed, and compiled forests complain of that on standard error.
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
    return scorer


def _service(
    chosen: Settings,
    champion: Champion[BatchScorer],
    day: Callable[[], date],
    *,
    key: str | None,
    gate: Gate | None = None,
    provider: Provider | None = None,
    notice: str = "",
) -> Service:
    """Return what an application is built from; `key` opens it beside those that are stored."""
    from serving.access import BOOTSTRAP, Identity, Role
    from serving.api.app import Service
    from serving.api.identity import Keys

    site = None if gate is None else _site(chosen, gate, champion, day, notice)
    keys = Keys({} if key is None else {key: Identity(f"key:{BOOTSTRAP}", "key", Role.SERVICE)})
    service = Service(champion, keys, day, gate, chosen.public_url, provider, site=site)
    return service if site is None else replace(service, papers=site.papers, candidates=site.candidates)


def _site(chosen: Settings, gate: Gate, champion: Champion[BatchScorer], day: Callable[[], date], notice: str) -> Site:
    """Return the pages of the work queue: its rules are those of the model that serves."""
    from models.scorer import Scorer
    from recoup.card import card_of
    from recoup.promoting import OwnProcess
    from serving.packet.desk import Desk
    from serving.packet.files import Files
    from serving.packet.papers import Papers
    from serving.packet.seal import PLACE, Seal
    from serving.web.site import Site
    from serving.worklist.sight import Sight
    from serving.worklist.worklist import Worklist

    def sight() -> Sight:
        scorer = champion.current().scorer
        assert isinstance(scorer, Scorer)
        return Sight(scorer.viewer, scorer.vocabulary)

    def names(client_id: str) -> dict[str, str]:
        return {person.subject: person.name for person in gate.accounts.everybody(client_id) if not person.is_barred}

    worklist = Worklist(gate.store, clock=gate.now, today=day, tell=gate.log.tell, sight=sight)
    files = Files(gate.store, seal=Seal(chosen.home / PLACE), clock=gate.now, tell=gate.log.tell)
    papers = Papers(gate.store, worklist, desk=Desk.at(chosen.home, chosen.identity_key), sight=sight, tell=gate.log.tell, files=files)
    return Site(
        worklist,
        clock=gate.now,
        today=day,
        codes=lambda: sight().viewer.practice.codes,
        names=names,
        papers=papers,
        card=lambda: card_of(chosen.home, champion),
        notice=notice,
        candidates=OwnProcess(chosen.home, tracking_uri()),
    )


def routes(chosen: Settings, gate: Gate) -> list[tuple[str, str, Permission | Open]]:
    """Return method, path and policy of every route that `recoup serve` would serve."""
    from recoup.identity import provider_of
    from recoup.shop import shop_of
    from serving.api.app import create_app
    from serving.api.identity import policies

    service = _service(chosen, _champion(chosen.home, chosen), today, key=None, gate=gate, provider=provider_of(chosen))
    return policies(create_app(replace(service, shop=shop_of(chosen, gate, today))))
