"""Which announcements arXiv leaves out, and where. From arXiv's public code, not from its pages.

The feed lists no replacement above a version (arxiv-feed, feed/database.py); the newest listing's
page lists nothing above it, crosses included (arxiv-browse, browse/services/database/listings.py);
a catch-up page lists withdrawals of any version (the same, catchup.py).
"""

from __future__ import annotations

from pipeline.records import Announcement, AnnounceType

LAST_REPLACEMENT = 5
"""The last version of which arXiv announces a replacement."""


def is_announced(announce: AnnounceType, version: int) -> bool:
    """Whether arXiv announces this at all: its feed does not."""
    fresh = announce in (AnnounceType.NEW, AnnounceType.CROSS)
    return fresh or version <= LAST_REPLACEMENT


def is_on_list_page(item: Announcement) -> bool:
    """Whether the newest listing's page has it too."""
    return item.paper.version <= LAST_REPLACEMENT
