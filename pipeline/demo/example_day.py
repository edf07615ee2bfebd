"""The example day: arXiv's listing of 7 January 2026 in audio, read back from its digest.

The digest has titles, authors, comments, abstracts, categories and versions. It does not have the
announce types; they follow from its sections and from the primary categories.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipeline.digest import markdown
from pipeline.evaluate.cases import paper_of
from pipeline.records import Announcement, AnnounceType, Listing, Section

DATE = dt.date(2026, 1, 7)
FIELD = "audio"
SOURCE = "127.0.0.1"

_OWN = {Section.NEW: AnnounceType.NEW, Section.REPLACED: AnnounceType.REPLACE}
_CROSSED = {Section.NEW: AnnounceType.CROSS, Section.REPLACED: AnnounceType.REPLACE_CROSS}


def example_listing(digest_file: Path) -> Listing:
    """The digest's papers in the order of arXiv's feed: by announce type, then ids ascending.

    Raises DigestFormatError for a file that does not keep the format.
    """
    digest = markdown.load(digest_file)
    announcements = [_announcement(entry, digest.categories) for entry in digest.entries]
    order = list(AnnounceType)
    announcements.sort(key=lambda item: (order.index(item.announce), item.paper.arxiv_id))
    return Listing(date=DATE, field=FIELD, source=SOURCE, announcements=tuple(announcements))


def _announcement(entry: markdown.Entry, categories: tuple[str, ...]) -> Announcement:
    """A paper is cross-listed where its primary category is not one of the field's."""
    types = _OWN if entry.tags[0] in categories else _CROSSED
    return Announcement(announce=types[entry.section], paper=paper_of(entry))
