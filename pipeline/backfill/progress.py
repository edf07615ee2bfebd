"""How far a job is: counted as shards come to their end, told, and days published when whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pipeline.backfill.days import Days
from pipeline.backfill.edges import Edges
from pipeline.backfill.order import JobFolder, Plan
from pipeline.backfill.parts import Account, lines_of, read_account, verified
from pipeline.errors import OutputError
from pipeline.records import Record

_TOLD_S = 60.0
"""Between two lines in the log."""


class Progress(Record):
    """How far a job is."""

    papers: int
    done: int
    owed: int
    """Of those that were tried: nothing is known of the others yet."""
    shards: int
    finished: int
    days: int
    whole: int
    """Days that are published."""
    calls: int = 0
    """To the model, in this run."""
    seconds: float = 0.0
    """Of this run."""
    papers_now: int = 0
    """Tried in this run."""

    @property
    def left(self) -> int:
        """Papers that were not tried yet."""
        return self.papers - self.done - self.owed

    @property
    def rate(self) -> float | None:
        """Papers a second in this run; None where there are none yet."""
        return self.papers_now / self.seconds if self.papers_now and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """At this rate."""
        return None if self.rate is None else self.left / self.rate


Watch = Callable[[Progress], None]


def finished_shards(
    plan: Plan,
    folder: JobFolder,
    warn: Callable[[str], None],
    read: Callable[[Path], Account] = read_account,
) -> dict[str, Account]:
    """The sums of every part that is there; of one that is damaged `warn` is told."""
    accounts: dict[str, Account] = {}
    for shard in plan.shards:
        path = folder.part(shard.name)
        try:
            if path.exists():
                accounts[shard.name] = read(path)
        except OutputError as error:
            warn(str(error))
    return accounts


def _put_aside(folder: JobFolder, plan: Plan, accounts: Mapping[str, Account]) -> None:
    """Parts that are there and cannot be read: their shards are done again."""
    for shard in plan.shards:
        path = folder.part(shard.name)
        if shard.name not in accounts and path.exists():
            path.replace(path.with_name(f"{path.name}.damaged"))


class Tracker:
    """For one thread, that of the driver. Raises OutputError."""

    def __init__(
        self, edges: Edges, plan: Plan, folder: JobFolder, watch: Watch, *, retry_owed: bool
    ) -> None:
        self._edges = edges
        self._plan = plan
        self._folder = folder
        self._watch = watch
        accounts = finished_shards(plan, folder, self.warn, verified)
        _put_aside(folder, plan, accounts)
        again = {name for name, account in accounts.items() if account.owed and retry_owed}
        self._accounts = accounts
        self._over = accounts.keys() - again
        self._days = Days(plan, folder, edges.config.tags)
        self._whole = set(self._days.whole(self._over))
        self._began = self._told = edges.clock.monotonic()
        self._papers_now = 0
        self.calls = 0
        """To the model so far."""

    @property
    def todo(self) -> list[str]:
        """The shards that are not over, in order."""
        return [shard.name for shard in self._plan.shards if shard.name not in self._over]

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        sums = self._accounts.values()
        return Progress(
            papers=self._plan.papers,
            done=sum(account.done for account in sums),
            owed=sum(sum(account.owed.values()) for account in sums),
            shards=len(self._plan.shards),
            finished=len(self._over),
            days=len(self._plan.days),
            whole=len(self._whole),
            calls=self.calls,
            seconds=self._edges.clock.monotonic() - self._began,
            papers_now=self._papers_now,
        )

    def publish_left(self) -> None:
        """Digests that a run before this one was stopped before."""
        for date in self._days.unpublished(self._over):
            self._days.publish(date)

    def finished(self, shard: str) -> None:
        """A shard has its part: days that are whole now are published."""
        before = self._accounts.get(shard)
        account = read_account(self._folder.part(shard))
        self._accounts[shard] = account
        self._over.add(shard)
        self._papers_now += account.papers - (before.done if before else 0)
        self._days.forget()
        for date in self._days.of(shard):
            if self._days.is_whole(date, self._over):
                self._days.publish(date)
                self._whole.add(date)
        self._watch(self.progress)

    def tell(self, *, now: bool = False) -> None:
        """A line in the log, once a minute or `now`."""
        if not now and self._edges.clock.monotonic() - self._told < _TOLD_S:
            return
        self._told = self._edges.clock.monotonic()
        told = self.progress
        self._watch(told)
        left = told.seconds_left
        self._edges.events.emit(
            "progress",
            self._folder.root.name,
            papers=told.papers,
            done=told.done,
            owed=told.owed,
            left=told.left,
            days=told.whole,
            calls=told.calls,
            a_second=None if told.rate is None else round(told.rate, 2),
            minutes_left=None if left is None else round(left / 60, 1),
        )

    def warn(self, text: str) -> None:
        """Tell the log."""
        self._edges.events.emit("warning", text=text)

    def lines(self, since: dt.date, until: dt.date) -> Iterable[tuple[str, str]]:
        """Base id and line of the finished papers of these days, both in it."""
        for shard in self._plan.shards:
            if shard.first <= until and shard.last >= since and shard.name in self._accounts:
                yield from lines_of(self._folder.part(shard.name), since, until)
