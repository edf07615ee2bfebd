"""The one retry policy and the one rate limit, for arXiv and models alike."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from pipeline.clock import Clock
from pipeline.errors import JianjieError, ModelThrottled
from pipeline.settings import RetrySettings

T = TypeVar("T")

LONGEST_WAIT_S = 1e6
"""Twelve days: a server that asks for more asks for no wait that anybody could mean."""
_LOCK_S = 5.0
"""The lock is held for the time of reading and writing one number."""
_TICK_S = 1e-7
"""Less than this is rounding, not time."""


class Pacer:
    """Tells when the next request may start: one pace for all who share a file.

    The file holds the start of the last request by `clock.monotonic()`, which on Linux and macOS
    is one clock for all processes from one boot to the next. A start in the future is of another
    boot, so that no file ever makes anybody wait longer than `interval`. Where the file cannot be
    read or written each process keeps the pace by itself.
    """

    def __init__(self, clock: Clock, shared: Path | None = None) -> None:
        self._clock = clock
        self._shared = shared
        self._lock = threading.Lock()
        self._last = -math.inf

    def wait(self, interval: float) -> None:
        """Return `interval` seconds after the last request's start, or at once; threads queue.

        Raises Interrupted when the run is stopped.
        """
        with self._lock:
            # Even where nothing is to wait for: a stopped run sends nothing more.
            self._clock.sleep(0)
            while (left := self._start(interval)) > 0:
                self._clock.sleep(left)

    def _start(self, interval: float) -> float:
        """0 where a request may start now, which is then put down; else the seconds left."""
        with self._locked(interval) as file:
            now = self._clock.monotonic()
            last = max(self._last, _last_start(file, now) if file else -math.inf)
            if (left := last + interval - now) > _TICK_S:
                return left
            self._last = now
            if file:
                with suppress(OSError):
                    file.write_text(repr(now), encoding="ascii")
        return 0.0

    @contextmanager
    def _locked(self, interval: float) -> Iterator[Path | None]:
        """The shared file; None where there is no need of one or no way to it."""
        if self._shared is None or not interval:
            yield None
            return
        lock = FileLock(f"{self._shared}.lock")
        try:
            self._shared.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=_LOCK_S, poll_interval=0.01)
        except (OSError, NotImplementedError):  # a time-out; a file system without locks
            yield None
            return
        try:
            yield self._shared
        finally:
            lock.release()


def _last_start(file: Path, now: float) -> float:
    """What `file` says; what cannot be right counts as long ago."""
    try:
        last = float(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return -math.inf
    return last if last <= now else -math.inf


class Retry:
    """Calls again what failed for a reason that can pass, within bounds of number and time."""

    def __init__(self, settings: RetrySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._backoff = wait_random_exponential(
            multiplier=settings.first_wait_s, max=settings.longest_wait_s
        )

    def call(self, function: Callable[[], T], deadline: float = math.inf) -> T:
        """`function()`; raises its last error when it is final or the bounds are reached.

        No try begins after `deadline`, in seconds of the clock's monotonic time.
        """
        last = min(deadline, self._clock.monotonic() + self._settings.total_s)
        retrying = Retrying(
            retry=retry_if_exception(_can_pass),
            wait=self._wait,
            stop=lambda state: self._spent(state, last),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(function)

    def _wait(self, state: RetryCallState) -> float:
        """What the server asked for, else exponential back-off with jitter; seconds."""
        seconds = _asked_wait(state)
        return self._backoff(state) if seconds is None else seconds

    def _spent(self, state: RetryCallState, last: float) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # A model that asks for a slower pace is there: only time bounds how long it is obeyed.
        throttled = isinstance(error, ModelThrottled)
        if state.attempt_number >= self._settings.attempts and not throttled:
            return True
        return self._clock.monotonic() + state.upcoming_sleep > last


def _can_pass(error: BaseException) -> bool:
    return isinstance(error, JianjieError) and error.retryable


def _asked_wait(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return getattr(error, "retry_after", None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that either form of Retry-After asks for (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return min(float(value), LONGEST_WAIT_S)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers["Date"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, wait.total_seconds()), LONGEST_WAIT_S)
