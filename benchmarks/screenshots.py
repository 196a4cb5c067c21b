"""Pictures of the work queue of a synthetic practice, for the documentation: `python -m benchmarks.screenshots`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PLACE = Path("docs/screenshots")
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
ROWS = "8000"


def main() -> None:
    """Start a demonstration, look at its pages, keep them as PNG."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with demonstration() as link, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"])
        context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(link)
        page.wait_for_url(re.compile("/queue$"))
        base = page.url.removesuffix("/queue")
        for name in ("queue", "payers", "lead", "opportunity", "models"):
            page.goto(f"{base}/{name}")
            keep(page, name)
        begin_project(page, base)
        keep(page, "project")
        page.goto(f"{base}/queue")
        page.get_by_role("button", name="Take the next one").click()
        page.wait_for_url(re.compile("/items/"))
        keep(page, "item")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        page.reload()
        keep(page, "mobile")
        browser.close()


def begin_project(page: Page, base: str) -> None:
    """Put what was refused as sent too late into a project with words of its own."""
    page.goto(f"{base}/queue?carc=29")
    page.get_by_label("Choose all shown").check()
    page.get_by_label("What to do with them").select_option("project")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name of a new one").fill("Sent to the wrong fax number")
    page.get_by_label("What went wrong, for all of them").fill("The payer changed its number in June")
    page.get_by_label("Words that its letters begin with").fill(
        "All {claims_count} claims were sent in time to the number that you used until June."
    )
    page.locator("main button.main").click()
    page.wait_for_url(re.compile("/projects/"))


def keep(page: Page, name: str) -> None:
    """Write what is seen of a page, once nothing moves any more."""
    page.wait_for_load_state()
    page.evaluate("document.activeElement?.blur()")
    page.screenshot(path=PLACE / f"{name}.png")


@contextmanager
def demonstration() -> Iterator[str]:
    """Run `recoup demo` on a port of its own; yield the address that opens it."""
    with tempfile.TemporaryDirectory() as home:
        command = [str(Path(sys.executable).with_name("recoup")), "demo", "--rows", ROWS, "--port", "0"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"RECOUP_HOME": home, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
        )
        assert process.stdout is not None
        try:
            yield next(line.split()[1] for line in process.stdout if line.startswith("open "))
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
