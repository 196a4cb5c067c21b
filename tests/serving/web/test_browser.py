"""The work queue in a browser: by keyboard alone, without scripts, raced, expired, signed out, and held to WCAG 2.2 AA."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from recoup.listening import Listener
from serving.api.app import create_app
from serving.store import sessions
from serving.worklist.listing import Which
from tests.serving.identity.clocks import PASSWORD
from tests.serving.web.audited import audited, keep
from tests.serving.web.practice import Practice, practice
from tests.serving.worklist.queues import LEA, item_of

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
HEAVIEST = 150_000
"""Bytes of a page with all that it loads."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; `make setup-system` installs it."""
    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"])
        yield opened
        opened.close()


class House:
    """A practice whose application listens on a port."""

    def __init__(self, practice: Practice, url: str) -> None:
        self.practice, self.url = practice, url


@contextmanager
def listening(office: Practice) -> Iterator[House]:
    """Serve a practice on a port of this machine."""
    listener = Listener("127.0.0.1", 0, has_identity=True)
    started, servers = threading.Event(), []

    def remember(server: Any) -> None:
        servers.append(server)
        started.set()

    thread = threading.Thread(target=lambda: listener.serve(create_app(office.service), started=remember))
    thread.start()
    assert started.wait(20)
    yield House(office, listener.url)
    servers[0].should_exit = True
    thread.join(20)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    queue = [item_of(n, payer_id="AETNA" if n % 2 else "BCBS", probability=0.5) for n in range(1, 61)]
    with listening(practice(tmp_path, queue)) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, house: House) -> Iterator[Page]:
    context = browser.new_context(base_url=house.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    with watched(context, house.url) as said:
        yield sign_in(context, "ana")
    context.close()
    assert said == []


@contextmanager
def watched(context: BrowserContext, url: str) -> Iterator[list[str]]:
    """Collect errors of the console, errors of scripts, and requests to any other host."""
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: said.append(str(error.error)))
    context.on("request", lambda request: said.append(request.url) if not request.url.startswith((url, "data:")) else None)
    yield said


def sign_in(context: BrowserContext, name: str) -> Page:
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("**/queue")
    return page


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def done_in(house: House) -> int:
    counts = house.practice.worklist.counts(LEA)
    return counts[Which.SKIPPED] + counts[Which.SENT]


def test_twenty_items_are_triaged_by_keyboard_alone(tab: Page, house: House) -> None:
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    focused = tab.locator("[data-open]:focus")
    expect(focused).to_have_attribute("href", "/items/i0060")
    tab.keyboard.press("t")
    for number in range(60, 40, -1):
        tab.wait_for_url(f"**/items/i{number:04d}")
        expect(tab.locator("main .top .lead")).to_contain_text(f"claim C{number} ")
        if number % 2:
            tab.keyboard.press("s")
            expect(tab.locator("form[action$='/skip'] select")).to_be_focused()
            tab.keyboard.press("ArrowDown")
            tab.keyboard.press("Tab")
            tab.keyboard.press("Tab")
            tab.keyboard.press("Enter")
        else:
            tab.keyboard.press("a")
            expect(tab.locator("form[action$='/send'] select")).to_be_focused()
            tab.keyboard.press("Tab")
            tab.keyboard.press("Enter")
    tab.wait_for_url("**/items/i0040")
    assert done_in(house) == 20
    tab.keyboard.press("u")
    tab.wait_for_url("**/items/i0041")
    expect(tab.locator(".said")).to_contain_text("Taken back.")
    assert done_in(house) == 19
    tab.keyboard.press("?")
    expect(tab.get_by_text("find a claim")).to_be_visible()
    tab.get_by_label("Keys are on in this browser").uncheck()
    tab.goto("/queue")
    tab.keyboard.press("t")
    tab.wait_for_timeout(300)
    assert tab.url.endswith("/queue")


def test_the_same_is_done_without_scripts(browser: Browser, house: House) -> None:
    context = browser.new_context(base_url=house.url, java_script_enabled=False)
    page = sign_in(context, "ana")
    page.get_by_role("button", name="Take the next one").click()
    for number in range(60, 40, -1):
        page.wait_for_url(f"**/items/i{number:04d}")
        if number % 2:
            page.get_by_text("Skip it, put it off or give it up").click()
            page.locator("form[action$='/skip'] select").select_option("not_worth_it")
            page.get_by_role("button", name="Skip", exact=True).click()
        else:
            page.get_by_role("button", name="Sent, open the next one").click()
    page.wait_for_url("**/items/i0040")
    assert done_in(house) == 20
    context.close()


def test_a_batch_of_ten_of_one_payer_is_worked_to_its_end_with_one_letter(browser: Browser, house: House) -> None:
    context = browser.new_context(base_url=house.url, accept_downloads=True)
    page = sign_in(context, "lea")
    page.goto("/payers")
    row = page.get_by_role("row").filter(has_text="BCBS")
    row.get_by_role("button", name="Work").click()
    page.wait_for_url("**/queue?which=mine&payer_id=BCBS")
    expect(page.locator("[data-open]")).to_have_count(10)
    page.get_by_label("Choose all shown").check()
    page.get_by_label("What to do with them").select_option("project")
    page.get_by_role("button", name="Go on").click()
    heading(page, "Put into a project: 10 items")
    page.get_by_label("Name of a new one").fill("BCBS, not necessary")
    page.get_by_role("button", name="Put into a project: 10 items").click()
    page.wait_for_url("**/projects/*")
    with page.expect_download() as download:
        page.get_by_role("link", name="Letter as Word").click()
    assert Path(download.value.path()).read_bytes().startswith(b"PK")
    page.locator("[data-open]").first.click()
    for number in range(60, 40, -2):
        page.wait_for_url(f"**/items/i{number:04d}")
        page.get_by_role("button", name="Sent, open the next one").click()
    # The batch is done: what opens now is of another payer again.
    page.wait_for_url("**/items/i0059")
    page.goto("/queue?which=sent&payer_id=BCBS")
    expect(page.locator("[data-open]")).to_have_count(10)
    context.close()


def test_of_two_who_want_one_item_the_second_is_told_who_has_it(browser: Browser, house: House) -> None:
    contexts = [browser.new_context(base_url=house.url) for _ in range(2)]
    ana, ben = sign_in(contexts[0], "ana"), sign_in(contexts[1], "ben")
    for page in (ana, ben):
        page.goto("/items/i0007")
    ana.get_by_role("button", name="Take it").click()
    expect(ana.locator(".said")).to_contain_text("It is yours now.")
    ben.get_by_role("button", name="Take it").click()
    expect(ben.get_by_role("alert").filter(has_text="ana was faster")).to_be_visible()
    expect(ben.get_by_text("ana holds this item until")).to_be_visible()
    expect(ben.get_by_role("button", name="Sent, open the next one")).to_have_count(0)
    for context in contexts:
        context.close()


def test_a_session_that_ends_amid_a_swap_leads_to_the_sign_in_page_whole(tab: Page, house: House) -> None:
    expect(tab.locator("[data-open]").first).to_be_visible()
    with house.practice.gate.store.write() as unit:
        unit.connection.execute(sessions.sessions.delete())
    with tab.expect_response(lambda answer: "/items/" in answer.url) as answer:
        tab.locator("[data-open]").first.click()
    assert answer.value.status == 204 and answer.value.headers["hx-redirect"].startswith("/sign-in")
    tab.wait_for_url(re.compile("/sign-in"))
    expect(tab.locator("[name=password]")).to_be_visible()
    assert "Expected back" not in tab.content() and tab.locator("nav[aria-label=Pages]").count() == 0


def test_back_after_signing_out_shows_nothing_of_patients(tab: Page) -> None:
    tab.locator("[data-open]").first.click()
    tab.wait_for_url("**/items/*")
    expect(tab.get_by_text("claim C60").first).to_be_visible()
    tab.locator("summary", has_text="ana").click()
    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url("**/sign-in*")
    for _ in range(3):
        tab.go_back()
        tab.wait_for_load_state()
        assert "C60" not in tab.content() and "AETNA" not in tab.content()


def test_staying_signed_in_keeps_what_was_typed(tab: Page) -> None:
    tab.goto("/items/i0007")
    tab.locator("textarea[name=text]").fill("half a thought")
    # As if two minutes were left.
    tab.evaluate("document.querySelector('[data-session-seconds]').dataset.sessionSeconds = 1")
    tab.evaluate("document.dispatchEvent(new Event('htmx:after:swap'))")
    warning = tab.get_by_role("alert").filter(has_text="You will be signed out")
    expect(warning).to_be_visible(timeout=15_000)
    with tab.expect_response("**/session/extend") as answer:
        tab.get_by_role("button", name="Stay signed in").click()
    assert answer.value.status == 204 and int(answer.value.headers["session-seconds"]) > 600
    expect(warning).to_be_hidden()
    expect(tab.locator("textarea[name=text]")).to_have_value("half a thought")


def test_an_answer_that_never_comes_is_told_in_place_of_nothing(browser: Browser, house: House) -> None:
    context = browser.new_context(base_url=house.url)
    page = sign_in(context, "ana")
    context.route("**/items/*", lambda route: route.abort())
    page.locator("[data-open]").first.click()
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    context.close()


def test_a_note_of_one_long_word_leaves_the_page_as_wide_as_the_telephone(browser: Browser, house: House) -> None:
    context = browser.new_context(base_url=house.url, viewport={"width": 390, "height": 844})
    page = sign_in(context, "ana")
    page.goto("/items/i0007")
    page.locator("textarea[name=text]").fill(f"https://payer.example/{'a' * 600} {'W' * 300}")
    page.locator("select[name=kind]").select_option("disagree")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".story")).to_contain_text("payer.example")
    lead = sign_in(browser.new_context(base_url=house.url, viewport={"width": 390, "height": 844}), "lea")
    lead.goto("/lead")
    expect(lead.locator("main")).to_contain_text("payer.example")
    for shown in (page, lead):
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390
        shown.context.close()


def test_an_amount_with_a_dollar_sign_and_commas_is_sent_and_a_wrong_one_is_told_the_form(tab: Page) -> None:
    tab.goto("/items/i0007")
    tab.get_by_text("The payer paid").click()
    amount = tab.locator("input[name=amount]")
    won = tab.get_by_role("button", name="Won, open the next one")
    amount.fill("12,50")
    won.click()
    assert amount.evaluate("field => field.validity.patternMismatch") and "1,250.50" in (amount.get_attribute("title") or "")
    amount.fill("$1,234.56")
    won.click()
    expect(tab.locator(".said")).to_contain_text("Won.")


def test_a_note_typed_after_the_session_ended_is_said_to_be_lost(tab: Page, house: House) -> None:
    tab.goto("/items/i0007")
    tab.locator("textarea[name=text]").fill("half a thought")
    with house.practice.gate.store.write() as unit:
        unit.connection.execute(sessions.sessions.delete())
    tab.get_by_role("button", name="Add").click()
    expect(tab.get_by_role("alert").filter(has_text="nothing of what you typed was kept")).to_be_visible()
    assert "half a thought" not in tab.content() and "i0007" not in tab.url


def test_who_stays_too_late_is_told_that_what_was_typed_is_lost(tab: Page, house: House) -> None:
    tab.goto("/items/i0007")
    tab.locator("textarea[name=text]").fill("half a thought")
    with house.practice.gate.store.write() as unit:
        unit.connection.execute(sessions.sessions.delete())
    tab.evaluate("document.querySelector('[data-session-seconds]').hidden = false")
    tab.get_by_role("button", name="Stay signed in").click()
    expect(tab.get_by_role("alert").filter(has_text="nothing of what you typed was kept")).to_be_visible()
    tab.fill("[name=name]", "ana")
    tab.fill("[name=password]", PASSWORD)
    tab.locator("main form button").first.click()
    tab.wait_for_url("**/items/i0007")


PAGES = (
    "/queue",
    "/queue?which=mine",
    "/queue?which=lapsed",
    "/follow-ups",
    "/payers",
    "/projects",
    "/lead",
    "/models",
    "/items/i0060",
    "/items/none",
    "/opportunity",
    "/opportunity/overpayments",
    "/opportunity/payers",
    "/opportunity/posting",
    "/opportunity/figures",
)


def test_every_page_is_accessible_light_and_speaks_to_nobody_else(browser: Browser, house: House, tmp_path: Path) -> None:
    keep(house.practice.gate, *audited(tmp_path))
    found: dict[str, list[str]] = {}
    context = browser.new_context(base_url=house.url, bypass_csp=True)
    with watched(context, house.url) as said:
        page = sign_in(context, "lea")
        page.goto("/payers")
        page.get_by_role("button", name="Work").first.click()
        page.wait_for_url("**/queue?which=mine*")
        page.get_by_label("Choose all shown").check()
        page.get_by_label("What to do with them").select_option("project")
        page.get_by_role("button", name="Go on").click()
        heading(page, "Put into a project: 10 items")
        found["bulk"] = violations(page)
        page.get_by_label("Name of a new one").fill("One cause")
        page.locator("main button.main").click()
        page.wait_for_url("**/projects/*")
        for path in (*PAGES, re.sub(r"^https?://[^/]+", "", page.url)):
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                found[f"{path} at {width}"] = violations(page)
            page.emulate_media(color_scheme="dark")
            found[f"{path} in the dark"] = violations(page)
            page.emulate_media(color_scheme="light")
            assert len(page.content().encode()) + sum(size.stat().st_size for size in STATIC) <= HEAVIEST, path
    context.close()
    assert {place: told for place, told in found.items() if told} == {}
    # A page that is not there is an error of the console, and meant to be.
    assert [text for text in said if "404" not in text] == []


STATIC = [Path("serving/web/static") / name for name in ("htmx.min.js", "recoup.js", "recoup.css", "recoup.svg")]


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page, with every part of it open."""
    page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true })")
    page.evaluate(AXE)
    told = page.evaluate("tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", TAGS)
    assert told["passes"], "axe looked at nothing"
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in told["violations"]]
