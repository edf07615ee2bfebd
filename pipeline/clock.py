"""Time as an edge: what the time is, and how to wait for it to pass."""

from __future__ import annotations

import datetime as dt
import threading
import time
from dataclasses import dataclass, field

from pipeline.errors import Interrupted

GRACE_S = 5.0
"""A stopped run waits so long for replies that are already paid for and on their way."""


@dataclass(frozen=True)
class Clock:
    """The machine's clock; a wait ends at once, with Interrupted, when the run is stopped."""

    stopped: threading.Event = field(default_factory=threading.Event)

    def now(self) -> dt.datetime:
        """Wall-clock time in UTC, to the second."""
        return dt.datetime.now(dt.UTC).replace(microsecond=0)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; raises Interrupted when the run is stopped before or meanwhile."""
        if self.stopped.wait(max(0.0, seconds)):
            raise Interrupted("stopped", fix="Run again to finish: nothing stored is lost")

    def stop(self) -> None:
        """Ask everything that waits to give up."""
        self.stopped.set()
