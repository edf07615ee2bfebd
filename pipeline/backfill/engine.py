"""What starts workers and tells when they end; local.py and on_ray.py are the two kinds."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pipeline.backfill.worker import WorkOrder


class Ended(NamedTuple):
    """A worker that is over."""

    name: str
    well: bool
    """Whether it came to its end, and was not killed."""


class Engine(Protocol):
    """For one thread."""

    @property
    def host(self) -> str:
        """Where workers find the coordinator."""

    def start(self, order: WorkOrder) -> None:
        """Start a worker."""

    def ended(self, timeout: float) -> list[Ended]:
        """Those that ended since the last look; waits up to `timeout` seconds for one."""

    def stop(self) -> None:
        """End all of them now: what they have is taken by others."""
