"""A million papers on a thousand workers, simulated with the program's own ledger and pace.

    make simulate-backfill

Discrete events, seeded: calls begin and end, workers die (most of them hang up, some fall silent
and are found by their missing beats), an endpoint has a storm of 429s. Every paper must end once.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from rich import box
from rich.table import Table

from pipeline.backfill.ledger import LEASE_S, Lease, Ledger
from pipeline.clock import Clock
from pipeline.llm.pace import Pace, Turn
from scripts.bench import OUT

SHARD = 200
HOUR = 3600.0
BACK_S = 60.0
"""After which another worker stands in a dead one's place."""
SILENT = 0.1
"""Of the deaths, those that nobody tells of: a machine that hangs, a cable that is cut."""
PATIENCE_S = 600.0


class Case(NamedTuple):
    """What is simulated."""

    name: str
    papers: int
    workers: int
    at_once: int
    """Calls of one worker."""
    call_s: float
    """Mean seconds of a call; each takes between half and one and a half of it."""
    deaths_an_hour: float = 0.01
    """Of each worker."""
    endpoint: int | None = None
    """Calls that the endpoint that all share takes; None: each worker has its own model."""
    storm: tuple[float, float] | None = None
    """When the endpoint answers nothing but 429: from, to, in seconds."""


CASES = (
    Case("own models", 1_000_000, 1000, 8, 80.0),
    Case("own models, ten times the deaths", 1_000_000, 1000, 8, 80.0, deaths_an_hour=0.1),
    Case("one endpoint, 2,000 calls open", 1_000_000, 1000, 4, 4.0, endpoint=2000),
    Case(
        "... with a storm of 429s, 10 min",
        1_000_000,
        1000,
        4,
        4.0,
        endpoint=2000,
        storm=(600.0, 1200.0),
    ),
)


class Result(NamedTuple):
    """What came of it."""

    hours: float
    ideal_hours: float
    """With nothing but calls, none of them in vain."""
    deaths: int
    taken_over: int
    """Shards that another worker than the first brought to their end."""
    again: int
    """Calls that were made twice: their worker died before the reply was kept."""
    throttled: int
    messages_s: float
    """To the coordinator, a second, at the busiest of all minutes."""


class _Time(Clock):
    """The simulation's own."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} s here")


class _Worker:
    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.silent = False
        self.shards: dict[str, Lease] = {}
        self.todo: list[str] = []
        """The shard of each paper that is taken and not begun."""
        self.open = 0


class _Simulation:
    def __init__(self, case: Case, seed: int) -> None:
        self.case = case
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.time = _Time()
        shards = [f"s{n}" for n in range(math.ceil(case.papers / SHARD))]
        self.ledger = Ledger(shards)
        self.pace = None
        if case.endpoint is not None:
            self.pace = Pace(case.endpoint, self.time, patience_s=PATIENCE_S, where="m")
        self.left = {shard: min(SHARD, case.papers - at * SHARD) for at, shard in enumerate(shards)}
        """Papers of each shard whose replies are not kept yet."""
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = count()
        self.done = self.again = self.deaths = self.throttled = self.messages = 0
        self.busiest = 0
        self.minute = 0

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self.events, (seconds, next(self.numbers), do))

    def told(self, messages: int = 1) -> None:
        """A worker's words to the coordinator."""
        if (minute := int(self.time.seconds // 60)) != self.minute:
            self.minute, self.messages = minute, 0
        self.messages += messages
        self.busiest = max(self.busiest, self.messages)

    def run(self) -> Result:
        for number in range(self.case.workers):
            self.begin(f"w{number}")
        while self.events and not self.ledger.over:
            self.time.seconds, _, do = heapq.heappop(self.events)
            do()
        if not self.ledger.over or any(self.left.values()) or self.done != self.case.papers:
            sys.exit(f"{self.case.name}: {self.done} of {self.case.papers} papers came to an end")
        calls = self.case.endpoint or self.case.workers * self.case.at_once
        ideal = (
            self.case.papers * self.case.call_s / min(calls, self.case.workers * self.case.at_once)
        )
        return Result(
            self.time.seconds / HOUR,
            ideal / HOUR,
            self.deaths,
            self.ledger.taken_over,
            self.again,
            self.throttled,
            self.busiest / 60,
        )

    # Workers

    def begin(self, name: str) -> None:
        worker = _Worker(name)
        lives = self.chance.expovariate(self.case.deaths_an_hour / HOUR)
        self.at(self.time.seconds + lives, lambda: self.die(worker))
        self.beat(worker)
        self.fill(worker)

    def beat(self, worker: _Worker) -> None:
        if worker.alive:
            self.ledger.beat(worker.name, self.time.seconds)
            self.told()
            self.at(self.time.seconds + LEASE_S / 6, lambda: self.beat(worker))

    def die(self, worker: _Worker) -> None:
        """What is open is lost, and asked for again by whoever has the shard next."""
        worker.alive = False
        worker.silent = self.chance.random() < SILENT
        self.deaths += 1
        self.again += worker.open
        if not worker.silent:
            self.ledger.gone(worker.name)
        name = f"{worker.name}+"
        self.at(self.time.seconds + BACK_S, lambda: self.begin(name))

    def fill(self, worker: _Worker) -> None:
        """Calls as many as it may have, of shards that it takes as it needs them."""
        while worker.alive and worker.open < self.case.at_once:
            if not worker.todo and not self.take(worker):
                return
            turn = self.turn()
            if not isinstance(turn, Turn):
                self.at(self.time.seconds + max(turn, 0.2), lambda: self.fill(worker))
                return
            shard = worker.todo.pop()
            worker.open += 1
            took = self.case.call_s * self.chance.uniform(0.5, 1.5)
            self.at(self.time.seconds + took, lambda s=shard, t=turn: self.came(worker, s, t))  # type: ignore[misc]

    def take(self, worker: _Worker) -> bool:
        lease = self.ledger.take(worker.name, self.time.seconds)
        self.told()
        if lease is None:
            self.at(self.time.seconds + 5.0, lambda: self.fill(worker))
            return False
        worker.shards[lease.shard] = lease
        worker.todo += [lease.shard] * self.left[lease.shard]
        if not self.left[lease.shard]:
            self.finish(worker, lease.shard)
        return bool(worker.todo) or self.take(worker)

    def turn(self) -> Turn | float:
        self.told(2)
        if self.pace is None:
            return Turn(self.time.seconds, 0)
        return self.pace.try_enter(0)

    def came(self, worker: _Worker, shard: str, turn: Turn) -> None:
        """A reply: kept where its worker lives and nobody else kept all of the shard's."""
        self.told(2)
        if self.pace is not None:
            self.pace.leave()
        if not worker.alive:
            return
        worker.open -= 1
        storm = self.case.storm
        if self.pace is not None and storm and storm[0] <= self.time.seconds < storm[1]:
            self.throttled += 1
            wait = self.pace.throttled(turn, None)
            worker.todo.append(shard)
            self.at(self.time.seconds + wait, lambda: self.fill(worker))
            return
        if self.pace is not None:
            self.pace.regained(None)
        if self.left[shard]:
            self.left[shard] -= 1
            self.done += 1
        else:
            self.again += 1
        if not self.left[shard]:
            self.finish(worker, shard)
        self.fill(worker)

    def finish(self, worker: _Worker, shard: str) -> None:
        lease = worker.shards.pop(shard, None)
        if lease is not None:
            self.told()
            self.ledger.finish(worker.name, lease)


def main() -> None:
    """Every case, with as many seeds as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the papers and the workers")
    asked = parser.parse_args()
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("case", "seed", "hours", "× ideal", "deaths", "shards taken over", "calls again"):
        table.add_column(name, justify="left" if name == "case" else "right")
    table.add_column("429s", justify="right")
    table.add_column("messages/s", justify="right")
    for case in CASES:
        small = case._replace(
            papers=int(case.papers * asked.share), workers=max(1, int(case.workers * asked.share))
        )
        if case.endpoint:
            small = small._replace(endpoint=max(1, int(case.endpoint * asked.share)))
        for seed in range(1, asked.seeds + 1):
            result = _Simulation(small, seed).run()
            table.add_row(
                case.name,
                f"{seed}",
                f"{result.hours:.2f}",
                f"{result.hours / result.ideal_hours:.3f}",
                f"{result.deaths:,}",
                f"{result.taken_over:,}",
                f"{result.again:,}",
                f"{result.throttled:,}",
                f"{result.messages_s:,.0f}",
            )
    OUT.print(table)


if __name__ == "__main__":
    main()
