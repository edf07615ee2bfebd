"""The one retry policy and the one rate limit, for arXiv and models alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from pipeline.clock import Clock
from pipeline.errors import JianjieError
from pipeline.settings import RetrySettings

T = TypeVar("T")


class Pacer:
    """Lets one request start every `interval` seconds, in the order in which they ask."""

    def __init__(self, interval: float, clock: Clock) -> None:
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next request may start; raises Interrupted when the run is stopped."""
        with self._lock:
            # Even where nothing is to wait for: a stopped run sends nothing more.
            self._clock.sleep(self._next - self._clock.monotonic())
            self._next = self._clock.monotonic() + self._interval


class Retry:
    """Calls again what failed for a reason that can pass, within bounds of number and time."""

    def __init__(self, settings: RetrySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._backoff = wait_random_exponential(
            multiplier=settings.first_wait_s, max=settings.longest_wait_s
        )

    def call(self, function: Callable[[], T]) -> T:
        """`function()`; raises its last error when it is final or the bounds are reached."""
        start = self._clock.monotonic()
        retrying = Retrying(
            retry=retry_if_exception(_can_pass),
            wait=self._wait,
            stop=lambda state: self._spent(state, start),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(function)

    def _wait(self, state: RetryCallState) -> float:
        """What the server asked for, else exponential back-off with jitter; seconds."""
        asked = _asked_wait(state)
        return self._backoff(state) if asked is None else asked

    def _spent(self, state: RetryCallState, start: float) -> bool:
        if state.attempt_number >= self._settings.attempts:
            return True
        resume = self._clock.monotonic() + state.upcoming_sleep
        return resume - start > self._settings.total_s


def _can_pass(error: BaseException) -> bool:
    return isinstance(error, JianjieError) and error.retryable


def _asked_wait(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return getattr(error, "retry_after", None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that either form of Retry-After asks for (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers["Date"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())
