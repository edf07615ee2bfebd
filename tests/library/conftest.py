from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site.browser import browser, page
from tests.standins.house import House, open_house

__all__ = ["browser", "page"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A night."""
    with open_house(tmp_path_factory.mktemp("full")) as house:
        assert house.run("run").returncode == 0
        yield house
