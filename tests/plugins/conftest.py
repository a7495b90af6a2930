"""Let tests of plugins import what they share, and look at pages in a real browser."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium; without one tests are skipped, but not where everything must be checked."""
    chromium = shutil.which("chromium")
    if chromium is None and not os.environ.get("REGHARNESS_TEST_EVERYTHING"):
        pytest.skip("there is no chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


class Windows:
    """Windows of a browser, opened once for each size and kind, and what their pages complain of and ask for."""

    def __init__(self, browser):
        self.browser, self.opened = browser, {}
        self.complaints, self.requests = [], []

    def __call__(self, path, width=1280, **options):
        kind = (width, *options.items())
        if kind not in self.opened:
            page = self.browser.new_page(viewport={"width": width, "height": 900}, **options)
            page.on("console", lambda message: self.complaints.append(message.text))
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            page.on("request", lambda request: self.requests.append(request.url))
            self.opened[kind] = page
        page = self.opened[kind]
        page.mouse.move(0, 0)
        page.goto("about:blank")
        self.complaints.clear()
        self.requests.clear()
        page.goto(Path(path).as_uri())
        return page


@pytest.fixture(scope="module")
def visit(browser):
    """Open a file in a window, afresh each time."""
    return Windows(browser)
