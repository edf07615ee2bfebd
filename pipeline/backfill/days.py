"""Days of a job: whole when all their shards are over; published beside it, put into a store."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from pipeline.backfill.order import JobFolder, Order, Plan
from pipeline.backfill.parts import Row, read_part
from pipeline.digest.entries import TagChoice
from pipeline.night.adopted import adopt
from pipeline.records import BACKFILLED, Day, Done, Listing, Record
from pipeline.stages.publish import digest_paths, publish
from pipeline.store.store import Store

_PARTS_READ = 4
"""Days come in order: each needs the parts of the one before, or the next."""


class Days:
    """For one thread. Raises OutputError where a part is damaged or a digest cannot be written."""

    def __init__(self, plan: Plan, folder: JobFolder, tags: TagChoice) -> None:
        self._plan = plan
        self._folder = folder
        self._tags = tags
        self._shards: dict[dt.date, list[str]] = {day: [] for day in plan.days}
        self._dates: dict[str, list[dt.date]] = {}
        days = sorted(plan.days)
        for shard in plan.shards:
            own = days[bisect_left(days, shard.first) : bisect_right(days, shard.last)]
            self._dates[shard.name] = own
            for day in own:
                self._shards[day].append(shard.name)
        self._rows = lru_cache(_PARTS_READ)(self._read)

    def whole(self, finished: Collection[str]) -> list[dt.date]:
        """Those of which every shard is among the finished ones, oldest first."""
        return [day for day, shards in self._shards.items() if all(s in finished for s in shards)]

    def of(self, shard: str) -> list[dt.date]:
        """The days that a shard may have papers of."""
        return self._dates[shard]

    def is_whole(self, day: dt.date, finished: Collection[str]) -> bool:
        """Whether every shard of it is among the finished ones."""
        return all(shard in finished for shard in self._shards[day])

    def day(self, date: dt.date) -> Day:
        """With what became of every paper, in arXiv's order."""
        rows = [r for name in self._shards[date] for r in self._rows(name) if r.date == date]
        rows.sort(key=lambda row: row.planned.order)
        order = self._plan.order
        return Day(
            date=date,
            field=order.field,
            name=order.name,
            categories=order.categories,
            source=label(order),
            outcomes=tuple(row.outcome for row in rows),
        )

    def publish(self, date: dt.date) -> bool:
        """Write the day's digest; whether it differs from what was there."""
        return publish(self.day(date), self._folder.digests, self._tags).changed

    def unpublished(self, finished: Collection[str]) -> list[dt.date]:
        """Whole days whose digest is not there, or older than a part that it is made from."""
        return [day for day in self.whole(finished) if self._is_stale(day)]

    def forget(self) -> None:
        """A part is another one now."""
        self._rows.cache_clear()

    def _is_stale(self, date: dt.date) -> bool:
        order = self._plan.order
        empty = Day(
            date=date, field=order.field, name=order.name, categories=(), source="", outcomes=()
        )
        made = _modified(digest_paths(empty, self._folder.digests)[1])
        return any(made < _modified(self._folder.part(name)) for name in self._shards[date])

    def _read(self, shard: str) -> list[Row]:
        return read_part(self._folder.part(shard))


def label(order: Order) -> str:
    """The days' source: snapshot:arxiv.json, without the folder, which is nobody's business."""
    kind, _, place = order.source.partition(":")
    return f"{kind}:{place if kind == 'oai' else Path(place).name}"


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1


class Imported(Record):
    """A day that went into a store."""

    date: dt.date
    lines: int
    """That the store had not."""
    own: bool
    """Whether the store has the day from arXiv's own listing, which stays as it is."""


def put_into(store: Store, days: Iterator[Day]) -> Iterator[Imported]:
    """Put whole days into a night's store. Raises OutputError.

    What a night has made itself stays: its lines, and the days that it has from arXiv's listings,
    whose papers get lines only where they are owed. No message tells of what comes so.
    """
    for day in days:
        with store.file.together():
            known = store.days.get(day.date, day.field)
            own = known is not None and not known.source.startswith(BACKFILLED)
            if not own:
                listing = Listing(
                    date=day.date,
                    field=day.field,
                    source=day.source,
                    announcements=tuple(o.announcement for o in day.outcomes),
                )
                store.days.add(listing, day.name, day.categories)
            listed = (
                {o.announcement.paper.versioned for o in known.outcomes} if own and known else None
            )
            lines = sum(_put(store, done) for done in day.done if _is_in(done, listed))
            if not own:
                for owed in day.owed:
                    store.days.set_owed(day.date, day.field, owed)
                store.messages.set_told(day)
        yield Imported(date=day.date, lines=lines, own=own)


def _is_in(done: Done, listed: set[str] | None) -> bool:
    return listed is None or done.announcement.paper.versioned in listed


def _put(store: Store, done: Done) -> bool:
    """Whether the line was new: a line of the store's own stays."""
    summary = done.summary
    if store.summaries.published(summary.arxiv_id, summary.version) is not None:
        return False
    return adopt(store, summary)
