"""The announce type of a paper in one field, where the feed does not tell it.

Pages do not tell replace from replace-cross, and the feed has types for which it has no name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.arxiv.calendar import first_listing
from pipeline.arxiv.listpage import PageEntry
from pipeline.categories import canonical
from pipeline.records import Announcement, AnnounceType, Listing, Paper
from pipeline.settings import FieldSettings

_ELSEWHERE = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}


def announced_as(entry: PageEntry, paper: Paper, field: FieldSettings) -> Announcement:
    """A page's entry in the feed's words."""
    return _in_field(entry.announce, paper, field)


def typed(listing: Listing, entries: Sequence[PageEntry], field: FieldSettings) -> Listing:
    """The listing with the best word for what came with an announce type that is not known here.

    That is the word of the date's page, if it has the paper; else what its version says.
    """
    on_page = {entry.arxiv_id: entry.announce for entry in entries}

    def named(item: Announcement) -> Announcement:
        if item.paper.arxiv_id not in listing.untyped:
            return item
        announce = on_page.get(item.paper.arxiv_id) or _by_version(item.paper, listing.date)
        return _in_field(announce, item.paper, field)

    return listing.model_copy(update={"announcements": tuple(map(named, listing.announcements))})


def _by_version(paper: Paper, date: dt.date) -> AnnounceType:
    """A version that came in before is an older paper, crossed."""
    if paper.submitted is not None and first_listing(paper.submitted) < date:
        return AnnounceType.CROSS
    return AnnounceType.NEW if paper.version == 1 else AnnounceType.REPLACE


def _in_field(announce: AnnounceType, paper: Paper, field: FieldSettings) -> Announcement:
    """What is new or replaced with another primary category is crossed here."""
    own = {canonical(category) for category in field.categories}
    if not paper.categories or canonical(paper.categories[0]) not in own:
        announce = _ELSEWHERE.get(announce, announce)
    return Announcement(announce=announce, paper=paper)
