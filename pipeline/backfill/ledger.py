"""Who works on which shard, and what is over: the one truth while a job runs.

A shard is taken by one worker at a time. Whoever does not beat for `lease_s` may lose it to
another; a fence, which grows with each taking, tells the two apart, and only the holder of the
newest can finish. What is finished stands in files (parts.py), so that nothing of this is needed
when the job goes on another day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

LEASE_S = 60.0


class Lease(NamedTuple):
    """A shard in one worker's hands."""

    shard: str
    fence: int


class _Held(NamedTuple):
    lease: Lease
    worker: str


class Ledger:
    """For one thread. Times are seconds of any monotonic clock, and are handed in."""

    def __init__(self, shards: Iterable[str], lease_s: float = LEASE_S) -> None:
        """`shards` are those that are not finished, in the order in which they are wanted."""
        self._open = deque(shards)
        self._held: dict[str, _Held] = {}
        self._beats: dict[str, float] = {}
        self._lease_s = lease_s
        self._fences = 0
        self.taken_over = 0
        """How often a shard was given to another worker than the first."""

    @property
    def over(self) -> bool:
        """Whether every shard is finished."""
        return not self._open and not self._held

    @property
    def open(self) -> int:
        """Shards that nobody has."""
        return len(self._open)

    @property
    def held(self) -> int:
        """Shards that somebody has."""
        return len(self._held)

    def take(self, worker: str, now: float) -> Lease | None:
        """A shard for this worker; None where the others have all that are left."""
        self._beats[worker] = now
        shard = self._open.popleft() if self._open else self._lost(worker, now)
        if shard is None:
            return None
        self._fences += 1
        lease = Lease(shard, self._fences)
        self._held[shard] = _Held(lease, worker)
        return lease

    def beat(self, worker: str, now: float) -> None:
        """The worker is alive."""
        self._beats[worker] = now

    def holds(self, worker: str, lease: Lease) -> bool:
        """Whether it is still this worker's."""
        return self._held.get(lease.shard) == _Held(lease, worker)

    def finish(self, worker: str, lease: Lease) -> bool:
        """The shard is done. False, and nothing changed, where another has it now."""
        if not self.holds(worker, lease):
            return False
        del self._held[lease.shard]
        return True

    def gone(self, worker: str) -> None:
        """The worker is over: what it had comes first again."""
        self._beats.pop(worker, None)
        mine = [shard for shard, held in self._held.items() if held.worker == worker]
        for shard in reversed(mine):
            del self._held[shard]
            self._open.appendleft(shard)
        self.taken_over += len(mine)

    def _lost(self, worker: str, now: float) -> str | None:
        """The shard of another that has not beaten for the longest, if that is too long."""
        others = [
            (self._beats.get(held.worker, 0.0), shard)
            for shard, held in self._held.items()
            if held.worker != worker
        ]
        beat, shard = min(others, default=(now, ""))
        if now - beat <= self._lease_s:
            return None
        self.taken_over += 1
        return shard
