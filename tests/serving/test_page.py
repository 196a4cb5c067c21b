"""The page of the write-offs worth working: what it says, who may read it, and that it needs no script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from features.tables import REMEDIES
from recoup.listening import Listener
from serving.api.app import Service, create_app
from serving.api.identity import Keys
from serving.champion import Champion
from serving.web.door import SESSION_SECONDS, Door
from serving.web.pages import Page
from serving.web.toplist import Facts, top_list
from serving.web.words import ACTIONS, BANDS, SOURCE_WORDS, Code
from tests.serving.client import Client
from tests.serving.fakes import FixedScorer, load_fake

AS_OF = date(2026, 11, 1)


def score(rank: int, **changes: Any) -> dict[str, Any]:
    return {
        "writeoff_id": f"W{rank}",
        "rank": rank,
        "in_scope": True,
        "category": "denial",
        "remedy": "corrected_claim",
        "recovery_probability": 0.62,
        "amount_if_recovered_low": 210.0,
        "amount_if_recovered_high": 390.0,
        "expected_recovery": 200.0,
        "expected_hours": 0.5,
        "deadline_date": "2026-11-09",
        "deadline_source": "payer_rule",
        "work_item_id": f"item{rank}",
        "reasons": [
            {"concept": "code", "direction": "up", "points": 12.0, "text": "CO-16: claim lacks information"},
            {"concept": "amount", "direction": "down", "points": -3.0, "text": "written off in full"},
        ],
        "model_version": "abc123",
        **changes,
    }


def facts(count: int, **changes: Any) -> dict[str, Facts]:
    known: dict[str, Any] = {
        "payer": "AETNA",
        "claim_id": "C7",
        "writeoff_amount": 450.0,
        "group_code": "CO",
        "carc": Code("16", "claim lacks information"),
        "rarcs": (Code("N290", "rendering provider identifier missing"),),
        **changes,
    }
    return {f"W{rank}": Facts(**known) for rank in range(1, count + 1)}


def page_of(count: int = 60, **changes: Any) -> Page:
    scores = [score(rank, **changes) for rank in range(1, count + 1)] + [score(count + 1, in_scope=False)]
    return Page(top_list(scores, facts(count), as_of=AS_OF), Door())


def service_of(page: Page, home: Path) -> Service:
    return Service(Champion(home, load=load_fake, prior=lambda: FixedScorer("prior")), Keys({}), lambda: AS_OF, page)


def test_the_first_fifty_in_scope_are_shown_with_their_sums() -> None:
    top = page_of().top
    assert (top.looked_at, top.in_scope, len(top.items)) == (61, 60, 50)
    assert (top.expected, top.items_expected, top.items_hours, top.due_soon) == (12_000.0, 10_000.0, 25.0, 50)


def test_hours_of_one_work_item_count_once() -> None:
    scores = [score(1, work_item_id="a"), score(2, work_item_id="a"), score(3, work_item_id="b", expected_hours=2.0)]
    assert top_list(scores, facts(3), as_of=AS_OF).items_hours == 2.5


@pytest.mark.parametrize(
    ("day", "left", "is_soon", "is_passed"),
    [
        ("2026-11-01", "today", True, False),
        ("2026-11-02", "in 1 day", True, False),
        ("2026-11-15", "in 14 days", True, False),
        ("2026-11-16", "in 15 days", False, False),
        ("2026-10-31", "passed 1 day ago", False, True),
    ],
)
def test_deadlines_read_as_a_person_would_say_them(day: str, left: str, is_soon: bool, is_passed: bool) -> None:
    due = top_list([score(1, deadline_date=day)], facts(1), as_of=AS_OF).items[0].due
    assert due is not None and (due.left, due.is_soon, due.is_passed) == (left, is_soon, is_passed)


@pytest.mark.parametrize(
    ("chance", "band"), [(1.0, "high"), (0.6, "high"), (0.599, "fair"), (0.35, "fair"), (0.2, "low"), (0.1, "slim"), (0.0, "slim")]
)
def test_chances_are_bands(chance: float, band: str) -> None:
    assert top_list([score(1, recovery_probability=chance)], facts(1), as_of=AS_OF).items[0].band == band


def test_every_remedy_and_source_has_words() -> None:
    from features.deadlines import SOURCES

    assert set(ACTIONS) == set(REMEDIES) and set(SOURCES) - {"none"} == set(SOURCE_WORDS)
    assert [least for least, *_ in BANDS] == sorted((least for least, *_ in BANDS), reverse=True)


def test_what_the_ledger_leaves_blank_is_shown_as_such(tmp_path: Path) -> None:
    bare = {"W1": Facts(payer="P")}
    scores = [score(1, deadline_date=None, amount_if_recovered_low=None, amount_if_recovered_high=None, reasons=[])]
    page = Page(top_list(scores, bare, as_of=AS_OF), Door())
    client = Client(create_app(service_of(page, tmp_path)))
    text = client.get(f"/?token={page.door.token()}", follow_redirects=True).text
    assert "none known" in text and "No single fact stands out" in text and "no reason code in the ledger" in text


def test_the_exact_step_and_what_to_ask_first_are_shown(tmp_path: Path) -> None:
    told = {"W1": Facts(payer="P", step="Send the operative note.", cautions=("Ask whether <consent> is on file (42 CFR 2.31)",))}
    page = Page(top_list([score(1)], told, as_of=AS_OF), Door())
    text = Client(create_app(service_of(page, tmp_path))).get(f"/?token={page.door.token()}", follow_redirects=True).text
    assert "Send the operative note." in text and "Before you do" in text
    assert "Ask whether &lt;consent&gt; is on file (42 CFR 2.31)" in text


def test_an_empty_ledger_has_a_page(tmp_path: Path) -> None:
    page = Page(top_list([], {}, as_of=AS_OF), Door())
    client = Client(create_app(service_of(page, tmp_path)))
    assert "Nothing in this ledger" in client.get(f"/?token={page.door.token()}", follow_redirects=True).text


def test_a_token_opens_once_and_leaves_the_address(tmp_path: Path) -> None:
    page = page_of(3)
    app = create_app(service_of(page, tmp_path))
    token = page.door.token()
    first, other = Client(app), Client(app)
    assert first.get("/").status_code == 401
    entered = first.get(f"/?token={token}")
    assert entered.status_code == 303 and entered.headers["location"] == "/" and entered.headers["cache-control"] == "no-store"
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and token.lower() not in cookie
    assert first.get("/").status_code == 200
    assert other.get(f"/?token={token}").status_code == 401 and other.get("/").status_code == 401
    assert other.get("/?token=guess").status_code == 401
    # Whoever is inside already may open the address again.
    assert first.get(f"/?token={token}").status_code == 303


def test_a_session_ends() -> None:
    now = [0.0]
    door = Door(lambda: now[0])
    session = door.enter(door.token())
    assert door.is_open(session)
    now[0] = SESSION_SECONDS
    assert not door.is_open(session) and not door.is_open(None)


def test_text_of_the_ledger_stays_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    page = Page(top_list([score(1)], facts(1, payer=evil, claim_id=evil), as_of=AS_OF), Door())
    text = Client(create_app(service_of(page, tmp_path))).get(f"/?token={page.door.token()}", follow_redirects=True).text
    assert "<script" not in text and "&lt;script&gt;" in text


def test_only_the_page_counts_as_read(tmp_path: Path) -> None:
    read: list[int] = []
    page = Page(page_of(1).top, Door(), lambda: read.append(1))
    client = Client(create_app(service_of(page, tmp_path)))
    for path in ("/", "/?token=x", "/static/recoup.css", "/static/none.css", f"/?token={page.door.token()}"):
        client.get(path)
    assert not read
    client.get("/")
    assert read == [1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; `make setup-system` installs it."""
    with sync_playwright() as tools:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        opened = tools.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Page]]:
    """A page on a port of this machine."""
    page = page_of()
    listener = Listener("127.0.0.1", 0, has_identity=False)
    started, servers = threading.Event(), []

    def remember(server: Any) -> None:
        servers.append(server)
        started.set()

    thread = threading.Thread(target=lambda: listener.serve(create_app(service_of(page, tmp_path)), started=remember))
    thread.start()
    assert started.wait(20)
    yield listener.url, page
    servers[0].should_exit = True
    thread.join(20)


def test_a_browser_without_scripts_reads_the_page(browser: Browser, served: tuple[str, Page]) -> None:
    url, page = served
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    failed: list[str] = []
    tab.on("requestfailed", lambda request: failed.append(request.url))
    answer = tab.goto(f"{url}/?token={page.door.token()}")
    assert answer is not None and answer.status == 200 and tab.url == f"{url}/"
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "style-src 'self'" in policy and "unsafe" not in policy
    assert tab.get_by_role("heading", name="Write-offs worth working").is_visible()
    assert (
        tab.get_by_role("table").count() == 1
        and tab.get_by_role("columnheader").count() == 8
        and tab.get_by_role("rowheader").count() == 50
    )
    detail = tab.get_by_text("Rendering provider identifier missing", exact=False).first
    assert not detail.is_visible()
    tab.get_by_text("Why here, and the next step").first.click()
    assert detail.is_visible() and tab.get_by_text("$210 to $390").first.is_visible()
    for words in ("$10,000", "61", "Send a corrected claim", "9 Nov 2026", "in 8 days", "about 6 in 10"):
        assert tab.get_by_text(words).first.is_visible()
    # The style sheet came through the policy: the font size of the heading is not the browser's own.
    assert tab.get_by_role("heading", level=1).bounding_box() is not None and not failed
    cookies = context.cookies()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]
    context.close()


def test_a_browser_with_scripts_runs_none_and_reports_no_violation(browser: Browser, served: tuple[str, Page]) -> None:
    url, page = served
    context = browser.new_context()
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(f"{url}/?token={page.door.token()}")
    assert tab.locator("script").count() == 0 and tab.locator("[style]").count() == 0 and not said
    assert tab.evaluate("getComputedStyle(document.querySelector('.band')).borderRadius") == "16px"
    context.close()


def test_a_stranger_sees_a_closed_page(browser: Browser, served: tuple[str, Page]) -> None:
    url, _ = served
    context = browser.new_context()
    tab = context.new_page()
    answer = tab.goto(url)
    assert answer is not None and answer.status == 401 and tab.get_by_role("heading", name="This page is closed").is_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_runs_out_of_the_window(browser: Browser, served: tuple[str, Page], width: int) -> None:
    url, page = served
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(f"{url}/?token={page.door.token()}")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
