from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clock import Clock
from pipeline.errors import Interrupted, ModelThrottled
from pipeline.llm.pace import Pace, Turn, duration, exhausted_for
from tests.conftest import FastClock

MOST = 8
START = FastClock().monotonic()


def pace(clock: Clock, most: int = MOST, patience_s: float = 600.0, **limits: Any) -> Pace:
    return Pace(most, clock, patience_s=patience_s, where="tiny at 127.0.0.1", **limits)


def starts(pace: Pace, clock: Clock, calls: int, tokens: int = 0) -> list[float]:
    """When calls begin that are over at once, in seconds from the start."""
    begun: list[float] = []
    for _ in range(calls):
        with pace.turn(tokens) as turn:
            begun.append(turn.began - START)
    return begun


# Per minute


def test_without_limits_nobody_waits(clock: FastClock) -> None:
    assert starts(pace(clock), clock, 1000) == [0.0] * 1000
    assert clock.waits == []


def test_a_minute_has_so_many_requests(clock: FastClock) -> None:
    begun = starts(pace(clock, requests_per_minute=3), clock, 8)

    assert begun == [0, 0, 0, 60, 60, 60, 120, 120]


def test_a_minute_has_so_many_tokens(clock: FastClock) -> None:
    assert starts(pace(clock, tokens_per_minute=1000), clock, 5, tokens=400) == [0, 0, 60, 60, 120]


def test_a_call_larger_than_the_limit_goes_alone(clock: FastClock) -> None:
    """It would wait for ever; the endpoint says what it thinks of it."""
    slow = pace(clock, tokens_per_minute=1000)

    assert starts(slow, clock, 1, 400) + starts(slow, clock, 2, 5000) == [0, 60, 120]


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 500), max_size=60),
    pauses=st.lists(st.floats(0, 40), min_size=60, max_size=60),
)
def test_no_minute_has_more(sizes: list[int], pauses: list[float]) -> None:
    clock = FastClock()
    limited = pace(clock, requests_per_minute=5, tokens_per_minute=1000)
    begun: list[tuple[float, int]] = []

    for size, pause in zip(sizes, pauses, strict=False):
        clock.sleep(pause)
        with limited.turn(size) as turn:
            begun.append((turn.began, size))

    for at, _ in begun:
        minute = [size for other, size in begun if at - 60 + 1e-6 < other <= at]
        assert len(minute) <= 5
        assert sum(minute) <= 1000


# At once


def test_no_more_calls_at_once_than_the_profile_says() -> None:
    clock, busy, most = Clock(), [0], [0]
    limited, counting = pace(clock, most=3), threading.Lock()

    def call(_: int) -> None:
        with limited.turn(0):
            with counting:
                busy[0] += 1
                most[0] = max(most[0], busy[0])
            clock.sleep(0.002)
            with counting:
                busy[0] -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(100)))

    assert most == [3]


def test_a_stopped_run_waits_for_no_place() -> None:
    clock = Clock()
    full = pace(clock, most=1)

    with full.turn(0):
        threading.Timer(0.05, clock.stop).start()
        with pytest.raises(Interrupted), full.turn(0):
            pass


# After a 429


def throttle(pace: Pace, asked: float | None = None) -> float:
    with pace.turn(0) as turn:
        return pace.throttled(turn, asked)


def test_a_429_halves_the_calls_at_once_and_answers_bring_them_back(clock: FastClock) -> None:
    slowed = pace(clock)

    throttle(slowed, 1.0)
    assert slowed.at_once == MOST // 2

    for _ in range(MOST):
        slowed.answered({})
    assert slowed.at_once == MOST


def test_calls_that_were_out_together_count_once(clock: FastClock) -> None:
    slowed = pace(clock)
    turns = [Turn(clock.monotonic() - 1, 0) for _ in range(MOST)]

    waits = [slowed.throttled(turn, 5.0) for turn in turns]

    assert slowed.at_once == MOST // 2
    assert waits == [5.0] * MOST


def test_one_call_at_once_is_always_left(clock: FastClock) -> None:
    slowed = pace(clock)

    for _ in range(20):
        throttle(slowed, 1.0)

    assert slowed.at_once == 1
    assert starts(slowed, clock, 1)


def test_everybody_waits_as_long_as_it_asks(clock: FastClock) -> None:
    slowed = pace(clock)

    assert throttle(slowed, 17.0) == 17.0
    assert starts(slowed, clock, 2) == [17.0, 17.0]


def test_where_it_does_not_say_pauses_double_and_recover(clock: FastClock) -> None:
    slowed = pace(clock)

    pauses = [throttle(slowed) for _ in range(8)]

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    for _ in range(6):
        slowed.answered({})
    assert throttle(slowed) < 4


def test_a_pause_beyond_all_patience_is_an_error(clock: FastClock) -> None:
    """A daily limit must not hold the night."""
    slowed = pace(clock, patience_s=600)

    throttle(slowed, 3600.0)
    with pytest.raises(ModelThrottled, match=r"tiny.*pause of 3,600 s"), slowed.turn(0):
        pass

    assert clock.waits == []


@pytest.mark.parametrize(
    ("headers", "begins"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_an_answer_that_says_nothing_is_left_is_heeded(
    clock: FastClock, headers: dict[str, str], begins: float
) -> None:
    heeding = pace(clock)

    heeding.answered(headers)

    assert starts(heeding, clock, 1) == pytest.approx([begins])


def test_both_limits_used_up_wait_for_the_later() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "3s",
    }
    assert exhausted_for(headers) == 3.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("20ms", 0.02),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("1s later", None),
        ("nan", None),
        ("inf", None),
        ("1d", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


def test_a_storm_over_many_threads_ends_and_everyone_is_served() -> None:
    """64 callers against an endpoint that takes 4 at once: nobody is lost, the pace settles."""
    clock = Clock()
    shared = pace(clock, most=64)
    inside, lock, refused, served = [0], threading.Lock(), [0], [0]

    def endpoint(call: Callable[[], None]) -> bool:
        with lock:
            if inside[0] >= 4:
                refused[0] += 1
                return False
            inside[0] += 1
        clock.sleep(0.002)
        with lock:
            inside[0] -= 1
            served[0] += 1
        call()
        return True

    def caller(_: int) -> None:
        while True:
            with shared.turn(0) as turn:
                if endpoint(lambda: shared.answered({})):
                    return
                shared.throttled(turn, 0.005)

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(caller, range(300)))

    assert served == [300]
    assert refused[0] < 300  # most of what is sent is answered: the pace is near what it takes


def test_turns_are_in_order_of_time(clock: FastClock) -> None:
    begun = starts(pace(clock, requests_per_minute=2), clock, 9)

    assert all(before <= after for before, after in pairwise(begun))
