"""A clock for whole simulated nights: it stands still until somebody waits or the test moves it."""

from __future__ import annotations

import datetime as dt
import threading

from pipeline.clock import Clock
from pipeline.errors import Interrupted


class SimulatedClock(Clock):
    """Safe for many threads; a wait is over at once, and later for everybody."""

    def __init__(self, start: dt.datetime) -> None:
        super().__init__(threading.Event())
        self.__dict__.update(_start=start, _passed=0.0, _lock=threading.Lock())

    _start: dt.datetime
    _passed: float
    _lock: threading.Lock

    def now(self) -> dt.datetime:
        return (self._start + dt.timedelta(seconds=self._passed)).replace(microsecond=0)

    def monotonic(self) -> float:
        return 10_000.0 + self._passed

    def sleep(self, seconds: float) -> None:
        if self.stopped.is_set():
            raise Interrupted("stopped")
        with self._lock:
            self.__dict__["_passed"] = self._passed + max(0.0, seconds)

    def move_to(self, moment: dt.datetime) -> None:
        """Let time pass until `moment`; never back."""
        self.sleep((moment - self._start).total_seconds() - self._passed)
