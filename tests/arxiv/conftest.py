"""The loopback sites and clients of the tests of arXiv's edge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import FastClock
from tests.standins.site import Net


@pytest.fixture
def net(clock: FastClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    net = Net(clock, tmp_path_factory.mktemp("cache"))
    yield net
    net.close()
