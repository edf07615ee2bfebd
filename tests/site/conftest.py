"""A browser, and every store that a test opened closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.site.browser import chromium, reader
from tests.site.made import close_stores


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with reader(browser) as opened:
        yield opened
