"""The sign-in pages in a browser: they work under their own policy, and axe finds nothing against WCAG 2.2 AA."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from recoup.listening import Listener
from serving.access import Role
from serving.identity.gate import Gate, utc_now
from serving.identity.passwords import Passwords
from serving.store import migrations
from serving.store.store import Store
from tests.serving.identity.clocks import BOSS, PASSWORD
from tests.serving.test_rights import service_on

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; `make setup-system` installs it."""
    with sync_playwright() as tools:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        opened = tools.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Gate]]:
    """A service on a port of this machine, whose clock is the wall's."""
    home = tmp_path_factory.mktemp("served")
    store = Store.open(f"sqlite:///{home}/recoup.db")
    migrations.up(store)
    gate = Gate.open(store, home, passwords=Passwords.quick(), now=utc_now)
    gate.accounts.add(BOSS, "ana", Role.WORKER, password=PASSWORD)
    listener = Listener("127.0.0.1", 0, has_identity=False)
    started, servers = threading.Event(), []

    def remember(server: Any) -> None:
        servers.append(server)
        started.set()

    thread = threading.Thread(target=lambda: listener.serve(service_on(gate, home), started=remember))
    thread.start()
    listener.listen()
    assert started.wait(20)
    yield listener.url, gate
    servers[0].should_exit = True
    thread.join(20)
    store.close()


def sign_in(tab: Page, password: str = PASSWORD) -> None:
    tab.get_by_label("Name").fill("ana")
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()


def test_a_person_signs_in_and_out_under_the_policy_of_the_pages(browser: Browser, served: tuple[str, Gate]) -> None:
    url, gate = served
    context = browser.new_context()
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(f"{url}/account")
    assert tab.url == f"{url}/sign-in?next=/account"
    sign_in(tab)
    tab.wait_for_url(f"{url}/account")
    assert tab.get_by_role("heading", name="ana").is_visible()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in context.cookies()] == [(True, "Strict")]
    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url(f"{url}/sign-in")
    assert context.cookies() == [] and not any("Content Security Policy" in words for words in said)
    tab.goto(f"{url}/enter?token={gate.accounts.link(BOSS, 'ana')}")
    tab.wait_for_url(f"{url}/queue")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, served: tuple[str, Gate], scheme: Any) -> None:
    url, _ = served
    # axe is put into the page by the test, which the policy of the pages would forbid.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    tab = context.new_page()

    def check(place: str) -> None:
        found = Axe().run(tab, options=RULES).response
        assert found["violations"] == [] and found["passes"], place

    tab.goto(f"{url}/sign-in")
    check("sign-in")
    sign_in(tab, "wrong")
    assert tab.get_by_role("alert").is_visible()
    check("sign-in, refused")
    tab.goto(f"{url}/sign-in?next=/account")
    sign_in(tab)
    tab.wait_for_url(f"{url}/account")
    for place in ("/account", "/password", "/emergency"):
        tab.goto(f"{url}{place}")
        check(place)
    context.close()
