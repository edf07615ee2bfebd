"""ArXiv's daily feed (RSS or Atom): bytes in, records out. Nothing here fetches.

The feed names ids, announce types and, in the guid alone, versions; it has no comments, and its
authors are one string of raw TeX.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser

from pipeline.arxiv import bounds
from pipeline.arxiv.calendar import EASTERN
from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.names import split_authors
from pipeline.errors import ArxivMalformed, ArxivRefused, JianjieError, one_line
from pipeline.records import Announcement, AnnounceType, Paper, Record

_ABSTRACT = re.compile(r"\bAbstract:\s*(.*)", re.DOTALL)


class Feed(Record):
    """One day's feed. `date` is the listing's date in New York.

    The server stamps the date by its own clock: it does not prove that the feed is fresh.
    """

    date: dt.date
    announcements: tuple[Announcement, ...]
    untyped: tuple[str, ...] = ()
    """Base ids with an announce type that we do not know; the one they have here is a guess."""


def parse_feed(content: bytes, *, where: str) -> Feed:
    """The feed in `content`; `where` is its address, for messages.

    Raises ArxivMalformed when it is not a feed, ArxivRefused when it is arXiv's error feed.
    """
    parsed = parse_xml(content, where=where)
    title = one_line(parsed.feed.get("title", ""))
    if title.startswith("Feed error"):
        detail = one_line(parsed.feed.get("description", "") or parsed.feed.get("subtitle", ""))
        raise ArxivRefused(
            "arXiv cannot serve this feed",
            where=where,
            fix="Check the field's categories in config.yaml",
            said=detail or title,
        )
    items = [_item(entry, where=where) for entry in parsed.entries]
    typed = _once_each([item for item, has_type in items if has_type])
    ids = {item.paper.arxiv_id for item in typed}
    others = [item for item, has_type in items if not has_type and item.paper.arxiv_id not in ids]
    return Feed(
        date=_date(parsed, where=where),
        announcements=(*typed, *_once_each(others)),
        untyped=tuple(dict.fromkeys(item.paper.arxiv_id for item in others)),
    )


def parse_xml(content: bytes, *, where: str) -> Any:
    """feedparser's reading of `content`, strict: anything but one whole feed is an error."""
    # Sanitising is for browsers; it would eat "$<$1 kbps" out of a title. A stream, because bytes
    # that name a file on this machine would be opened.
    bounds.within(content, bounds.FEED_BYTES, where)
    parsed = feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False)
    if parsed.bozo or not parsed.get("version"):
        raise ArxivMalformed(
            "the answer is not a feed",
            where=where,
            said=parsed.get("bozo_exception", "") or "no RSS or Atom in it",
            fix="Try again in a few minutes; nothing was changed",
        )
    return parsed


def _date(parsed: Any, *, where: str) -> dt.date:
    rss = parsed.feed.get("published")
    try:
        # "updated" is for Atom alone: beside a "published", feedparser warns about asking for it.
        stamp = (
            parsedate_to_datetime(rss) if rss else dt.datetime.fromisoformat(parsed.feed["updated"])
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ArxivMalformed(
            "the feed does not say its date", where=where, fix="Try again later"
        ) from error
    return stamp.astimezone(EASTERN).date()


def _item(entry: Any, *, where: str) -> tuple[Announcement, bool]:
    """The item, and whether its announce type is one that we know.

    ArXiv's schema has more actions than its feed has names for: those come as `no_match`
    (arxiv-feed, feed/database.py).
    """
    guid = one_line(entry.get("id", ""))
    try:
        base, version = parse_id(guid)
    except JianjieError as error:
        # An item that cannot be named cannot be owed either: better no night than a lost paper.
        raise ArxivMalformed(
            "an item cannot be read", where=where, said=f"{guid}: {error}", fix="Try again later"
        ) from error
    if version is None:
        raise ArxivMalformed(
            "an item without a version", where=where, said=guid, fix="Try again later"
        )
    summary = entry.get("summary", "")
    abstract = _ABSTRACT.search(summary)
    paper = Paper(
        arxiv_id=base,
        version=version,
        title=bounds.field(entry.get("title", ""), bounds.TITLE),
        abstract=bounds.field(abstract[1] if abstract else summary, bounds.ABSTRACT),
        authors=bounds.authors(split_authors(entry.get("author", "")[: bounds.AUTHORS])),
        categories=tuple(tag.term for tag in entry.get("tags", [])),
        metadata="feed",
    )
    word = one_line(entry.get("arxiv_announce_type", ""))
    typed = word in list(AnnounceType)
    guess = AnnounceType.NEW if version == 1 else AnnounceType.REPLACE
    return Announcement(announce=AnnounceType(word) if typed else guess, paper=paper), typed


def _once_each(announcements: list[Announcement]) -> tuple[Announcement, ...]:
    """One entry a paper: new > cross > replace > replace-cross, in arXiv's order."""
    kept: dict[str, Announcement] = {}
    for item in announcements:
        other = kept.get(item.paper.arxiv_id)
        if other is None or item.announce.rank < other.announce.rank:
            kept[item.paper.arxiv_id] = item
    chosen = {id(item) for item in kept.values()}
    return tuple(item for item in announcements if id(item) in chosen)
