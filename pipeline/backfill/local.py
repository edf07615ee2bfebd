"""Workers as processes of this machine, with nothing but Python."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from pipeline.backfill.engine import Ended
from pipeline.backfill.worker import WorkOrder, work

_END_S = 5.0


class LocalEngine:
    """The driver's children: they end when it does, for their line to it breaks."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        # A copy of this process would have its locks and connections, and not its threads.
        self._context = multiprocessing.get_context("spawn")
        self._running: dict[str, BaseProcess] = {}

    def start(self, order: WorkOrder) -> None:
        """Start a worker."""
        process = self._context.Process(target=_work, args=(order,), name=order.name, daemon=True)
        process.start()
        self._running[order.name] = process

    def ended(self, timeout: float) -> list[Ended]:
        """Those that ended since the last look."""
        wait([process.sentinel for process in self._running.values()], timeout)
        over = [name for name, process in self._running.items() if not process.is_alive()]
        return [Ended(name, self._running.pop(name).exitcode == 0) for name in over]

    def stop(self) -> None:
        """End all of them now."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.join(_END_S)
        self._running.clear()


def _work(order: WorkOrder) -> None:
    """In the worker's process, which ends at once: no thread that still waits holds it up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver's to hear
    status = 1
    try:
        work(order)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)
