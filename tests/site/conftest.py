"""A browser, and every store that a test opened closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site.browser import browser, page
from tests.site.made import close_stores

__all__ = ["browser", "page"]


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()
