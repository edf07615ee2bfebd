"""A real browser for the tests: Debian's Chromium, driven by Playwright.

Where there is none the tests are skipped, but not where BROWSER_TESTS is set, as CI does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """One for all tests of a file: starting it takes a second."""
    if CHROMIUM is None and "BROWSER_TESTS" not in os.environ:
        pytest.skip("there is no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@contextmanager
def reader(
    browser: Browser, *, phone: bool = False, dark: bool = False, touch: bool = False
) -> Iterator[Page]:
    """A reader with a browser of their own; what goes wrong in a page fails the test."""
    context = browser.new_context(
        viewport={"width": 390, "height": 800} if phone else {"width": 1100, "height": 900},
        color_scheme="dark" if dark else "light",
        locale="zh-CN",
        has_touch=touch,
        accept_downloads=True,
        permissions=[],
    )
    page = context.new_page()
    wrong: list[str] = []

    def noted(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            wrong.append(message.text)

    def dismissed(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    page.on("console", noted)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", dismissed)
    yield page
    context.close()
    assert wrong == []


def visit(page: Page, file: Path, fragment: str = "") -> None:
    """Open a page of the site from its folder, and wait until its script is ready."""
    page.goto(f"{file.as_uri()}{fragment}")
    page.wait_for_selector("[data-ready]", state="attached")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For a package's tests; its conftest.py names it."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A reader of their own for each test."""
    with reader(browser) as opened:
        yield opened
