"""Workers as Ray's actors: on this machine, or on a cluster that shares the job's folder.

Ray starts them and tells when one dies. Nothing of its own checkpoints is relied on, and no data
goes through it: workers take shards from the coordinator like any other.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from pipeline.backfill.engine import Ended
from pipeline.backfill.worker import WorkOrder, work
from pipeline.errors import ConfigError, UsageError, one_line

_CONNECT_S = 10.0
_SPARE = 4
"""Processors, on paper, beyond the workers' own: with none left Ray hangs."""


def need_ray() -> None:
    """Raises ConfigError where it is not installed."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "Ray is not installed",
            where="backfill",
            fix="Install jianjie[backfill], or use processes of this machine: --local",
        ) from error


class RayEngine:
    """For one thread. `address` is a cluster's; None: one that is started here."""

    def __init__(self, workers: int, address: str | None = None) -> None:
        """Raises UsageError where the cluster is not there or has no room."""
        need_ray()
        if address is not None:
            _need_somebody(address)
        # Nothing is told to anybody; Ray reads these before it starts.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray: Any = ray
        settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if address is None:
            settings |= {"num_cpus": workers + _SPARE, "include_dashboard": False}
        else:
            settings |= {"address": address}
        try:
            ray.init(**settings)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise UsageError(
                f"Ray cannot be used: {one_line(error)[:200]}",
                where=address or "this machine",
                fix="Look at ray status, or use processes of this machine: --local",
            ) from error
        self._running: dict[Any, tuple[str, Any]] = {}
        if address is not None:
            self._need_room(workers, address)

    @property
    def host(self) -> str:
        """The address of this node, as the others know it."""
        return str(self._ray.util.get_node_ip_address())

    def start(self, order: WorkOrder) -> None:
        """Start a worker, on any node that has a processor free."""
        actor = self._ray.remote(num_cpus=1, max_restarts=0)(_Actor).remote()
        self._running[actor.work.remote(order)] = order.name, actor

    def ended(self, timeout: float) -> list[Ended]:
        """Those that ended since the last look."""
        over, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout)
        return [self._ended(reference) for reference in over]

    def stop(self) -> None:
        """End all of them now, and Ray where it was started here."""
        for _, actor in self._running.values():
            self._ray.kill(actor, no_restart=True)
        self._running.clear()
        self._ray.shutdown()

    def _ended(self, reference: Any) -> Ended:
        name, actor = self._running.pop(reference)
        try:
            self._ray.get(reference)
        except (self._ray.exceptions.RayError, Exception):
            return Ended(name, well=False)
        self._ray.kill(actor, no_restart=True)
        return Ended(name, well=True)

    def _need_room(self, workers: int, address: str) -> None:
        free = int(self._ray.available_resources().get("CPU", 0))
        if workers >= free:
            self._ray.shutdown()
            raise UsageError(
                f"{workers} workers want as many processors, and one must stay free: {free} are",
                where=address,
                fix=f"--workers {max(1, free - 1)}" if free > 1 else "Add nodes to the cluster",
            )


def _need_somebody(address: str) -> None:
    """Raises UsageError where nobody listens at HOST:PORT: Ray itself tries for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return  # auto, or a name that Ray knows what to do with
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"no Ray cluster is there: {one_line(error)}",
            where=f"--ray-address {address}",
            fix="Look at ray status, or use processes of this machine: --local",
        ) from error


class _Actor:
    def work(self, order: WorkOrder) -> None:
        """Until nothing is left."""
        work(order)
