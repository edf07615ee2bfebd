"""Read first: one night.

    listing ─► download ─► extract ─► prompt ─► summarize ─► validate ─► publish

After `listing` everything the night owes is in the store. Each paper then travels on its own and
is committed when it is done; what cannot be done is owed, with a stage and a reason. Running
again does only what is owed. What there is to do is found in listing/find.py, how the papers
travel is overlap.py, one paper's way is paper.py, and one paper done again reprocess.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from pipeline.arxiv.calendar import CATCH_UP_REACH
from pipeline.edges import Edges
from pipeline.errors import ArxivError, UsageError
from pipeline.listing import find
from pipeline.listing.find import NothingAnnounced
from pipeline.night.digests import publish_day
from pipeline.night.overlap import travel
from pipeline.night.result import Night, Trouble
from pipeline.records import Announcement, Day, Listing
from pipeline.stages.download import prune
from pipeline.stages.publish import Published

FIELDS_OWN = (ArxivError, UsageError)
"""Its feed, and a date that arXiv cannot tell about; all else ends the run for every field."""


def run_fields(
    edges: Edges,
    fields: Sequence[str],
    *,
    date: dt.date | None = None,
    since: dt.date | None = None,
    limit: int | None = None,
) -> Iterator[Night | Trouble]:
    """Each field's night in turn, whatever becomes of the others'. Raises OutputError."""
    for field in fields:
        settings = edges.config.fields[field]
        with edges.model.budget.part(settings.name, settings.budget):
            try:
                own = edges.of_field(field)
                yield run_night(own, field, date=date, since=since, limit=limit)
            except FIELDS_OWN as error:
                edges.events.emit("field_failed", field, reason=str(error))
                yield Trouble(settings.name, error)


def run_night(
    edges: Edges,
    field: str,
    *,
    date: dt.date | None = None,
    since: dt.date | None = None,
    limit: int | None = None,
) -> Night:
    """Tonight's digest of a field, then the nights that were missed, then what was left open.

    `date` names one day instead, `since` how far back missed nights go; `limit` is the most
    papers to do. Raises ArxivError, OutputError, UsageError; a paper's own trouble is in its
    outcome.
    """
    if edges.desk:
        edges.desk.fetch()  # what an earlier run sent
    left = _Limit(limit)
    listing = find.announced(edges, field, date)
    if since is not None:
        find.within_reach(since, listing.date, "--since")
    missing = find.out_of_reach(edges, field, listing.date) if since is None else None
    day, published = _tonight(edges, listing, left)
    name = edges.config.fields[field].name
    if date is not None:
        _tell_changes(edges, field, date)
        return Night(name=name, day=day, published=published, tried=left.taken)
    caught, problems = _catch_up(edges, field, listing.date, since, left)
    done_now = {day.date for day in caught}
    earlier = _complete_earlier(edges, field, listing.date, done_now, left)
    if others := (*caught, *earlier):
        _tell_changes(edges, field, min(other.date for other in others))
    if isinstance(day, Day):
        day = edges.store.days.get(day.date, field) or day
    return Night(
        name=name,
        day=day,
        published=published,
        earlier=others,
        problems=(*problems, missing) if missing else problems,
        tried=left.taken,
    )


def _tonight(
    edges: Edges, listing: Listing | NothingAnnounced, left: _Limit
) -> tuple[Day | NothingAnnounced, Published | None]:
    if isinstance(listing, NothingAnnounced):
        edges.events.emit("nothing_announced", listing.date, reason=listing.reason)
        return listing, None
    return _finish(edges, _stored(edges, listing), left)


def _stored(edges: Edges, listing: Listing) -> Day:
    """The listing in the store: from here on nothing announced can be lost."""
    settings = edges.config.fields[listing.field]
    edges.store.days.add(listing, settings.name, settings.categories)
    edges.events.emit(
        "listing", listing.date, field=listing.field, announced=len(listing.announcements)
    )
    day = edges.store.days.get(listing.date, listing.field)
    if day is None or not _accounts_for(day, listing):
        raise AssertionError(f"the store lost part of the listing of {listing.date}")
    return day


def _accounts_for(day: Day, listing: Listing) -> bool:
    """announced = done + owed, by id."""
    kept = {outcome.announcement.paper.arxiv_id for outcome in day.outcomes}
    return kept >= {item.paper.arxiv_id for item in listing.announcements}


def _finish(edges: Edges, day: Day, left: _Limit) -> tuple[Day, Published]:
    """Do what the day owes, then publish it: also when the run has to stop on the way."""
    papers = [owed.announcement for owed in day.owed]
    todo = left.take([i for i in papers if i.paper.version and i.paper.metadata != "lost"])
    edges.events.emit("day_started", day.date, papers=len(todo))
    try:
        travel(edges, day, todo)
    finally:
        finished = edges.store.days.get(day.date, day.field) or day
        published = publish_day(edges.store, edges.config, finished)
        prune(edges.pdf_cache, edges.config.arxiv.max_pdf_cache_mb)
        edges.events.emit(
            "published",
            day.date,
            done=len(finished.done),
            owed=len(finished.owed),
            changed=published.changed,
        )
    return finished, published


def _catch_up(
    edges: Edges, field: str, today: dt.date, since: dt.date | None, left: _Limit
) -> tuple[list[Day], tuple[str, ...]]:
    """The nights that were missed, and those of them that cannot be had now."""
    days: list[Day] = []
    problems: list[str] = []
    for date in find.missed(edges, field, today, since):
        listing = find.past(edges, field, date)
        day, _ = _tonight(edges, listing, left)
        if isinstance(day, Day):
            days.append(day)
        elif not day.verified:
            problems.append(f"{date}: {day.reason}")
    return days, tuple(problems)


def _complete_earlier(
    edges: Edges, field: str, before: dt.date, done_now: set[dt.date], left: _Limit
) -> tuple[Day, ...]:
    """Try again what the last nights still owe or could not check."""
    oldest = before - dt.timedelta(days=edges.config.retry_days)
    # A night caught up late may be older than that: it is checked as long as arXiv has its page.
    unchecked = {d for d in edges.store.days.unchecked(field) if d >= before - CATCH_UP_REACH}
    stored = [date for date, _ in edges.store.days.known(field) if date < before]
    dates = [date for date in stored if date >= oldest or date in unchecked]
    completed: list[Day] = []
    for date in dates:
        day = edges.store.days.get(date, field)
        if day is None or date in done_now or edges.model.halted is not None:
            continue
        listing = None if day.reconstructed else find.again(edges, day)
        if listing:
            day = _stored(edges, listing)
        if listing or day.owed:
            completed.append(_finish(edges, day, left)[0])
    return tuple(completed)


def _tell_changes(edges: Edges, field: str, since: dt.date) -> None:
    """Publish later days again where they now know what a replacement changed since then."""
    for date, _ in edges.store.days.known(field):
        day = edges.store.days.get(date, field) if date > since else None
        if day and publish_day(edges.store, edges.config, day).changed:
            edges.events.emit("published_again", date)


class _Limit:
    """The papers that a run may still do; None: all."""

    def __init__(self, papers: int | None) -> None:
        self._left = papers
        self.taken: frozenset[str] = frozenset()
        """By versioned id, those that it was to do."""

    def take(self, todo: Sequence[Announcement]) -> Sequence[Announcement]:
        """The first of `todo`, as many as are left."""
        taken = todo[: self._left]
        if self._left is not None:
            self._left -= len(taken)
        self.taken |= {item.paper.versioned for item in taken}
        return taken
