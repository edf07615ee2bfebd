"""One pace, in simulated time: for threads of one process, and for pacers that share a file."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import pacing
from pipeline.clock import Clock
from pipeline.errors import Interrupted
from pipeline.pacing import Pacer
from tests.conftest import FastClock

START = 1000.0


class GatedClock(FastClock):
    """Lets nobody through `sleep` while the gate is shut; `slept` has who went, in order."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "gate", threading.Event())
        object.__setattr__(self, "waiting", threading.Event())
        object.__setattr__(self, "slept", [])

    gate: threading.Event
    waiting: threading.Event
    slept: list[str]

    def sleep(self, seconds: float) -> None:
        self.waiting.set()
        self.gate.wait(5)
        name = threading.current_thread().name
        if name not in self.slept:
            self.slept.append(name)
        super().sleep(seconds)


def starts(pacer: Pacer, clock: FastClock, number: int, interval: float = 3.0) -> list[float]:
    times = []
    for _ in range(number):
        pacer.wait(interval)
        times.append(clock.monotonic())
    return times


@pytest.fixture(params=["alone", "shared"])
def pacer(request: pytest.FixtureRequest, clock: FastClock, tmp_path: Path) -> Pacer:
    return Pacer(clock, tmp_path / "pace" / "site" if request.param == "shared" else None)


# One pacer


def test_the_first_request_starts_at_once_and_the_others_an_interval_apart(
    pacer: Pacer, clock: FastClock
) -> None:
    assert starts(pacer, clock, 4) == [1000.0, 1003.0, 1006.0, 1009.0]


def test_time_that_passed_anyway_counts(pacer: Pacer, clock: FastClock) -> None:
    pacer.wait(3.0)
    clock.sleep(2.0)
    pacer.wait(3.0)
    clock.sleep(10.0)
    pacer.wait(3.0)

    assert clock.waits == [2.0, 1.0, 10.0]


def test_each_request_waits_its_own_interval(pacer: Pacer, clock: FastClock) -> None:
    times = []
    for interval in (3.0, 15.0, 3.0, 0.0, 15.0):
        pacer.wait(interval)
        times.append(clock.monotonic())

    assert times == [1000.0, 1015.0, 1018.0, 1018.0, 1033.0]


def test_an_interval_of_nothing_never_waits_and_leaves_no_file(
    clock: FastClock, tmp_path: Path
) -> None:
    pacer = Pacer(clock, tmp_path / "pace" / "site")

    assert starts(pacer, clock, 3, 0.0) == [1000.0] * 3
    assert clock.waits == []
    assert list(tmp_path.iterdir()) == []


def test_threads_share_one_pace(pacer: Pacer, clock: FastClock) -> None:
    ready = threading.Barrier(16)

    def request() -> None:
        ready.wait(5)
        pacer.wait(3.0)

    threads = [threading.Thread(target=request) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert clock.waits == [3.0] * 15
    assert clock.monotonic() == START + 15 * 3.0


def test_threads_go_in_the_order_in_which_they_ask() -> None:
    clock = GatedClock()
    pacer = Pacer(clock)
    names = [f"request {number}" for number in range(5)]
    threads = [threading.Thread(target=pacer.wait, args=(3.0,), name=name) for name in names]

    threads[0].start()
    assert clock.waiting.wait(5)
    for thread in threads[1:]:
        thread.start()
        time.sleep(0.02)  # until it stands in the queue
    clock.gate.set()
    for thread in threads:
        thread.join(5)

    assert clock.slept == names


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 30)), max_size=30),
    st.floats(0, 1e9),
)
def test_no_request_starts_too_early_or_later_than_it_must(
    steps: list[tuple[float, float]], boot: float
) -> None:
    clock = FastClock()
    clock._time[0] = boot
    pacer = Pacer(clock)
    last = float("-inf")

    for interval, pause in steps:
        asked = clock.monotonic()
        pacer.wait(interval)
        now = clock.monotonic()
        assert now == pytest.approx(max(asked, last + interval), abs=1e-6)
        last = now
        clock.sleep(pause)


# Stopping


@pytest.mark.parametrize("interval", [0.0, 3.0])
def test_a_stopped_run_starts_no_request(pacer: Pacer, clock: FastClock, interval: float) -> None:
    clock.stop()

    with pytest.raises(Interrupted):
        pacer.wait(interval)


def test_stopping_ends_a_wait_that_is_under_way() -> None:
    clock = Clock()
    pacer = Pacer(clock)
    pacer.wait(60.0)
    timer = threading.Timer(0.02, clock.stop)
    timer.start()
    start = time.monotonic()

    with pytest.raises(Interrupted):
        pacer.wait(60.0)

    assert time.monotonic() - start < 30


def test_who_was_interrupted_does_not_block_the_others() -> None:
    clock = Clock()
    pacer = Pacer(clock)
    pacer.wait(60.0)
    clock.stop()
    with pytest.raises(Interrupted):
        pacer.wait(60.0)
    raised: list[BaseException] = []

    def request() -> None:
        try:
            pacer.wait(60.0)
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(5)

    assert [type(error) for error in raised] == [Interrupted]


def test_a_request_that_was_never_sent_delays_no_other(clock: FastClock, tmp_path: Path) -> None:
    class Stopped(FastClock):
        def sleep(self, seconds: float) -> None:
            if seconds:
                raise Interrupted("stopped")

    first, second = (Pacer(c, tmp_path / "site") for c in (clock, Stopped()))
    first.wait(3.0)
    with pytest.raises(Interrupted):
        second.wait(3.0)

    first.wait(3.0)

    assert clock.monotonic() == 1003.0


# The file


def test_pacers_that_share_a_file_keep_one_pace(clock: FastClock, tmp_path: Path) -> None:
    pacers = [Pacer(clock, tmp_path / "site") for _ in range(3)]
    times = []

    for pacer in pacers * 2:
        pacer.wait(3.0)
        times.append(clock.monotonic())

    assert times == [1000.0 + 3.0 * n for n in range(6)]


def test_different_files_are_different_paces(clock: FastClock, tmp_path: Path) -> None:
    for name in ("arxiv.org", "127.0.0.1_80"):
        Pacer(clock, tmp_path / name).wait(3.0)

    assert clock.waits == []


@pytest.mark.parametrize(
    "left",
    [b"1000000.0", b"1000.1", b"nan", b"inf", b"-inf", b"", b"\xff\x00", b"soon", b"1e999", b"99"],
)
def test_a_file_of_another_boot_or_a_damaged_one_is_as_good_as_none(
    clock: FastClock, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / "site").write_bytes(left)
    pacer = Pacer(clock, tmp_path / "site")

    assert starts(pacer, clock, 3) == [1000.0, 1003.0, 1006.0]
    assert float((tmp_path / "site").read_text()) == 1006.0


def test_at_worst_a_file_of_another_boot_costs_one_interval(
    clock: FastClock, tmp_path: Path
) -> None:
    (tmp_path / "site").write_text("999.5")

    assert starts(Pacer(clock, tmp_path / "site"), clock, 2) == [1002.5, 1005.5]


@pytest.mark.parametrize("obstacle", ["file for the folder", "folder for the file", "for the lock"])
def test_where_no_file_can_be_the_process_keeps_the_pace_alone(
    clock: FastClock, tmp_path: Path, obstacle: str
) -> None:
    shared = tmp_path / "pace" / "site"
    if obstacle == "file for the folder":
        (tmp_path / "pace").write_text("")
    elif obstacle == "folder for the file":
        shared.mkdir(parents=True)
    else:
        Path(f"{shared}.lock").mkdir(parents=True)

    assert starts(Pacer(clock, shared), clock, 3) == [1000.0, 1003.0, 1006.0]


def test_who_holds_the_lock_for_ever_stops_nobody(
    clock: FastClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_LOCK_S", 0.01)
    frozen = FileLock(f"{tmp_path / 'site'}.lock")

    with frozen:
        assert starts(Pacer(clock, tmp_path / "site"), clock, 2) == [1000.0, 1003.0]
