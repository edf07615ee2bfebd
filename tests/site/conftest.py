"""Every store that a test opened is closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site.made import close_stores


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()
