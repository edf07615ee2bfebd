"""What all tests share: a clock without waiting, and an environment without settings of ours."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.clock import Clock
from pipeline.errors import Interrupted
from pipeline.settings import RetrySettings

if TYPE_CHECKING:
    from tests.standins.house import House

ROOT = Path(__file__).parent.parent


class FastClock(Clock):
    """Time passes only when somebody waits, and then at once. `waits` has every wait in seconds."""

    def __init__(self) -> None:
        super().__init__(threading.Event())
        object.__setattr__(self, "waits", [])
        object.__setattr__(self, "_time", [1000.0])

    waits: list[float]
    _time: list[float]

    def monotonic(self) -> float:
        return self._time[0]

    def sleep(self, seconds: float) -> None:
        if self.stopped.is_set():
            raise Interrupted("stopped")
        if seconds > 0:
            self.waits.append(seconds)
            self._time[0] += seconds


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and what the tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that the other worker is not idle at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def retry() -> RetrySettings:
    return RetrySettings()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting, key or proxy of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("JIANJIE_") or name.endswith("_API_KEY") or "proxy" in name.lower():
            monkeypatch.delenv(name)
    yield


@pytest.fixture(scope="session")
def finished_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the outputs and the cache of a night that nothing disturbed; do not change."""
    from tests.standins.house import open_house  # it imports this module

    folder = tmp_path_factory.mktemp("night")
    with open_house(folder) as house:
        assert house.run("run").returncode == 0
    return folder


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A user's folder, with a stand-in arXiv and model."""
    from tests.standins.house import open_house  # it imports this module

    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def finished(tmp_path: Path, finished_night: Path) -> Iterator[House]:
    """The morning after a good night."""
    from tests.standins.house import open_house  # it imports this module

    for part in ("outputs", "cache"):
        shutil.copytree(finished_night / part, tmp_path / part)
    with open_house(tmp_path) as opened:
        yield opened
