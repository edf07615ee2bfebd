"""Papers that a feed announces though they are of an earlier listing.

A stale feed has an old batch under today's date. Where arXiv's list pages are whole and do not
have a paper that they would show, or have it as something else, it is looked for in the listings
before. Such a paper is dropped alone: the others of its feed stand for themselves, unless most of
them are stale too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from pipeline.arxiv.calendar import can_have_listing
from pipeline.arxiv.listpage import PageEntry
from pipeline.arxiv.shown import is_on_list_page
from pipeline.edges import Edges
from pipeline.listing.reconcile import Pages, catchup_pages
from pipeline.records import Announcement, AnnounceType, Listing

_FRESH = (AnnounceType.NEW, AnnounceType.CROSS)
_LOOK_BACK = dt.timedelta(days=7)
"""No two listings are further apart: arXiv's longest holidays are a few days."""


def stale_ids(edges: Edges, listing: Listing, pages: Pages) -> frozenset[str]:
    """The base ids of the listing's papers that were announced before and not on its date.

    Empty where the pages cannot speak for that date.
    """
    if pages.problems or pages.date != listing.date:
        return frozenset()
    earlier = _stored_before(edges, listing)
    on_page = {entry.arxiv_id: entry for entry in pages.entries}
    suspects = [
        item
        for item in listing.announcements
        if _contradicted(item, on_page) or _repeated(item, earlier)
    ]
    listed_before = {item.paper.versioned for item in earlier}
    stale = {item.paper.arxiv_id for item in suspects if item.paper.versioned in listed_before}
    if open_ := [item for item in suspects if item.paper.arxiv_id not in stale]:
        before = _announced_before(edges, listing)
        stale |= {i.paper.arxiv_id for i in open_ if (i.paper.arxiv_id, _is_fresh(i)) in before}
    return frozenset(stale)


def is_mostly(listing: Listing, stale: Collection[str]) -> bool:
    """Whether so much of a feed is stale that none of it is to be believed."""
    return 2 * len(stale) > len(listing.announcements)


def without(listing: Listing, ids: Collection[str]) -> Listing:
    """The listing without these papers."""
    kept = tuple(item for item in listing.announcements if item.paper.arxiv_id not in ids)
    return listing.model_copy(update={"announcements": kept})


def _contradicted(item: Announcement, on_page: Mapping[str, PageEntry]) -> bool:
    """Not on the pages though they would show it, or there a replacement and here a new paper."""
    entry = on_page.get(item.paper.arxiv_id)
    if entry is None:
        return is_on_list_page(item)
    return entry.announce is AnnounceType.REPLACE and _is_fresh(item)


def _repeated(item: Announcement, earlier: list[Announcement]) -> bool:
    """A version replaces another only once."""
    return item.announce not in _FRESH and any(
        old.announce not in _FRESH and old.paper.versioned == item.paper.versioned
        for old in earlier
    )


def _stored_before(edges: Edges, listing: Listing) -> list[Announcement]:
    """What the last days' listings in the store announced."""
    items: list[Announcement] = []
    for date in edges.store.days.nights(listing.field):
        if listing.date - _LOOK_BACK <= date < listing.date:
            day = edges.store.days.get(date, listing.field)
            items += [outcome.announcement for outcome in day.outcomes] if day else []
    return items


def _is_fresh(item: Announcement | PageEntry) -> bool:
    return item.announce in _FRESH


def _announced_before(edges: Edges, listing: Listing) -> frozenset[tuple[str, bool]]:
    """The last listing before, from arXiv's catch-up pages: ids, and whether new or replaced.

    Pages name no versions: a paper that was new then and is replaced now is not the same news.
    """
    settings = edges.config.fields[listing.field]
    date = listing.date
    while listing.date - date < _LOOK_BACK:
        date -= dt.timedelta(days=1)
        if not can_have_listing(date):
            continue
        pages = catchup_pages(settings, date, edges.arxiv)
        if pages.entries or pages.problems:
            return frozenset((entry.arxiv_id, _is_fresh(entry)) for entry in pages.entries)
    return frozenset()
