"""The example days of 7 January 2026: arXiv's listing in audio, and one in text that is made up.

They are read back from digests. These have titles, authors, comments, abstracts, categories and
versions, and not the announce types; they follow from the sections and from the primary categories.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.digest import markdown
from pipeline.evaluate.cases import paper_of
from pipeline.records import Announcement, AnnounceType, Listing, Section
from pipeline.shipped import shipped

DATE = dt.date(2026, 1, 7)
FIELD = "audio"
SOURCE = "127.0.0.1"
MADE_UP = "text"


class ExampleDay(NamedTuple):
    """A field of the demo."""

    name: str
    categories: tuple[str, ...]
    digest: Path
    about: str
    """What it is, for who runs it."""


EXAMPLE_DAYS: Mapping[str, ExampleDay] = {
    FIELD: ExampleDay(
        "音频",
        ("cs.SD", "eess.AS"),
        shipped() / "prompts" / "examples" / "20260107-audio.md",
        "26 papers, as arXiv announced them",
    ),
    MADE_UP: ExampleDay(
        "文本",
        ("cs.CL",),
        Path(__file__).with_name("days") / "20260107-text.md",
        "6 papers that nobody wrote, with ids that arXiv never gave",
    ),
}

_OWN = {Section.NEW: AnnounceType.NEW, Section.REPLACED: AnnounceType.REPLACE}
_CROSSED = {Section.NEW: AnnounceType.CROSS, Section.REPLACED: AnnounceType.REPLACE_CROSS}


def example_listing(digest_file: Path, field: str = FIELD) -> Listing:
    """The digest's papers in the order of arXiv's feed: by announce type, then ids ascending.

    Raises DigestFormatError for a file that does not keep the format.
    """
    digest = markdown.load(digest_file)
    announcements = [_announcement(entry, digest.categories) for entry in digest.entries]
    order = list(AnnounceType)
    announcements.sort(key=lambda item: (order.index(item.announce), item.paper.arxiv_id))
    return Listing(date=DATE, field=field, source=SOURCE, announcements=tuple(announcements))


def _announcement(entry: markdown.Entry, categories: tuple[str, ...]) -> Announcement:
    """A paper is cross-listed where its primary category is not one of the field's."""
    types = _OWN if entry.tags[0] in categories else _CROSSED
    return Announcement(announce=types[entry.section], paper=paper_of(entry))
