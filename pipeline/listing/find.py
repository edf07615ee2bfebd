"""Which papers a night has: tonight's listing, a missed night's, an earlier one checked again.

Nothing here is stored but the past dates on which arXiv announced nothing.
"""

from __future__ import annotations

import datetime as dt

from pipeline.arxiv.calendar import (
    CATCH_UP_REACH,
    can_have_listing,
    listing_dates,
)
from pipeline.edges import Edges
from pipeline.errors import UsageError
from pipeline.listing.reconcile import (
    Pages,
    catchup_pages,
    source_of,
    todays_feed,
    todays_pages,
)
from pipeline.listing.settle import settled, with_full_metadata
from pipeline.listing.stale import is_mostly, stale_ids
from pipeline.records import Announcement, Day, Listing, Record


class NothingAnnounced(Record):
    """A normal night: weekend, holiday, or the batch that was there before."""

    date: dt.date
    reason: str
    verified: bool = True
    """False where arXiv's pages could not be asked: the next run looks again."""


def announced(edges: Edges, field: str, date: dt.date | None = None) -> Listing | NothingAnnounced:
    """Tonight's listing, or that of `date`, with full metadata; or why there is none.

    Raises ArxivError; UsageError for a date that arXiv cannot tell about.
    """
    if date is None:
        return _todays(edges, field, _feed(edges, field))
    if day := edges.store.days.get(date, field):
        return _complete(edges, day)
    feed = _feed(edges, field)
    if feed.date == date:
        return _todays(edges, field, feed)
    if date > feed.date:
        raise UsageError(
            f"{date} is not announced yet: arXiv's feed has {feed.date}",
            where="--date",
            fix="Take a date up to that one",
        )
    within_reach(date, feed.date, "--date")
    return past(edges, field, date)


def past(edges: Edges, field: str, date: dt.date) -> Listing | NothingAnnounced:
    """The listing of a date before today's, from arXiv's catch-up pages."""
    if not can_have_listing(date):
        return NothingAnnounced(date=date, reason="a weekend")
    settings = edges.config.fields[field]
    pages = catchup_pages(settings, date, edges.arxiv)
    if not pages.entries:
        if not pages.problems:
            edges.store.days.add_quiet(date, field)
        return _nothing(date, pages, "arXiv announced nothing in this field")
    empty = Listing(date=date, field=field, source=source_of(pages), announcements=())
    return settled(edges, empty, pages)


def missed(
    edges: Edges, field: str, today: dt.date, since: dt.date | None = None
) -> tuple[dt.date, ...]:
    """The nights before `today` that are not in the store, oldest first.

    From `since`, else from the first night ever, but no further back than `catch_up_days`.
    """
    stored = set(edges.store.days.nights(field))
    if since is None:
        if not stored or not edges.config.catch_up_days:
            return ()
        reach = dt.timedelta(days=edges.config.catch_up_days)
        since = max(min(stored), today - reach)
    done = stored | edges.store.days.quiet(field)
    return tuple(date for date in listing_dates(since, today) if date not in done)


def out_of_reach(edges: Edges, field: str, today: dt.date) -> str | None:
    """What to say when an outage was longer than the nightly run catches up."""
    before = [date for date in edges.store.days.nights(field) if date < today]
    oldest = today - dt.timedelta(days=edges.config.catch_up_days)
    if not before or not edges.config.catch_up_days:
        return None
    lost = listing_dates(max(before) + dt.timedelta(days=1), oldest)
    lost = [date for date in lost if date not in edges.store.days.quiet(field)]
    if not lost:
        return None
    return f"nights from {lost[0]} on are missing: jianjie run --since {lost[0]}"


def within_reach(date: dt.date, today: dt.date, where: str) -> None:
    """Raise UsageError for a date that arXiv's catch-up pages no longer have."""
    oldest = today - CATCH_UP_REACH
    if date < oldest:
        raise UsageError(
            f"{date} is too long ago: arXiv's catch-up pages begin with {oldest}",
            where=where,
            fix="Take a later date; single papers can be had with: jianjie reprocess ID",
        )


def again(edges: Edges, day: Day) -> Listing | None:
    """A stored day with what was open about its listing, or None where nothing was."""
    if _is_checked(day) and not lacking_metadata(day):
        return None
    return _complete(edges, day)


def lacking_metadata(day: Day) -> list[str]:
    """The versioned ids of papers whose fields are not from the API."""
    papers = [item.paper for item in _announced(day)]
    return [p.versioned for p in papers if p.version and p.metadata != "api"]


def _feed(edges: Edges, field: str) -> Listing:
    return todays_feed(field, edges.config.fields[field], edges.arxiv)


def _todays(edges: Edges, field: str, feed: Listing) -> Listing | NothingAnnounced:
    day = edges.store.days.get(feed.date, field)
    if day is None and feed.announcements:
        edges.model.warm_up()  # while arXiv's other pages are asked for
    if day is not None:
        feed = _with_stored(feed, day)
        if _is_checked(day) and len(feed.announcements) == len(day.outcomes):
            return with_full_metadata(edges, feed.model_copy(update={"check": day.check}))
    elif not can_have_listing(feed.date):
        return NothingAnnounced(date=feed.date, reason="a weekend")
    pages = todays_pages(feed, edges.config.fields[field], edges.arxiv)
    if day is None and (nothing := _nothing_new(edges, feed, pages)):
        return nothing
    stale = stale_ids(edges, feed, pages)
    if day is None and (is_mostly(feed, stale) or _same_batch(edges, feed)):
        edges.warn(f"arXiv's feed of {feed.date} has an earlier listing's papers: not used")
        stale = frozenset(item.paper.arxiv_id for item in feed.announcements)
    return settled(edges, feed, pages, stale)


def _nothing_new(edges: Edges, feed: Listing, pages: Pages) -> NothingAnnounced | None:
    """Why a feed that may look like one announces nothing: its own date proves nothing."""
    if pages.date == feed.date and pages.entries:
        return None
    if not feed.announcements:
        shown = f"; its list page shows {pages.date}" if pages.date not in {None, feed.date} else ""
        return _nothing(feed.date, pages, f"arXiv's feed is empty (holiday){shown}")
    if pages.problems:
        # Better a listing that says it is not checked than none.
        same = _same_batch(edges, feed)
        reason = f"arXiv still shows the batch of {same}"
        return _nothing(feed.date, pages, reason) if same else None
    told = f"only repeats that of {pages.date}" if pages.date != feed.date else "is not announced"
    return _nothing(feed.date, pages, f"the feed's listing {told}, says arXiv's list page")


def _nothing(date: dt.date, pages: Pages, reason: str) -> NothingAnnounced:
    if pages.problems:
        reason = f"{reason}, but that could not be checked: {pages.told[0]}"
    return NothingAnnounced(date=date, reason=reason, verified=not pages.problems)


def _same_batch(edges: Edges, feed: Listing) -> dt.date | None:
    """The date of the last night before, if the feed has the very same papers."""
    ids = {item.paper.versioned for item in feed.announcements}
    for date in edges.store.days.nights(feed.field):
        before = edges.store.days.get(date, feed.field) if date < feed.date else None
        if before is not None:
            same = ids and ids <= {item.paper.versioned for item in _announced(before)}
            return date if same else None
    return None


def _complete(edges: Edges, day: Day) -> Listing:
    """A stored day's listing: held against the catch-up pages if it was not, metadata filled in."""
    listing = Listing(
        date=day.date,
        field=day.field,
        source=day.source,
        announcements=tuple(_announced(day)),
        untyped=day.check.untyped if day.check else (),
        check=day.check,
    )
    if _is_checked(day):
        return with_full_metadata(edges, listing)
    pages = catchup_pages(edges.config.fields[day.field], day.date, edges.arxiv)
    return settled(edges, listing, pages, stale_ids(edges, listing, pages))


def _with_stored(feed: Listing, day: Day) -> Listing:
    """The feed and what an earlier run of the same day had, each paper once."""
    ours = {item.paper.arxiv_id for item in feed.announcements}
    stored = {item.paper.arxiv_id: item for item in _announced(day)}
    mine = (
        stored.get(item.paper.arxiv_id, item) if item.paper.arxiv_id in feed.untyped else item
        for item in feed.announcements
    )
    more = (item for base, item in stored.items() if base not in ours)
    return feed.model_copy(update={"announcements": (*mine, *more)})


def _announced(day: Day) -> list[Announcement]:
    return [outcome.announcement for outcome in day.outcomes]


def _is_checked(day: Day) -> bool:
    return day.check is not None and day.check.complete
